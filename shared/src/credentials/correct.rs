//! Corrects a credential: same id, same address of the page, a new signed version.
//!
//! The credential, the status bit of the replaced version, the history and the aliases of the new
//! content, as it was sent and cleaned, are written in one transaction, see [`super::change_status`].
//!
//! Safe to repeat: a correction that changes nothing returns the credential as it is, unless
//! the key that signed it was compromised: then it is signed again. The history names the row of
//! a file that corrected, so a row that is delivered again corrects no second time, also when
//! the credential was changed since.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, value::RawValue};

use crate::{
    app::App,
    credentials::{
        as_signed::{AsSigned, signed_by_compromised},
        change_status::{ROUNDS, backoff},
        days::{self, Days},
        new_version::{list_without, refuse_stale, refuse_taken, valid_from, write, write_private},
        sign::{self, Draft, Issuer},
    },
    domain::{
        admission,
        correction::{FieldChange, Named, merged},
        correction_fault::CorrectionFault,
        credential::{Credential, MailState, Packed, RecipientType, Status},
        custom::CUSTOM,
        custom_field,
        day_fault::DayFault,
        fault::Fault,
        field::FieldName,
        history::{Event, Who},
        identity::{self, IdSecret, Identities},
        ids::CredentialId,
        ledger::CurrentCredential,
        recipient::{Entry, Recipient},
        status_entry::ListId,
        template::Template,
        tenant::Tenant,
        time,
        warning::Place,
    },
    mail::ledger,
    store::{StoreError, status_lists::Correction},
};

/// Returns the names of the fields that a correction can change.
pub fn correctable() -> impl Iterator<Item = &'static str> {
    let fields = FieldName::correctable().map(FieldName::as_str);
    std::iter::once("email").chain(fields).chain([FieldName::ValidUntil.as_str(), CUSTOM])
}

/// A request to correct a credential.
#[derive(Debug)]
pub struct CorrectRequest<'a> {
    /// Issuer.
    pub tenant: Tenant<'a>,
    /// The credential.
    pub id: CredentialId,
    /// What is to change.
    pub change: Change<'a>,
    /// The reason, if the request gives one.
    pub reason: Option<String>,
    /// The key that asks for it.
    pub by: Who,
    /// The present instant.
    pub now: Timestamp,
}

/// What a correction is to change.
#[derive(Debug)]
pub enum Change<'a> {
    /// New values of [`correctable`] fields; null removes one.
    Fields(Map<String, Value>),
    /// What a row of a file says otherwise than the credential that it names.
    Row(&'a Named),
}

impl CorrectRequest<'_> {
    /// The new values of fields.
    fn fields(&self, before: &Credential) -> Result<Map<String, Value>, serde_json::Error> {
        match &self.change {
            Change::Fields(fields) => Ok(fields.clone()),
            Change::Row(named) => named.changes(&before.recipient, &before.filled),
        }
    }
}

/// A credential after a correction.
#[derive(Debug)]
pub struct Corrected {
    /// The credential.
    pub credential: CurrentCredential,
    /// Whether the correction changed it, now or when it was asked for before.
    pub changed: bool,
}

/// The reason why a credential is not corrected.
#[derive(Debug, thiserror::Error)]
pub enum CorrectError {
    /// The organization has no such credential in this mode.
    #[error("no such credential")]
    Unknown,
    /// The credential is of a format that was not signed.
    #[error("the credential is not signed")]
    Unsigned,
    /// The credential is revoked or suspended, or another one has the corrected content.
    #[error("{}", .0.code())]
    Conflict(CorrectionFault),
    /// The mail to the earlier address is being sent.
    #[error("the credential's mail is being sent")]
    MailInProgress,
    /// The credential's template does not exist.
    #[error("no such template")]
    TemplateNotFound,
    /// The corrected recipient is refused.
    #[error("{} faults", .0.len())]
    Refused(Vec<Fault>),
    /// Concurrent writers kept changing the credential or its status list.
    #[error("the credential or its status list is in use")]
    Busy,
    /// A recipient or document is no JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The store or the signing key failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CorrectError {
    /// The faults of a row that is refused.
    ///
    /// # Errors
    /// The error itself when the same row can be corrected later.
    pub fn into_faults(self, id: CredentialId) -> Result<Vec<Fault>, Self> {
        match self {
            Self::Unknown => Ok(vec![Fault::Correction(CorrectionFault::Unknown(id.to_string()))]),
            Self::Unsigned => Ok(vec![Fault::Unsigned]),
            Self::Conflict(fault) => Ok(vec![Fault::Correction(fault)]),
            Self::Refused(faults) => Ok(faults),
            other => Err(other),
        }
    }
}

