//! The catalog: templates, members, keys, settings, and looking at credentials.

use http::{HeaderValue, Response, StatusCode, header};
use lambda_http::Body;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    api::{
        auth::{self, Caller},
        suppressions, verify,
    },
    app::App,
    domain::{
        api_key::{self, NewKey, Scope},
        credential::{Credential, Status},
        email::EmailAddress,
        fields::{FieldError, Fields},
        history::Event,
        identity::{self, IdSecret},
        ids::{CredentialId, Mode, OrgId, TemplateId},
        image::{Image, ImageInput},
        member::{Member, Profile},
        organization::{Organization, Settings},
        template::{Definition, Template},
        text::MAX_TEXT,
        wallet_link,
    },
    http::{
        problem::Problem,
        serve::{Call, List, MAX_PAGE_BYTES, json as answer, ok},
    },
    mail::ledger,
    sheet,
    store::{StoreError, catalog::is_member_cursor},
};

/// Scopes that may read templates: who issues must know what a template asks for.
const MAY_READ_TEMPLATES: &[Scope] = &[Scope::Read, Scope::Issue, Scope::Catalog];
/// Scopes that may read members.
const MAY_READ_MEMBERS: &[Scope] = &[Scope::Read, Scope::Catalog];
/// Rows of one member import.
const MAX_IMPORT: usize = 20_000;
/// Faults that an import names.
const SHOWN_FAULTS: usize = 100;
/// Entries of the index that one page of a filtered list looks at.
const LOOKED_AT: usize = 1_000;

/// Answers a route of the catalog.
///
/// # Errors
/// The documented problems.
pub async fn answer_route(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    match call.route {
        ("GET", "/api/v1/templates") => templates(app, call).await,
        ("POST", "/api/v1/templates") => create_template(app, call).await,
        ("GET", "/api/v1/templates/{template_id}") => template(app, call).await,
        ("PUT", "/api/v1/templates/{template_id}") => put_template(app, call).await,
        ("POST", "/api/v1/templates/{template_id}/archive") => archive(app, call).await,
        ("GET", "/api/v1/templates/{template_id}/csv") => template_csv(app, call).await,
        ("GET", "/api/v1/credentials") => credentials(app, call).await,
        ("GET", "/api/v1/credentials/{credential_id}") => credential(app, call).await,
        ("GET", "/api/v1/credentials/{credential_id}/mail") => test_mail(app, call).await,
        ("POST", "/api/v1/verify") => verify::verify(app, call).await,
        ("GET", "/api/v1/members") => members(app, call).await,
        ("POST", "/api/v1/members/import") => import(app, call).await,
        ("GET", "/api/v1/members/{email}") => member(app, call).await,
        ("PUT", "/api/v1/members/{email}") => put_member(app, call).await,
        ("DELETE", "/api/v1/members/{email}") => delete_member(app, call).await,
        ("GET", "/api/v1/members/{email}/credentials") => member_credentials(app, call).await,
        ("GET", "/api/v1/suppressions") => suppressions::list(app, call).await,
        ("DELETE", "/api/v1/suppressions/{email}") => suppressions::remove(app, call).await,
        ("GET", "/api/v1/api-keys") => keys(app, call).await,
        ("POST", "/api/v1/api-keys") => create_key(app, call).await,
        ("DELETE", "/api/v1/api-keys/{key_id}") => revoke_key(app, call).await,
        ("GET", "/api/v1/organization") => organization(app, call).await,
        ("PUT", "/api/v1/organization") => put_organization(app, call).await,
        _ => Err(Problem::not_found("La ruta no existe", "The path does not exist")),
    }
}

// Templates

async fn templates(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let cursor = call.cursor(|cursor| cursor.starts_with("TPL#"))?;
    let caller = auth::authenticate(app, call, MAY_READ_TEMPLATES).await?;
    let page = app.catalog.templates(&caller.org, cursor, limit).await?;
    let site_url = &app.config.site_url;
    let items = page.items.iter().map(|template| template.answer(site_url)).collect();
    ok(&List { items, next_cursor: page.next })
}

fn template_id(call: &Call) -> Result<TemplateId, Problem> {
    TemplateId::parse(&call.parameter).map_err(|_| Problem::template_not_found(None))
}

