//! The map of columns that is remembered for a template's files.

use http::Response;
use lambda_http::Body;
use serde_json::json;

use crate::{
    api::auth,
    app::App,
    domain::{
        column_map::{COLUMN_MAP, ColumnMap, DAY_FIRST, RememberedMap},
        fields::Fields,
        ids::{OrgId, TemplateId},
        template::Template,
    },
    http::{
        problem::Problem,
        serve::{Call, no_content, ok},
    },
    sheet::columns,
};

/// `GET /templates/{template_id}/column-map`: empty when nothing is remembered.
///
/// # Errors
/// `not_found` for the template, those of authentication and of the store.
pub async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let template = template(app, call, &caller.org).await?.id;
    answer(template, app.catalog.column_map(&caller.org, template).await?.as_ref())
}

/// `PUT /templates/{template_id}/column-map`. Safe to repeat: only `updated_at` changes.
///
/// # Errors
/// `invalid_request`, `not_found` for the template, those of authentication and of the store.
pub async fn put(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let mut body = Fields::of_body(call.expect_json()?)?;
    body.ignore(&["template_id", "updated_at"]);
    if !body.has(COLUMN_MAP) || body.take_null(COLUMN_MAP) {
        body.missing(COLUMN_MAP);
    }
    let found = template(app, call, &caller.org).await;
    let template = found.as_ref().ok().map(|template| &template.definition);
    let target = |text: &str| columns::target_in(template, text);
    let map = ColumnMap::take(&mut body, target, columns::compared);
    let day_first = body.boolean(DAY_FIRST).unwrap_or(false);
    body.end()?;
    let map = map.unwrap_or_default();
    let template = found?.id;
    let remembered = RememberedMap { v: 1, map, day_first, updated_at: call.now_text() };
    app.catalog.put_column_map(&caller.org, template, &remembered).await?;
    answer(template, Some(&remembered))
}

/// `DELETE /templates/{template_id}/column-map`: 204; the second call answers 404.
///
/// # Errors
/// `not_found`, those of authentication and of the store.
pub async fn delete(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let template = template(app, call, &caller.org).await?.id;
    if !app.catalog.delete_column_map(&caller.org, template).await? {
        return Err(Problem::not_found(
            "De esta plantilla no se recuerda cómo leer columnas",
            "For this template it is not remembered how to read columns",
        ));
    }
    Ok(no_content())
}

/// The template that the path names, if the organization has it.
async fn template(app: &App, call: &Call, org: &OrgId) -> Result<Template, Problem> {
    let unknown = || Problem::template_not_found(None);
    let id = TemplateId::parse(&call.parameter).map_err(|_| unknown())?;
    app.catalog.template(org, id).await?.ok_or_else(unknown)
}

fn answer(template: TemplateId, map: Option<&RememberedMap>) -> Result<Response<Body>, Problem> {
    let columns = map.map_or_else(|| ColumnMap::default().answer(), |map| map.map.answer());
    ok(&json!({
        "template_id": template, "column_map": columns,
        "day_first": map.is_some_and(|map| map.day_first),
        "updated_at": map.map(|map| &map.updated_at),
    }))
}
