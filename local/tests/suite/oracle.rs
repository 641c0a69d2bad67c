//! Checks the state at the end of a run, after any faults: reads the tables, the mailboxes and
//! the answers, and compares them with the requests.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use local::mail::MailStore;
use serde_json::Value;
use unicreda::{
    App,
    credentials::verify::{self, Standing},
    document::status_list::Bits,
    domain::{
        credential::{Credential, MailState, Origin, Status},
        erasure::Stored,
        history::Event,
        ids::{CredentialId, JobId, OrgId},
        job::Job,
        job_outcome::{RowStatus, Tally},
        ledger::CurrentCredential,
        status_entry::ListId,
    },
    mail::ledger,
};

use crate::{feedback, harness::World, sim::Sim};

/// The figures of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Credentials.
    pub credentials: usize,
    /// Mails that SES took.
    pub mails: usize,
    /// Mails beyond the one that a credential was to get.
    pub again: usize,
    /// Attempts of unknown outcome, as the service counted them.
    pub ambiguous: usize,
    /// Faults that were injected.
    pub faults: usize,
}

impl Figures {
    /// Adds another run's.
    pub fn add(&mut self, other: Self) {
        self.credentials += other.credentials;
        self.mails += other.mails;
        self.again += other.again;
        self.ambiguous += other.ambiguous;
        self.faults += other.faults;
    }
}

/// Everything that the tables and mailboxes hold.
struct Held {
    erased: BTreeSet<CredentialId>,
    credentials: BTreeMap<CredentialId, CurrentCredential>,
    jobs: Vec<Job>,
    mails: BTreeMap<String, usize>,
}

/// Values of an attribute over a whole table.
async fn scan(app: &App, table: &str, name: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut start = None;
    loop {
        let page = app
            .dynamodb
            .scan()
            .table_name(table)
            .projection_expression(name)
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .send()
            .await?;
        for item in page.items() {
            found.extend(item.get(name).and_then(|v| v.as_s().ok()).cloned());
        }
        start = page.last_evaluated_key().cloned();
        if start.is_none() {
            return Ok(found);
        }
    }
}

/// Every credential, by its own item.
pub async fn credentials(app: &App) -> Result<Vec<Credential>> {
    let ids = scan(app, &app.config.credentials_table, "id").await?;
    let ids: Vec<CredentialId> = ids.iter().filter_map(|id| CredentialId::parse(id).ok()).collect();
    Ok(app.credentials.get_all(&ids).await?)
}

/// The ids of credentials that were erased.
async fn erased(app: &App) -> Result<BTreeSet<CredentialId>> {
    let ids = scan(app, &app.config.credentials_table, "id").await?;
    let ids: Vec<CredentialId> = ids.iter().filter_map(|id| CredentialId::parse(id).ok()).collect();
    let (_, erased) = app.credentials.stored_all(&ids).await?;
    Ok(erased.into_iter().map(|tombstone| tombstone.id).collect())
}

async fn read(app: &App, mailbox: &MailStore) -> Result<Held> {
    // Mail first: a mail that is here now belongs to an issued credential.
    let mut mails = BTreeMap::new();
    for number in mailbox.find(None, "") {
        let mail = mailbox.get(number)?.context("a mail")?;
        // Links to wallets, for who asked, are of no credential.
        let site = app.config.site_sender.as_ref().map(|sender| sender.as_str());
        if mail.credential_id.is_none() && site.is_some_and(|site| mail.from.contains(site)) {
            continue;
        }
        *mails.entry(mail.credential_id.context("its credential")?).or_default() += 1;
    }
    let credentials = ledger::overlay(app, credentials(app).await?).await?;
    let mut jobs = Vec::new();
    let keys = scan(app, &app.config.jobs_table, "pk").await?;
    for id in keys.iter().filter_map(|pk| pk.strip_prefix("JOB#")) {
        jobs.extend(app.jobs.get(JobId::parse(id)?).await?);
    }
    let erased = erased(app).await?;
    Ok(Held {
        erased,
        credentials: credentials.into_iter().map(|c| (c.id, c)).collect(),
        jobs,
        mails,
    })
}

/// Unfinished work: open jobs, and credentials whose mail is pending or claimed.
pub async fn unfinished(world: &World) -> Result<Vec<String>> {
    let held = read(world.stack.app(), world.stack.mail()).await?;
    let open = held.jobs.iter().filter(|job| job.closed_at.is_none() || job.owes_results());
    let owing = held
        .credentials
        .values()
        .filter(|c| matches!(c.mail(), MailState::Owed | MailState::Claimed));
    Ok(open
        .map(|job| format!("job {} {:?}", job.job_id, job.tally))
        .chain(owing.map(|c| format!("mail {:?} of {}", c.mail(), c.id)))
        .collect())
}

