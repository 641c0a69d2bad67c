//! The whole service in one process: the functions' own handlers behind an HTTP server and queue
//! pollers that create the same events as API Gateway and SQS, on embedded DynamoDB, SQS, SES and S3
//! with the AWS wire protocols.
//!
//! This crate contains no rule of the product. It runs the same handlers as Lambda: it builds events as
//! JSON in AWS's documented format, and the same libraries read them.
//!
//! | module | replaces or does |
//! |---|---|
//! | [`gateway`], [`routes`] | API Gateway: REST proxy events, limits, gateway responses |
//! | [`polling`] | the event source mappings of the four queues |
//! | [`schedule`] | the schedule of the sweeper |
//! | [`services`] | DynamoDB, SQS and SES, with AWS's behavior that the embedded ones lack |
//! | [`bucket`] | S3, and its events |
//! | [`simulator`] | SES's mailbox simulator and its events |
//! | [`mail`], [`inbox`] | the recipients' mailboxes |
//! | [`folder`] | the data folder: its lock and its files |
//! | [`stack`], [`options`] | starts and stops all of it |
//! | [`demo`], [`greeting`] | the demo organization; the text of a start |

pub mod bucket;
mod clients;
pub mod demo;
pub mod folder;
mod forward;
pub mod gateway;
pub mod greeting;
pub mod inbox;
mod invoke;
pub mod mail;
pub mod options;
pub mod polling;
pub mod routes;
pub mod schedule;
mod serve;
pub mod services;
pub mod simulator;
pub mod stack;

pub use clients::Endpoints;
pub use folder::Data;
pub use options::{Options, ServicePorts};
pub use stack::Stack;
