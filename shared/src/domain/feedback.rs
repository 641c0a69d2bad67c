//! The notices of SES on a mail that it took, and their effects.
//!
//! SES reports as events of a configuration set and as notifications of an identity; both come
//! through SNS, in its envelope or raw. One member's name tells them apart; the rest is read
//! alike. Two message tags identify the mail, or the two headers of the same meaning: a
//! notification has no tags, and has headers if the identity is configured so.
//!
//! Source: "Contents of event data that Amazon SES publishes to Amazon SNS" and "Amazon SNS
//! notification contents for Amazon SES" (SES developer guide).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{
    credential::{Credential, MailState, Status},
    email::EmailAddress,
    ids::{CredentialId, Mode},
    time,
};

/// Message tag that names the credential.
pub const CREDENTIAL_TAG: &str = "credential_id";
/// Message tag that names the round, see [`Credential::mail_round`].
pub const ROUND_TAG: &str = "mail_round";
/// Waits before a mail that bounced softly is sent again; the bounce after the last is final.
/// SES itself has tried for hours by then.
pub const SOFT_BOUNCE_WAITS: [Duration; 2] =
    [Duration::from_secs(4 * 3600), Duration::from_secs(24 * 3600)];

/// The delivery state of a mail that SES took. A later variant outranks an earlier one, in
/// whatever order they arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// The recipient's server took it.
    Delivered,
    /// SES did not send it after all: it found a virus.
    Rejected,
    /// It came back.
    Bounced,
    /// The recipient marked it as spam.
    Complained,
}

impl DeliveryState {
    /// The stored text, and `email_status` on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Rejected => "rejected",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }
}

/// The kinds of notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The recipient's server took it.
    Delivered,
    /// SES found a virus.
    Rejected,
    /// There is no such mailbox, or SES knows that mail to it bounces.
    HardBounce,
    /// It came back, and may arrive at another time.
    SoftBounce,
    /// It came back because of its content: too large, or refused by a filter.
    Refused,
    /// The recipient marked it as spam.
    Complaint,
}

impl Kind {
    fn state(self) -> (DeliveryState, Option<&'static str>) {
        match self {
            Self::Delivered => (DeliveryState::Delivered, None),
            Self::Rejected => (DeliveryState::Rejected, Some("virus_found")),
            Self::HardBounce => (DeliveryState::Bounced, Some("hard_bounce")),
            Self::SoftBounce => (DeliveryState::Bounced, Some("soft_bounce")),
            Self::Refused => (DeliveryState::Bounced, Some("content_refused")),
            Self::Complaint => (DeliveryState::Complained, Some("complaint")),
        }
    }
}

/// A notice of SES on one of this service's mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its kind.
    pub kind: Kind,
    /// The credential whose mail it was.
    pub credential_id: CredentialId,
    /// The round that the mail belongs to.
    pub round: u32,
    /// The recipient's address.
    pub to: EmailAddress,
    /// The instant of the event, RFC 3339 to the second.
    pub at: String,
    /// The instant at which SES took the mail, RFC 3339 to the second.
    pub sent_at: String,
}

/// The content of a message of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedbackMessage {
    /// A notice to record.
    Notice(Notice),
    /// Nothing to record: opened, delayed, or mail of another sender.
    Other,
}

