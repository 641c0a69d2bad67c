//! First mails of a job, claimed many at a time on the ledger of their shard.
//!
//! The rules of an attempt are in [`crate::mail::send`].

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};

use crate::{
    app::App,
    aws::ses::SesVerdict,
    domain::{
        credential::Credential,
        ids::{CredentialId, ShardId},
        job::KEPT_DAYS,
        job_outcome::MailSets,
        ledger::Ended,
        time,
        undelivered::Undelivered,
    },
    mail::{
        ledger::{self, Lease},
        send_one::{
            MailOutcome, MailTask, absent, caught, compose, hand_over, look_again, refused,
            send_one,
        },
    },
    store::{StoreError, job_mail::ClaimTerm},
};

/// Mails of a shard that are claimed together, sent at once, and recorded: a process that is
/// killed leaves at most so many in doubt.
pub(super) const CLAIMED_TOGETHER: usize = 16;

/// Mails of one shard, by row.
pub(super) type ShardMails = BTreeMap<u32, MailTask>;

/// Sends mails of a shard, claimed together on its ledger.
pub(super) async fn send_shard(
    app: &App,
    shard: ShardId,
    mails: ShardMails,
    stop: Instant,
) -> Vec<(MailTask, MailOutcome)> {
    if Instant::now() >= stop {
        return mails.into_values().map(|task| (task, MailOutcome::out_of_time())).collect();
    }
    let claim = match ShardClaim::take(app, shard, &mails).await {
        Ok(claim) => claim,
        Err(error) => {
            tracing::error!(%error, job_id = %shard.job, shard = shard.number, "mails not claimed");
            return mails.into_values().map(|task| (task, MailOutcome::Again)).collect();
        }
    };
    let claim = &claim;
    let done: Vec<(MailTask, MailOutcome, Option<u32>)> = stream::iter(mails)
        .map(|(row, task)| async move {
            let mut unsent = false;
            let attempt = send_claimed(app, &task, row, claim, stop, &mut unsent);
            let outcome = caught(&task.message, attempt).await;
            let unsent = unsent && !matches!(outcome, MailOutcome::Ended(..));
            (task, outcome, unsent.then_some(row))
        })
        .buffer_unordered(CLAIMED_TOGETHER)
        .collect()
        .await;
    let unsent: BTreeSet<u32> = done.iter().filter_map(|(.., unsent)| *unsent).collect();
    claim.release(app, &unsent).await;
    let mut done: Vec<(MailTask, MailOutcome)> =
        done.into_iter().map(|(task, outcome, _)| (task, outcome)).collect();
    // With delivery events, the event of each mail is what its credential gets.
    if !app.config.tracks_deliveries {
        write_receipts(app, &mut done).await;
    }
    done
}

/// Writes on credentials whose mail is on the ledger that it was sent.
async fn write_receipts(app: &App, done: &mut [(MailTask, MailOutcome)]) {
    let mut sent: Vec<(CredentialId, &mut MailOutcome)> = Vec::new();
    for (_, outcome) in done {
        if let MailOutcome::Ended(credential, Ended::Sent) = outcome
            && credential.on_ledger().is_some()
        {
            sent.push((credential.id, outcome));
        }
    }
    let at = time::seconds(app.clock.now());
    let ids: Vec<CredentialId> = sent.iter().map(|(id, _)| *id).collect();
    let written = app.credentials.end_first_together(&ids, &at).await;
    for ((id, outcome), written) in sent.into_iter().zip(written) {
        match written {
            Ok(true) => {}
            // The mail left the ledger before this receipt.
            Ok(false) => match look_again(app, id).await {
                Ok(found) => *outcome = found,
                Err(error) => {
                    tracing::error!(%error, "mail state unknown");
                    *outcome = MailOutcome::Again;
                }
            },
            // Its row among those that were sent is a receipt as well.
            Err(error) => tracing::error!(%error, "receipt not written"),
        }
    }
}

/// The claim of mails of a shard, and what is read once it is held.
struct ShardClaim {
    shard: ShardId,
    /// Rows that this worker claimed.
    mine: BTreeSet<u32>,
    lease: Lease,
    /// The end of the other workers' claims, Unix seconds.
    others_until: i64,
    /// The ends of the other workers' mails.
    ended: MailSets,
    /// The credentials of all rows.
    credentials: HashMap<CredentialId, Credential>,
    /// Addresses of these that get nothing, and why.
    suppressed: HashMap<String, Undelivered>,
}

impl ShardClaim {
    /// Claims the mails that no worker has claimed, then reads what sending needs: a
    /// correction or revocation in between is read here, or meets the claim.
    async fn take(app: &App, shard: ShardId, mails: &ShardMails) -> Result<Self, StoreError> {
        let mut claim = Self::of_free(app, shard, mails.keys().copied().collect()).await?;
        if let Err(error) = claim.read(app, mails).await {
            claim.release(app, &claim.mine).await;
            return Err(error);
        }
        Ok(claim)
    }