async fn template(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, MAY_READ_TEMPLATES).await?;
    let found = app.catalog.template(&caller.org, template_id(call)?).await?;
    ok(&found.ok_or_else(|| Problem::template_not_found(None))?.answer(&app.config.site_url))
}

async fn create_template(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Catalog]).await?;
    caller.require_live()?;
    let definition = definition(app, call, &caller.org).await?;
    let id = TemplateId::from(Uuid::new_v4());
    let template = first_version(id, definition, call.now_text());
    if !app.catalog.put_template(&caller.org, &template).await? {
        return Err(Problem::internal("a new template's id is taken"));
    }
    let mut response = answer(StatusCode::CREATED, &template.answer(&app.config.site_url))?;
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/templates/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Reads a template's definition; a badge that it brings is kept.
async fn definition(app: &App, call: &Call, org: &OrgId) -> Result<Definition, Problem> {
    let (mut definition, badge) = Definition::read(Fields::of_body(call.expect_json()?)?)?;
    definition.achievement.image = kept_image(app, org, &badge, "/achievement/image").await?;
    Ok(definition)
}

/// The image that a request asks for. A new one is kept under its hash, so keeping it again is
/// harmless, also when the request goes no further.
///
/// # Errors
/// `invalid_request` when the organization has no such image.
pub async fn kept_image(
    app: &App,
    org: &OrgId,
    given: &ImageInput,
    pointer: &str,
) -> Result<Option<Image>, Problem> {
    match given {
        ImageInput::Absent | ImageInput::None => Ok(None),
        ImageInput::New(png) => {
            let image = png.named(org);
            app.catalog.put_image(&image, png.bytes()).await?;
            Ok(Some(image))
        }
        ImageInput::Known(id) => match app.catalog.image(id).await?.filter(|_| id.org == *org) {
            Some((image, _)) => Ok(Some(image)),
            None => Err(Problem::invalid_request(vec![ImageInput::unknown(pointer)])),
        },
    }
}

/// The first version of a template.
pub fn first_version(id: TemplateId, definition: Definition, now: String) -> Template {
    Template {
        v: 1,
        id,
        version: 1,
        archived: false,
        updated_at: now.clone(),
        created_at: now,
        definition,
    }
}

/// `PUT /templates/{id}`: a new version. Repeating it with the same definition changes
/// nothing.
async fn put_template(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Catalog]).await?;
    caller.require_live()?;
    let definition = definition(app, call, &caller.org).await?;
    let current = app.catalog.template(&caller.org, template_id(call)?).await?;
    let current = current.ok_or_else(|| Problem::template_not_found(None))?;
    if current.definition == definition {
        return ok(&current.answer(&app.config.site_url));
    }
    let next = Template {
        version: current.version + 1,
        updated_at: call.now_text(),
        definition,
        ..current
    };
    if !app.catalog.put_template(&caller.org, &next).await? {
        return Err(Problem::conflict(
            "Otra solicitud cambió la plantilla al mismo tiempo; léela y repite el cambio",
            "Another request changed the template at the same time; read it and repeat the change",
        ));
    }
    ok(&next.answer(&app.config.site_url))
}

/// `POST /templates/{id}/archive`: the second call answers like the first.
async fn archive(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Catalog]).await?;
    caller.require_live()?;
    let archived = app.catalog.archive_template(&caller.org, template_id(call)?).await?;
    ok(&archived.ok_or_else(|| Problem::template_not_found(None))?.answer(&app.config.site_url))
}

// Credentials

/// `GET /templates/{template_id}/csv`: an example of the files that this template takes.
async fn template_csv(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, MAY_READ_TEMPLATES).await?;
    let found = app.catalog.template(&caller.org, template_id(call)?).await?;
    let template = found.ok_or_else(|| Problem::template_not_found(None))?;
    let text = sheet::columns::example(&template.definition, call.lang);
    let mut response = Response::new(Body::Text(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(call.lang.tag()));
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static(call.lang.pick(
            "attachment; filename=\"plantilla.csv\"",
            "attachment; filename=\"template.csv\"",
        )),
    );
    Ok(response)
}

fn unknown_credential() -> Problem {
    Problem::not_found("La credencial no existe", "The credential does not exist")
}

