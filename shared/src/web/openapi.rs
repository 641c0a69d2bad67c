//! The description of the API for programs, in OpenAPI 3.1.

use http::{Response, header};
use lambda_http::Body;

use crate::{
    app::App,
    http::{problem::Problem, serve::Call},
    web::respond::{self, set},
};

/// The root of the site in the document, in the place of which the site's own is written.
pub const SITE: &str = "https://site.invalid";

/// `GET /openapi.json`: the document, for this site. Any origin may read it: consoles that show an API, and generators of
/// clients, run in browsers too.
///
/// # Errors
/// `internal` when the hash fits no header.
pub fn show(app: &App, call: &Call, document: &str) -> Result<Response<Body>, Problem> {
    let document = document.replace(SITE, &app.config.site_url);
    let mut response = respond::document(call, document.into_bytes(), "application/json")?;
    // A release may change it.
    set(&mut response, header::CACHE_CONTROL, "no-cache");
    Ok(response)
}
