//! A notice of SES on a mail of this service, and the states that follow from it.

use serde::{Deserialize, Serialize};

use crate::domain::{email::EmailAddress, ids::CredentialId, undelivered::Undelivered};

/// Message tag that names the credential.
pub const CREDENTIAL_TAG: &str = "credential_id";
/// Message tag that names the round, see [`crate::domain::credential::Credential::mail_round`].
pub const ROUND_TAG: &str = "mail_round";
/// The header that names the credential of a mail.
pub const CREDENTIAL_ID_HEADER: &str = "X-Credential-Id";
/// The header that tells the mails of one credential apart, see
/// [`crate::domain::credential::Credential::mail_round`].
pub const ROUND_HEADER: &str = "X-Mail-Round";

/// The delivery state of a mail that SES took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// The recipient's server took it.
    Delivered,
    /// SES did not send it after all.
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

/// The kinds of notices. A later one outranks an earlier one, in whatever order they come: a server
/// that took a mail at last says more than one that did not at first, and less than one that
/// returned it since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It came back, and may arrive at another time.
    SoftBounce,
    /// The recipient's server took it.
    Delivered,
    /// SES did not try: the address is on a list of the AWS account.
    NotTried,
    /// SES found a virus.
    Rejected,
    /// It came back because of its content: too large, or refused by a filter.
    Refused,
    /// There is no such mailbox, or SES knows that mail to it bounces.
    HardBounce,
    /// The recipient marked it as spam.
    Complaint,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::SoftBounce,
        Self::Delivered,
        Self::NotTried,
        Self::Rejected,
        Self::Refused,
        Self::HardBounce,
        Self::Complaint,
    ];

    /// The delivery state, and the code of the reason if the mail did not arrive.
    pub fn state(self) -> (DeliveryState, Option<&'static str>) {
        let (state, why) = match self {
            Self::SoftBounce => (DeliveryState::Bounced, Some(Undelivered::SoftBounce)),
            Self::Delivered => (DeliveryState::Delivered, None),
            Self::NotTried => (DeliveryState::Rejected, Some(Undelivered::AccountSuppressed)),
            Self::Rejected => (DeliveryState::Rejected, Some(Undelivered::VirusFound)),
            Self::Refused => (DeliveryState::Bounced, Some(Undelivered::ContentRefused)),
            Self::HardBounce => (DeliveryState::Bounced, Some(Undelivered::HardBounce)),
            Self::Complaint => (DeliveryState::Complained, Some(Undelivered::Complaint)),
        };
        (state, why.map(Undelivered::as_str))
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
