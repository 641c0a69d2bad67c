//! What a message of the queue means.
//!
//! SES reports as events of a configuration set and as notifications of an identity; both come
//! through SNS, in its envelope or raw. One member's name tells them apart; the rest is read
//! alike. Two message tags identify the mail, or the two headers of the same meaning: a
//! notification has no tags, and has headers if the identity is configured so.
//!
//! A bounce is read by what the recipient's server said, its status code, before the type that SES
//! gives it: SES calls a refused address transient, and a note of absence a bounce.
//!
//! Source: "Contents of event data that Amazon SES publishes to Amazon SNS", "Amazon SNS
//! notification contents for Amazon SES" and "Using the mailbox simulator" (SES developer guide);
//! status codes: RFC 3463; actions of a delivery report: RFC 3464 §2.3.3; types of complaints: RFC 5965
//! and 6591.

use serde_json::Value;

use super::notice::{CREDENTIAL_ID_HEADER, CREDENTIAL_TAG, Kind, Notice, ROUND_HEADER, ROUND_TAG};
use crate::domain::{email::EmailAddress, ids::CredentialId, time};

/// Subtypes of mail that SES took and did not try to deliver: the address is on a list of the AWS
/// account, or SES's own check refused it.
const NOT_TRIED: [&str; 4] = [
    "OnAccountSuppressionList",
    "OnTenantSuppressionList",
    "EmailValidationSuppressed",
    "UnsubscribedRecipient",
];
/// Subtypes of bounces because of what was in the mail.
const OF_CONTENT: [&str; 3] = ["MessageTooLarge", "ContentRejected", "AttachmentRejected"];

/// The content of a message of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedbackMessage {
    /// A notice to record.
    Notice(Notice),
    /// Nothing to record: a note of absence, opened, delayed, or mail of another sender.
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
    let details = match kind {
        "Delivery" => details("delivery"),
        "Reject" => details("reject"),
        "Complaint" => details("complaint"),
        "Bounce" => details("bounce"),
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
    let at = instant(details).or_else(|| instant(mail)).ok_or(Unreadable("without timestamp"))?;
    let sent_at = time::seconds(instant(mail).unwrap_or(at));
    let kind = match kind {
        "Delivery" => Some(Kind::Delivered),
        "Reject" => Some(Kind::Rejected),
        "Complaint" => complaint(details),
        _ => bounce(details, &to),
    };
    let Some(kind) = kind else { return Ok(FeedbackMessage::Other) };
    Ok(FeedbackMessage::Notice(Notice {
        kind,
        credential_id,
        round,
        to,
        at: time::seconds(at),
        sent_at,
    }))
}

/// The meaning of a complaint; none if nobody complains.
fn complaint(complaint: &Value) -> Option<Kind> {
    let of_type = text(complaint, "complaintFeedbackType").to_ascii_lowercase();
    match (text(complaint, "complaintSubType"), of_type.as_str()) {
        (sub, _) if NOT_TRIED.contains(&sub) => Some(Kind::NotTried),
        // Somebody took the mail out of the spam; a server could not check who sent it.
        (_, "not-spam" | "auth-failure") => None,
        _ => Some(Kind::Complaint),
    }
}

/// The meaning of a bounce; none if nothing follows from it.
fn bounce(bounce: &Value, to: &EmailAddress) -> Option<Kind> {
    let sub = text(bounce, "bounceSubType");
    let kind = text(bounce, "bounceType");
    let of_content = OF_CONTENT.contains(&sub);
    match (sub, verdict(bounce, to)) {
        (sub, _) if NOT_TRIED.contains(&sub) => Some(Kind::NotTried),
        ("NoEmail" | "Suppressed", _) => Some(Kind::HardBounce),
        // It is on its way, or arrived after all.
        (_, Some(Verdict::NoFailure)) if kind != "Permanent" => None,
        (_, Some(Verdict::Temporary)) if of_content => Some(Kind::Refused),
        (_, Some(Verdict::Temporary)) => Some(Kind::SoftBounce),
        // Servers have permanent codes for these too; they say nothing against the address.
        ("MailboxFull", Some(Verdict::Permanent(2, 2))) => Some(Kind::SoftBounce),
        ("MessageTooLarge", Some(Verdict::Permanent(2 | 3, _))) => Some(Kind::Refused),
        ("ContentRejected" | "AttachmentRejected", Some(Verdict::Permanent(6 | 7, _))) => {
            Some(Kind::Refused)
        }
        (_, Some(Verdict::Permanent(..))) => Some(Kind::HardBounce),
        (_, Some(Verdict::NoFailure) | None) => without_verdict(kind, sub),
    }
}