/// Corrects a credential.
///
/// Safe to repeat: see the module.
///
/// # Errors
/// [`CorrectError`].
pub async fn correct(app: &App, request: &CorrectRequest<'_>) -> Result<Corrected, CorrectError> {
    for round in 0..ROUNDS {
        backoff(round).await;
        let before = app.credentials.get(request.id).await?.ok_or(CorrectError::Unknown)?;
        if !request.tenant.owns(&before.org, before.mode) {
            return Err(CorrectError::Unknown);
        }
        let (before, sending) = match ledger::materialize(app, before).await {
            Err(StoreError::Conflict) => continue,
            materialized => materialized?,
        };
        if let Some(changed) = by_this_job(app, request, &before).await? {
            let credential = CurrentCredential::written(before);
            return Ok(Corrected { credential, changed });
        }
        if let Some((credential, changed)) = attempt(app, request, &before, sending).await? {
            let credential = CurrentCredential::written(credential);
            return Ok(Corrected { credential, changed });
        }
    }
    Err(CorrectError::Busy)
}

/// Finds what the job of a row has done to its credential: whether this row has corrected it, or
/// says the same as the row that has. None if the job has not corrected it.
async fn by_this_job(
    app: &App,
    request: &CorrectRequest<'_>,
    before: &Credential,
) -> Result<Option<bool>, CorrectError> {
    let (Some(job), Some(row)) = (request.by.job_id, request.by.row) else {
        return Ok(None);
    };
    if before.revision == 0 {
        return Ok(None);
    }
    let history = app.status_lists.history(before.id, before.revision).await?;
    let by_job = history.into_iter().filter(|event| event.by.job_id == Some(job));
    let rows: Vec<u32> = by_job.filter_map(|event| event.by.row).collect();
    match rows.first() {
        None => Ok(None),
        Some(_) if rows.contains(&row) => Ok(Some(true)),
        Some(_) if request.fields(before)?.is_empty() => Ok(Some(false)),
        Some(other) => Err(CorrectError::Conflict(CorrectionFault::AnotherRow(
            before.id,
            Place { row: *other, line: None },
        ))),
    }
}

/// Makes one attempt, and says whether it changed the credential; none when a concurrent writer
/// came first.
async fn attempt(
    app: &App,
    request: &CorrectRequest<'_>,
    before: &Credential,
    sending: bool,
) -> Result<Option<(Credential, bool)>, CorrectError> {
    let Some(judged) = judge(app, request, before).await? else {
        return Ok(Some((before.clone(), false)));
    };
    let claimed = before.stored_mail == MailState::Claimed
        && before.mail_lease.is_some_and(|lease| lease >= request.now.as_second());
    if judged.moved && (sending || claimed) {
        return Err(CorrectError::MailInProgress);
    }
    if judged.is_private {
        let event = Event { unsigned: true, ..event(request, before, &judged.recipient)? };
        let (recipient, revision) = (judged.recipient, event.revision);
        let after = Credential { recipient, revision, ..before.clone() };
        let written = write_private(app, after, &event).await?;
        return Ok(written.map(|credential| (credential, true)));
    }
    let by = judged.issuer(before);
    let from = valid_from(app, judged.as_signed.from).await?;
    let signed = match Box::pin(sign::sign(app, by, judged.draft(before, &from))).await {
        Ok(signed) => signed,
        Err(error) => return Err(CorrectError::Refused(vec![error.into_fault()?])),
    };
    let list =
        ListId { org: before.org.clone(), mode: before.mode, number: before.signed.status_list };
    let next = list_without(app, &list, before).await?;
    let correction = correction(app, request, before, judged, signed).await?;
    Ok(write(app, &list, &next, correction).await?.map(|credential| (credential, true)))
}

