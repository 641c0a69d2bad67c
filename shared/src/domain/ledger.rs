//! The outcomes of a mail. A job's ledger has a set of rows for each outcome, see
//! [`crate::domain::job_outcome::MailSets`].

use std::ops::Deref;

use crate::domain::{
    credential::{Credential, MailState},
    custom::CUSTOM,
    feedback::DeliveryState,
    lang::Lang,
    metadata::METADATA,
    undelivered::Undelivered,
};

/// The outcome of a mail, in order of precedence: of a row in two sets of a ledger, the first
/// outcome counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// SES accepted it; in test mode, it is stored for `GET /credentials/{id}/mail`.
    Sent,
    /// SES rejected it, or the service gave up.
    Failed,
    /// The request asked for no mail, or the mail is no longer due.
    Skipped,
}

impl Ended {
    /// Returns the outcome of a mail in this state; `None` while it is pending.
    pub fn of(state: MailState) -> Option<Self> {
        match state {
            MailState::Sent => Some(Self::Sent),
            MailState::Failed => Some(Self::Failed),
            MailState::Skipped => Some(Self::Skipped),
            MailState::Owed | MailState::Claimed => None,
        }
    }

    /// Returns the stored text, which is also `email_status` on the wire.
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
    /// A worker is sending it; its lease ends at this instant, Unix seconds.
    Sending(i64),
    /// No worker has claimed it.
    Unclaimed,
}

/// A credential with the current state of its mail, read from its item and its job's ledger.
/// Requests are answered with this type alone: the item can be `owed` although the mail was sent.
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
    /// Joins a credential and its entry; the entry counts while the mail is on the ledger.
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

    /// Makes one from an item whose mail state is current: the mail is on no ledger, its state was
    /// just written, or it is pending on the ledger too.
    pub fn written(credential: Credential) -> Self {
        Self::new(credential, LedgerEntry::Unclaimed)
    }

    /// Returns the state of the mail.
    pub fn mail(&self) -> MailState {
        self.mail
    }

    /// Returns the end of the running attempt's lease, Unix seconds.
    pub fn mail_lease(&self) -> Option<i64> {
        self.lease
    }

    /// Returns the credential with the current state of its mail written into it.
    pub fn into_written(self) -> Credential {
        Credential { stored_mail: self.mail, mail_lease: self.lease, ..self.credential }
    }

    /// Returns it as its pending mail will end to an address that is on the suppression list: it is
    /// not sent.
    pub fn suppressed(mut self, why: Undelivered) -> Self {
        self.mail = MailState::Failed;
        self.credential.mail_error = Some(why.as_str().to_owned());
        self
    }

    /// Returns `email_status` of the answer.
    pub fn email_status(&self) -> &'static str {
        match (self.mail, self.mail_delivery) {
            (MailState::Owed | MailState::Claimed, _) => "pending",
            (MailState::Sent, None) => "sent",
            (MailState::Sent, Some(delivery)) => delivery.as_str(),
            (MailState::Failed, _) => "failed",
            (MailState::Skipped, _) => "skipped",
        }
    }

    /// Returns why its mail did not reach the recipient: the code that is kept. None if it did, or
    /// still may.
    pub fn undelivered(&self) -> Option<&str> {
        let state = (self.mail, self.mail_delivery);
        let gone = match state {
            (MailState::Failed, _) => true,
            (MailState::Sent, Some(delivery)) => delivery != DeliveryState::Delivered,
            _ => false,
        };
        gone.then(|| self.mail_error.as_deref().unwrap_or_default())
    }

    /// Returns the answer of `GET /credentials/{id}`, its texts in a language; private facts are for
    /// keys that read.
    pub fn answer(&self, site_url: &str, lang: Lang, reads: bool) -> serde_json::Value {
        let r = &self.recipient;
        let detail = self.undelivered().map(|code| Undelivered::text_of(code, lang));
        let mut answer = serde_json::json!({
            "credential_id": self.id, "credential_url": Credential::url(site_url, self.id),
            "status": self.status, "status_at": self.status_at,
            "status_reason": self.status_reason,
            "blocked_at": self.blocked.as_ref().map(|block| &block.at),
            "blocked_reason": self.blocked.as_ref().map(|block| &block.reason), "version": self.version,
            "corrected_at": self.corrected_at, "mode": self.mode, "template_id": self.template_id,
            "template_version": self.template_version, "issued_at": self.issued_at,
            "issued_on": self.issued_on, "expires_on": self.expires_on,
            "recipient_type": self.recipient_type, "email_status": self.email_status(),
            "email_delivery_at": self.mail_delivery_at,
            "email_sent_at": self.mail_at.as_ref().filter(|_| self.mail == MailState::Sent),
            "email_error": self.mail_error, "email_detail": detail, "email": r.email, "external_id": r.external_id,
        });
        let facts = match reads {
            true => serde_json::json!(r.facts()),
            false => serde_json::json!(r.custom),
        };
        if let Some(members) = answer.as_object_mut() {
            members.extend(r.members());
            members.insert(CUSTOM.to_owned(), facts);
            members.insert(METADATA.to_owned(), serde_json::json!(r.metadata));
            members.insert("language".to_owned(), self.lang.tag().into());
        }
        answer
    }
}
