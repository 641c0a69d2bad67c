//! TODO

pub mod problem;
pub mod routes;
pub mod serve;
