//! Templates: list, show, create, replace, archive, and an example file.

use std::collections::BTreeMap;

use http::{HeaderValue, Response, StatusCode, header};
use lambda_http::Body;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    api::{auth, images, lists},
    app::App,
    credentials::{costs, sign::SignError},
    domain::{
        fields::{Fields, InvalidBody},
        ids::{OrgId, TemplateId},
        lang::Lang,
        readiness,
        template::{Definition, Template},
        text::folded,
    },
    http::{
        parameters::{self, FORMAT, Q},
        problem::Problem,
        serve::{Call, json as json_of, ok},
    },
    sheet::{self, labels},
};

/// `GET /templates`: all of them, or those whose names contain a text.
pub async fn list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let part = call.query(Q).map(folded);
    if part.as_ref().is_some_and(String::is_empty) {
        return Err(Problem::invalid_request(vec![parameters::empty(Q)]));
    }
    let caller = auth::authenticate(app, call).await?;
    let after = lists::position(app, call, &caller).await?;
    let (org, after) = (&caller.org, after.as_deref());
    let page = match part {
        Some(part) => app.catalog.templates_named(org, &part, after, limit).await?,
        None => app.catalog.templates(org, after, limit).await?,
    };
    let site_url = &app.config.site_url;
    let items = page.items.iter().map(|template| template.answer(site_url)).collect();
    lists::page(app, call, &caller, items, page.next).await
}

/// `GET /templates/{template_id}`.
pub async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let found = app.catalog.template(&caller.org, template_id(call)?).await?;
    let template = found.ok_or_else(|| Problem::template_not_found(None))?;
    ok(&stored(app, &caller.org, &template).await?)
}

