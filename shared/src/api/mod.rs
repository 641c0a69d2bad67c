//! The API: a request with a key is parsed and authorized, calls one use case, and is answered.
//! It never imports `web`.
//!
//! [`auth`] admits callers, [`idempotency`] makes requests repeatable, `lists` pages, `credential_query` reads
//! what a list of credentials asks for; the others
//! hold the endpoints of one resource each.

pub mod api_keys;
pub mod auth;
pub mod block;
pub mod column_maps;
pub mod credential_changes;
mod credential_query;
pub mod credentials;
pub mod designs;
mod dry_run;
pub mod idempotency;
pub mod images;
pub mod issue;
mod issue_body;
pub mod jobs;
mod lists;
pub mod member_import;
pub mod members;
pub mod organization;
pub mod prints;
pub mod privacy;
pub mod resend;
pub mod signing_keys;
pub mod suppressions;
pub mod templates;
pub mod uploads;
pub mod verify;
