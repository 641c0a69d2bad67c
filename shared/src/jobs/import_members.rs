//! A file of members as a job: each window of its rows is looked up, written, and recorded.
//!
//! Safe to repeat: writing a member twice changes nothing, outcomes are sets, and which of several
//! rows with one address counts is found from the whole file each time.

use std::collections::BTreeMap;

use crate::{
    app::App,
    domain::{
        fault::FaultText,
        job::{Job, JobFailure, Row},
        lang::Lang,
        member_row::{LastRows, MembersOrder},
        review::Warnings,
        text::shortened,
        upload::Format,
    },
    jobs::{
        JobError,
        accept::KEPT_EMAIL,
        member_rows::{self, FileMember, MemberOutcome},
        read_file::failure,
    },
    sheet::SheetRow,
    store::job_rows::{Failure, ShardUpdate, SucceededRow},
};

/// Most rows of a file of members: their addresses are kept in memory while it is read.
pub(super) const MAX_MEMBERS: u32 = 200_000;

/// The failure of a job whose file has more rows.
pub(super) fn too_many(lang: Lang) -> JobFailure {
    let text = lang.pick(
        format!("El archivo tiene más de {MAX_MEMBERS} filas: divídelo en varios archivos"),
        format!("The file has more than {MAX_MEMBERS} rows: split it"),
    );
    failure("too_many_rows", text)
}

/// What is known of a job's rows once a window of them was worked on.
pub(super) struct Noted {
    pub(super) warnings: Warnings,
    pub(super) order: MembersOrder,
}

/// Imports a window of rows, or in a dry run looks up what would become of them; then records how
/// each ended. Of a job that was stopped it writes no member, and the rows that would have changed
/// one stay open, so that the sweeper ends them.
///
/// # Errors
/// [`JobError`].
pub(super) async fn import(
    app: &App,
    job: &Job,
    format: &Format,
    rows: Vec<SheetRow>,
    last: &LastRows,
) -> Result<Noted, JobError> {
    let ttl = job.ttl().ok_or_else(|| JobError::broken("a job without expiry"))?;
    let mut order = job.members.clone().unwrap_or_default();
    let rows = rows.into_iter().map(|row| FileMember::of(row, format.kind)).collect();
    let mut rows = member_rows::look_up(app, &job.org, rows, last).await?;
    let works = job.takes_rows();
    if works && !order.dry_run {
        member_rows::write(app, &job.org, &mut rows, last, app.clock.now()).await?;
    }
    let mut warnings = job.warnings.clone();
    let mut inputs = Vec::with_capacity(rows.len());
    let mut shards: BTreeMap<u32, ShardUpdate> = BTreeMap::new();
    for (row, outcome) in &rows {
        warnings.note(row.place(), &row.warnings(&job.created_at));
        let update = shards.entry(job.shard_of(row.row)).or_default();
        let mut succeed = |internal: bool, duplicate: bool| {
            update.succeed(SucceededRow { row: row.row, internal, duplicate, unmailed: true });
        };
        let (mut faults, mut repeated_by) = (Vec::new(), None);
        match outcome {
            MemberOutcome::Imported(change) => {
                order.cleared.count(change);
                if works || change.is_none() {
                    succeed(!order.dry_run || !change.is_new, false);
                }
            }
            MemberOutcome::Repeated(by) => {
                repeated_by = Some(*by);
                succeed(true, true);
            }
            MemberOutcome::Refused(of_row) => faults = row.texts(of_row, format, job.lang),
        }
        let input = input(row, faults, repeated_by);
        if !input.faults.is_empty() {
            update.sets.failed.insert(row.row);
            let (email, faults) = (input.email.clone(), input.faults.clone());
            update.failures.push(Failure { row: row.row, line: None, email, faults });
        }
        inputs.push(input);
    }
    app.jobs.put_inputs(job, &inputs, ttl).await?;
    for (shard, update) in shards {
        app.jobs.record_issued(job.shard_id(shard), &update, ttl).await?;
    }
    Ok(Noted { warnings, order })
}

/// A row as its job stores it: there is nothing to issue in it.
fn input(row: &FileMember, faults: Vec<FaultText>, repeated_by: Option<u32>) -> Row {
    Row {
        number: row.row,
        line: Some(row.line),
        email: shortened(&row.email, KEPT_EMAIL),
        external_id: None,
        recipient: None,
        revoke: None,
        faults,
        named: None,
        repeated_by,
    }
}
