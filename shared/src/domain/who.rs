//! The author of a change.

use serde::{Deserialize, Serialize};

use crate::domain::ids::JobId;

/// The key of the organization that changed a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The key's id.
    pub key_id: String,
    /// The key's name at that time.
    pub key_name: String,
    /// The job through which the key did it, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// The row of that job that corrects the credential, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u32>,
}
