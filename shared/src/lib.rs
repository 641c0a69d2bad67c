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
pub mod credentials;
pub mod document;
pub mod domain;
pub mod jobs;
pub mod mail;
pub mod sheet;
pub mod store;
pub mod telemetry;
pub mod web;

pub use app::{App, Config};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// What kind of trouble an AWS call had: its code, or how far it came. Never the message,
/// which can hold what was sent.
pub(crate) fn error_kind<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::ServiceError(service) => service.err().code().unwrap_or("unknown").to_owned(),
        SdkError::ConstructionFailure(_) => "request not built".to_owned(),
        SdkError::TimeoutError(_) => "timeout".to_owned(),
        SdkError::DispatchFailure(_) => "not connected".to_owned(),
        _ => "no usable response".to_owned(),
    }
}