async fn own_credential(app: &App, call: &Call) -> Result<Credential, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Read]).await?;
    let id = CredentialId::parse(&call.parameter).map_err(|_| unknown_credential())?;
    let found = app.credentials.get(id).await?.ok_or_else(unknown_credential)?;
    if !caller.owns(&found.org, found.mode) {
        return Err(unknown_credential());
    }
    Ok(found)
}

async fn credential(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let credential = ledger::overlay_one(app, own_credential(app, call).await?).await?;
    let history = app.status_lists.history(&credential).await?;
    let mut answer = credential.answer(&app.config.site_url);
    if let Some(members) = answer.as_object_mut() {
        members.insert("history".into(), history.iter().map(Event::answer).collect());
    }
    ok(&answer)
}

async fn test_mail(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let credential = own_credential(app, call).await?;
    let mail = match credential.mode {
        Mode::Test => app.credentials.test_mail(credential.id, call.now.as_second()).await?,
        Mode::Live => None,
    };
    let mail = mail.ok_or_else(|| {
        Problem::not_found(
            "No hay un correo de prueba de esta credencial (se guardan 7 días)",
            "There is no test mail of this credential (they are kept for 7 days)",
        )
    })?;
    ok(&json!({
        "credential_id": credential.id, "to": [credential.recipient.email],
        "subject": mail.subject, "text": mail.text, "html": mail.html, "sent_at": mail.sent_at,
    }))
}

/// The filters of a credential list that the index does not know.
struct Filters {
    template: Option<TemplateId>,
    external_id: Option<String>,
    status: Option<Status>,
}

impl Filters {
    fn read(call: &Call, errors: &mut Vec<FieldError>) -> Self {
        let mut fault = |name: &str, es: &str, en: &str| {
            errors.push(FieldError::new(name, "invalid_parameter", es, en));
        };
        let template = call.query("template_id").map(TemplateId::parse);
        if matches!(template, Some(Err(_))) {
            fault(
                "template_id",
                "El parámetro template_id debe ser un UUID",
                "The parameter template_id must be a UUID",
            );
        }
        let status = call.query("status").map(|text| match text {
            "issued" => Some(Status::Issued),
            "suspended" => Some(Status::Suspended),
            "revoked" => Some(Status::Revoked),
            _ => None,
        });
        if matches!(status, Some(None)) {
            fault(
                "status",
                "El parámetro status debe ser issued, suspended o revoked",
                "The parameter status must be issued, suspended or revoked",
            );
        }
        Self {
            template: template.and_then(Result::ok),
            external_id: call.query("external_id").map(str::to_owned),
            status: status.flatten(),
        }
    }

    fn any(&self) -> bool {
        self.template.is_some() || self.external_id.is_some() || self.status.is_some()
    }

    fn admit(&self, credential: &Credential) -> bool {
        self.template.is_none_or(|id| id == credential.template_id)
            && self.status.is_none_or(|status| status == credential.status)
            && self
                .external_id
                .as_ref()
                .is_none_or(|id| Some(id) == credential.recipient.external_id.as_ref())
    }
}

/// `GET /credentials`: newest first. Filters that no index knows look at a bounded number
/// of entries a page, so a page can be short, or empty, and still have a next one.
async fn credentials(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let mut errors = Vec::new();
    let filters = Filters::read(call, &mut errors);
    let email = call.query("email").map(EmailAddress::parse);
    if matches!(email, Some(Err(_))) {
        let text = format!("Invalid email: {}", call.query("email").unwrap_or_default());
        errors.push(FieldError::new("email", "invalid_email", text.clone(), text));
    }
    let since = call.query("issued_after").map(|text| {
        text.parse::<jiff::Timestamp>()
            .or_else(|_| format!("{text}T00:00:00Z").parse::<jiff::Timestamp>())
    });
    if matches!(since, Some(Err(_))) {
        errors.push(FieldError::new(
            "issued_after",
            "invalid_parameter",
            "El parámetro issued_after debe ser un instante RFC 3339 o una fecha AAAA-MM-DD",
            "The parameter issued_after must be an RFC 3339 instant or a date YYYY-MM-DD",
        ));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid_request(errors));
    }
    let caller = auth::authenticate(app, call, &[Scope::Read]).await?;
    // Strictly after: `~` sorts behind every id of that second.
    let since =
        since.and_then(Result::ok).map(|at| format!("{}~", crate::domain::time::seconds(at)));
    let look = if filters.any() { LOOKED_AT } else { limit };
    let query = Query { email: email.and_then(Result::ok), since, filters };
    ok(&list_credentials(app, call, &caller, query, look, limit).await?)
}

