//! The service through its public surface, on the embedded DynamoDB, SQS and SES: one
//! binary, since linking costs.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise, its helpers too"
)]

mod catalog;
mod harness;
mod input;
mod issuing;
