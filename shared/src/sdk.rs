//! The code that all AWS clients share: the kind of an error, and the pause before a further
//! attempt.

use std::{future::Future, time::Duration};

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Waits before an attempt: not before the first (round 0), then 50 ms, doubling to 1.6 s.
pub(crate) fn pause(round: u32) -> impl Future<Output = ()> {
    let wait = if round == 0 { 0 } else { 25_u64 << round.min(6) };
    async move {
        if wait > 0 {
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
    }
}

/// Returns the code that AWS answered, or the step at which the call failed. It leaves out the
/// message, which can quote the request.
pub(crate) fn error_kind<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::ServiceError(service) => service.err().code().unwrap_or("unknown").to_owned(),
        SdkError::ConstructionFailure(_) => "request not built".to_owned(),
        SdkError::TimeoutError(_) => "timeout".to_owned(),
        SdkError::DispatchFailure(_) => "not connected".to_owned(),
        _ => "no usable response".to_owned(),
    }
}
