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

pub mod access;
pub mod amending;
pub mod api_key;
pub mod app;
pub mod badge;
pub mod cataloguing;
pub mod consuming;
pub mod credential;
pub mod delivery;
pub mod did;
pub mod document;
pub mod email;
pub mod fault;
pub mod feedback;
pub mod fields;
pub mod files;
pub mod following;
pub mod foreseeing;
pub mod http;
pub mod idempotency;
pub mod identity;
pub mod ids;
pub mod image;
pub mod issuing;
pub mod job;
pub mod keys;
pub mod lang;
pub mod ledger;
pub mod linked_data;
pub mod mail;
pub mod member;
pub mod organization;
pub mod packing;
pub mod page;
pub mod problem;
pub mod proof;
pub mod publishing;
pub mod qr;
pub mod queue;
pub mod recipient;
pub mod reporting;
pub mod routes;
pub mod schema;
pub mod settling;
pub mod sharing;
pub mod sheet;
pub mod showing;
pub mod signing;
pub mod status_list;
pub mod steering;
pub mod store;
pub mod suppressing;
pub mod sweeping;
pub mod telemetry;
pub mod template;
pub mod time;
pub mod typeface;
pub mod uploading;
pub mod verifying;
pub mod wallet;

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