/// What a credential list asks for.
struct Query {
    email: Option<EmailAddress>,
    since: Option<String>,
    filters: Filters,
}

async fn list_credentials(
    app: &App,
    call: &Call,
    caller: &Caller,
    query: Query,
    look: usize,
    limit: usize,
) -> Result<List, Problem> {
    let (since, before) = (query.since.as_deref(), call.cursor(crate::domain::time::is_sort_key)?);
    let page = match &query.email {
        Some(email) => {
            let secret = app.catalog.id_secret(&caller.org).await?;
            let key = identity::email_key(&secret, &caller.org, caller.mode, email);
            app.credentials.by_email(&key, since, before, look).await?
        }
        None => app.credentials.by_time(&caller.org, caller.mode, since, before, look).await?,
    };
    let found = app.credentials.get_all(&page.items).await?;
    let found = ledger::overlay(app, found).await?;
    let mut next = page.next;
    let mut items: Vec<Value> = Vec::new();
    let mut bytes = 0;
    for credential in found.iter().filter(|credential| query.filters.admit(credential)) {
        if items.len() == limit {
            break;
        }
        let item = credential.answer(&app.config.site_url);
        bytes += item.to_string().len();
        items.push(item);
        let left = found.last().is_some_and(|last| last.id != credential.id);
        if (items.len() == limit || bytes > MAX_PAGE_BYTES) && left {
            next = Some(format!("{}#{}", credential.issued_at, credential.id));
            break;
        }
    }
    Ok(List { items, next_cursor: next })
}

// Members

fn unknown_member() -> Problem {
    Problem::not_found("El miembro no existe", "The member does not exist")
}

fn member_email(call: &Call) -> Result<EmailAddress, Problem> {
    EmailAddress::parse(&call.parameter).map_err(|_| {
        let text = format!("Invalid email: {}", call.parameter);
        Problem::invalid_field("email", "invalid_email", text.clone(), text)
    })
}

async fn members(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let cursor = call.cursor(is_member_cursor)?;
    let caller = auth::authenticate(app, call, MAY_READ_MEMBERS).await?;
    let page = app.catalog.members(&caller.org, cursor, limit).await?;
    let items = page.items.iter().map(Member::answer).collect();
    ok(&List { items, next_cursor: page.next })
}

async fn member(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, MAY_READ_MEMBERS).await?;
    let email = EmailAddress::parse(&call.parameter).map_err(|_| unknown_member())?;
    let found = app.catalog.member(&caller.org, &email).await?;
    ok(&found.ok_or_else(unknown_member)?.answer())
}

async fn put_member(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Catalog]).await?;
    caller.require_live()?;
    let email = member_email(call)?;
    let profile = Profile::read(Fields::of_body(call.expect_json()?)?, &email)?;
    let before = app.catalog.member(&caller.org, &email).await?;
    let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let now = call.now_text();
    let created_at = before.map_or_else(|| now.clone(), |member| member.created_at);
    let member = Member { v: 1, email, profile, created_at, updated_at: now };
    app.catalog.put_members(&caller.org, std::slice::from_ref(&member)).await?;
    answer(status, &member.answer())
}

/// `DELETE /members/{email}`: 204; the second call answers 404. Credentials stay.
async fn delete_member(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Catalog]).await?;
    caller.require_live()?;
    let email = EmailAddress::parse(&call.parameter).map_err(|_| unknown_member())?;
    if !app.catalog.delete_member(&caller.org, &email).await? {
        return Err(unknown_member());
    }
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// `GET /members/{email}/credentials`: the wallet, in the key's mode, and a link to its page,
/// which shows the member the same.
async fn member_credentials(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let caller = auth::authenticate(app, call, MAY_READ_MEMBERS).await?;
    let email = EmailAddress::parse(&call.parameter).map_err(|_| unknown_member())?;
    if app.catalog.member(&caller.org, &email).await?.is_none() {
        return Err(unknown_member());
    }
    let filters = Filters { template: None, external_id: None, status: None };
    let secret = app.catalog.id_secret(&caller.org).await?;
    let site_url = &app.config.site_url;
    let link = wallet_link::link(site_url, &secret, &caller.org, caller.mode, &email, call.now);
    let query = Query { email: Some(email), since: None, filters };
    let list = list_credentials(app, call, &caller, query, limit, limit).await?;
    ok(&json!({
        "items": list.items, "next_cursor": list.next_cursor, "wallet_url": link,
        "wallet_url_expires_at": crate::domain::time::seconds(call.now + wallet_link::LIFETIME),
    }))
}

