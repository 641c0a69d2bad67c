//! Retention: an organization may set for how many days the personal fields of a credential are kept
//! after its end, its revocation or its last day. Then the credential is erased, as at its person's
//! request; its status bit stays as it is.
//!
//! An organization with such a setting has a plan: the instant of the next walk. Without a due plan the
//! sweeper makes one query a run, whatever the number of organizations and credentials. A walk reads the
//! organization's credentials once, and plans the next one: what was not yet due is due on a day that it
//! has seen, and what ends after it began is due no sooner than so many days later.
//!
//! Safe to repeat: a job's id follows from its plan, and an erasure can be repeated.

use aws_lc_rs::digest;
use jiff::{Timestamp, ToSpan, civil::Date};

use crate::{
    app::App,
    credentials::{days, erase::EraseOutcome},
    domain::{
        credential::{Credential, Status},
        erasure::{About, Part, PrivacyAction},
        history::Who,
        ids::{JobId, Mode, OrgId},
        lang::Lang,
        organization::Organization,
        tenant::Tenant,
        time,
    },
    jobs::{
        JobError,
        erase::erase_one,
        privacy::{self, PrivacyRequest},
        private_work::{Step, Work},
    },
    store::retention::Plan,
};

/// Credentials of a page of the walk.
const PAGE: usize = 500;
/// Days between two walks of an organization, at least.
const EVERY: i64 = 1;
/// The author of what retention erases, in histories.
const AUTHOR: &str = "retention";

/// Begins the walks that are due.
///
/// # Errors
/// [`JobError`]; the next run of the sweeper begins the others.
pub(super) async fn begin_due(app: &App, now: Timestamp) -> Result<usize, JobError> {
    let due = app.catalog.due_plans(&time::millis(now)).await?;
    let mut begun = 0;
    for (org, plan) in due {
        let organization = app.catalog.organization(&org).await?;
        let Some(days) = organization.settings.retention.ended_credentials_days else {
            app.catalog.drop_plan(&org).await?;
            continue;
        };
        begin(app, &org, &plan, days, now).await?;
        begun += 1;
    }
    Ok(begun)
}

async fn begin(
    app: &App,
    org: &OrgId,
    plan: &Plan,
    days: u32,
    now: Timestamp,
) -> Result<(), JobError> {
    let by = Who { key_id: AUTHOR.into(), key_name: AUTHOR.into(), job_id: None, row: None };
    let request = PrivacyRequest {
        tenant: Tenant { org, mode: Mode::Live },
        action: PrivacyAction::Retain,
        about: About::Ended(days),
        keep_valid: true,
        replay_of: None,
        reason: None,
        by,
        job_id: job_of(org, plan),
        begun_at: time::millis(now),
        lang: Lang::Es,
    };
    privacy::accept(app, request, now).await?;
    // Until the walk plans the next one itself; one that never ends is begun again a day later.
    let later = now.checked_add((24 * EVERY).hours()).map_err(JobError::broken)?;
    app.catalog.move_plan(org, plan, &time::millis(later)).await?;
    Ok(())
}

/// The job of a plan: the same, however often the sweeper begins it.
fn job_of(org: &OrgId, plan: &Plan) -> JobId {
    let hash = digest::digest(&digest::SHA256, format!("{org} {}", plan.next_at).as_bytes());
    let mut id = [0_u8; 16];
    for (to, from) in id.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    JobId::from(uuid::Builder::from_custom_bytes(id).into_uuid())
}