/// Foresees a correction: all of it up to its first write. None if it would change nothing.
///
/// # Errors
/// [`CorrectError`].
pub async fn foresee(
    app: &App,
    request: &CorrectRequest<'_>,
    before: &Credential,
) -> Result<Option<Vec<FieldChange>>, CorrectError> {
    let Some(judged) = judge(app, request, before).await? else {
        return Ok(None);
    };
    if judged.is_private {
        return Ok(Some(FieldChange::between(&before.recipient, &judged.recipient)?));
    }
    let draft = judged.draft(before, &before.issued_at);
    if let Err(error) = sign::can_be_signed(app, judged.issuer(before), draft) {
        return Err(CorrectError::Refused(vec![error.into_fault()?]));
    }
    for alias in judged.aliases(before) {
        refuse_taken(app, alias, before).await?;
    }
    Ok(Some(FieldChange::between(&before.recipient, &judged.recipient)?))
}

/// A correction that passed every check, before it is signed.
struct Judged {
    recipient: Recipient,
    filled: Vec<FieldName>,
    identities: Identities,
    /// Whether the address changes.
    moved: bool,
    /// Whether nothing that is signed changes, but private facts alone.
    is_private: bool,
    template: Arc<Template>,
    secret: IdSecret,
    days: Days,
    /// Issuer and end of validity, which a correction leaves as they were signed.
    as_signed: AsSigned,
}

impl Judged {
    fn issuer<'a>(&'a self, before: &'a Credential) -> Issuer<'a> {
        let (secret, settings) = (&self.secret, &self.as_signed.settings);
        Issuer { org: &before.org, mode: before.mode, secret, settings }
    }

    fn draft<'a>(&'a self, before: &Credential, valid_from: &'a str) -> Draft<'a> {
        let Self { template, recipient, .. } = self;
        Draft {
            template,
            id: before.id,
            recipient,
            valid_from,
            awarded_on: self.days.award(),
            valid_until: self.as_signed.until,
        }
    }

    /// The ids of the corrected content, which lead to the credential.
    fn aliases(&self, before: &Credential) -> Vec<CredentialId> {
        let mut aliases: Vec<CredentialId> = self.identities.all().map(|own| own.id).collect();
        aliases.dedup();
        aliases.retain(|alias| *alias != before.id);
        aliases
    }
}

/// Judges a correction; none if it changes nothing.
async fn judge(
    app: &App,
    request: &CorrectRequest<'_>,
    before: &Credential,
) -> Result<Option<Judged>, CorrectError> {
    if before.version == 0 {
        return Err(CorrectError::Unsigned);
    }
    if before.status != Status::Issued {
        return Err(CorrectError::Conflict(CorrectionFault::NotActive));
    }
    let fields = request.fields(before)?;
    let template =
        app.catalog.template_version(&before.org, before.template_id, before.template_version);
    let template = template.await?.ok_or(CorrectError::TemplateNotFound)?;
    let (whole, filled) = apply(&fields, before, &template)?;
    let clean = whole.cleaned();
    let organization = app.catalog.organization(&before.org).await?;
    let today = organization.date_of(request.now);
    let former = days::of(app, before).await?;
    let names_end = fields.contains_key(FieldName::ValidUntil.as_str());
    let days = former.corrected(&before.recipient, &whole, &template.definition, names_end);
    let moves_end = days.expires_on != former.expires_on;
    let same = [Some(&whole), clean.as_ref()].contains(&Some(&before.recipient));
    let unchanged = same && !moves_end;
    let recipient = clean.unwrap_or_else(|| whole.clone());
    let mut is_private =
        filled == before.filled && !moves_end && recipient.is_signed_as(&before.recipient);
    if unchanged || is_private {
        // A file corrects what it says otherwise; signing again is asked for by itself.
        let again = matches!(request.change, Change::Fields(_))
            && signed_by_compromised(app, before).await?;
        if unchanged && !again {
            return Ok(None);
        }
        is_private = is_private && !again;
    }
    if let Change::Row(named) = request.change {
        refuse_stale(app, named, before, &fields).await?;
    }
    let sent_email = fields.get("email").and_then(Value::as_str).unwrap_or_default();
    let doubts = admission::judge(&recipient, sent_email, Some(&before.recipient));
    if !doubts.is_empty() {
        return Err(CorrectError::Refused(doubts));
    }
    let mut faults = template.definition.check(&recipient);
    let unnamed = admission::unnamed(whole.recipient_name.is_some(), &mut faults);
    faults.extend(unnamed);
    faults.extend(recipient.emptied());
    // What the correction leaves as it is may be what it was issued with.
    faults.extend(whole.damages().into_iter().filter(|fault| {
        let field = fault.field().unwrap_or_default();
        fields.keys().any(|name| field.split(['[', '.']).next() == Some(name))
    }));
    if !faults.is_empty() {
        return Err(CorrectError::Refused(faults));
    }
    let moved = recipient.email != before.recipient.email;
    let later =
        days.awarded_later(today).filter(|_| days.awarded_on != before.recipient.awarded_on);
    let ended = days.ended_before(Some(today)).filter(|_| moves_end);
    let ended = ended.map(|last| Fault::Day(DayFault::EndsBeforeIssue(last)));
    if let Some(fault) = later.or(ended) {
        return Err(CorrectError::Refused(vec![fault]));
    }
    let secret = app.catalog.id_secret(&before.org).await?;
    let sent = whole.without(&filled);
    let (org, mode) = (&before.org, before.mode);
    let (_, identities) = identity::cleaned(&secret, org, mode, before.template_id, sent);
    let mut as_signed = AsSigned::read(app, &organization.settings, before).await?;
    if moves_end {
        as_signed.until = days.expires_on.and_then(|last| as_signed.settings.last_second_of(last));
    }
    let judged = Judged {
        recipient,
        filled,
        identities,
        moved,
        is_private,
        template,
        secret,
        days,
        as_signed,
    };
    Ok(Some(judged))
}

