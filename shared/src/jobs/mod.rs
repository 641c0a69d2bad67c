//! TODO

pub mod accept;
pub mod consume;
pub mod progress;
pub mod results_file;
pub mod retry;
pub mod revoke;
pub mod sweep;
pub mod upload;
