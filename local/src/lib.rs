//! The whole service in one process: the functions' own handlers behind an HTTP server and
//! queue pollers that make the same events as API Gateway and SQS make on AWS, on embedded
//! DynamoDB, SQS, SES and S3 that speak the AWS wire protocols.
//!
//! Nothing here knows a rule of the product. What runs on Lambda runs here: events are
//! built as JSON in AWS's documented shape and read by the same libraries.
//!
//! | module | stands for |
//! |---|---|
//! | [`gateway`], [`routes`] | API Gateway: REST proxy events, limits, gateway responses |
//! | [`polling`] | the event source mappings of the four queues |
//! | [`schedule`] | the rule that runs the sweeper |
//! | [`services`] | DynamoDB, SQS and SES, and what AWS does that they do not |
//! | [`bucket`] | S3, and its events |
//! | [`simulator`] | what SES says of mail to its mailbox simulator |
//! | [`mail`], [`inbox`] | the recipients' mailboxes |
//! | [`folder`] | the data folder: its lock, its files |

pub mod bucket;
pub mod console;
pub mod demo;
pub mod folder;
mod forward;
pub mod gateway;
pub mod inbox;
mod invoke;
pub mod mail;
pub mod polling;
pub mod routes;
pub mod schedule;
mod serve;
pub mod services;
pub mod simulator;
pub mod stack;

pub use folder::Data;
pub use stack::{Endpoints, Options, ServicePorts, Stack};
