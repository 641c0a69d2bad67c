//! The routes of uploads.

use http::{Response, StatusCode};
use lambda_http::Body;
use serde_json::{Map, json};
use uuid::Uuid;

use crate::{
    api::auth,
    app::App,
    domain::{
        api_key::Scope,
        column_map::{COLUMN_MAP, ColumnMap, DAY_FIRST},
        correction::Corrector,
        encoding::Encoding,
        fields::Fields,
        ids::TemplateId,
        review::Strict,
        spreadsheet::HiddenRows,
        text::MAX_TEXT,
        warning::WarningKind,
    },
    http::{
        problem::Problem,
        serve::{Call, json as answer, ok},
    },
    jobs::upload::{self, UploadError, UploadRequest},
    sheet::columns,
};

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::TemplateNotFound => Self::template_not_found(Some("/template_id")),
            UploadError::Refused(refusal) => refusal.into(),
            UploadError::Job(error) => error.into(),
        }
    }
}

/// `POST /uploads`: announces a file of a known size; the answer has a URL that takes it for 15
/// minutes. Repeating it announces another; nothing begins before a file arrives.
///
/// # Errors
/// `invalid_request`, `insufficient_scope` to correct, `not_found` for the template, `payload_too_large`, `conflict` where live
/// links end with the deployment; those of authentication, of the store and of the bucket.
pub async fn create(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let mut body = Fields::of_body(call.expect_json()?)?;
    let correct = body.boolean("correct").unwrap_or(false);
    let reissue = body.boolean("reissue").unwrap_or(false);
    // As for a correction by itself, besides the scope of the route.
    if (correct || reissue) && !caller.scopes.contains(&Scope::Manage) {
        return Err(Problem::insufficient_scope(Scope::Manage.as_str()));
    }
    let template_id = body.required_text("template_id", MAX_TEXT);
    let template_id = template_id.and_then(|text| match TemplateId::parse(&text) {
        Ok(id) => Some(id),
        Err(_) => {
            body.fault(
                "template_id",
                "invalid_uuid",
                "El campo template_id debe ser un UUID",
                "The field template_id must be a UUID",
            );
            None
        }
    });
    // A map may name facts by their labels, which the template has.
    let template = match template_id.filter(|_| body.has(COLUMN_MAP)) {
        Some(id) => app.catalog.template(&caller.org, id).await?,
        None => None,
    };
    let template = template.as_ref().map(|template| &template.definition);
    let (file_name, size) = file(&mut body);
    let send_email = body.boolean("send_email").unwrap_or(true);
    let dry_run = body.boolean("dry_run").unwrap_or(false);
    let encoding = encoding(&mut body);
    let target = |text: &str| columns::target_in(template, text);
    let column_map = ColumnMap::take(&mut body, target, columns::compared).unwrap_or_default();
    let day_first = body.boolean(DAY_FIRST).unwrap_or(false);
    let strict = strict(&mut body);
    let (sheet, hidden_rows) = spreadsheet(&mut body);
    body.end()?;
    let (Some(template_id), Some(file_name), Some(size)) = (template_id, file_name, size) else {
        return Err(Problem::invalid_request(Vec::new()));
    };
    let corrector = correct.then(|| Corrector {
        key_id: caller.key_id.clone(),
        key_name: caller.key_name.clone(),
        dry_run,
    });
    // Who corrects writes private facts; who only issues does not learn whether a guess is right.
    let blind = corrector.is_none() && !caller.reads();
    let request = UploadRequest {
        org: caller.org,
        mode: caller.mode,
        template_id: Some(template_id),
        file_name,
        size,
        send_email,
        dry_run,
        corrector,
        blind,
        strict,
        reissue,
        encoding,
        column_map,
        day_first,
        sheet,
        hidden_rows,
        lang: call.lang.staff().into(),
    };
    announced(app, call, request).await
}

