//! The use cases of one credential: `App` and domain values in, domain values or an error of
//! their own out. No HTTP.
//!
//! [`issue`] and [`dry_run`] turn a recipient into a credential, or foresee it, or have [`found`] it,
//! given the [`prerequisites`]; [`change_status`], [`correct`] and [`renew`] change it, the last two by a
//! [`new_version`]; [`mod@block`] hides it, [`mod@erase`] leaves a
//! tombstone of it; [`days`]
//! and [`as_signed`] are what people read; [`sign`] signs documents and status lists with the
//! [`status_indexes`] of the process; [`look_up`] finds credentials by keys; [`costs`] foresees what they cost; [`signing_keys`] replaces keys; [`verify`] checks a
//! document, [`verify_text`] one that somebody has, with a [`check_outcome`] a check.

pub mod as_signed;
pub mod block;
pub mod change_status;
pub mod check_outcome;
pub mod correct;
pub mod costs;
pub mod days;
pub mod dry_run;
pub mod erase;
pub mod found;
pub mod issue;
pub mod look_up;
mod new_version;
pub mod prerequisites;
pub mod renew;
pub mod sign;
pub mod signing_keys;
pub mod status_indexes;
pub mod verify;
pub mod verify_text;