/// `POST /members/import`: CSV with the columns `email, name, role, license_number, term,
/// language` in any order. Good rows are put, faulty ones named; putting again is harmless.
async fn import(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Catalog]).await?;
    caller.require_live()?;
    let body = call.expect_body(&["text/csv"])?;
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = std::str::from_utf8(body).map_err(|_| {
        Problem::invalid_field(
            "",
            "not_utf8",
            "El archivo no está en UTF-8; expórtalo como «CSV UTF-8»",
            "The file is not in UTF-8; export it as \"CSV UTF-8\"",
        )
    })?;
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(delimiter(text))
        .from_reader(text.as_bytes());
    let headers: Vec<String> =
        reader.headers().map_err(|e| unreadable(&e))?.iter().map(str::to_ascii_lowercase).collect();
    check_columns(&headers)?;
    let now = call.now_text();
    let (mut rows, mut errors) = (0, Vec::new());
    let mut good: std::collections::BTreeMap<EmailAddress, Member> = Default::default();
    for (number, record) in (1_u32..).zip(reader.records()) {
        let record = record.map_err(|e| unreadable(&e))?;
        if record.iter().all(str::is_empty) {
            continue;
        }
        rows += 1;
        if rows > MAX_IMPORT {
            return Err(Problem::too_many_recipients(MAX_IMPORT, rows));
        }
        let cells = headers
            .iter()
            .zip(record.iter())
            .filter(|(_, cell)| !cell.is_empty())
            .map(|(column, cell)| (column.clone(), Value::from(cell)))
            .collect::<serde_json::Map<_, _>>();
        let line = record.position().map_or(0, csv::Position::line);
        if record.iter().skip(headers.len()).any(|cell| !cell.is_empty()) {
            // An unquoted delimiter has moved the cells: none of them is trusted.
            let email = cells.get("email").and_then(Value::as_str).unwrap_or_default().to_owned();
            let (have, want) = (record.len(), headers.len());
            let text = Texts {
                es: format!("La fila tiene {have} celdas y la primera línea {want}"),
                en: format!("The row has {have} cells and the first line {want}"),
            };
            errors.push((number, line, email, text.pick(call)));
            continue;
        }
        match read_member(cells, &now) {
            Ok(member) => {
                good.insert(member.email.clone(), member);
            }
            Err((email, text)) => errors.push((number, line, email, text.pick(call))),
        }
    }
    let emails: Vec<&EmailAddress> = good.keys().collect();
    let before = app.catalog.together(&caller.org, None, None, &emails).await?.members;
    for (email, member) in &mut good {
        if let Some(before) = before.get(email) {
            member.created_at.clone_from(&before.created_at);
        }
    }
    let members: Vec<Member> = good.into_values().collect();
    app.catalog.put_members(&caller.org, &members).await?;
    let shown: Vec<Value> = errors
        .iter()
        .take(SHOWN_FAULTS)
        .map(|(row, line, email, error)| {
            json!({ "row": row, "line": line, "email": email, "error": error })
        })
        .collect();
    ok(&json!({
        "total": rows, "imported": rows - errors.len(), "failed": errors.len(),
        "errors": shown, "errors_truncated": errors.len() > SHOWN_FAULTS,
    }))
}

/// A fault's texts.
struct Texts {
    es: String,
    en: String,
}

impl Texts {
    fn pick(self, call: &Call) -> String {
        call.lang.pick(self.es, self.en)
    }
}