/// The meaning of a bounce without a status: no server reported that the mail was not delivered.
fn without_verdict(kind: &str, sub: &str) -> Option<Kind> {
    match (kind, sub) {
        ("Permanent", _) => Some(Kind::HardBounce),
        (_, sub) if OF_CONTENT.contains(&sub) => Some(Kind::Refused),
        // Somebody is absent, or a program answered: the mail is there.
        ("Transient", "General" | "") => None,
        ("Transient", _) | (_, "MailboxFull") => Some(Kind::SoftBounce),
        _ => None,
    }
}

/// What the recipient's server said of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// No failure: delivered, relayed, or still being tried.
    NoFailure,
    /// It may take the mail at another time.
    Temporary,
    /// It never takes it; subject and detail of its status code.
    Permanent(u16, u16),
}

/// The gravest verdict on an address; on any address if none names it, as when mail was forwarded.
fn verdict(bounce: &Value, to: &EmailAddress) -> Option<Verdict> {
    let all =
        bounce.get("bouncedRecipients").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let own = |recipient: &&Value| {
        let address = text(recipient, "emailAddress").rsplit('<').next().unwrap_or_default();
        EmailAddress::parse(address.trim_end_matches('>')).is_ok_and(|address| address == *to)
    };
    let named = all.iter().filter(own).filter_map(verdict_on).max();
    named.or_else(|| all.iter().filter_map(verdict_on).max())
}

/// The verdict on one recipient, by its status or else by what the server answered.
fn verdict_on(recipient: &Value) -> Option<Verdict> {
    let action = text(recipient, "action").to_ascii_lowercase();
    if matches!(action.as_str(), "delayed" | "delivered" | "relayed" | "expanded") {
        return Some(Verdict::NoFailure);
    }
    let [status, answer] = ["status", "diagnosticCode"].map(|name| text(recipient, name));
    // Of an answer, numbers of versions look like codes of success.
    let failure = |verdict: &Verdict| *verdict != Verdict::NoFailure;
    codes_in(status)
        .next()
        .or_else(|| codes_in(answer).find(failure))
        .or_else(|| replies_in(answer).find(failure))
}

/// The status codes in a text, as `5.1.1` in `smtp; 550 5.1.1 user unknown`.
fn codes_in(said: &str) -> impl Iterator<Item = Verdict> {
    said.split(|c: char| !(c.is_ascii_digit() || c == '.')).filter_map(|word| {
        let mut parts = word.trim_matches('.').split('.');
        let mut next = || parts.next()?.parse::<u16>().ok().filter(|part| *part < 1_000);
        let (class, subject, detail) = (next()?, next()?, next()?);
        if parts.next().is_some() { None } else { of_class(class, subject, detail) }
    })
}

/// The reply codes of SMTP in a text, as 550 in `smtp; 550 user unknown`.
fn replies_in(said: &str) -> impl Iterator<Item = Verdict> {
    said.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').filter_map(|word| {
        let code: u16 = word.parse().ok().filter(|_| word.len() == 3)?;
        of_class(code / 100, 0, 0)
    })
}

fn of_class(class: u16, subject: u16, detail: u16) -> Option<Verdict> {
    match class {
        2 => Some(Verdict::NoFailure),
        4 => Some(Verdict::Temporary),
        5 => Some(Verdict::Permanent(subject, detail)),
        _ => None,
    }
}

/// A member's text without what is around it; empty if there is none.
fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of.get(name).and_then(Value::as_str).unwrap_or_default().trim()
}

/// The credential and round that a mail was sent with.
fn mark(mail: &Value) -> Option<(CredentialId, u32)> {
    let tag = |name: &str| mail.pointer(&format!("/tags/{name}/0")).and_then(Value::as_str);
    let header = |name: &str| {
        let headers = mail.get("headers").and_then(Value::as_array)?;
        let named = |header: &&Value| text(header, "name").eq_ignore_ascii_case(name);
        headers.iter().find(named)?.get("value")?.as_str()
    };
    let id = tag(CREDENTIAL_TAG).or_else(|| header(CREDENTIAL_ID_HEADER))?;
    let round = tag(ROUND_TAG).or_else(|| header(ROUND_HEADER))?;
    Some((CredentialId::parse(id).ok()?, round.parse().ok()?))
}
