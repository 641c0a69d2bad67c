//! TODO

pub mod feedback;
pub mod ledger;
pub mod letter;
pub mod send;
