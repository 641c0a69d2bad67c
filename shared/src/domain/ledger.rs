//! The outcome of a mail. A job's ledger has a set of rows for each, see
//! [`crate::domain::job_outcome::MailSets`].

use std::ops::Deref;

use crate::domain::credential::{Credential, MailState};

/// How a mail ended, in order of precedence: a row in two sets of a ledger has the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// SES took it (in test mode: it is kept for reading).
    Sent,
    /// SES refused it for good, or it was given up.
    Failed,
    /// Nobody asked for it, or it is not due any more.
    Skipped,
}

impl Ended {
    /// The end of a mail in this state; none while it is pending.
    pub fn of(state: MailState) -> Option<Self> {
        match state {
            MailState::Sent => Some(Self::Sent),
            MailState::Failed => Some(Self::Failed),
            MailState::Skipped => Some(Self::Skipped),
            MailState::Owed | MailState::Claimed => None,
        }
    }

    /// The stored text, and `email_status` on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl From<Ended> for MailState {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Sent => Self::Sent,
            Ended::Failed => Self::Failed,
            Ended::Skipped => Self::Skipped,
        }
    }
}

/// The entry of a mail on its job's ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerEntry {
    /// The mail has ended.
    Ended(Ended),
    /// A worker sends it, until the lease ends, Unix seconds.
    Sending(i64),
    /// No worker has claimed it.
    Unclaimed,
}

/// A credential with the current state of its mail, from its item and its job's ledger. Only
/// this type answers requests: the item alone can say `owed` of a mail that was sent.
#[derive(Clone, Debug)]
pub struct CurrentCredential {
    credential: Credential,
    mail: MailState,
    lease: Option<i64>,
}

impl Deref for CurrentCredential {
    type Target = Credential;

    fn deref(&self) -> &Credential {
        &self.credential
    }
}

impl CurrentCredential {
    /// Joins a credential and its entry, which counts while the mail is on the ledger.
    pub fn new(credential: Credential, entry: LedgerEntry) -> Self {
        let (mail, lease) = match (credential.on_ledger(), entry) {
            (Some(_), LedgerEntry::Ended(ended)) => (ended.into(), credential.mail_lease),
            (Some(_), LedgerEntry::Sending(until)) => (MailState::Claimed, Some(until)),
            (Some(_), LedgerEntry::Unclaimed) | (None, _) => {
                (credential.stored_mail, credential.mail_lease)
            }
        };
        Self { credential, mail, lease }
    }

    /// A credential whose item has the state of its mail: no job follows the mail, its state
    /// has just been written, or it is pending on the ledger too.
    pub fn written(credential: Credential) -> Self {
        Self::new(credential, LedgerEntry::Unclaimed)
    }

    /// The state of its mail.
    pub fn mail(&self) -> MailState {
        self.mail
    }

    /// The end of the running attempt's lease, Unix seconds.
    pub fn mail_lease(&self) -> Option<i64> {
        self.lease
    }

    /// The credential as it is after the state of its mail was written on its item.
    pub fn into_written(self) -> Credential {
        Credential { stored_mail: self.mail, mail_lease: self.lease, ..self.credential }
    }

    /// `email_status` on the wire.
    pub fn email_status(&self) -> &'static str {
        match (self.mail, self.mail_delivery) {
            (MailState::Owed | MailState::Claimed, _) => "pending",
            (MailState::Sent, None) => "sent",
            (MailState::Sent, Some(delivery)) => delivery.as_str(),
            (MailState::Failed, _) => "failed",
            (MailState::Skipped, _) => "skipped",
        }
    }

    /// The answer of `GET /credentials/{id}`.
    pub fn answer(&self, site_url: &str) -> serde_json::Value {
        let r = &self.recipient;
        let mut answer = serde_json::json!({
            "credential_id": self.id, "credential_url": Credential::url(site_url, self.id),
            "status": self.status, "status_at": self.status_at,
            "status_reason": self.status_reason, "version": self.version,
            "corrected_at": self.corrected_at, "mode": self.mode, "template_id": self.template_id,
            "template_version": self.template_version, "issued_at": self.issued_at,
            "recipient_type": self.recipient_type, "email_status": self.email_status(),
            "email_delivery_at": self.mail_delivery_at,
            "email_sent_at": self.mail_at.as_ref().filter(|_| self.mail == MailState::Sent),
            "email_error": self.mail_error, "email": r.email, "external_id": r.external_id,
        });
        if let Some(members) = answer.as_object_mut() {
            members.extend(r.members());
            members.insert("language".to_owned(), self.lang.tag().into());
        }
        answer
    }
}
