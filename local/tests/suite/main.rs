//! The service through its public surface, on the embedded DynamoDB, SQS and SES: one
//! binary, since linking costs.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise, its helpers too"
)]

mod blocking;
mod browser;
mod bucket;
mod budgets;
mod catalog;
mod certificates;
mod checking;
mod claiming;
mod client_libraries;
mod clients;
mod columns;
mod consumer;
mod contract;
mod crashes;
mod crawlers;
mod damage;
mod data;
mod delivery;
mod delivery_events;
mod designs;
mod erasure;
mod events;
mod export;
mod facts;
mod faults;
mod feedback;
mod files;
mod fuzz;
mod harness;
mod hiding;
mod idempotency;
mod images;
mod input;
mod issuing;
mod job_control;
mod keys;
mod languages;
mod ledger;
mod letters;
mod living;
mod load;
mod logs;
mod matrix;
mod member_files;
mod mended;
mod metadata;
mod mutants;
mod node;
mod normalization;
mod notices;
mod oracle;
mod page;
mod people;
mod prints;
mod private_facts;
mod process;
mod python;
mod queues;
mod reach;
mod reading;
mod renewal;
mod results_files;
mod retention;
mod review;
mod review_console;
mod runtime;
mod signing_keys;
mod sim;
mod spreadsheets;
mod status;
mod strict;
mod sweeper;
mod two_years;
mod upgrade;
mod uploads;
mod values;
mod verifiers;
mod verifying;
mod wallet;
mod warnings;

/// As in `local`'s own binary: its threads free what others allocated.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