/// A message cannot be read. It has addresses in it, so no error or log quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no event of SES: {0}")]
pub struct Unreadable(&'static str);

/// Reads a message of the queue.
///
/// # Errors
/// [`Unreadable`], which says why without quoting it.
pub fn read(body: &str) -> Result<FeedbackMessage, Unreadable> {
    // SES publishes this to test its permission when it is given a topic.
    if body.starts_with("Successfully validated SNS topic") {
        return Ok(FeedbackMessage::Other);
    }
    let event: Value = serde_json::from_str(body).map_err(|_| Unreadable("not JSON"))?;
    if let Some(inner) = event.get("Message").and_then(Value::as_str)
        && event.get("TopicArn").is_some()
    {
        return read(inner);
    }
    let kind = event.get("eventType").or_else(|| event.get("notificationType"));
    let kind = kind.and_then(Value::as_str).ok_or(Unreadable("neither event nor notification"))?;
    let details = |name: &str| event.get(name).unwrap_or(&Value::Null);
    let (kind, at) = match kind {
        "Delivery" => (Kind::Delivered, details("delivery")),
        "Reject" => (Kind::Rejected, details("reject")),
        "Complaint" => (Kind::Complaint, details("complaint")),
        "Bounce" => (bounce(details("bounce")), details("bounce")),
        _ => return Ok(FeedbackMessage::Other),
    };
    let mail = event.get("mail").ok_or(Unreadable("without mail"))?;
    let Some((credential_id, round)) = mark(mail) else { return Ok(FeedbackMessage::Other) };
    let to = mail.pointer("/destination/0").and_then(Value::as_str).unwrap_or_default();
    let to = EmailAddress::parse(to).map_err(|_| Unreadable("without destination"))?;
    let instant = |of: &Value| -> Option<jiff::Timestamp> {
        of.get("timestamp").and_then(Value::as_str)?.parse().ok()
    };
    // A reject has no instant of its own.
    let at = instant(at).or_else(|| instant(mail)).ok_or(Unreadable("without timestamp"))?;
    let sent_at = time::seconds(instant(mail).unwrap_or(at));
    Ok(FeedbackMessage::Notice(Notice {
        kind,
        credential_id,
        round,
        to,
        at: time::seconds(at),
        sent_at,
    }))
}

fn bounce(bounce: &Value) -> Kind {
    let text = |name: &str| bounce.get(name).and_then(Value::as_str).unwrap_or_default();
    match (text("bounceType"), text("bounceSubType")) {
        ("Permanent", _) => Kind::HardBounce,
        (_, "MessageTooLarge" | "ContentRejected" | "AttachmentRejected") => Kind::Refused,
        // Transient, and undetermined: another attempt tells.
        _ => Kind::SoftBounce,
    }
}

/// The credential and round that a mail was sent with.
fn mark(mail: &Value) -> Option<(CredentialId, u32)> {
    let tag = |name: &str| mail.pointer(&format!("/tags/{name}/0")).and_then(Value::as_str);
    let header = |name: &str| {
        let headers = mail.get("headers").and_then(Value::as_array)?;
        let named = |header: &&Value| {
            let found = header.get("name").and_then(Value::as_str).unwrap_or_default();
            found.eq_ignore_ascii_case(name)
        };
        headers.iter().find(named)?.get("value")?.as_str()
    };
    let id = tag(CREDENTIAL_TAG).or_else(|| header(CREDENTIAL_ID_HEADER))?;
    let round = tag(ROUND_TAG).or_else(|| header(ROUND_HEADER))?;
    Some((CredentialId::parse(id).ok()?, round.parse().ok()?))
}

/// The effect of a notice on a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// None: it is about an earlier round or address, or recorded already.
    Nothing,
    /// A new delivery state, and the reason if the mail did not arrive.
    Became(DeliveryState, Option<&'static str>),
    /// The mail is pending again, after this wait.
    Again(Duration),
    /// None yet: the receipt of the attempt is still on its way.
    Later,
}

/// Weighs a notice. Repeated or out of order it changes nothing: a recorded state outranks it,
/// or it belongs to an earlier round.
pub fn change(credential: &Credential, notice: &Notice) -> Change {
    if credential.mode != Mode::Live
        || notice.round != credential.mail_round
        || notice.to != credential.recipient.email
    {
        return Change::Nothing;
    }
    let (state, why) = notice.kind.state();
    if credential.mail_delivery.is_some_and(|known| known >= state) {
        return Change::Nothing;
    }
    let bounces = usize::try_from(credential.mail_soft_bounces).unwrap_or(usize::MAX);
    if notice.kind == Kind::SoftBounce
        && credential.mail_delivery.is_none()
        && credential.status == Status::Issued
        && let Some(wait) = SOFT_BOUNCE_WAITS.get(bounces)
    {
        return match credential.stored_mail {
            MailState::Sent => Change::Again(*wait),
            MailState::Claimed => Change::Later,
            // It is sent again, or was given up, without this notice.
            MailState::Owed | MailState::Failed | MailState::Skipped => Change::Nothing,
        };
    }
    Change::Became(state, why)
}

/// The reason for which an organization sends nothing to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// Mail to it bounced for good.
    Bounced,
    /// Its owner marked a mail as spam.
    Complained,
}

/// An address that an organization sends nothing to until it is removed from the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// Version of this item's format.
    pub v: u32,
    /// The address.
    pub email: EmailAddress,
    /// The reason.
    pub reason: Why,
    /// Its beginning, RFC 3339.
    pub since: String,
    /// The credential whose mail it was.
    pub credential_id: CredentialId,
}

impl Suppression {
    /// The entry for a notice, if its kind needs one.
    pub fn of(notice: &Notice) -> Option<Self> {
        let reason = match notice.kind {
            Kind::Complaint => Why::Complained,
            Kind::HardBounce => Why::Bounced,
            _ => return None,
        };
        Some(Self {
            v: 1,
            email: notice.to.clone(),
            reason,
            since: notice.at.clone(),
            credential_id: notice.credential_id,
        })
    }

    /// The entry in the answer of `GET /suppressions`.
    pub fn answer(&self) -> Value {
        serde_json::json!({
            "email": self.email, "reason": self.reason, "since": self.since,
            "credential_id": self.credential_id,
        })
    }
}

/// The header that names the credential of a mail.
pub const CREDENTIAL_ID_HEADER: &str = "X-Credential-Id";

/// The header that tells the mails of one credential apart, see
/// [`crate::domain::credential::Credential::mail_round`].
pub const ROUND_HEADER: &str = "X-Mail-Round";
