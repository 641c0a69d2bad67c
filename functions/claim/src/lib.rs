//! The function `claim`: takes what anyone may ask for without a key. It queues what was asked, reads no table
//! and has no secret, so neither its answer nor its time tells whom the site knows.

use lambda_http::{Body, Request, Response};
use unicreda::{
    App,
    claim::wallet,
    http::{
        routes::Claim,
        serve::{self, Call},
    },
    web::site,
};

/// Answers a public request for a mail.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let work = |endpoint, call: Call| async move {
        match endpoint {
            Claim::WalletForm => wallet::form(app, &call),
            Claim::WalletMail => wallet::ask(app, &call).await,
        }
    };
    let site_url = &app.config.site_url;
    serve::serve_people(app, request, work, |refused| site::lost(site_url, refused)).await
}
