//! TODO

pub mod auth;
pub mod catalog;
pub mod idempotency;
pub mod suppressions;
