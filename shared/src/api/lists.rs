//! The pages of lists: where one begins, and the cursor of the next.

use http::Response;
use lambda_http::Body;
use serde_json::Value;

use crate::{
    api::auth::Caller,
    app::App,
    http::{
        problem::Problem,
        serve::{Call, List, ok},
    },
};

/// Returns the position at which the page begins; `None` at the start of the list.
///
/// # Errors
/// `invalid_cursor`; those of the store.
pub async fn position(app: &App, call: &Call, caller: &Caller) -> Result<Option<String>, Problem> {
    // In memory since the key was read.
    let secret = app.catalog.id_secret(&caller.org).await?;
    call.position(&secret, caller.tenant())
}

/// Returns the cursor of the next page.
///
/// # Errors
/// `internal` when the cipher fails; those of the store.
pub async fn cursor(
    app: &App,
    call: &Call,
    caller: &Caller,
    next: Option<String>,
) -> Result<Option<String>, Problem> {
    let Some(next) = next else {
        return Ok(None);
    };
    let secret = app.catalog.id_secret(&caller.org).await?;
    call.cursor(&secret, caller.tenant(), &next).map(Some)
}

/// Answers a page; `next` is the position of the next one.
///
/// # Errors
/// As [`cursor`].
pub async fn page(
    app: &App,
    call: &Call,
    caller: &Caller,
    items: Vec<Value>,
    next: Option<String>,
) -> Result<Response<Body>, Problem> {
    ok(&List { items, next_cursor: cursor(app, call, caller, next).await? })
}
