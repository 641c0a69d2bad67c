//! Renews a credential that has ended or will soon: same id, same address of the page, same day of issue,
//! a new signed version that begins later and has a later end, and mail to its holder.
//!
//! Written as a correction is, see [`super::new_version`]. Safe to repeat: the end that the credential
//! already has, asked for again, changes nothing. Nor does a renewal by the template's months that was
//! made on the same day, or after which the credential is not due again.

use jiff::{Span, Timestamp, ToSpan, civil::Date};

use crate::{
    app::App,
    credentials::{
        as_signed::AsSigned,
        change_status::{ROUNDS, backoff},
        correct::{CorrectError, Corrected},
        days::{self, Days},
        new_version::{list_without, valid_from, write},
        sign::{self, Draft, Issuer},
    },
    domain::{
        credential::{Credential, MailState, RecipientType, Status},
        history::{Action, Event, Replaced, Who},
        identity,
        ids::CredentialId,
        ledger::CurrentCredential,
        organization::Settings,
        renewal_fault::{DUE_DAYS, RenewalFault},
        status_entry::ListId,
        template::Template,
        tenant::Tenant,
        time,
    },
    mail::ledger,
    store::{StoreError, status_lists::Correction},
};

/// A request to renew a credential.
#[derive(Debug)]
pub struct RenewRequest<'a> {
    /// Issuer.
    pub tenant: Tenant<'a>,
    /// The credential.
    pub id: CredentialId,
    /// The new last day; none for the months of its template, counted from the end that it has, or from
    /// today when that has passed.
    pub until: Option<Date>,
    /// The reason, if the request gives one.
    pub reason: Option<String>,
    /// The key that asks for it.
    pub by: Who,
    /// The present instant.
    pub now: Timestamp,
}

/// The reason why a credential is not renewed.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// Its end or its status forbids it.
    #[error("{0:?}")]
    Fault(RenewalFault),
    /// As for a correction.
    #[error(transparent)]
    Version(#[from] CorrectError),
}

impl From<StoreError> for RenewError {
    fn from(error: StoreError) -> Self {
        Self::Version(error.into())
    }
}

/// Renews a credential.
///
/// Safe to repeat: see the module.
///
/// # Errors
/// [`RenewError`].
pub async fn renew(app: &App, request: &RenewRequest<'_>) -> Result<Corrected, RenewError> {
    for round in 0..ROUNDS {
        backoff(round).await;
        let before = app.credentials.get(request.id).await?.ok_or(CorrectError::Unknown)?;
        if !request.tenant.owns(&before.org, before.mode) {
            return Err(CorrectError::Unknown.into());
        }
        let (before, sending) = match ledger::materialize(app, before).await {
            Err(StoreError::Conflict) => continue,
            materialized => materialized?,
        };
        if let Some((credential, changed)) = attempt(app, request, before, sending).await? {
            let credential = CurrentCredential::written(credential);
            return Ok(Corrected { credential, changed });
        }
    }
    Err(CorrectError::Busy.into())
}

