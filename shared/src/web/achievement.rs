//! `GET /orgs/{org}/achievements/{template_id}`, the id of an achievement in signed documents: a page for
//! people, the achievement as JSON for programs; `?version=` shows what a former version said.

use http::{Response, StatusCode, header};
use lambda_http::Body;
use serde_json::json;

use crate::{
    app::App,
    document::{
        achievement::AchievementVersion,
        did,
        linked_data::{OB_CONTEXT, VC_CONTEXT},
    },
    domain::{
        ids::{Mode, OrgId, TemplateId},
        template::Template,
    },
    http::{parameters::VERSION, problem::Problem, serve::Call},
    store::StoreError,
    web::{
        accept,
        pages::{self, AchievementPage},
        pasted,
        respond::{self, html, set},
        seal,
    },
};

/// Shows an achievement.
///
/// # Errors
/// `not_found` for a program; `unavailable` when the store fails.
pub async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let (path, suffix) = match call.parameter.strip_suffix(".json") {
        Some(path) => (path, true),
        None => (call.parameter.as_str(), false),
    };
    let wanted = match accept::document(&call.headers) {
        None if suffix => Some("application/json"),
        Some("application/vc" | "application/vc+ld+json") => Some("application/json"),
        wanted => wanted,
    };
    let lang = call.page_lang();
    let site_url = &app.config.site_url;
    let found = match named(path) {
        Some((org, id)) => read(app, call, &org, id).await?.map(|found| (org, found)),
        None => None,
    };
    match (found, wanted) {
        (Some((org, found)), Some(media_type)) => {
            as_json(app, call, &org, &found, media_type).await
        }
        (Some((org, found)), None) => page(app, call, &org, &found).await,
        (None, Some(_)) => {
            Err(Problem::not_found("El logro no existe", "The achievement does not exist"))
        }
        (None, None) => {
            html(StatusCode::NOT_FOUND, pages::no_achievement(site_url, lang), lang, site_url)
        }
    }
}

/// The organization and the template that an address names.
pub fn named(path: &str) -> Option<(OrgId, TemplateId)> {
    let (org, id) = pasted::trimmed(path).split_once('/')?;
    Some((OrgId::parse(org).ok()?, TemplateId::parse(id).ok()?))
}

/// Reads the version that is asked for, or the newest.
async fn read(
    app: &App,
    call: &Call,
    org: &OrgId,
    id: TemplateId,
) -> Result<Option<Template>, StoreError> {
    match call.query(VERSION).map(str::parse) {
        Some(Err(_)) => Ok(None),
        Some(Ok(version)) => {
            let found = app.catalog.template_version(org, id, version).await?;
            Ok(found.map(|template| Template::clone(&template)))
        }
        None => app.catalog.template(org, id).await,
    }
}

fn version_of<'a>(app: &'a App, org: &'a OrgId, found: &'a Template) -> AchievementVersion<'a> {
    AchievementVersion {
        site_url: &app.config.site_url,
        org,
        template: found.id,
        version: found.version,
        definition: &found.definition,
    }
}

async fn as_json(
    app: &App,
    call: &Call,
    org: &OrgId,
    found: &Template,
    media_type: &'static str,
) -> Result<Response<Body>, Problem> {
    let organization = app.catalog.organization(org).await?;
    let mut achievement = version_of(app, org, found).build();
    if let Some(members) = achievement.as_object_mut() {
        let creator = did::of(&app.config.site_url, org, Mode::Live);
        members.insert("@context".to_owned(), json!([VC_CONTEXT, OB_CONTEXT]));
        members.insert(
            "creator".to_owned(),
            json!({ "id": creator, "type": ["Profile"], "name": organization.settings.name }),
        );
    }
    let body = serde_json::to_vec(&achievement).map_err(Problem::internal)?;
    let mut response = respond::cached(call, body, media_type)?;
    set(&mut response, header::VARY, "Accept, Accept-Language");
    Ok(response)
}

async fn page(
    app: &App,
    call: &Call,
    org: &OrgId,
    found: &Template,
) -> Result<Response<Body>, Problem> {
    let organization = app.catalog.organization(org).await?;
    let settings = &organization.settings;
    let own = || found.definition.language.unwrap_or(settings.language);
    let lang = call.asked_lang().unwrap_or_else(own);
    let newest = match call.query(VERSION) {
        Some(_) => app.catalog.template(org, found.id).await?.map(|newest| newest.version),
        None => None,
    };
    let version = version_of(app, org, found);
    let shown = AchievementPage {
        organization: &settings.name,
        logo: settings.logo.as_ref(),
        seal: &seal::seal(
            &found.id.to_string(),
            &seal::initials(&settings.name),
            Some(seal::Ring { id: "ring", words: &found.definition.name }),
        ),
        id: &version.id(),
        version: found.version,
        newest: newest.filter(|newest| *newest != found.version),
        archived: found.archived,
        definition: &found.definition,
    };
    let site_url = &app.config.site_url;
    html(StatusCode::OK, pages::achievement(&shown, site_url, lang), lang, site_url)
}