fn read_member(
    mut cells: serde_json::Map<String, Value>,
    now: &str,
) -> Result<Member, (String, Texts)> {
    let sent = cells.remove("email").and_then(|v| v.as_str().map(str::to_owned));
    let sent = sent.unwrap_or_default();
    let Ok(email) = EmailAddress::parse(&sent) else {
        let text = format!("Invalid email: {sent}");
        return Err((sent, Texts { es: text.clone(), en: text }));
    };
    let body = serde_json::to_vec(&Value::Object(cells)).unwrap_or_default();
    match Fields::of_body(&body).and_then(|fields| Profile::read(fields, &email)) {
        Ok(profile) => Ok(Member {
            v: 1,
            email,
            profile,
            created_at: now.to_owned(),
            updated_at: now.to_owned(),
        }),
        Err(invalid) => {
            let (es, en) = Problem::from(invalid).texts();
            Err((sent, Texts { es, en }))
        }
    }
}

/// The delimiter that the header line uses most.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |d: u8| header.bytes().filter(|b| *b == d).count();
    [b',', b';', b'\t'].into_iter().max_by_key(|d| (count(*d), *d == b',')).unwrap_or(b',')
}

fn unreadable(error: &csv::Error) -> Problem {
    let line = error.position().map_or(0, csv::Position::line);
    Problem::invalid_field(
        "",
        "unreadable_csv",
        format!("El archivo CSV no se puede leer (línea {line})"),
        format!("The CSV file cannot be read (line {line})"),
    )
}

fn check_columns(headers: &[String]) -> Result<(), Problem> {
    const KNOWN: [&str; 6] = ["email", "name", "role", "license_number", "term", "language"];
    let list = KNOWN.join(", ");
    if !headers.iter().any(|header| header == "email") {
        return Err(Problem::invalid_field(
            "email",
            "missing_column",
            format!("Falta la columna email en la primera línea. Columnas: {list}"),
            format!("The column email is missing in the first line. Columns: {list}"),
        ));
    }
    let unknown: Vec<FieldError> = headers
        .iter()
        .filter(|header| !KNOWN.contains(&header.as_str()))
        .map(|header| {
            let name: String = header.chars().filter(|c| !c.is_control()).take(60).collect();
            FieldError::new(
                name.clone(),
                "unknown_column",
                format!("Columna desconocida: {name}. Columnas: {list}"),
                format!("Unknown column: {name}. Columns: {list}"),
            )
        })
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(Problem::invalid_request(unknown)) }
}

// Keys

async fn keys(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let cursor = call.cursor(|cursor| cursor.starts_with("KEY#"))?;
    let caller = auth::authenticate(app, call, &[Scope::Admin]).await?;
    let page = app.catalog.keys(&caller.org, cursor, limit).await?;
    let visible = |key: &&api_key::ApiKey| caller.mode == Mode::Live || key.mode == Mode::Test;
    let items = page.items.iter().filter(visible).map(api_key::ApiKey::answer).collect();
    ok(&List { items, next_cursor: page.next })
}

async fn create_key(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Admin]).await?;
    let mut fields = Fields::of_body(call.expect_json()?)?;
    let name = fields.required_text("name", MAX_TEXT);
    let mode = match fields.text("mode", 10).as_deref() {
        None => caller.mode,
        Some("live") => Mode::Live,
        Some("test") => Mode::Test,
        Some(_) => {
            fields.fault(
                "mode",
                "value_not_allowed",
                "El campo mode debe ser live o test",
                "The field mode must be live or test",
            );
            caller.mode
        }
    };
    let scopes = read_scopes(&mut fields);
    let expires_at = fields.text("expires_at", 40).and_then(|text| {
        let at = text.parse::<jiff::Timestamp>().ok().filter(|at| *at > call.now);
        if at.is_none() {
            fields.fault(
                "expires_at",
                "invalid_instant",
                "El campo expires_at debe ser un instante RFC 3339 en el futuro",
                "The field expires_at must be an RFC 3339 instant in the future",
            );
        }
        at.map(crate::domain::time::millis)
    });
    fields.end()?;
    if mode == Mode::Live {
        caller.require_live()?;
    }
    if let Some(scope) = scopes.iter().find(|scope| !caller.scopes.contains(scope)) {
        return Err(Problem::insufficient_scope(scope.as_str()));
    }
    let name = name.unwrap_or_default();
    let made = make_key(app, &caller.org, mode, name, scopes, expires_at).await?;
    let NewKey { kept, secret } = made;
    let mut shown = kept.answer();
    if let Some(members) = shown.as_object_mut() {
        members.insert("key".to_owned(), secret.into());
    }
    answer(StatusCode::CREATED, &shown)
}

