//! The function `page`: serves the public pages and files. It changes nothing and has no signing
//! key.

use lambda_http::{Body, Request, Response};
use unicreda::{
    App,
    domain::ids::Mode,
    http::{
        routes::Page,
        serve::{self, Call},
    },
    web::{achievement, exchange, openapi, public, robots, site, verify, wallet},
};

/// The description of the API, made by `cargo run --bin openapi`.
const OPENAPI: &str = include_str!("../../../docs/openapi.json");

/// Answers a public request, or one for an address that is none of the service. No request changes anything, because mail scanners follow links.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let work = |endpoint, call: Call| async move {
        match endpoint {
            Page::StatusList => public::status_list(app, &call).await,
            Page::DidDocument => public::did_document(app, &call, Mode::Live).await,
            Page::TestDidDocument => public::did_document(app, &call, Mode::Test).await,
            Page::SiteDidDocument => public::site_did_document(app, &call),
            Page::Achievement => achievement::show(app, &call).await,
            Page::Image => public::image(app, &call).await,
            Page::VerifyForm => verify::form(app, &call),
            Page::VerifyFile => verify::check(app, &call).await,
            Page::Wallet => wallet::show(app, &call).await,
            Page::Robots => robots::show(app, &call),
            Page::Console => public::console(app, &call),
            Page::QrCode => public::qr_code(app, &call).await,
            Page::Credential => public::credential(app, &call).await,
            Page::Exchange => exchange::hand_over(app, &call).await,
            Page::Home => site::home(app, &call).await,
            Page::Favicon => site::favicon(&call),
            Page::SecurityTxt => site::security_txt(app, &call),
            Page::OpenApi => openapi::show(app, &call, OPENAPI),
        }
    };
    let site_url = &app.config.site_url;
    serve::serve_people(app, request, work, |refused| site::lost(site_url, refused)).await
}