/// Checks the invariants of every moment: each mail has a credential, each repeated mail is
/// counted as ambiguous, and the totals of an ended job equal its sets.
pub async fn always(app: &App, mailbox: &MailStore) -> Result<()> {
    let held = read(app, mailbox).await?;
    for (id, count) in &held.mails {
        let id = CredentialId::parse(id)?;
        if held.erased.contains(&id) {
            continue;
        }
        let credential = held.credentials.get(&id);
        let credential = credential.with_context(|| format!("{count} mails of nothing"))?;
        let most = 1 + usize::try_from(credential.mail_round + credential.mail_ambiguous)?;
        ensure!(*count <= most, "{count} mails of {id}, at most {most} were due");
    }
    for job in held.jobs.iter().filter(|job| job.closed_at.is_some()) {
        let tally = app.jobs.tally(job).await?;
        ensure!(tally == job.tally, "the job has {:?}, its sets have {tally:?}", job.tally);
        ensure!(tally.ended(job.total), "closed with {tally:?} of {}", job.total);
    }
    Ok(())
}

/// Checks the state at the end of a run.
pub async fn check(sim: &Sim) -> Result<Figures> {
    let world = &sim.world;
    let app = world.stack.app();
    let held = read(app, world.stack.mail()).await?;
    let secret = app.catalog.id_secret(&OrgId::parse(local::demo::ORGANIZATION)?).await?;

    // Each identity once, and nothing else.
    let mut found = BTreeSet::new();
    for credential in held.credentials.values() {
        let result = credential.recipient.result_value.clone().unwrap_or_default();
        let identity = (credential.recipient.email.as_str().to_owned(), result);
        ensure!(sim.expected.contains(&identity), "no request for {}", credential.id);
        ensure!(found.insert(identity), "a second credential: {}", credential.id);
    }
    let missing = sim.expected.len() - found.len();
    ensure!(missing == 0 || sim.stopped, "{missing} identities have no credential");

    // Each mail once, unless it was counted as ambiguous.
    let mut figures = Figures { faults: sim.faults.injected(), ..Figures::default() };
    figures.credentials = held.credentials.len();
    let mut resent = sim.resends;
    for credential in held.credentials.values() {
        let id = credential.id;
        let count = held.mails.get(&id.to_string()).copied().unwrap_or_default();
        let ambiguous = usize::try_from(credential.mail_ambiguous)?;
        figures.mails += count;
        figures.ambiguous += ambiguous;
        match credential.mail() {
            MailState::Sent => {
                ensure!(count >= 1, "the mail of {id} counts as sent and was not");
                let again = (count - 1).saturating_sub(ambiguous);
                ensure!(again <= resent, "{count} mails of {id}, {ambiguous} of them ambiguous");
                resent -= again;
                figures.again += count - 1 - again;
            }
            MailState::Skipped | MailState::Failed => {
                ensure!(
                    count <= ambiguous,
                    "{count} mails of {id}, whose mail {:?}",
                    credential.mail()
                );
            }
            state => ensure!(false, "the mail of {id} is {state:?}"),
        }
        ensure!(credential.mail_lease.is_none(), "the mail of {id} still has a lease");
    }
    let issued = held.credentials.len() + held.erased.len();
    ensure!(held.mails.len() <= issued, "mail of nothing");
    let pending = app.credentials.owed_before("9", 1_000).await?;
    ensure!(pending.is_empty(), "{} entries in the index of pending mail", pending.len());
    ensure!(app.jobs.open(None, 100).await?.items.is_empty(), "a job is in the index of open jobs");

    check_erased(app, &held.erased).await?;
    check_status_lists(app, held.credentials.values().map(|credential| &**credential)).await?;
    for job in &held.jobs {
        check_job(sim, job, &held, &secret).await.with_context(|| format!("job {}", job.job_id))?;
    }
    report_deliveries(app, &held).await?;
    // A row whose message is a dead letter has ended on its job, too.
    for message in sim.dead() {
        let Some(id) = message["job_id"].as_str() else { continue };
        let job = app.jobs.get(JobId::parse(id)?).await?.context("the job of a dead letter")?;
        ensure!(job.closed_at.is_some(), "a dead letter's job is open");
    }
    Ok(figures)
}

