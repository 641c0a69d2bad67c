//! The credential that a row of a file names.

use super::Entry;
use crate::domain::{
    correction_fault::CorrectionFault,
    fault::{self, Fault},
    field::FieldName,
    ids::CredentialId,
    text::shortened,
};

/// Characters of a `credential_id` that a fault repeats; a valid one has 36.
const SHOWN_ID: usize = 60;

/// The credential that a row of a file names by `credential_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// Its id.
    pub id: CredentialId,
    /// The fields that the row has and leaves empty.
    pub cleared: Vec<FieldName>,
}

impl Entry {
    /// Notes the credential that a row of a file names, and which of the fields that the row
    /// `says` are empty. What is no id is a fault of the row.
    pub fn name(&mut self, id: &str, says: &[FieldName]) {
        let Ok(id) = CredentialId::parse(id) else {
            let fault = CorrectionFault::Unknown(shortened(id, SHOWN_ID));
            let mut faults = self.recipient.clone().err().unwrap_or_default();
            faults.push(Fault::Correction(fault));
            self.recipient = Err(fault::listed(faults));
            return;
        };
        let empty = |field: &FieldName| match &self.recipient {
            Ok(recipient) => says.contains(field) && recipient.value(*field).is_none(),
            Err(_) => false,
        };
        let cleared = FieldName::ALL.into_iter().filter(empty).collect();
        self.naming = Some(Naming { id, cleared });
    }
}
