//! The product: digital academic credentials, issued once, signed, mailed and kept.
//!
//! A room is a set of files that may touch the same things; `infra/check_rooms.py` checks its
//! imports and names. A room imports only rooms above it in this table, except that use cases
//! import each other and `app` imports `credentials/status_indexes.rs`; `api` and `web` never
//! import each other.
//!
//! | room | rule |
//! |---|---|
//! | [`domain`] | values in, values out: no client, no HTTP, no waiting, no clock, no randomness |
//! | [`document`] | pure: what a stranger verifies of a credential |
//! | [`sheet`] | pure: the bytes of a file of recipients to rows and back |
//! | [`sdk`] | what all AWS clients share |
//! | [`clock`] | the present instant |
//! | [`telemetry`] | the log of a function |
//! | [`store`] | the only room that calls DynamoDB; `app` makes the clients |
//! | [`aws`] | the only room that calls other AWS services; it has no rule of the product |
//! | [`app`] | the configuration and clients of a process, composed |
//! | [`credentials`] | use cases: issue, sign, change, verify; no HTTP |
//! | [`jobs`] | use cases: accept, consume, follow, retry, sweep; no HTTP |
//! | [`mail`] | use cases: write, send, and settle what SES reports; no HTTP |
//! | [`http`] | a request and its answer, the routes, the problems; no endpoint's work |
//! | [`api`] | endpoints with a key: parse, authorize, call one use case, answer |
//! | [`web`] | public endpoints: no key, no write |
//! | [`claim`] | public endpoints that queue a mail: no key, no read |

pub mod api;
pub mod app;
pub mod aws;
pub mod claim;
pub mod clock;
pub mod credentials;
pub mod document;
pub mod domain;
pub mod http;
pub mod jobs;
pub mod mail;
pub mod sdk;
pub mod sheet;
pub mod store;
pub mod telemetry;
pub mod web;

pub use app::{App, Config};