    /// Claims those of `mine` that no worker has claimed.
    async fn of_free(
        app: &App,
        shard: ShardId,
        mut mine: BTreeSet<u32>,
    ) -> Result<Self, StoreError> {
        let now = app.clock.now().as_second();
        let lease = Lease::from(app, now);
        let term = ClaimTerm { until: lease.until, ttl: now + KEPT_DAYS * 24 * 3600 };
        let mut others_until = 0;
        while !mine.is_empty() {
            match app.jobs.claim_mails(shard, &mine, term).await? {
                None => break,
                Some(claims) => {
                    others_until = claims.until;
                    let wanted = mine.len();
                    mine.retain(|row| !claims.rows.contains(row));
                    if mine.len() == wanted {
                        let why = "a claim was refused for nothing";
                        return Err(StoreError::Broken(why.to_owned()));
                    }
                }
            }
        }
        Ok(Self {
            shard,
            mine,
            lease,
            others_until,
            ended: MailSets::default(),
            credentials: HashMap::new(),
            suppressed: HashMap::new(),
        })
    }

    async fn read(&mut self, app: &App, mails: &ShardMails) -> Result<(), StoreError> {
        if self.mine.len() < mails.len() {
            let of = self.shard;
            let mut sets = app.jobs.mails_of(&BTreeSet::from([of])).await?;
            self.ended = sets.remove(&of).unwrap_or_default();
        }
        let ids: Vec<CredentialId> = mails.values().map(|task| task.mail.credential_id).collect();
        let credentials = app.credentials.get_all(&ids).await?;
        if let Some(first) = credentials.first() {
            let emails = credentials.iter().map(|c| &c.recipient.email).collect();
            self.suppressed = app.catalog.suppressed(first.tenant(), &emails).await?;
        }
        self.credentials = credentials.into_iter().map(|c| (c.id, c)).collect();
        Ok(())
    }

    /// Releases claims of mails that SES was not given, or did not take.
    async fn release(&self, app: &App, rows: &BTreeSet<u32>) {
        if !rows.is_empty()
            && let Err(error) = app.jobs.release_mails(self.shard, rows).await
        {
            // They count as ambiguous when the lease has ended.
            tracing::error!(%error, job_id = %self.shard.job, shard = self.shard.number, "claims not released");
        }
    }
}

/// Sends one mail of a claim. `unsent` is true while the row is claimed and SES was not given
/// the mail, or did not take it: unless the mail ends, its claim is to be released.
async fn send_claimed(
    app: &App,
    task: &MailTask,
    row: u32,
    claim: &ShardClaim,
    stop: Instant,
    unsent: &mut bool,
) -> Result<MailOutcome, StoreError> {
    let Some(credential) = claim.credentials.get(&task.mail.credential_id).cloned() else {
        return absent(app, task.mail.credential_id).await;
    };
    let credential = Box::new(credential);
    if credential.on_ledger().is_none() {
        return send_one(app, task, stop).await;
    }
    let now = app.clock.now().as_second();
    let mine = claim.mine.contains(&row);
    if let Some(ended) = claim.ended.ended(row).filter(|_| !mine) {
        return Ok(MailOutcome::Ended(credential, ended));
    }
    if ledger::is_forgotten(app, &credential) {
        // It was sent when its job was young; this message repeats a request of that time.
        app.credentials.settle_first(credential.id, Ended::Sent).await?;
        return look_again(app, credential.id).await;
    }
    if !mine {
        let left = claim.others_until.saturating_sub(now) + 1;
        if left > 0 {
            let wait = Duration::from_secs(left.unsigned_abs());
            return Ok(MailOutcome::Deferred { wait, reason: None });
        }
        // The worker that claimed it died before it recorded the outcome.
        app.credentials.adopt_claim(credential.id, claim.others_until, app.clock.now()).await?;
        return send_one(app, task, stop).await;
    }
    *unsent = true;
    if task.job_cancelled {
        let skipped = app.credentials.write_off_mail(credential.id, Ended::Skipped, now);
        return match skipped.await? {
            true => Ok(MailOutcome::Ended(credential, Ended::Skipped)),
            false => look_again(app, credential.id).await,
        };
    }
    if !credential.may_be_mailed() {
        return refused(app, credential, now).await;
    }
    let letter = match compose(app, &credential).await? {
        Ok(letter) => letter,
        Err(why) => return fail_first(app, credential, why).await,
    };
    if let Some(why) = claim.suppressed.get(credential.recipient.email.as_str()) {
        return fail_first(app, credential, why.as_str()).await;
    }
    if !app.rate_limiter.turn(stop).await {
        return Ok(MailOutcome::out_of_time());
    }
    let call = hand_over(app, &credential, letter).await?;
    *unsent = false;
    match call.send().await {
        Ok(()) => Ok(MailOutcome::Ended(credential, Ended::Sent)),
        Err(SesVerdict::Refused(why)) => fail_first(app, credential, why).await,
        Err(SesVerdict::NotAccepted(why)) => {
            *unsent = true;
            Ok(MailOutcome::not_accepted(&task.message, why, credential))
        }
        Err(SesVerdict::InDoubt(why)) => {
            app.credentials.adopt_claim(credential.id, claim.lease.until, app.clock.now()).await?;
            Ok(MailOutcome::in_doubt(claim.lease.duration, why, credential))
        }
    }
}

/// Records that a mail that was claimed on the ledger has failed.
async fn fail_first(
    app: &App,
    credential: Box<Credential>,
    why: &str,
) -> Result<MailOutcome, StoreError> {
    let at = time::seconds(app.clock.now());
    if app.credentials.fail_first(credential.id, why, &at).await? {
        return Ok(MailOutcome::Ended(credential, Ended::Failed));
    }
    look_again(app, credential.id).await
}
