//! TODO

pub mod change_status;
pub mod dry_run;
pub mod issue;
pub mod sign;
pub mod status_indexes;
pub mod verify;