/// `POST /templates`.
pub async fn create(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let definition = definition(app, call, &caller.org).await?;
    let id = TemplateId::from(Uuid::new_v4());
    let template = first_version(id, definition, call.now_text());
    let answer = saved(app, &caller.org, &template).await?;
    if !app.catalog.put_template(&caller.org, &template).await? {
        return Err(Problem::internal("a new template's id is taken"));
    }
    let mut response = json_of(StatusCode::CREATED, &answer)?;
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/templates/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `PUT /templates/{template_id}`: writes a new version. Safe to repeat: the same definition
/// makes no version.
pub async fn put(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let definition = definition(app, call, &caller.org).await?;
    let current = app.catalog.template(&caller.org, template_id(call)?).await?;
    let current = current.ok_or_else(|| Problem::template_not_found(None))?;
    if current.definition == definition {
        return ok(&stored(app, &caller.org, &current).await?);
    }
    let faults = current.refuses(&definition);
    if !faults.is_empty() {
        return Err(InvalidBody::fields(faults).into());
    }
    let next = Template {
        version: current.version + 1,
        updated_at: call.now_text(),
        definition,
        facts: current.all_facts(),
        ..current
    };
    let answer = saved(app, &caller.org, &next).await?;
    if !app.catalog.put_template(&caller.org, &next).await? {
        return Err(Problem::conflict(
            "Otra solicitud cambió la plantilla al mismo tiempo; léela y repite el cambio",
            "Another request changed the template at the same time; read it and repeat the change",
        ));
    }
    ok(&answer)
}

/// Returns the answer for a template that is saved. Refuses one whose texts no verifier could read as
/// every other one.
async fn saved(app: &App, org: &OrgId, template: &Template) -> Result<Value, Problem> {
    let organization = app.catalog.organization(org).await?;
    let units = costs::write_units(app, org, &organization.settings, template);
    let units = units.map_err(|error| match error {
        SignError::Unportable(why) => Problem::invalid_field(
            "/achievement",
            "not_signable",
            why.text(Lang::Es),
            why.text(Lang::En),
        ),
        SignError::Store(error) => error.into(),
    })?;
    Ok(with_units(template.answer(&app.config.site_url), Some(units)))
}

/// Returns the answer for a stored template: with the write units of each of its credentials, unless it
/// is of a release that also kept what cannot be signed.
async fn stored(app: &App, org: &OrgId, template: &Template) -> Result<Value, Problem> {
    let organization = app.catalog.organization(org).await?;
    let units = costs::write_units(app, org, &organization.settings, template).ok();
    Ok(with_units(template.answer(&app.config.site_url), units))
}

fn with_units(mut answer: Value, units: Option<usize>) -> Value {
    if let Some(members) = answer.as_object_mut() {
        members.insert("write_units".to_owned(), json!(units));
    }
    answer
}

/// `GET /templates/{template_id}/readiness`: what the template lacks for a rich badge, and what its
/// credentials cost. Advice; nothing is refused for it.
pub async fn readiness(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let found = app.catalog.template(&caller.org, template_id(call)?).await?;
    let template = found.ok_or_else(|| Problem::template_not_found(None))?;
    let mut answer = readiness::readiness(&template.definition, call.lang);
    let organization = app.catalog.organization(&caller.org).await?;
    let units = costs::write_units(app, &caller.org, &organization.settings, &template).ok();
    if let Some(members) = answer.as_object_mut() {
        members.insert("template_id".to_owned(), json!(template.id));
        members.insert("version".to_owned(), template.version.into());
    }
    ok(&with_units(answer, units))
}

/// `POST /templates/{template_id}/archive`. Safe to repeat: the second call answers like the first.
pub async fn archive(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let archived = app.catalog.archive_template(&caller.org, template_id(call)?).await?;
    let template = archived.ok_or_else(|| Problem::template_not_found(None))?;
    ok(&stored(app, &caller.org, &template).await?)
}

/// `GET /templates/{template_id}/csv`: an example of the files that the template takes.
pub async fn csv(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let found = app.catalog.template(&caller.org, template_id(call)?).await?;
    let template = found.ok_or_else(|| Problem::template_not_found(None))?;
    let lang = call.lang.staff().into();
    match call.query.first(FORMAT.name).unwrap_or("csv") {
        "csv" => {}
        "xlsx" => return spreadsheet(&template.definition, call, lang),
        _ => return Err(Problem::unknown_format()),
    }
    let text = sheet::offered::example(&template.definition, lang);
    let mut response = Response::new(Body::Text(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(call.lang.staff().tag()));
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static(call.lang.pick(
            "attachment; filename=\"plantilla.csv\"",
            "attachment; filename=\"template.csv\"",
        )),
    );
    Ok(response)
}

/// The example as a spreadsheet.
fn spreadsheet(
    definition: &Definition,
    call: &Call,
    lang: Lang,
) -> Result<Response<Body>, Problem> {
    let bytes = sheet::offered::example_sheet(definition, lang).map_err(Problem::internal)?;
    let mut response = Response::new(Body::Binary(bytes));
    let headers = response.headers_mut();
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(call.lang.staff().tag()));
    let name = lang
        .pick("attachment; filename=\"plantilla.xlsx\"", "attachment; filename=\"template.xlsx\"");
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(name));
    Ok(response)
}

fn template_id(call: &Call) -> Result<TemplateId, Problem> {
    TemplateId::parse(&call.parameter).map_err(|_| Problem::template_not_found(None))
}

/// Reads a template definition from the body and stores the images that it brings.
async fn definition(app: &App, call: &Call, org: &OrgId) -> Result<Definition, Problem> {
    let (mut definition, given) = Definition::read(Fields::of_body(call.expect_json()?)?)?;
    let faults = labels::faults(&definition);
    if !faults.is_empty() {
        return Err(InvalidBody::fields(faults).into());
    }
    let badge = images::store(app, org, &given.badge, "/achievement/image").await?;
    definition.achievement.image = badge;
    if let Some(design) = &mut definition.design {
        images::store_design(app, org, design, &given.design).await?;
    }
    Ok(definition)
}

/// Makes the first version of a template.
pub fn first_version(id: TemplateId, definition: Definition, now: String) -> Template {
    Template {
        v: 1,
        id,
        version: 1,
        archived: false,
        updated_at: now.clone(),
        created_at: now,
        definition,
        facts: BTreeMap::new(),
    }
}
