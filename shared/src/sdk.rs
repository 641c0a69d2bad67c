//! Common to every AWS call, of whatever service: the kind of an error, and the pause
//! before another round.

use std::{future::Future, time::Duration};

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Waits before a further round: 50 ms, doubling.
pub(crate) fn pause(round: u32) -> impl Future<Output = ()> {
    let wait = if round == 0 { 0 } else { 25_u64 << round.min(6) };
    async move {
        if wait > 0 {
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
    }
}

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
