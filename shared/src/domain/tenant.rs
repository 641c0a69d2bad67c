//! The owner of credentials, jobs and uploads.

use crate::domain::ids::{Mode, OrgId};

/// An organization in one of its modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenant<'a> {
    /// The organization.
    pub org: &'a OrgId,
    /// Live or test.
    pub mode: Mode,
}

impl Tenant<'_> {
    /// Returns whether a thing of this organization and mode is the tenant's own. What is not
    /// is answered as if it did not exist.
    pub fn owns(self, org: &OrgId, mode: Mode) -> bool {
        self.org == org && self.mode == mode
    }
}
