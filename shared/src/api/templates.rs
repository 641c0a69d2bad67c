//! Templates: list, show, create, replace, archive, and an example file.

use http::{HeaderValue, Response, StatusCode, header};
use lambda_http::Body;
use uuid::Uuid;

use crate::{
    api::{auth, images, lists},
    app::App,
    domain::{
        fields::Fields,
        ids::{OrgId, TemplateId},
        template::{Definition, Template},
    },
    http::{
        problem::Problem,
        serve::{Call, json, ok},
    },
    sheet,
};

/// `GET /templates`.
pub async fn list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let caller = auth::authenticate(app, call).await?;
    let after = lists::position(app, call, &caller).await?;
    let page = app.catalog.templates(&caller.org, after.as_deref(), limit).await?;
    let site_url = &app.config.site_url;
    let items = page.items.iter().map(|template| template.answer(site_url)).collect();
    lists::page(app, call, &caller, items, page.next).await
}

/// `GET /templates/{template_id}`.
pub async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let found = app.catalog.template(&caller.org, template_id(call)?).await?;
    ok(&found.ok_or_else(|| Problem::template_not_found(None))?.answer(&app.config.site_url))
}

/// `POST /templates`.
pub async fn create(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let definition = definition(app, call, &caller.org).await?;
    let id = TemplateId::from(Uuid::new_v4());
    let template = first_version(id, definition, call.now_text());
    if !app.catalog.put_template(&caller.org, &template).await? {
        return Err(Problem::internal("a new template's id is taken"));
    }
    let mut response = json(StatusCode::CREATED, &template.answer(&app.config.site_url))?;
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

/// `POST /templates/{template_id}/archive`. Safe to repeat: the second call answers like the first.
pub async fn archive(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let archived = app.catalog.archive_template(&caller.org, template_id(call)?).await?;
    ok(&archived.ok_or_else(|| Problem::template_not_found(None))?.answer(&app.config.site_url))
}

/// `GET /templates/{template_id}/csv`: an example of the files that the template takes.
pub async fn csv(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let found = app.catalog.template(&caller.org, template_id(call)?).await?;
    let template = found.ok_or_else(|| Problem::template_not_found(None))?;
    let text = sheet::offered::example(&template.definition, call.lang);
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

fn template_id(call: &Call) -> Result<TemplateId, Problem> {
    TemplateId::parse(&call.parameter).map_err(|_| Problem::template_not_found(None))
}

/// Reads a template definition from the body and stores the badge that it brings.
async fn definition(app: &App, call: &Call, org: &OrgId) -> Result<Definition, Problem> {
    let (mut definition, badge) = Definition::read(Fields::of_body(call.expect_json()?)?)?;
    definition.achievement.image = images::store(app, org, &badge, "/achievement/image").await?;
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
    }
}
