//! SES: the rate at which this process hands mail over, the hand-over, and the verdicts.

use std::{
    error::Error as StdError,
    time::{Duration, Instant},
};

use aws_sdk_ses::{
    Client,
    error::{BuildError, ProvideErrorMetadata, SdkError},
    operation::send_raw_email::{SendRawEmailError, builders::SendRawEmailFluentBuilder},
    primitives::Blob,
    types::{MessageTag, RawMessage},
};
use tokio::sync::Mutex;

use crate::domain::{
    email::EmailAddress,
    feedback::{CREDENTIAL_TAG, ROUND_TAG},
    ids::CredentialId,
};

/// Hands out moments at an even rate, from an empty bucket: a new process does not burst.
#[derive(Debug)]
pub struct RateLimiter {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl RateLimiter {
    /// A limiter of `per_second` moments.
    pub fn new(per_second: f64) -> Self {
        let interval = Duration::try_from_secs_f64(1.0 / per_second.max(0.01));
        Self { interval: interval.unwrap_or(Duration::from_secs(1)), next: Mutex::new(None) }
    }

    /// Moments in one second.
    pub fn in_a_second(&self) -> usize {
        let moments = Duration::from_secs(1).as_micros() / self.interval.as_micros().max(1);
        usize::try_from(moments).unwrap_or(usize::MAX)
    }

    /// Waits for the next moment; false when it comes only after `stop`.
    pub async fn turn(&self, stop: Instant) -> bool {
        let at = {
            let mut next = self.next.lock().await;
            let at = next.map_or_else(Instant::now, |next| next.max(Instant::now()));
            if at >= stop {
                return false;
            }
            *next = Some(at + self.interval);
            at
        };
        if at > Instant::now() {
            tokio::time::sleep_until(at.into()).await;
        }
        true
    }
}

/// A mail to hand over.
pub struct Envelope<'a> {
    /// The verified address that sends.
    pub sender: &'a EmailAddress,
    /// The address that receives.
    pub to: &'a EmailAddress,
    /// The credential, a tag of the mail.
    pub credential_id: CredentialId,
    /// The round of the credential's mail, a tag too.
    pub round: u32,
    /// Publishes events of the mail, if there is one.
    pub configuration_set: Option<String>,
}

/// A mail that SES has not seen yet.
pub struct HandOver(SendRawEmailFluentBuilder);

impl HandOver {
    /// Builds the call; nothing is sent.
    ///
    /// # Errors
    /// [`BuildError`] when a member is missing, which no value causes.
    pub fn new(client: &Client, envelope: Envelope<'_>, mime: Vec<u8>) -> Result<Self, BuildError> {
        let tag = |name, value: String| MessageTag::builder().name(name).value(value).build();
        let call = client
            .send_raw_email()
            .tags(tag(CREDENTIAL_TAG, envelope.credential_id.to_string())?)
            .tags(tag(ROUND_TAG, envelope.round.to_string())?)
            .source(envelope.sender.as_str())
            .destinations(envelope.to.as_str())
            .set_configuration_set_name(envelope.configuration_set)
            .raw_message(RawMessage::builder().data(Blob::new(mime)).build()?);
        Ok(Self(call))
    }

    /// Builds the call for a mail of the site, which no credential owes.
    ///
    /// # Errors
    /// As [`HandOver::new`].
    pub fn of_site(
        client: &Client,
        sender: &EmailAddress,
        to: &EmailAddress,
        configuration_set: Option<String>,
        mime: Vec<u8>,
    ) -> Result<Self, BuildError> {
        let call = client
            .send_raw_email()
            .source(sender.as_str())
            .destinations(to.as_str())
            .set_configuration_set_name(configuration_set)
            .raw_message(RawMessage::builder().data(Blob::new(mime)).build()?);
        Ok(Self(call))
    }

    /// Hands the mail to SES, once: the client does not retry.
    ///
    /// # Errors
    /// The [`SesVerdict`] on a mail that SES did not surely take.
    pub async fn send(self) -> Result<(), SesVerdict> {
        self.0.send().await.map(drop).map_err(|error| verdict(&error))
    }
}

/// The meaning of an SES error for a mail, with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SesVerdict {
    /// SES will never take it.
    Refused(&'static str),
    /// SES did not take it, and may take it later.
    NotAccepted(&'static str),
    /// SES may have taken it.
    InDoubt(&'static str),
}

fn verdict<R>(error: &SdkError<SendRawEmailError, R>) -> SesVerdict
where
    R: std::fmt::Debug,
{
    match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or_default();
            let message = service.err().message().unwrap_or_default();
            of_code(code, message)
        }
        SdkError::ConstructionFailure(_) => SesVerdict::NotAccepted("request_not_built"),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(connector) if refused_connection(connector) => {
                SesVerdict::NotAccepted("not_connected")
            }
            _ => SesVerdict::InDoubt("connection_lost"),
        },
        SdkError::TimeoutError(_) => SesVerdict::InDoubt("timeout"),
        _ => SesVerdict::InDoubt("no_usable_response"),
    }
}

/// Whether the connection was never made, so that nothing can have been sent.
fn refused_connection(error: &(dyn StdError + 'static)) -> bool {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::ConnectionRefused;
        }
        cause = error.source();
    }
    false
}

/// The error codes of `SendRawEmail` and the common ones (SES API v1 reference).
fn of_code(code: &str, message: &str) -> SesVerdict {
    match code {
        "MessageRejected" if message.contains("paused") || message.contains("suspended") => {
            SesVerdict::NotAccepted("sending_paused")
        }
        // "Not verified" has the same code: the operator mends that, the mail is good.
        "MessageRejected" if message.contains("not verified") => {
            SesVerdict::NotAccepted("sender_not_verified")
        }
        "MessageRejected" | "InvalidParameterValue" => SesVerdict::Refused("rejected"),
        "Throttling" | "ThrottlingException" | "TooManyRequestsException" => {
            SesVerdict::NotAccepted("throttled")
        }
        "LimitExceeded" | "LimitExceededException" => SesVerdict::NotAccepted("quota"),
        "AccountSendingPausedException"
        | "ConfigurationSetSendingPausedException"
        | "AccountSendingPaused"
        | "ConfigurationSetSendingPaused" => SesVerdict::NotAccepted("sending_paused"),
        "ConfigurationSetDoesNotExist"
        | "ConfigurationSetDoesNotExistException"
        | "MailFromDomainNotVerified"
        | "MailFromDomainNotVerifiedException" => SesVerdict::NotAccepted("ses_not_set_up"),
        "AccessDenied"
        | "AccessDeniedException"
        | "ExpiredToken"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => SesVerdict::NotAccepted("not_permitted"),
        _ => SesVerdict::InDoubt("server_error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_says_no_frees_the_mail() {
        assert_eq!(of_code("Throttling", ""), SesVerdict::NotAccepted("throttled"));
        assert_eq!(of_code("MessageRejected", "Illegal address"), SesVerdict::Refused("rejected"));
        assert_eq!(
            of_code("MessageRejected", "Email address is not verified. …"),
            SesVerdict::NotAccepted("sender_not_verified")
        );
        assert_eq!(
            of_code("MessageRejected", "Sending paused for this account. …"),
            SesVerdict::NotAccepted("sending_paused")
        );
        assert_eq!(of_code("InternalFailure", ""), SesVerdict::InDoubt("server_error"));
        assert_eq!(of_code("", ""), SesVerdict::InDoubt("server_error"));
    }
}
