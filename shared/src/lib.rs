//! The product: digital academic credentials, issued once, signed, mailed and kept.

pub mod app;
pub mod lang;
pub mod mail;
pub mod page;
pub mod schema;

pub use app::{App, Config};