/// Makes a key; its secret is nowhere else.
///
/// # Errors
/// As of the store.
pub async fn make_key(
    app: &App,
    org: &OrgId,
    mode: Mode,
    name: String,
    scopes: Vec<Scope>,
    expires_at: Option<String>,
) -> Result<NewKey, Problem> {
    let now = crate::domain::time::millis(app.clock.now());
    let made = api_key::new(org, mode, name, scopes, now, expires_at, &auth::random()?);
    app.catalog.put_key(org, &made.kept).await?;
    Ok(made)
}

fn read_scopes(fields: &mut Fields) -> Vec<Scope> {
    let listed = fields.list("scopes");
    let asked = listed.as_deref().unwrap_or_default();
    let mut scopes: Vec<Scope> = asked
        .iter()
        .filter_map(|value| Scope::ALL.into_iter().find(|s| Some(s.as_str()) == value.as_str()))
        .collect();
    if scopes.len() != asked.len() || scopes.is_empty() {
        fields.fault(
            "scopes",
            "invalid_scopes",
            "El campo scopes debe ser una lista con uno o más de: issue, read, catalog, manage, admin",
            "The field scopes must be an array of one or more of: issue, read, catalog, manage, admin",
        );
    }
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

/// `DELETE /api-keys/{id}`: 204, the second call too. A key can revoke itself.
async fn revoke_key(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Admin]).await?;
    let unknown = || Problem::not_found("La API key no existe", "The API key does not exist");
    if !api_key::may_be_id(&call.parameter) {
        return Err(unknown());
    }
    let read = app.catalog.together(&caller.org, Some(&call.parameter), None, &[]).await?;
    let key = read.key.ok_or_else(unknown)?;
    if caller.mode == Mode::Test && key.mode == Mode::Live {
        return Err(unknown());
    }
    app.catalog.touch_key(&caller.org, &key.id, "revoked_at", &call.now_text(), true).await?;
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

// The organization

async fn own_organization(app: &App, caller: &Caller) -> Result<Organization, Problem> {
    let read = app.catalog.together(&caller.org, None, None, &[]).await?;
    read.organization.ok_or_else(|| Problem::internal("a key without organization"))
}

async fn organization(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Read, Scope::Admin]).await?;
    ok(&own_organization(app, &caller).await?.answer(&app.config.site_url))
}

async fn put_organization(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Admin]).await?;
    caller.require_live()?;
    let mut organization = own_organization(app, &caller).await?;
    let fields = Fields::of_body(call.expect_json()?)?;
    let (mut settings, logo) = Settings::read(fields, Some(&organization.settings))?;
    if logo != ImageInput::Absent {
        settings.logo = kept_image(app, &caller.org, &logo, "/logo").await?;
    }
    organization.settings = settings;
    app.catalog.put_organization(&organization).await?;
    ok(&organization.answer(&app.config.site_url))
}

/// Creates an organization with its secret and its signing keys; false when it is there.
/// Repeated, it makes the keys that a call which was cut off left out.
///
/// # Errors
/// As of the store.
pub async fn create_organization(
    app: &App,
    org: OrgId,
    settings: Settings,
    now: String,
) -> Result<bool, Problem> {
    let organization = Organization { v: 1, org, settings, created_at: now };
    let secret = IdSecret::new(auth::random()?);
    let created = app.catalog.create_organization(&organization, secret).await?;
    ensure_signing_keys(app, &organization.org, &organization.created_at).await?;
    Ok(created)
}

/// Makes the signing keys that an organization lacks: all of one that was created by a
/// version that did not sign.
///
/// # Errors
/// As of the store and what seals keys.
pub async fn ensure_signing_keys(app: &App, org: &OrgId, now: &str) -> Result<(), Problem> {
    for mode in [Mode::Live, Mode::Test] {
        if app.catalog.public_keys(org, mode).await?.is_empty() {
            let made = app.keys.make(org, mode, now).await.map_err(StoreError::from)?;
            app.catalog.put_signing_key(org, mode, None, &made).await?;
        }
    }
    Ok(())
}
