//! A recipient whose identity has a credential already: is it the duplicate of this content, and does
//! it hold?

use jiff::civil::Date;

use crate::{
    app::App,
    credentials::days,
    domain::{
        credential::{Credential, Status},
        erasure::Stored,
        fault::Fault,
        identity::{self, IdSecret, Identities},
        ids::CredentialId,
    },
    store::StoreError,
};

/// What a recipient's identities lead to.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing: it would be new.
    Nothing,
    /// A credential.
    Credential {
        credential: Box<Credential>,
        /// Whether it was issued after one of this identity had been erased.
        again: bool,
    },
    /// One that was erased, and was not issued again.
    Erased {
        /// Its id.
        id: CredentialId,
        /// The id under which it would be issued again.
        next: CredentialId,
    },
}

/// Reads what a recipient's identities lead to; what was issued for the content as it was sent comes
/// first, as it does when a credential is put.
///
/// # Errors
/// [`StoreError`] of the reads.
pub(super) async fn find(
    app: &App,
    secret: &IdSecret,
    identities: &Identities,
) -> Result<Found, StoreError> {
    for id in identities.alias().into_iter().chain([identities.own.id]) {
        match app.credentials.look_up(id).await? {
            Some(Stored::Credential(credential)) => {
                return Ok(Found::Credential { credential, again: false });
            }
            Some(Stored::Erased(first)) => return after(app, secret, first.id).await,
            None => {}
        }
    }
    Ok(Found::Nothing)
}

/// Reads what was issued after the credential `first` of an identity was erased: one id follows from
/// the other, so each attempt finds what an earlier one issued.
///
/// # Errors
/// [`StoreError`] of the reads.
pub(super) async fn after(
    app: &App,
    secret: &IdSecret,
    first: CredentialId,
) -> Result<Found, StoreError> {
    let mut id = first;
    for erasures in 1.. {
        let next = identity::after_erasure(secret, first, erasures);
        match app.credentials.stored(next).await? {
            Some(Stored::Credential(credential)) => {
                return Ok(Found::Credential { credential, again: true });
            }
            Some(Stored::Erased(_)) => id = next,
            None => return Ok(Found::Erased { id, next }),
        }
    }
    Ok(Found::Nothing)
}

/// Judges the credential found under an identity of a recipient of this day: whether it is the
/// duplicate of this content. One that an alias of a correction led to is. One that was issued `again`
/// is, unless the caller's `external_id` alone led to it. The inner error is
/// [`Fault::ExternalIdTaken`] or one of [`in_force`].
///
/// # Errors
/// [`StoreError`] of the reads for a credential of before days were kept.
pub(super) async fn duplicate(
    app: &App,
    identities: &Identities,
    today: Option<Date>,
    found: &Credential,
    again: bool,
) -> Result<Result<(), Fault>, StoreError> {
    let led = identities.all().all(|identity| identity.id != found.id);
    let led = led && !(again && identities.external);
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