/// Makes one attempt, and says whether it changed the credential; none when a concurrent writer
/// came first.
async fn attempt(
    app: &App,
    request: &RenewRequest<'_>,
    before: Credential,
    sending: bool,
) -> Result<Option<(Credential, bool)>, RenewError> {
    if before.version == 0 {
        return Err(CorrectError::Unsigned.into());
    }
    if before.status != Status::Issued {
        return Err(RenewError::Fault(RenewalFault::NotActive));
    }
    let organization = app.catalog.organization(&before.org).await?;
    let settings = &organization.settings;
    let version = before.template_version;
    let template = app.catalog.template_version(&before.org, before.template_id, version);
    let template = template.await?.ok_or(CorrectError::TemplateNotFound)?;
    let days = days::of(app, &before).await?;
    let Some(until) = chosen(app, request, &before, days, &template).await? else {
        return Ok(Some((before, false)));
    };
    let claimed = before.stored_mail == MailState::Claimed
        && before.mail_lease.is_some_and(|lease| lease >= request.now.as_second());
    if sending || claimed {
        return Err(CorrectError::MailInProgress.into());
    }
    let secret = app.catalog.id_secret(&before.org).await?;
    let as_signed = AsSigned::read(app, settings, &before).await?;
    let issuer = &as_signed.settings;
    let by = Issuer { org: &before.org, mode: before.mode, secret: &secret, settings: issuer };
    let draft = Draft {
        template: &template,
        id: before.id,
        recipient: &before.recipient,
        valid_from: &valid_from(app, as_signed.from).await?,
        awarded_on: days.award(),
        valid_until: settings.last_second_of(until),
    };
    let signed = match Box::pin(sign::sign(app, by, draft)).await {
        Ok(signed) => signed,
        Err(error) => return Err(CorrectError::Refused(vec![error.into_fault()?]).into()),
    };
    let list =
        ListId { org: before.org.clone(), mode: before.mode, number: before.signed.status_list };
    let next = list_without(app, &list, &before).await?;
    let event = Event {
        v: 1,
        revision: before.revision + 1,
        action: Action::Correct,
        at: time::millis(request.now),
        by: request.by.clone(),
        reason: request.reason.clone(),
        fields: Vec::new(),
        renewed_until: Some(until),
        by_months: request.until.is_none(),
        unsigned: false,
        replaced: Some(Replaced {
            version: before.version,
            recipient: before.recipient.clone(),
            signed: before.signed.clone(),
        }),
    };
    let mut after = Credential {
        issued_on: days.issued_on,
        expires_on: Some(until),
        revision: event.revision,
        version: before.version + 1,
        signed,
        ..before.clone()
    };
    let owes = owes(&before, settings);
    if owes {
        after.owe_mail_again();
    }
    let email_key = identity::email_key(&secret, &before.org, before.mode, &before.recipient.email);
    // A letter that is being written says the former end.
    let unclaimed = before.on_ledger().map(|row| app.jobs.unclaimed(row)).transpose()?;
    let aliases = Vec::new();
    let former_key = None;
    let correction =
        Correction { before, after, email_key, former_key, owes, aliases, event, unclaimed };
    Ok(write(app, &list, &next, correction).await?.map(|credential| (credential, true)))
}

/// Chooses the new end; none when the present version has it already.
async fn chosen(
    app: &App,
    request: &RenewRequest<'_>,
    before: &Credential,
    days: Days,
    template: &Template,
) -> Result<Option<Date>, RenewError> {
    let by_months = request.until.is_none();
    let organization = app.catalog.organization(&before.org).await?;
    let today = organization.date_of(request.now);
    match end(request.until, days, today, template) {
        Ok(Some(_)) if by_months && renewed_on(app, before, Some(today)).await? => Ok(None),
        Ok(until) => Ok(until),
        Err(RenewalFault::NotDue(_)) if by_months && renewed_on(app, before, None).await? => {
            Ok(None)
        }
        Err(fault) => Err(RenewError::Fault(fault)),
    }
}

/// Whether the present end was given by a renewal, on this day: the months of a template, asked for
/// again, are those.
async fn renewed_on(
    app: &App,
    credential: &Credential,
    day: Option<Date>,
) -> Result<bool, StoreError> {
    if credential.revision == 0 {
        return Ok(false);
    }
    let organization = app.catalog.organization(&credential.org).await?;
    let date_of = |at: &str| Some(organization.date_of(at.parse().ok()?));
    let history = app.status_lists.history(credential.id, credential.revision).await?;
    Ok(history.iter().any(|event| {
        let on_the_day = day.is_none_or(|day| date_of(&event.at) == Some(day));
        event.by_months && event.renewed_until == credential.expires_on && on_the_day
    }))
}

/// The end of the new version; none when the credential has the end that is asked for.
fn end(
    asked: Option<Date>,
    days: Days,
    today: Date,
    template: &Template,
) -> Result<Option<Date>, RenewalFault> {
    let Some(last) = days.expires_on else {
        return Err(RenewalFault::Endless);
    };
    if asked == Some(last) {
        return Ok(None);
    }
    if last > today.saturating_add(DUE_DAYS.days()) {
        return Err(RenewalFault::NotDue(last));
    }
    let months = template.definition.validity_months.unwrap_or_default();
    let by_months = last.max(today).saturating_add(Span::new().months(months));
    let until = asked.unwrap_or(by_months);
    match until > last && until >= today {
        true => Ok(Some(until)),
        false => Err(RenewalFault::EndsSooner(last.max(today))),
    }
}

/// Whether a renewal owes its holder mail: not where nobody was mailed, and not where the first mail is
/// still to come.
fn owes(before: &Credential, settings: &Settings) -> bool {
    let notified = match before.recipient_type {
        RecipientType::Internal => settings.notify_members,
        RecipientType::External => true,
    };
    notified && matches!(before.stored_mail, MailState::Sent | MailState::Failed)
}
