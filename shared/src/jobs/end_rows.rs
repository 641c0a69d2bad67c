//! Ending the rows of a job that was given up or cancelled: every job ends.
//!
//! Safe to repeat: rows and mails that have ended stay as they are, and outcomes are sets.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    app::App,
    domain::{
        credential::{Credential, MailState, Origin, RecipientType, Status},
        fault::Fault,
        ids::{CredentialId, RowId},
        job::{Job, KEPT_DAYS},
        job_outcome::{MailSets, RowStatus, Shard},
        ledger::Ended,
    },
    jobs::{JobError, progress},
    mail::ledger::Lease,
    store::{
        StoreError,
        job_mail::ClaimTerm,
        job_rows::{Failure, ShardUpdate},
        job_shards::ShardView,
    },
};

/// Ends the rows of a job that was given up or cancelled. If the credential exists the row was
/// issued, even if its consumer died before recording it.
///
/// Returns how many rows and mails ended without success.
///
/// # Errors
/// [`JobError`].
pub(super) async fn end_rows(
    app: &App,
    job: &Job,
    outcomes: &BTreeMap<u32, Shard>,
    why: &Fault,
) -> Result<usize, JobError> {
    let ttl = job.ttl().ok_or_else(|| JobError::broken("a job without expiry"))?;
    let ending = Ending {
        app,
        job,
        why,
        mail_end: if *why == Fault::Cancelled { Ended::Skipped } else { Ended::Failed },
        now: app.clock.now().as_second(),
    };
    let secret = app.catalog.id_secret(&job.org).await?;
    let mut given_up = 0;
    for (number, shard) in outcomes {
        if shard.tally().ended(job.size_of(*number)) {
            continue;
        }
        let view = app.jobs.shard(job.shard_id(*number)).await?;
        let ids: BTreeMap<u32, CredentialId> = view
            .rows
            .keys()
            .filter_map(|row| Some((*row, view.credential_of(*row, &secret, job)?)))
            .collect();
        let found = ending.find(*number, shard, &ids).await?;
        let mut ended = ending.rows(shard, &view, &ids, &found);
        ending.mails(*number, &view, &ids, &mut ended).await?;
        given_up += ended.given_up;
        app.jobs.record_issued(job.shard_id(*number), &ended.update, ttl).await?;
        let ledger = ending.now + KEPT_DAYS * 24 * 3600;
        app.jobs.record_mail(job.shard_id(*number), &ended.mail, ledger).await?;
    }
    if *why != Fault::Cancelled {
        tracing::error!(job_id = %job.job_id, given_up, "rows or mails given up");
    }
    let tally = app.jobs.tally(job).await?;
    progress::save_totals(app, job, &tally, app.clock.now()).await?;
    Ok(given_up)
}

/// The end of a job's rows.
struct Ending<'a> {
    app: &'a App,
    job: &'a Job,
    why: &'a Fault,
    /// The state in which unsent mail ends.
    mail_end: Ended,
    /// Seconds since 1970.
    now: i64,
}

/// The credentials that a shard's pending rows issued, revoked or corrected.
struct Found {
    /// Credentials that its rows issued, by row.
    issued: BTreeMap<u32, Credential>,
    /// In a job that revokes: credentials that are revoked.
    revoked: BTreeMap<CredentialId, Credential>,
    /// Of these, those that this job revoked.
    by_us: BTreeSet<CredentialId>,
    /// Credentials that its rows corrected, by row.
    corrected: BTreeMap<u32, Credential>,
}

/// The end of a shard's rows.
#[derive(Default)]
struct EndedShard {
    update: ShardUpdate,
    mail: MailSets,
    /// Issued rows whose mail is still open.
    open_mail: Vec<u32>,
    /// Rows, and mails, given up.
    given_up: usize,
}