/// `POST /members/uploads`: announces a file of members, as [`create`] announces one of recipients.
///
/// # Errors
/// `invalid_request`, `payload_too_large`; those of authentication, of the store and of the bucket.
pub async fn create_of_members(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let mut body = Fields::of_body(call.expect_json()?)?;
    let (file_name, size) = file(&mut body);
    let dry_run = body.boolean("dry_run").unwrap_or(false);
    let encoding = encoding(&mut body);
    let column_map =
        ColumnMap::take(&mut body, columns::target, columns::compared).unwrap_or_default();
    let (sheet, hidden_rows) = spreadsheet(&mut body);
    body.end()?;
    let (Some(file_name), Some(size)) = (file_name, size) else {
        return Err(Problem::invalid_request(Vec::new()));
    };
    let request = UploadRequest {
        org: caller.org,
        mode: caller.mode,
        template_id: None,
        file_name,
        size,
        send_email: false,
        dry_run,
        corrector: None,
        blind: false,
        strict: Strict::default(),
        reissue: false,
        encoding,
        column_map,
        day_first: false,
        sheet,
        hidden_rows,
        lang: call.lang.staff().into(),
    };
    announced(app, call, request).await
}

/// Announces a file, and answers with the URL that takes it.
async fn announced(
    app: &App,
    call: &Call,
    request: UploadRequest,
) -> Result<Response<Body>, Problem> {
    let (upload, presigned) = upload::announce(app, request, call.now).await?;
    let headers: Map<_, _> =
        presigned.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
    answer(
        StatusCode::CREATED,
        &json!({
            "upload_id": upload.upload_id,
            "upload": { "method": "PUT", "url": presigned.url, "headers": headers },
            "expires_at": upload.expires_at,
            "status_url": format!("/api/v1/uploads/{}", upload.upload_id),
        }),
    )
}

/// Takes the name and the size of a file.
fn file(body: &mut Fields) -> (Option<String>, Option<u64>) {
    let file_name = body.required_text("file_name", MAX_TEXT);
    if !body.has("size") || body.take_null("size") {
        body.missing("size");
    }
    (file_name, body.whole("size", 1, u64::MAX))
}

/// Takes the encoding of a file's text.
fn encoding(body: &mut Fields) -> Option<Encoding> {
    let name = body.text("encoding", MAX_TEXT)?;
    let encoding = Encoding::parse(&name);
    if encoding.is_none() {
        let names = Encoding::names();
        body.fault(
            "encoding",
            "value_not_allowed",
            format!("El campo encoding debe ser una de estas codificaciones: {names}"),
            format!("The field encoding must be one of these encodings: {names}"),
        );
    }
    encoding
}

/// Takes what is said of a spreadsheet: its sheet, and what becomes of its hidden rows.
fn spreadsheet(body: &mut Fields) -> (Option<String>, Option<HiddenRows>) {
    let sheet = body.text("sheet", MAX_TEXT);
    let said = body.text("hidden_rows", MAX_TEXT);
    let hidden_rows = said.as_deref().and_then(HiddenRows::parse);
    if said.is_some() && hidden_rows.is_none() {
        body.fault(
            "hidden_rows",
            "value_not_allowed",
            "El campo hidden_rows debe ser skip o read",
            "The field hidden_rows must be skip or read",
        );
    }
    (sheet, hidden_rows)
}

/// Takes the kinds of warnings that refuse a row.
fn strict(body: &mut Fields) -> Strict {
    let read = body.take("strict").map(|value| Strict::read(&value));
    if read == Some(None) {
        let kinds = WarningKind::names();
        body.fault(
            "strict",
            "value_not_allowed",
            format!("El campo strict debe ser true, false o una lista de: {kinds}"),
            format!("The field strict must be true, false or a list of: {kinds}"),
        );
    }
    read.flatten().unwrap_or_default()
}

/// `GET /uploads/{upload_id}`: whether the file arrived, and its job.
///
/// # Errors
/// `not_found`, those of authentication and of the store.
pub async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let unknown = || Problem::not_found("La subida no existe", "The upload does not exist");
    let caller = auth::authenticate(app, call).await?;
    let id = Uuid::try_parse(&call.parameter).map_err(|_| unknown())?;
    let upload = app.jobs.upload_for(caller.tenant(), id).await?.ok_or_else(unknown)?;
    caller.require_reading_of(upload.members.is_some())?;
    ok(&upload.answer(call.lang))
}
