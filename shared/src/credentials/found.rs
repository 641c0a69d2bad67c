//! A recipient whose identity has a credential already: is it the duplicate of this content, and does
//! it hold?

use jiff::civil::Date;

use crate::{
    app::App,
    credentials::days,
    domain::{
        credential::{Credential, Status},
        fault::Fault,
        identity::Identities,
    },
    store::StoreError,
};

/// Reads the credential that a recipient's identities lead to; what was issued for the content
/// as it was sent comes first, as it does when a credential is put.
///
/// # Errors
/// [`StoreError`] of the reads.
pub(super) async fn find(
    app: &App,
    identities: &Identities,
) -> Result<Option<Credential>, StoreError> {
    for id in identities.alias().into_iter().chain([identities.own.id]) {
        if let Some(found) = app.credentials.at(id).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Judges the credential found under an identity of a recipient of this day: whether it is the
/// duplicate of this content. One that an alias of a correction led to is. The inner error is
/// [`Fault::ExternalIdTaken`] or one of [`in_force`].
///
/// # Errors
/// [`StoreError`] of the reads for a credential of before days were kept.
pub(super) async fn duplicate(
    app: &App,
    identities: &Identities,
    today: Option<Date>,
    found: &Credential,
) -> Result<Result<(), Fault>, StoreError> {
    let led = identities.all().all(|identity| identity.id != found.id);
    let is_known = |content: &String| found.content == *content || found.former.contains(content);
    if !led && !identities.all().any(|identity| is_known(&identity.content)) {
        return Ok(Err(Fault::ExternalIdTaken(found.id.to_string())));
    }
    in_force(app, today, found).await
}

/// Judges whether a credential holds on this day: a row that finds it is its duplicate only then.
/// The inner error is [`Fault::NotActive`] or [`Fault::Expired`].
///
/// # Errors
/// [`StoreError`] of the reads for a credential of before days were kept.
pub async fn in_force(
    app: &App,
    today: Option<Date>,
    found: &Credential,
) -> Result<Result<(), Fault>, StoreError> {
    if found.status != Status::Issued {
        return Ok(Err(Fault::NotActive(found.id.to_string())));
    }
    let ended = days::of(app, found).await?.ended_before(today);
    Ok(ended.map_or(Ok(()), |on| Err(Fault::Expired(found.id.to_string(), on))))
}
