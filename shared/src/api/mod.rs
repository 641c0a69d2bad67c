//! TODO

pub mod auth;
pub mod body;
pub mod catalog;
pub mod idempotency;
pub mod problem;
pub mod routes;
pub mod serve;
pub mod suppressions;
