//! The objects of an export in the bucket.

use crate::domain::job::Job;

/// Keys of one `DeleteObjects` (API reference, "up to 1000").
pub(super) const KEYS_A_CALL: usize = 1_000;

/// Key of the archive of a job in the bucket.
pub(super) fn archive_key(job: &Job) -> String {
    format!("exports/{}/{}.zip", job.org, job.job_id)
}

/// Keys of what a walk found, until the archive is made.
pub(super) fn piece_keys(job: &Job) -> Vec<String> {
    let pieces = job.privacy.iter().flat_map(|order| &order.pieces);
    pieces.map(|piece| piece_key(job, piece)).collect()
}

/// Key of one of them.
pub(super) fn piece_key(job: &Job, piece: &str) -> String {
    format!("exports/{}/{}/{piece}.json", job.org, job.job_id)
}
