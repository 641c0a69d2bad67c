//! Dead letters of a person: messages that could not be handled, and wait for an operator. Those that have
//! the person's address are deleted; their rows have ended on their jobs, or end there.
//!
//! Safe to repeat: what is deleted is gone, and what is left is shown again.

use std::time::Duration;

use serde::Deserialize;

use crate::{
    aws::sqs,
    domain::{
        erasure::{Stored, Subject},
        feedback::{self, FeedbackMessage},
        identity::IdSecret,
        ids::OrgId,
    },
    jobs::{JobError, private_work::Work},
};

/// Seconds for which a message that was read is hidden: as long as one pass takes.
const HIDDEN: Duration = Duration::from_secs(60);
/// Most messages that one pass reads of a queue.
const MOST: usize = 10_000;

/// Deletes the dead letters that have the address.
///
/// # Errors
/// [`JobError`].
pub(super) async fn delete(
    work: &Work<'_>,
    secret: &IdSecret,
    subject: &Subject,
) -> Result<u32, JobError> {
    let (client, mut deleted) = (&work.app.sqs, 0);
    for url in &work.app.config.dead_letter_queue_urls {
        let mut read = 0;
        while read < MOST && work.has_time() {
            let messages = sqs::receive(client, url, HIDDEN).await?;
            if messages.is_empty() {
                break;
            }
            read += messages.len();
            for message in &messages {
                let theirs = subject.is_in(secret, &work.job.org, &message.body);
                if theirs && of_organization(work, &message.body).await? {
                    sqs::delete(client, url, message).await?;
                    deleted += 1;
                }
            }
        }
    }
    Ok(deleted)
}

/// What is needed of the message of a row, whatever its version.
#[derive(Deserialize)]
struct OfOrganization {
    org: OrgId,
}

/// Whether a message is of the job's organization: another one may have the same person.
async fn of_organization(work: &Work<'_>, body: &str) -> Result<bool, JobError> {
    if let Ok(row) = serde_json::from_str::<OfOrganization>(body) {
        return Ok(row.org == work.job.org);
    }
    let Ok(FeedbackMessage::Notice(notice)) = feedback::read(body) else { return Ok(false) };
    let stored = work.app.credentials.stored(notice.credential_id).await?;
    Ok(stored.is_some_and(|stored| match stored {
        Stored::Credential(credential) => credential.org == work.job.org,
        Stored::Erased(tombstone) => tombstone.org == work.job.org,
    }))
}
