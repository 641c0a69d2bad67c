//! The outcome of a mail. A job's ledger has a set of rows for each, see
//! [`crate::domain::job::MailSets`].

use crate::domain::credential::MailState;

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