/// Walks on, as far as there is time for.
///
/// # Errors
/// [`JobError`]; the walk goes on from where it was noted.
pub(super) async fn step(work: &mut Work<'_>) -> Result<Step, JobError> {
    let About::Ended(kept) = work.order.about else {
        return Err(JobError::broken("retention of a person"));
    };
    let mut postponed = false;
    for mode in [Mode::Live, Mode::Test] {
        for partition in 0..work.app.credentials.time_partitions() {
            let here = format!("{mode}#{partition:02}");
            let at = work.order.walk.after.clone().unwrap_or_default();
            // A mode or partition that the walk has left behind.
            if !at.is_empty() && at.get(..here.len()).is_some_and(|done| done > here.as_str()) {
                continue;
            }
            let mut after = at.strip_prefix(&format!("{here}#")).map(str::to_owned);
            loop {
                let org = &work.job.org;
                let page = work.app.credentials.oldest(
                    Tenant { org, mode },
                    partition,
                    after.as_deref(),
                    PAGE,
                );
                let page = page.await?;
                let organization = work.app.catalog.organization(org).await?;
                if organization.settings.retention.ended_credentials_days != Some(kept) {
                    // Whoever changed the period has planned a walk by the new one.
                    work.order.walk.part = Part::Done;
                    return Ok(Step::Next);
                }
                for credential in work.app.credentials.get_all(&page.items).await? {
                    postponed |= judge(work, &organization, &credential, kept).await?;
                }
                after = page.next;
                let noted = after.clone().unwrap_or_else(|| "~".to_owned());
                work.order.walk.after = Some(format!("{here}#{noted}"));
                work.note().await?;
                if !work.has_time() {
                    return Ok(Step::Later);
                }
                if after.is_none() {
                    break;
                }
            }
        }
    }
    if postponed {
        work.order.walk.after = None;
        return Ok(Step::Later);
    }
    work.order.walk.part = Part::Done;
    Ok(Step::Next)
}

/// Erases a credential if it is due, else notes when it is. Whether it must be tried again soon.
async fn judge(
    work: &mut Work<'_>,
    organization: &Organization,
    credential: &Credential,
    kept: u32,
) -> Result<bool, JobError> {
    // What an operator withholds is evidence until it is shown again.
    if credential.blocked.is_some() {
        return Ok(false);
    }
    let Some(ended) = end_of(work.app, organization, credential).await? else { return Ok(false) };
    let due = ended.saturating_add(i64::from(kept).days());
    if due > organization.date_of(work.app.clock.now()) {
        let next = work.order.walk.next.map_or(due, |next| next.min(due));
        work.order.walk.next = Some(next);
        return Ok(false);
    }
    let judged = Some(credential.revision);
    let outcome = erase_one(work, credential.mode, credential.id, None, judged).await?;
    // One that was changed since it was read is judged again.
    Ok(matches!(outcome, EraseOutcome::MailInProgress | EraseOutcome::Left))
}

/// The day on which a credential ended, or ends: the earlier of its revocation and its last day.
async fn end_of(
    app: &App,
    organization: &Organization,
    credential: &Credential,
) -> Result<Option<Date>, JobError> {
    let revoked = credential
        .status_at
        .as_deref()
        .filter(|_| credential.status == Status::Revoked)
        .and_then(|at| at.parse::<Timestamp>().ok())
        .map(|at| organization.date_of(at));
    let last = days::of(app, credential).await?.expires_on;
    Ok(match (revoked, last) {
        (Some(revoked), Some(last)) => Some(revoked.min(last)),
        (one, other) => one.or(other),
    })
}

/// Plans the next walk.
///
/// # Errors
/// [`JobError`].
pub(super) async fn plan_next(work: &Work<'_>) -> Result<(), JobError> {
    let About::Ended(kept) = work.order.about else { return Ok(()) };
    let app = work.app;
    let organization = app.catalog.organization(&work.job.org).await?;
    if organization.settings.retention.ended_credentials_days != Some(kept) {
        return Ok(());
    }
    let begun: Timestamp = work.job.created_at.parse().map_err(JobError::broken)?;
    let today = organization.date_of(begun);
    let unseen = today.saturating_add(i64::from(kept).days());
    let next = work.order.walk.next.map_or(unseen, |next| next.min(unseen));
    let next = next.max(today.saturating_add(EVERY.days()));
    let (next, now) = (format!("{next}T00:00:00.000Z"), time::millis(app.clock.now()));
    app.catalog.plan_unless_due(&work.job.org, &next, &now).await?;
    Ok(())
}
