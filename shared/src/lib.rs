//! The product: digital academic credentials, issued once, signed, mailed and kept.
//!
//! Rules are pure: [`recipient`], [`identity`], [`template`], [`member`], [`job`],
//! [`api_key`], [`fault`], [`mail`], [`feedback`], [`page`], and of what is signed [`document`],
//! [`linked_data`], [`proof`], [`did`], [`status_list`], [`packing`], and of what is shown [`image`],
//! [`badge`], [`qr`], [`sharing`], [`typeface`]. Adapters speak to AWS:
//! [`store`], [`queue`], [`files`], [`keys`], [`app`]. Use cases join the two: [`issuing`],
//! [`signing`], [`consuming`], [`delivery`], [`settling`], [`suppressing`], [`amending`], [`verifying`], [`following`],
//! [`steering`], [`cataloguing`], [`idempotency`], [`publishing`], [`showing`], [`wallet`], [`sweeping`]. The edge is
//! [`http`].

pub mod api;
pub mod app;
pub mod aws;
pub mod clock;
pub mod credentials;
pub mod document;
pub mod domain;
pub mod http;
pub mod jobs;
pub mod mail;
pub mod sdk;
pub mod sheet;
pub mod store;
pub mod telemetry;
pub mod web;

pub use app::{App, Config};
