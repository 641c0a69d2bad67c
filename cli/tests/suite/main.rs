//! Tests of the command line as a process. Each test has its own local stack in memory and its own
//! home folder.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod admin;
mod catalog;
mod harness;
mod issuing;
mod jobs;
mod settings;
mod sheets;
mod terminal;
mod uploads;
