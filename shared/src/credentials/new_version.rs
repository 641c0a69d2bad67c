//! A new signed version of a credential, which a correction or a renewal writes: credential, history,
//! aliases and the status bit of the replaced version in one transaction.

use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use serde_json::{Map, Value};

use crate::{
    app::App,
    aws::sqs,
    credentials::{
        change_status::{note, raced, store_error},
        correct::CorrectError,
        found::{self, Found},
        issue, sign,
    },
    domain::{
        correction::{Named, fields_of},
        correction_fault::CorrectionFault,
        credential::Credential,
        erasure::Stored,
        history::{Event, Replaced},
        ids::CredentialId,
        status_entry::ListId,
        time,
    },
    store::{
        StoreError,
        status_lists::{Correction, List},
    },
};

/// The beginning of a version that replaces one of this beginning: now, or a second after the replaced
/// version began, so that the newest of two files is known by it (Open Badges 3.0 §9). That second is
/// waited for, since nothing is valid in advance.
///
/// # Errors
/// [`CorrectError::Busy`] when the replaced version begins in the future, by a clock that is ahead.
pub(super) async fn valid_from(
    app: &App,
    replaced: Option<Timestamp>,
) -> Result<String, CorrectError> {
    const LONGEST: Duration = Duration::from_secs(2);
    let now = app.clock.now();
    let earliest = replaced.map_or(now, |from| from + 1.seconds());
    let wait = Duration::try_from(earliest.duration_since(now)).unwrap_or_default();
    if wait > LONGEST {
        return Err(CorrectError::Busy);
    }
    tokio::time::sleep(wait).await;
    Ok(time::seconds(now.max(earliest)))
}

/// Refuses a row of an earlier version of its credential that would change fields which were
/// corrected since; a renewal since takes nothing back. Private facts are corrected without a version:
/// of the present one, a row that has what they said before is refused.
pub(super) async fn refuse_stale(
    app: &App,
    named: &Named,
    before: &Credential,
    fields: &Map<String, Value>,
) -> Result<(), CorrectError> {
    let Some(of) = named.version.filter(|of| *of < before.version) else {
        return refuse_former_private(app, named, before).await;
    };
    let history = app.status_lists.history(before.id, before.revision).await?;
    let since = history
        .iter()
        .filter(|event| event.replaced.as_ref().is_some_and(|replaced| replaced.version >= of));
    let corrected: Vec<&String> = since.flat_map(|event| &event.fields).collect();
    let fields: Vec<String> =
        fields_of(fields).filter(|field| corrected.contains(&field)).collect();
    if fields.is_empty() {
        return Ok(());
    }
    let fault = CorrectionFault::CorrectedSince(before.id, before.version, fields);
    Err(CorrectError::Conflict(fault))
}

async fn refuse_former_private(
    app: &App,
    named: &Named,
    before: &Credential,
) -> Result<(), CorrectError> {
    let said = named.recipient.other_private(&before.recipient);
    if named.version != Some(before.version) || said.is_empty() {
        return Ok(());
    }
    let history = app.status_lists.history(before.id, before.revision).await?;
    let since = history.iter().filter(|event| event.unsigned);
    let since = since.filter_map(|event| event.replaced.as_ref());
    let since: Vec<&Replaced> =
        since.filter(|replaced| replaced.version == before.version).collect();
    let is_former = |field: &String| {
        since.iter().any(|replaced| {
            replaced.recipient.private.keys().any(|key| key.field() == *field)
                && !named.recipient.other_private(&replaced.recipient).contains(field)
        })
    };
    let former: Vec<String> = said.into_iter().filter(is_former).collect();
    if former.is_empty() {
        return Ok(());
    }
    Err(CorrectError::Conflict(CorrectionFault::PrivateCorrectedSince(before.id, former)))
}

/// Signs the credential's status list with the bit of the replaced version set.
pub(super) async fn list_without(
    app: &App,
    list: &ListId,
    before: &Credential,
) -> Result<List, CorrectError> {
    let current = app.status_lists.list(list).await?;
    let current = current.ok_or(StoreError::Broken("no such status list".to_owned()))?;
    let replaced = before.signed.status_index;
    let next = sign::next_list(app, list, &current, |bits| bits.set(replaced, true));
    Ok(next.await.map_err(store_error)?)
}

/// Writes a correction and queues the mail to a new address; none when a concurrent writer
/// came first.
pub(super) async fn write(
    app: &App,
    list: &ListId,
    next: &List,
    mut correction: Correction,
) -> Result<Option<Credential>, CorrectError> {
    while !raced(app.status_lists.correct(list, next, &correction).await)? {
        let mut own = Vec::new();
        for alias in &correction.aliases {
            if let Alias::Led(id) = refuse_taken(app, *alias, &correction.before).await? {
                own.push(id);
            }
        }
        if own.is_empty() {
            return Ok(None);
        }
        correction.aliases.retain(|alias| !own.contains(alias));
    }
    let before = &correction.before;
    note(before, correction.event.action, &correction.event.by);
    let after = correction.after;
    if correction.owes {
        let message = issue::mail_message(&after, true)?;
        let sent = sqs::send_all(&app.sqs, &app.config.mail_queue_url, &[message]).await.all();
        // The index of pending mail has it: the sweeper queues it later.
        if let Err(error) = sent {
            tracing::error!(%error, "mail not queued");
        }
    }
    Ok(Some(after))
}

/// Writes a correction of private facts alone: the signed version stays, and nobody is told. None when a
/// concurrent writer came first.
pub(super) async fn write_private(
    app: &App,
    after: Credential,
    event: &Event,
) -> Result<Option<Credential>, CorrectError> {
    if !raced(app.status_lists.correct_private(&after, event).await)? {
        return Ok(None);
    }
    note(&after, event.action, &event.by);
    Ok(Some(after))
}

/// What is at the id of a corrected content.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Alias {
    /// Nothing, or an alias of the credential.
    Free,
    /// A credential that was erased and issued again as this one: it leads here without an alias.
    Led(CredentialId),
}

/// Refuses a correction to the content of another credential.
pub(super) async fn refuse_taken(
    app: &App,
    alias: CredentialId,
    before: &Credential,
) -> Result<Alias, CorrectError> {
    let taken = match app.credentials.look_up(alias).await? {
        None => return Ok(Alias::Free),
        Some(stored) if stored.id() == before.id => return Ok(Alias::Free),
        Some(taken) => taken,
    };
    if let Stored::Erased(first) = &taken {
        let secret = app.catalog.id_secret(&before.org).await?;
        if let Found::Credential { credential, .. } = found::after(app, &secret, first.id).await?
            && credential.id == before.id
        {
            return Ok(Alias::Led(alias));
        }
    }
    Err(CorrectError::Conflict(CorrectionFault::Taken(taken.id())))
}
