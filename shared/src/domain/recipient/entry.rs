//! What an entry has besides its recipient: the credential that a row of a file names, and what could be read of a
//! refused one.

use super::{Entry, Recipient};
use crate::domain::{
    correction_fault::CorrectionFault,
    custom::Key,
    email::EmailAddress,
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
    /// The facts of the template's own that the row has and leaves empty.
    pub cleared_facts: Vec<Key>,
    /// The version of the credential that the row is of.
    pub version: Option<u32>,
}

/// The address in place of one that could not be read; nobody owns it, and nothing is looked up by it.
const NO_ADDRESS: &str = "nadie@nadie.invalid";

/// What could be read of a refused entry.
#[derive(Clone, Debug)]
pub struct Rest {
    /// What was read, in normal form.
    pub recipient: Recipient,
    /// Whether its address could be read: a member's profile may then have what is missing.
    pub addressed: bool,
}

impl Rest {
    /// Keeps what was read; without an address it stands under [`NO_ADDRESS`].
    pub fn of(
        email: Option<EmailAddress>,
        read: impl FnOnce(EmailAddress) -> Recipient,
    ) -> Option<Box<Self>> {
        let addressed = email.is_some();
        let email = email.or_else(|| EmailAddress::parse(NO_ADDRESS).ok())?;
        Some(Box::new(Self { recipient: read(email), addressed }))
    }
}

impl Entry {
    /// The recipient, or what could be read of a refused one.
    pub fn read_mut(&mut self) -> Option<&mut Recipient> {
        match &mut self.recipient {
            Ok(recipient) => Some(recipient),
            Err(_) => self.rest.as_mut().map(|rest| &mut rest.recipient),
        }
    }

    /// Refuses an entry that was read.
    pub fn refuse(&mut self, faults: Vec<Fault>) {
        if let Ok(recipient) = std::mem::replace(&mut self.recipient, Err(faults)) {
            self.rest = Some(Box::new(Rest { recipient, addressed: true }));
        }
    }

    /// Notes the credential that a row of a file names, its version if the row gives one, and which
    /// of the fields and facts that the row `says` are empty. What is no id or no version is a fault of
    /// the row.
    pub fn name(&mut self, id: &str, version: Option<&str>, (says, facts): (&[FieldName], &[Key])) {
        let Ok(id) = CredentialId::parse(id) else {
            self.misname(CorrectionFault::Unknown(shortened(id, SHOWN_ID)));
            return;
        };
        let version = match version.map(|text| (text, text.parse::<u32>())) {
            None => None,
            Some((_, Ok(version))) => Some(version),
            Some((text, Err(_))) => {
                self.misname(CorrectionFault::NoVersion(shortened(text, SHOWN_ID)));
                None
            }
        };
        let empty = |field: &FieldName| match &self.recipient {
            Ok(recipient) => says.contains(field) && recipient.value(*field).is_none(),
            Err(_) => false,
        };
        let cleared = FieldName::ALL.into_iter().filter(empty).collect();
        let facts = facts.iter().copied();
        let cleared_facts = match &self.recipient {
            Ok(recipient) => facts.filter(|key| !recipient.facts().contains_key(key)).collect(),
            Err(_) => Vec::new(),
        };
        self.naming = Some(Naming { id, cleared, cleared_facts, version });
    }

    /// Refuses a row that does not name its credential as it should.
    fn misname(&mut self, fault: CorrectionFault) {
        let mut faults = self.recipient.clone().err().unwrap_or_default();
        faults.push(Fault::Correction(fault));
        self.refuse(fault::listed(faults));
    }
}
