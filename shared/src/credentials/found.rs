//! A recipient whose identity has a credential already: is it the duplicate of this content, and does
//! it hold?

use jiff::civil::Date;

use crate::{
    app::App,
    credentials::days,
    domain::{
        credential::{Credential, Status},
        day_fault::DayFault,
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

/// The days of a recipient whose credential is found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// The present day.
    pub today: Option<Date>,
    /// The last day of validity, if the recipient asks for one.
    pub valid_until: Option<Date>,
}

impl Asked {
    /// The days of a credential that was to be put.
    pub(super) fn of(credential: &Credential) -> Self {
        Self { today: credential.issued_on, valid_until: credential.recipient.valid_until }
    }
}

/// Judges the credential found under an identity of a recipient: whether it is the
/// duplicate of this content. One that an alias of a correction led to is. One that was issued `again`
/// is, unless the caller's `external_id` alone led to it. The end of validity is no part of an
/// identity: the one that was asked for first, or the present one, may be asked for again, and no
/// other. The inner error is [`Fault::ExternalIdTaken`], [`DayFault::OtherEnd`] or one of [`in_force`].
///
/// # Errors
/// [`StoreError`] of the reads for a credential of before days were kept.
pub(super) async fn duplicate(
    app: &App,
    identities: &Identities,
    asked: Asked,
    found: &Credential,
    again: bool,
) -> Result<Result<(), Fault>, StoreError> {
    let led = identities.all().all(|identity| identity.id != found.id);
    let led = led && !(again && identities.external);
    let is_known = |content: &String| found.content == *content || found.former.contains(content);
    if !led && !identities.all().any(|identity| is_known(&identity.content)) {
        return Ok(Err(Fault::ExternalIdTaken(found.id.to_string())));
    }
    if let Err(fault) = in_force(app, asked.today, found).await? {
        return Ok(Err(fault));
    }
    Ok(other_end(app, asked.valid_until, found).await?.map_or(Ok(()), Err))
}

/// The fault of an end that is asked for and is neither the first nor the present one of a
/// credential.
///
/// # Errors
/// [`StoreError`] of the reads for a credential of before days were kept.
pub async fn other_end(
    app: &App,
    asked: Option<Date>,
    found: &Credential,
) -> Result<Option<Fault>, StoreError> {
    let Some(until) = asked.filter(|until| found.recipient.valid_until != Some(*until)) else {
        return Ok(None);
    };
    let present = days::of(app, found).await?.expires_on;
    let other = || Fault::Day(DayFault::OtherEnd(found.id.to_string(), present));
    Ok((present != Some(until)).then(other))
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
