//! The HTTP code that `api` and `web` share: a request and its answer. It does no endpoint's work.
//!
//! [`routes`] is the one table of routes with their [`parameters`], [`resolve`] finds the route of
//! a path, [`cursor`] seals where a list goes on, [`event`] takes a
//! request from Lambda, [`serve`] reads and answers it, [`problem`] turns errors into answers.

pub mod cursor;
pub mod event;
pub mod parameters;
pub mod problem;
pub mod resolve;
pub mod routes;
pub mod serve;
