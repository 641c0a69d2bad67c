//! The metadata of a recipient, its own and those of its request.

use super::{Entry, MAX_RECIPIENT, Reader};
use crate::domain::{
    fault::Fault,
    metadata::{METADATA, Metadata},
};

impl Reader<'_> {
    /// Reads `metadata`.
    pub(super) fn metadata(&mut self) -> Metadata {
        let read = self.take(METADATA).map_or_else(|| Ok(Metadata::default()), Metadata::read);
        read.unwrap_or_else(|faults| {
            self.faults.extend(faults.into_iter().map(Fault::Metadata));
            Metadata::default()
        })
    }
}

impl Entry {
    /// Gives the recipient the metadata of its request; its own win. What both together exceed is its fault.
    pub fn add_metadata(&mut self, of_request: &Metadata) {
        let Ok(recipient) = &mut self.recipient else { return };
        if of_request.is_empty() {
            return;
        }
        let refused = match of_request.merged(&recipient.metadata) {
            Ok(metadata) => {
                recipient.metadata = metadata;
                match serde_json::to_vec(recipient) {
                    Ok(json) if json.len() <= MAX_RECIPIENT => return,
                    _ => Fault::TooLarge(MAX_RECIPIENT),
                }
            }
            Err(fault) => Fault::Metadata(fault),
        };
        self.refuse(vec![refused]);
    }
}
