//! What SES says of a mail after it took it, and what follows from that.
//!
//! SES speaks twice over: as events of a configuration set, and as notifications of an
//! identity; both come through SNS, in its envelope or raw. They are told apart by one
//! member's name and read alike. A mail is known by the two message tags that it was sent
//! with, or by the headers of the same meaning (a notification carries no tags, and headers
//! where the identity says so).
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
/// Waits before a mail that bounced softly is sent again; after the last it has bounced.
/// SES itself has tried for hours by then.
pub const SOFT_BOUNCE_WAITS: [Duration; 2] =
    [Duration::from_secs(4 * 3600), Duration::from_secs(24 * 3600)];

/// What became of a mail that SES took. A later one outranks those before it, whatever the
/// order in which they arrive.
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
    /// As it is stored, and `email_status` on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Rejected => "rejected",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }
}

/// What happened.
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
    /// It came back for what it is: too large, or refused by a filter. The address is good.
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

/// One thing that SES said of one of our mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub kind: Kind,
    /// The credential whose mail it was.
    pub credential_id: CredentialId,
    /// The round that the mail belongs to.
    pub round: u32,
    /// Whom it went to.
    pub to: EmailAddress,
    /// When it happened, RFC 3339 to the second.
    pub at: String,
    /// When SES took the mail, RFC 3339 to the second.
    pub sent_at: String,
}

/// What a message of the queue holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedbackMessage {
    /// Something to act on.
    Notice(Notice),
    /// Nothing that concerns us: opened, delayed, or mail of somebody else.
    Other,
}

/// Nobody can read a message. It holds addresses, so it is shown nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no event of SES: {0}")]
pub struct Unreadable(&'static str);

/// Reads a message of the queue.
///
/// # Errors
/// [`Unreadable`], which says why without quoting it.
pub fn read(body: &str) -> Result<FeedbackMessage, Unreadable> {
    // What SES publishes to see whether it may, when a topic is named to it.
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

/// What a notice changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: it is about a former round or address, or known already.
    Nothing,
    /// What became of the mail, and why if it did not arrive.
    Became(DeliveryState, Option<&'static str>),
    /// The mail is owed again, after a while.
    Again(Duration),
    /// Nothing yet: the receipt of the attempt is still on its way.
    Later,
}

/// What a notice changes on a credential. The same at whatever time and however often it is
/// asked: what was changed once is ranked, or belongs to a former round.
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
            // It will be sent again, or was given up, without this.
            MailState::Owed | MailState::Failed | MailState::Skipped => Change::Nothing,
        };
    }
    Change::Became(state, why)
}

/// Why an organization sends nothing to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// Mail to it came back for good.
    Bounced,
    /// Its owner marked a mail as spam.
    Complained,
}

/// An address that an organization sends nothing to, until somebody takes it off the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// Version of this item's format.
    pub v: u32,
    /// The address.
    pub email: EmailAddress,
    /// Why.
    pub reason: Why,
    /// Since when, RFC 3339.
    pub since: String,
    /// The credential whose mail it was.
    pub credential_id: CredentialId,
}

impl Suppression {
    /// The entry that a notice asks for, if it does.
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

    /// As it stands in the answer of `GET /suppressions`.
    pub fn answer(&self) -> Value {
        serde_json::json!({
            "email": self.email, "reason": self.reason, "since": self.since,
            "credential_id": self.credential_id,
        })
    }
}

/// The header by which a stored message is found again by its credential.
pub const CREDENTIAL_ID_HEADER: &str = "X-Credential-Id";

/// The header that tells the mails of one credential apart, see
/// [`crate::domain::credential::Credential::mail_round`].
pub const ROUND_HEADER: &str = "X-Mail-Round";
