//! The command line as a process, against the local stack: each test has a service of its
//! own in memory, and a home of its own.

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
mod uploads;