/// SES reports each mail as delivered: its credential then has the state itself, and the totals
/// of its job stay.
async fn report_deliveries(app: &App, held: &Held) -> Result<()> {
    let sent = held.credentials.values().filter(|credential| credential.mail() == MailState::Sent);
    let events: Vec<String> = sent
        .map(|c| feedback::delivered(&c.id.to_string(), c.mail_round, c.recipient.email.as_str()))
        .map(|event| event.to_string())
        .collect();
    for batch in events.chunks(500) {
        ensure!(feedback::report(app, batch).await.is_empty(), "an event comes back");
    }
    for credential in credentials(app).await? {
        let before = held.credentials.get(&credential.id).context("a credential")?;
        ensure!(
            credential.stored_mail == before.mail(),
            "{} has {:?}",
            credential.id,
            credential.stored_mail
        );
        let reported = credential.mail_delivery.is_some();
        ensure!(reported == (before.mail() == MailState::Sent), "{} has no report", credential.id);
    }
    for job in &held.jobs {
        let tally = app.jobs.tally(job).await?;
        ensure!(tally == job.tally, "the job has {:?}, its sets have {tally:?}", job.tally);
    }
    Ok(())
}

/// What is left of a credential says what its bit says, and no mail of it is pending.
async fn check_erased(app: &App, erased: &BTreeSet<CredentialId>) -> Result<()> {
    for id in erased {
        let stored = app.credentials.stored(*id).await?;
        let Some(Stored::Erased(tombstone)) = stored else { bail!("{id} is back") };
        let (org, mode) = (tombstone.org.clone(), tombstone.mode);
        let list = ListId { org, mode, number: tombstone.list };
        let kept = app.status_lists.list(&list).await?.context("a status list")?;
        let document = serde_json::from_slice(&kept.document)?;
        let bits = unicreda::document::status_list::bits_of(&document).context("bits")?;
        ensure!(bits.get(tombstone.bit) != tombstone.holds(), "the bit of {id}, erased");
        for event in app.status_lists.history(*id, tombstone.revision).await? {
            ensure!(event.replaced.is_none() && event.reason.is_none(), "the history of {id}");
        }
    }
    Ok(())
}

/// The status lists agree with the credentials, each signed version has its own index, every
/// replaced version is revoked, and some documents verify.
pub async fn check_status_lists(
    app: &App,
    credentials: impl Iterator<Item = &Credential>,
) -> Result<()> {
    let mut lists: BTreeMap<String, Bits> = BTreeMap::new();
    let mut places = BTreeSet::new();
    for (number, credential) in credentials.enumerate() {
        let id = credential.id;
        let mut versions = vec![(credential.signed.clone(), credential.status != Status::Issued)];
        let history = app.status_lists.history(credential.id, credential.revision).await?;
        ensure!(history.len() == usize::try_from(credential.revision)?, "history of {id}");
        // A correction of private facts alone replaced no version.
        let replaced = history.into_iter().filter(|event| !event.unsigned);
        versions.extend(replaced.filter_map(|event| Some((event.replaced?.signed, true))));
        ensure!(versions.len() == usize::try_from(credential.version)?, "versions of {id}");
        for (signed, set) in versions {
            let place = signed.status_entry();
            let list =
                ListId { org: credential.org.clone(), mode: credential.mode, number: place.list };
            let name = list.to_string();
            ensure!(places.insert((name.clone(), place.index)), "{place:?} is used twice");
            if !lists.contains_key(&name) {
                let kept = app.status_lists.list(&list).await?.context("a status list")?;
                let document = serde_json::from_slice(&kept.document)?;
                let bits = unicreda::document::status_list::bits_of(&document).context("bits")?;
                lists.insert(name.clone(), bits);
            }
            let bit = lists.get(&name).is_some_and(|bits| bits.get(place.index));
            ensure!(bit == set, "the bit of {id} is {bit}, its status {:?}", credential.status);
        }
        if number < 2 {
            let document =
                app.status_lists.document(&credential.signed).await?.context("a document")?;
            let document = serde_json::from_slice(&document)?;
            let found = verify::verify(app, &document, app.clock.now()).await?;
            let right = match credential.status {
                Status::Issued => Standing::Issued,
                Status::Suspended => Standing::Suspended,
                Status::Revoked => Standing::Revoked,
            };
            ensure!(found.standing == right, "{id} verifies as {:?}", found.findings);
        }
    }
    Ok(())
}

