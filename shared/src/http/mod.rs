//! The HTTP code that `api` and `web` share: a request and its answer. It does no endpoint's work.
//!
//! [`routes`] is the one table of routes, [`serve`] reads a request and answers it, [`problem`]
//! turns errors into answers.

pub mod problem;
pub mod routes;
pub mod serve;