/// Reads the recipient after the correction, and which of its fields the profile filled in.
fn apply(
    fields: &Map<String, Value>,
    before: &Credential,
    template: &Template,
) -> Result<(Recipient, Vec<FieldName>), CorrectError> {
    let whole = merged(&before.recipient, fields)?;
    let raw = RawValue::from_string(whole.to_string())?;
    let mut recipient = Entry::parse(&raw).recipient.map_err(CorrectError::Refused)?;
    custom_field::settle(&template.definition.custom_fields, &mut recipient);
    let filled = before.filled.iter().copied();
    let filled = filled.filter(|name| !fields.contains_key(name.as_str())).collect();
    Ok((recipient, filled))
}

/// The entry of a correction in the history of its credential.
fn event(
    request: &CorrectRequest<'_>,
    before: &Credential,
    after: &Recipient,
) -> Result<Event, CorrectError> {
    let (by, reason) = (request.by.clone(), request.reason.clone());
    Ok(Event::correction(before, after, time::millis(request.now), by, reason)?)
}

/// Builds the correction that is to be written.
async fn correction(
    app: &App,
    request: &CorrectRequest<'_>,
    before: &Credential,
    judged: Judged,
    signed: Packed,
) -> Result<Correction, CorrectError> {
    let by = judged.issuer(before);
    let (moved, aliases) = (judged.moved, judged.aliases(before));
    let recipient = judged.recipient.clone();
    let member = match moved {
        true => app.catalog.member(&before.org, &recipient.email).await?,
        false => None,
    };
    let recipient_type = match (moved, &member) {
        (false, _) => before.recipient_type,
        (true, Some(_)) => RecipientType::Internal,
        (true, None) => RecipientType::External,
    };
    let notified = member.is_none() || by.settings.notify_members;
    let owes = moved
        && notified
        && match before.stored_mail {
            MailState::Sent | MailState::Failed => true,
            // The wait is the former mailbox's.
            MailState::Owed => before.mail_soft_bounces > 0,
            MailState::Claimed | MailState::Skipped => false,
        };
    let at = time::millis(request.now);
    let mut former = before.former.clone();
    let content = judged.identities.own.content.clone();
    if before.content != content && !former.contains(&before.content) {
        former.push(before.content.clone());
    }
    let event = event(request, before, &recipient)?;
    let email_key = identity::email_key(by.secret, by.org, by.mode, &recipient.email);
    let mut after = Credential {
        recipient,
        recipient_type,
        filled: judged.filled.clone(),
        content,
        former,
        revision: event.revision,
        version: before.version + 1,
        corrected_at: Some(at),
        issued_on: judged.days.issued_on,
        expires_on: judged.days.expires_on,
        signed,
        ..before.clone()
    };
    if owes {
        after.owe_mail_again();
    }
    let unclaimed = before.on_ledger().filter(|_| moved).map(|row| app.jobs.unclaimed(row));
    let unclaimed = unclaimed.transpose()?;
    let former = || identity::email_key(by.secret, by.org, by.mode, &before.recipient.email);
    Ok(Correction {
        former_key: moved.then(former),
        before: before.clone(),
        after,
        email_key,
        owes,
        aliases,
        event,
        unclaimed,
    })
}
