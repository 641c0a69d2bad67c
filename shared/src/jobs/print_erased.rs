//! Deletes archives of certificates with somebody in them who was erased, and ends the work on such a one.
//!
//! It runs after the credentials are erased. An archive that is made later reads what is left of them; what a process
//! read before is not written any more, since every note of that process fails from then on
//! ([`Jobs::erased_before`](crate::store::jobs::Jobs::erased_before)). So the pieces that are there now are all that
//! has to be looked through.
//!
//! Safe to repeat: what was withdrawn is found and deleted again.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use crate::{
    app::App,
    aws::{s3::FileError, s3_parts::Parts},
    domain::{
        erasure::About,
        ids::CredentialId,
        print::{Drawn, Piece, PrintOrder, PrintState, SETTLES},
        time,
    },
    jobs::{JobError, export_files::KEYS_A_CALL, private_work::Work},
};

/// Pieces that are read at once.
const AT_ONCE: usize = 16;

/// Deletes the archives of an organization with somebody in them who is erased.
///
/// # Errors
/// [`JobError`].
pub(super) async fn delete(work: &Work<'_>) -> Result<u32, JobError> {
    let app = work.app;
    let mut deleted = 0;
    for of in app.jobs.prints(None).await? {
        let Some(known) = app.jobs.print(of).await?.filter(|known| known.org == work.job.org)
        else {
            continue;
        };
        if known.print_state != PrintState::Withdrawn {
            let Some(order) = app.jobs.erased_before(of, known.attempt).await? else { continue };
            if !has_erased(work, &order).await? {
                continue;
            }
            let now = app.clock.now();
            let due = now.checked_add(SETTLES).map_err(JobError::broken)?;
            let at = (&*time::millis(now), &*time::millis(due));
            if app.jobs.withdraw_print(of, order.attempt, at).await?.is_none() {
                continue;
            }
            forget(app, &order).await?;
            deleted += 1;
            continue;
        }
        forget(app, &known).await?;
    }
    Ok(deleted)
}

/// Whether somebody in an archive is erased, or had the address of the person.
async fn has_erased(work: &Work<'_>, order: &PrintOrder) -> Result<bool, JobError> {
    let former = order.former.as_ref().map(|former| (former.attempt, &former.drawn));
    for (attempt, drawn) in [(order.attempt, &order.drawn)].into_iter().chain(former) {
        let mut ids = BTreeSet::new();
        for piece in pieces(work.app, order, attempt, drawn).await? {
            for row in piece.rows {
                if let (About::Person(subject), Some(person)) = (&work.order.about, &row.person)
                    && subject.key(order.mode) == person
                {
                    return Ok(true);
                }
                // A row without a person says nothing of one.
                ids.extend(row.credential_id.filter(|_| row.person.is_some()));
            }
        }
        let ids: Vec<CredentialId> = ids.into_iter().collect();
        if !work.app.credentials.stored_all(&ids).await?.1.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The pieces of an attempt, in their order. One that is gone was deleted with its archive.
///
/// # Errors
/// [`JobError`].
pub(super) async fn pieces(
    app: &App,
    order: &PrintOrder,
    attempt: Uuid,
    drawn: &Drawn,
) -> Result<Vec<Piece>, JobError> {
    let files = app.files()?;
    let read = |number| {
        let key = order.piece_key(attempt, number);
        async move {
            match files.get(&key).await {
                Ok(bytes) => serde_json::from_slice(&bytes).map_err(JobError::broken),
                Err(FileError::Gone) => Ok(Piece::default()),
                Err(error) => Err(error.into()),
            }
        }
    };
    stream::iter((0..drawn.pieces).map(read)).buffered(AT_ONCE).try_collect().await
}

/// Deletes all objects of an order, complete or not, those of the order that it follows too.
///
/// # Errors
/// [`JobError`].
pub(super) async fn forget(app: &App, order: &PrintOrder) -> Result<(), JobError> {
    if let Some(open) = &order.drawn.open {
        let key = order.file_key(order.drawn.files.len() + 1);
        app.files()?.give_up(Parts { key: &key, upload: &open.upload }).await?;
    }
    let former = order.former.as_ref().map(|former| former.attempt);
    for attempt in [order.attempt].into_iter().chain(former).chain(order.discarded.iter().copied())
    {
        forget_attempt(app, order, attempt).await?;
    }
    Ok(())
}

/// Deletes the objects of an attempt.
///
/// # Errors
/// [`JobError`].
pub(super) async fn forget_attempt(
    app: &App,
    order: &PrintOrder,
    attempt: Uuid,
) -> Result<(), JobError> {
    let files = app.files()?;
    let prefix = order.prefix_of(attempt);
    let mut after = None;
    loop {
        let keys = files.list(&prefix, after.as_deref()).await?;
        for keys in keys.chunks(KEYS_A_CALL) {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            files.delete(&keys).await?;
        }
        after = keys.into_iter().next_back();
        if after.is_none() {
            return Ok(());
        }
    }
}
