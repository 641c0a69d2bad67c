//! TODO

pub mod auth;
pub mod catalog;
pub mod credential_changes;
mod dry_run;
pub mod idempotency;
pub mod issue;
pub mod jobs;
pub mod resend;
pub mod signing_keys;
pub mod suppressions;
pub mod uploads;
pub mod verify;