impl Ending<'_> {
    /// Reads what exists of a shard's pending rows.
    async fn find(
        &self,
        number: u32,
        shard: &Shard,
        ids: &BTreeMap<u32, CredentialId>,
    ) -> Result<Found, StoreError> {
        let (app, job) = (self.app, self.job);
        let pending = |row: &u32| shard.status(*row) == RowStatus::Pending;
        let wanted: BTreeSet<CredentialId> =
            ids.iter().filter(|(row, _)| pending(row)).map(|(_, id)| *id).collect();
        let wanted: Vec<CredentialId> = wanted.into_iter().collect();
        // A row's credential can be where the alias of its content as sent leads.
        let led = app.credentials.at_all(&wanted).await?;
        let credentials: BTreeMap<CredentialId, Credential> =
            led.into_iter().map(|(_, credential)| (credential.id, credential)).collect();
        let credentials: Vec<Credential> = credentials.into_values().collect();
        let mut revoked: Vec<&Credential> = Vec::new();
        if job.revocation.is_some() {
            revoked.extend(credentials.iter().filter(|c| c.status == Status::Revoked));
        }
        let by_us = app.status_lists.revoked_by(job.job_id, &revoked).await?.into_iter().collect();
        let revoked = revoked.into_iter().map(|c| (c.id, c.clone())).collect();
        let corrected = match job.corrector() {
            Some(_) => {
                let all: Vec<&Credential> = credentials.iter().collect();
                app.status_lists.corrected_by(job.job_id, &all).await?
            }
            None => BTreeMap::new(),
        };
        let by_id = |id| credentials.iter().find(|c| c.id == id).cloned();
        let corrected = corrected.into_iter().filter_map(|(row, id)| Some((row, by_id(id)?)));
        let corrected = corrected.collect();
        let issued = credentials.into_iter().filter_map(|credential| match credential.origin {
            Origin::Job { job: by, shard, row } if (by, shard) == (job.job_id, number) => {
                Some((row, credential))
            }
            _ => None,
        });
        Ok(Found { issued: issued.collect(), revoked, by_us, corrected })
    }

    /// Ends the pending rows of a shard.
    fn rows(
        &self,
        shard: &Shard,
        view: &ShardView,
        ids: &BTreeMap<u32, CredentialId>,
        found: &Found,
    ) -> EndedShard {
        let mut ended = EndedShard::default();
        let sets = &mut ended.update.sets;
        for (row, input) in &view.rows {
            let row = *row;
            match shard.status(row) {
                RowStatus::Failed => continue,
                RowStatus::Issued => {
                    if shard.mail_ended(row).is_none() {
                        ended.open_mail.push(row);
                    }
                    continue;
                }
                RowStatus::Pending => {}
            }
            let revoked = ids.get(&row).and_then(|id| found.revoked.get(id));
            // A job that revokes issues nothing and has no mail.
            let corrected = found.corrected.get(&row);
            let existing = revoked.or(corrected).or_else(|| found.issued.get(&row));
            let Some(credential) = existing else {
                ended.given_up += 1;
                sets.failed.insert(row);
                let faults = vec![self.why.in_language(self.job.lang)];
                ended.update.failures.push(Failure {
                    row,
                    line: input.line,
                    email: input.email.clone(),
                    faults,
                });
                continue;
            };
            sets.issued.insert(row);
            if ids.get(&row) != Some(&credential.id) {
                ended.update.aliases.push((row, credential.id));
            }
            if credential.recipient_type == RecipientType::Internal {
                sets.internal.insert(row);
            }
            if revoked.is_some() {
                sets.unmailed.insert(row);
                if !found.by_us.contains(&credential.id) {
                    sets.duplicate.insert(row);
                }
                continue;
            }
            if corrected.is_some() {
                sets.corrected.insert(row);
                sets.unmailed.insert(row);
                continue;
            }
            if credential.stored_mail == MailState::Skipped {
                sets.unmailed.insert(row);
            }
            ended.open_mail.push(row);
        }
        ended
    }

    /// Ends the open mails of a shard. A mail that is being sent right now ends by its own
    /// receipt; one that has ended is only counted.
    async fn mails(
        &self,
        number: u32,
        view: &ShardView,
        ids: &BTreeMap<u32, CredentialId>,
        ended: &mut EndedShard,
    ) -> Result<(), StoreError> {
        for row in &ended.open_mail {
            let row = *row;
            let own = ended.update.aliases.iter().find(|(of, _)| *of == row).map(|(_, id)| id);
            if let Some(id) = own.or_else(|| ids.get(&row))
                && view.shard.mail.ended(row).is_none()
                && let shard = self.job.shard_id(number)
                && let Some(state) = self.write_off(*id, RowId { shard, row }).await?
            {
                ended.given_up += usize::from(state == self.mail_end);
                ended.mail.insert(row, state);
            }
        }
        Ok(())
    }

    /// Ends a mail that no worker is sending, and returns how it ended; none while one is. On
    /// the ledger it is claimed first, as if to be sent.
    async fn write_off(
        &self,
        id: CredentialId,
        RowId { shard, row }: RowId,
    ) -> Result<Option<Ended>, StoreError> {
        let (app, end, now) = (self.app, self.mail_end, self.now);
        let rows = BTreeSet::from([row]);
        let term =
            ClaimTerm { until: Lease::from(app, now).until, ttl: now + KEPT_DAYS * 24 * 3600 };
        let claim = app.jobs.claim_mails(shard, &rows, term);
        if let Some(claims) = claim.await? {
            if claims.until >= now {
                return Ok(None);
            }
            app.credentials.adopt_claim(id, claims.until, app.clock.now()).await?;
        }
        if app.credentials.write_off_mail(id, end, now).await? {
            return Ok(Some(end));
        }
        let stored = app.credentials.get(id).await?;
        Ok(stored.map_or(Some(end), |credential| Ended::of(credential.stored_mail)))
    }
}