async fn check_job(
    sim: &Sim,
    job: &Job,
    held: &Held,
    secret: &unicreda::domain::identity::IdSecret,
) -> Result<()> {
    let app = sim.world.stack.app();
    if job.privacy.is_some() {
        ensure!(job.closed_at.is_some(), "it has not ended");
        return Ok(());
    }
    ensure!(job.closed_at.is_some() && job.fanned_out, "it has not ended");
    let mut tally = Tally::default();
    let mut rows = 0;
    for number in 0..job.shards() {
        let view = app.jobs.shard(job.shard_id(number)).await?;
        tally.add(&view.shard.tally());
        for row in view.rows.keys() {
            rows += 1;
            let id = view.credential_of(*row, secret, job);
            let credential = id.and_then(|id| held.credentials.get(&id));
            match view.shard.status(*row) {
                RowStatus::Pending => ensure!(false, "row {row} was lost"),
                // It has a member, and no credential.
                RowStatus::Issued if job.members.is_some() => {
                    ensure!(credential.is_none(), "row {row} issued a credential");
                }
                RowStatus::Issued if id.is_some_and(|id| held.erased.contains(&id)) => {
                    let mail = view.shard.mail(*row);
                    ensure!(mail != "pending", "the mail of erased row {row} is pending");
                }
                RowStatus::Issued => {
                    let credential = credential.context("an issued row without credential")?;
                    if job.revocation.is_some() {
                        ensure!(credential.status == Status::Revoked, "row {row} holds");
                        continue;
                    }
                    let mine = Origin::Job { job: job.job_id, shard: number, row: *row };
                    let duplicate = view.shard.issue.duplicate.contains(row);
                    let corrected = view.shard.issue.corrected.contains(row);
                    let before = duplicate || corrected;
                    ensure!(
                        before != (credential.origin == mine),
                        "row {row}: duplicate is {duplicate}, corrected {corrected}, its origin {:?}",
                        credential.origin
                    );
                    if corrected {
                        let history =
                            app.status_lists.history(credential.id, credential.revision).await?;
                        let by_row = |event: &&Event| {
                            event.by.job_id == Some(job.job_id) && event.by.row == Some(*row)
                        };
                        let times = history.iter().filter(by_row).count();
                        ensure!(times == 1, "row {row} corrected its credential {times} times");
                    }
                    let mail = view.shard.mail(*row);
                    ensure!(mail != "pending", "the mail of row {row} is pending");
                    let own = match credential.mail() {
                        MailState::Sent => "sent",
                        MailState::Failed => "failed",
                        _ => "skipped",
                    };
                    ensure!(
                        before || mail == own,
                        "row {row} has {mail}, its credential {:?}",
                        credential.mail()
                    );
                }
                RowStatus::Failed => {
                    let why = view.failures.get(row).context("a failed row without a reason")?;
                    ensure!(!why.faults.is_empty(), "row {row} failed for nothing");
                    let mine = Origin::Job { job: job.job_id, shard: number, row: *row };
                    ensure!(
                        credential.is_none_or(|c| c.origin != mine),
                        "row {row} failed and has its credential"
                    );
                }
            }
        }
    }
    ensure!(rows == job.total, "{rows} of {} rows", job.total);
    ensure!(tally == job.tally, "the job has {:?}, its sets have {tally:?}", job.tally);
    check_answer(sim, job, &tally).await
}

/// The answer over HTTP agrees with the tables, and its sums hold.
async fn check_answer(sim: &Sim, job: &Job, tally: &Tally) -> Result<()> {
    let status: Value = sim.world.get(&format!("/jobs/{}", job.job_id)).await;
    if job.failure.is_some() {
        ensure!(status["status"] == "FAILURE" && job.total == 0, "{status}");
        return Ok(());
    }
    ensure!(status["status"] == "SUCCESS", "{status}");
    let result = &status["result"];
    let n = |name: &str| result[name].as_u64().unwrap_or(u64::MAX);
    ensure!(n("successful") + n("failed") == n("total"), "{result}");
    ensure!(n("internal_count") + n("external_count") == n("successful"), "{result}");
    ensure!(
        n("emails_sent") + n("emails_failed") + n("emails_skipped") == n("successful"),
        "{result}"
    );
    ensure!(n("successful") == u64::from(tally.issued), "{result}");
    ensure!(n("total") == u64::from(job.total), "{result}");
    Ok(())
}
