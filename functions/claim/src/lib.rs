//! The function `claim`: takes what anyone may ask for without a key. It queues what was asked, reads no table
//! and has no secret, so neither its answer nor its time tells whom the site knows.

use lambda_http::{Body, Request, Response};
use unicreda::{
    App,
    claim::wallet,
    http::{routes::Claim, serve},
};

/// Answers a public request for a mail.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    serve::serve(app, request, |endpoint, call| async move {
        match endpoint {
            Claim::WalletForm => wallet::form(app, &call),
            Claim::WalletMail => wallet::ask(app, &call).await,
        }
    })
    .await
}
