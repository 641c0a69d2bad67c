//! The notices of SES on a mail that it took, and their effects. [`read`] tells what a notice means,
//! [`change`] what it changes; `docs/operate.md` has the table of all types.
//!
//! The end does not depend on the order in which notices come, nor on how often: each [`Kind`] outranks
//! those before it, and a mail and those that its soft bounces caused are one sending.

mod notice;
mod reading;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::{
    notice::{
        CREDENTIAL_ID_HEADER, CREDENTIAL_TAG, DeliveryState, Kind, Notice, ROUND_HEADER, ROUND_TAG,
    },
    reading::{FeedbackMessage, Unreadable, read},
};
use crate::domain::{
    credential::{Credential, MailState},
    email::EmailAddress,
    ids::{CredentialId, Mode},
};

/// Waits before a mail that bounced softly is sent again; the bounce after the last is final.
/// SES itself has tried for hours by then.
pub const SOFT_BOUNCE_WAITS: [Duration; 2] =
    [Duration::from_secs(4 * 3600), Duration::from_secs(24 * 3600)];

/// The effect of a notice on a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// None: it is about an earlier sending or address, or what is recorded outranks it.
    Nothing,
    /// A new delivery state, and the reason if the mail did not arrive.
    Became(DeliveryState, Option<&'static str>),
    /// The mail is pending again, after this wait.
    Again(Duration),
    /// None yet: the receipt of the attempt is still on its way.
    Later,
}

/// Weighs a notice. Repeated or out of order it changes nothing: what is recorded outranks it, or it
/// belongs to an earlier sending.
pub fn change(credential: &Credential, notice: &Notice) -> Change {
    // The mails of one sending: the first, and one for each of its soft bounces.
    let first = credential.mail_round.saturating_sub(credential.mail_soft_bounces);
    if credential.mode != Mode::Live
        || !(first..=credential.mail_round).contains(&notice.round)
        || notice.to != credential.recipient.email
    {
        return Change::Nothing;
    }
    if recorded(credential).is_some_and(|recorded| recorded >= notice.kind) {
        return Change::Nothing;
    }
    let (state, why) = notice.kind.state();
    if notice.kind != Kind::SoftBounce {
        // Of an earlier mail of the sending too: what waits to be sent again is not sent.
        return Change::Became(state, why);
    }
    if notice.round < credential.mail_round {
        return Change::Nothing;
    }
    let bounces = usize::try_from(credential.mail_soft_bounces).unwrap_or(usize::MAX);
    if credential.may_be_mailed()
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

/// The kind of the notice that a credential has recorded.
fn recorded(credential: &Credential) -> Option<Kind> {
    let state = credential.mail_delivery?;
    let why = credential.mail_error.as_deref();
    let exactly = Kind::ALL.into_iter().find(|kind| kind.state() == (state, why));
    // A reason that this version does not know: the gravest of the state.
    exactly.or_else(|| Kind::ALL.into_iter().rfind(|kind| kind.state().0 == state))
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

impl Why {
    /// The stored text, and `reason` on the wire. A reason that outranks another comes after it in
    /// the alphabet.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }
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
            Kind::SoftBounce
            | Kind::Delivered
            | Kind::NotTried
            | Kind::Rejected
            | Kind::Refused => return None,
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
