//! The rows of a batch, before and after the work on them.

use crate::{
    credentials::{dry_run::Foreseen, issue::Outcome},
    domain::{correction::FieldChange, credential::Credential, fault::FaultText},
    jobs::messages::RowMessage,
};

/// A row's message as it was received.
pub(super) struct ReceivedRow {
    /// The message's id.
    pub(super) id: String,
    pub(super) message: RowMessage,
}

impl ReceivedRow {
    pub(super) fn ended(self, outcome: Option<RowOutcome>) -> WorkedRow {
        WorkedRow { row: self, outcome }
    }
}

/// A row after the work on it. Without an outcome its message comes back.
pub(super) struct WorkedRow {
    pub(super) row: ReceivedRow,
    pub(super) outcome: Option<RowOutcome>,
}

/// The outcome of a row.
pub(super) enum RowOutcome {
    Ended(Outcome),
    /// Its credential is revoked: by this job, or (`duplicate`) before it.
    Revoked {
        credential: Box<Credential>,
        duplicate: bool,
    },
    /// It corrected the credential that it names, or in a dry run would change this.
    Corrected {
        credential: Box<Credential>,
        changes: Vec<FieldChange>,
    },
    /// The outcome that issuing would have.
    Foreseen(Foreseen),
    Refused(Vec<FaultText>),
}
