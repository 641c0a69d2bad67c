//! Use cases of mail: an [`App`](crate::App) and domain values in, domain values out, no HTTP.
//!
//! `letter` writes a mail (`words` its sentences), `send` sends a batch of them (`send_one`
//! and `send_shard` are its parts), `wallets` answers who lost a link (by `wallet_letter`), `ledger` reads the state of a job's first mails, and
//! `feedback` records what became of a mail after SES took it.

pub mod feedback;
pub mod ledger;
pub mod letter;
pub mod resend;
pub mod send;
mod send_one;
mod send_shard;
mod wallet_letter;
pub mod wallets;
mod words;
