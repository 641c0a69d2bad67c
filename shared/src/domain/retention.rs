//! How long an organization keeps what it no longer needs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::fields::Fields;

/// The name of the setting.
const NAME: &str = "retention";
/// Days that a job is kept, unless its organization chose otherwise; the most that it can choose.
pub const JOBS_DAYS: u16 = 90;
/// Fewest days that a job is kept: a registrar mends what failed within a week.
pub const FEWEST_JOBS_DAYS: u64 = 7;
/// Days that a job's files are kept after its end, likewise.
pub const FILES_DAYS: u16 = 7;
/// Bounds of the days after which an ended credential loses its personal fields.
pub const ENDED_DAYS: (u64, u64) = (30, 36_500);

/// The periods of an organization. They hold for jobs that are accepted from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Days that a job's items are kept: 7 to 90.
    #[serde(default = "jobs_days")]
    pub jobs_days: u16,
    /// Days that a job's files are kept after its end: 1 to 7.
    #[serde(default = "files_days")]
    pub files_days: u16,
    /// Days after which a credential that has expired or was revoked loses its personal fields; `None`: it
    /// keeps them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_credentials_days: Option<u32>,
}

fn jobs_days() -> u16 {
    JOBS_DAYS
}

fn files_days() -> u16 {
    FILES_DAYS
}

impl Default for Retention {
    fn default() -> Self {
        Self { jobs_days: JOBS_DAYS, files_days: FILES_DAYS, ended_credentials_days: None }
    }
}

impl Retention {
    /// Whether it is what an organization has that chose nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Takes the setting out of a body. A member that is absent stays as in `before`; null is the
    /// default, of the setting as of each member.
    pub fn take(fields: &mut Fields, before: Self) -> Self {
        if fields.take_null(NAME) {
            return Self::default();
        }
        let Some(given) = fields.take(NAME) else { return before };
        let Value::Object(_) = given else {
            fields.wrong_type(NAME, "un objeto", "an object");
            return before;
        };
        let Some(mut inner) = fields.inner(fields.pointer(NAME), given) else { return before };
        let mut days = |name: &str, (min, max): (u64, u64), kept: u64, usual: u64| {
            if inner.take_null(name) {
                return usual;
            }
            inner.whole(name, min, max).unwrap_or(kept)
        };
        let narrow = |days: u64| u16::try_from(days).unwrap_or(u16::MAX);
        let (jobs, files) = (u64::from(JOBS_DAYS), u64::from(FILES_DAYS));
        let jobs_days = days("jobs_days", (FEWEST_JOBS_DAYS, jobs), before.jobs_days.into(), jobs);
        let files_days = days("files_days", (1, files), before.files_days.into(), files);
        let ended = before.ended_credentials_days.map_or(0, u64::from);
        let ended = days("ended_credentials_days", ENDED_DAYS, ended, 0);
        fields.absorb(inner);
        Self {
            jobs_days: narrow(jobs_days),
            files_days: narrow(files_days),
            ended_credentials_days: u32::try_from(ended).ok().filter(|days| *days > 0),
        }
    }
}
