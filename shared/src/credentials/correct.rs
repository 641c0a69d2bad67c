//! Corrects a credential: same id, same address of the page, a new signed version.
//!
//! The credential, the status bit of the replaced version, the history and the aliases of the new
//! content, as it was sent and cleaned, are written in one transaction, see [`super::change_status`].
//!
//! Safe to repeat: a correction that changes nothing returns the credential as it is, unless
//! the key that signed it was compromised: then it is signed again.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::{Map, Value, value::RawValue};

use crate::{
    app::App,
    aws::sqs,
    credentials::{
        change_status::{ROUNDS, backoff, note, raced, store_error},
        issue,
        sign::{self, Draft, Issuer},
    },
    document::proof,
    domain::{
        admission,
        credential::{Credential, MailState, Packed, RecipientType, Status},
        fault::Fault,
        field::FieldName,
        history::{Action, Event, Replaced, Who},
        identity::{self, Identities},
        ids::CredentialId,
        ledger::CurrentCredential,
        recipient::{Entry, Recipient},
        status_entry::ListId,
        tenant::Tenant,
        time,
    },
    mail::ledger,
    store::{
        StoreError,
        status_lists::{Correction, List},
    },
};

/// Returns the names of the fields that a correction can change.
pub fn correctable() -> impl Iterator<Item = &'static str> {
    std::iter::once("email").chain(FieldName::correctable().map(FieldName::as_str))
}

/// A request to correct a credential.
#[derive(Debug)]
pub struct CorrectRequest<'a> {
    /// Issuer.
    pub tenant: Tenant<'a>,
    /// The credential.
    pub id: CredentialId,
    /// New values of [`correctable`] fields; null removes one.
    pub fields: Map<String, Value>,
    /// The reason, if the request gives one.
    pub reason: Option<String>,
    /// The key that asks for it.
    pub by: Who,
    /// The present instant.
    pub now: Timestamp,
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
    /// The credential is revoked or suspended.
    #[error("the credential is revoked or suspended")]
    NotActive,
    /// The mail to the earlier address is being sent.
    #[error("the credential's mail is being sent")]
    MailInProgress,
    /// The credential's template does not exist.
    #[error("no such template")]
    TemplateNotFound,
    /// The corrected recipient is refused.
    #[error("{} faults", .0.len())]
    Refused(Vec<Fault>),
    /// Another credential has the corrected content.
    #[error("credential {0} has that content")]
    Taken(CredentialId),
    /// Concurrent writers kept changing the credential or its status list.
    #[error("the credential or its status list is in use")]
    Busy,
    /// A recipient or document is no JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A stored document has no proof.
    #[error(transparent)]
    Proof(#[from] proof::Broken),
    /// The store or the signing key failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Corrects a credential.
///
/// Safe to repeat: see the module.
///
/// # Errors
/// [`CorrectError`].
pub async fn correct(
    app: &App,
    request: &CorrectRequest<'_>,
) -> Result<CurrentCredential, CorrectError> {
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
        if let Some(corrected) = attempt(app, request, &before, sending).await? {
            return Ok(CurrentCredential::written(corrected));
        }
    }
    Err(CorrectError::Busy)
}

/// Makes one attempt; none when a concurrent writer came first.
async fn attempt(
    app: &App,
    request: &CorrectRequest<'_>,
    before: &Credential,
    sending: bool,
) -> Result<Option<Credential>, CorrectError> {
    if before.version == 0 {
        return Err(CorrectError::Unsigned);
    }
    if before.status != Status::Issued {
        return Err(CorrectError::NotActive);
    }
    let (whole, filled) = apply(&request.fields, before)?;
    let clean = whole.cleaned();
    let unchanged = [Some(&whole), clean.as_ref()].contains(&Some(&before.recipient));
    if unchanged && !signed_by_compromised(app, before).await? {
        return Ok(Some(before.clone()));
    }
    let recipient = clean.unwrap_or_else(|| whole.clone());
    let sent_email = request.fields.get("email").and_then(Value::as_str).unwrap_or_default();
    let doubts = admission::judge(&recipient, sent_email, Some(&before.recipient));
    if !doubts.is_empty() {
        return Err(CorrectError::Refused(doubts));
    }
    let template =
        app.catalog.template_version(&before.org, before.template_id, before.template_version);
    let template = template.await?.ok_or(CorrectError::TemplateNotFound)?;
    let mut faults = template.definition.check(&recipient);
    let unnamed = admission::unnamed(whole.recipient_name.is_some(), &mut faults);
    faults.extend(unnamed);
    faults.extend(recipient.emptied());
    // What the correction leaves as it is may be what it was issued with.
    faults.extend(whole.damages().into_iter().filter(|fault| {
        let field = fault.field().unwrap_or_default();
        request.fields.keys().any(|name| field.split('[').next() == Some(name))
    }));
    if !faults.is_empty() {
        return Err(CorrectError::Refused(faults));
    }
    let moved = recipient.email != before.recipient.email;
    let claimed = before.stored_mail == MailState::Claimed
        && before.mail_lease.is_some_and(|lease| lease >= request.now.as_second());
    if moved && (sending || claimed) {
        return Err(CorrectError::MailInProgress);
    }
    let organization = app.catalog.organization(&before.org).await?;
    let secret = app.catalog.id_secret(&before.org).await?;
    let sent = whole.without(&filled);
    let (org, mode) = (&before.org, before.mode);
    let (_, identities) = identity::cleaned(&secret, org, mode, before.template_id, sent);
    let by = Issuer {
        org: &before.org,
        mode: before.mode,
        secret: &secret,
        settings: &organization.settings,
    };
    let draft = Draft {
        template: &template,
        id: before.id,
        recipient: &recipient,
        issued_at: &before.issued_at,
    };
    let signed = match Box::pin(sign::sign(app, by, draft)).await {
        Ok(signed) => signed,
        Err(error) => return Err(CorrectError::Refused(vec![error.into_fault()?])),
    };
    let list =
        ListId { org: before.org.clone(), mode: before.mode, number: before.signed.status_list };
    let next = list_without(app, &list, before).await?;
    let corrected = Corrected { recipient, filled, identities, signed, moved };
    let correction = correction(app, request, by, before, corrected).await?;
    write(app, &list, &next, correction).await
}

/// Reads the recipient after the correction, and which of its fields the profile filled in.
fn apply(
    fields: &Map<String, Value>,
    before: &Credential,
) -> Result<(Recipient, Vec<FieldName>), CorrectError> {
    let mut whole = serde_json::to_value(&before.recipient)?;
    if let Some(members) = whole.as_object_mut() {
        for (name, value) in fields {
            members.insert(name.clone(), value.clone());
        }
    }
    let raw = RawValue::from_string(whole.to_string())?;
    let recipient = Entry::parse(&raw).recipient.map_err(CorrectError::Refused)?;
    let filled = before.filled.iter().copied();
    let filled = filled.filter(|name| !fields.contains_key(name.as_str())).collect();
    Ok((recipient, filled))
}

/// Signs the credential's status list with the bit of the replaced version set.
async fn list_without(app: &App, list: &ListId, before: &Credential) -> Result<List, CorrectError> {
    let current = app.status_lists.list(list).await?;
    let current = current.ok_or(StoreError::Broken("no such status list".to_owned()))?;
    let replaced = before.signed.status_index;
    let next = sign::next_list(app, list, &current, |bits| bits.set(replaced, true));
    Ok(next.await.map_err(store_error)?)
}

/// The corrected content of a credential, signed.
struct Corrected {
    recipient: Recipient,
    filled: Vec<FieldName>,
    identities: Identities,
    signed: Packed,
    /// Whether the address changed.
    moved: bool,
}

/// Builds the correction that is to be written.
async fn correction(
    app: &App,
    request: &CorrectRequest<'_>,
    by: Issuer<'_>,
    before: &Credential,
    corrected: Corrected,
) -> Result<Correction, CorrectError> {
    let Corrected { recipient, filled, identities, signed, moved } = corrected;
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
    let owes =
        moved && notified && matches!(before.stored_mail, MailState::Sent | MailState::Failed);
    let at = time::millis(request.now);
    let mut former = before.former.clone();
    let content = identities.own.content.clone();
    if before.content != content && !former.contains(&before.content) {
        former.push(before.content.clone());
    }
    let event = Event {
        v: 1,
        revision: before.revision + 1,
        action: Action::Correct,
        at: at.clone(),
        by: request.by.clone(),
        reason: request.reason.clone(),
        fields: changed_fields(&before.recipient, &recipient)?,
        replaced: Some(Replaced {
            version: before.version,
            recipient: before.recipient.clone(),
            signed: before.signed.clone(),
        }),
    };
    let email_key = identity::email_key(by.secret, by.org, by.mode, &recipient.email);
    let mut after = Credential {
        recipient,
        recipient_type,
        filled,
        content,
        former,
        revision: event.revision,
        version: before.version + 1,
        corrected_at: Some(at),
        signed,
        ..before.clone()
    };
    if owes {
        after.stored_mail = MailState::Owed;
        after.mail_attempts = 0;
        after.mail_round += 1;
        after.mail_delivery = None;
        after.mail_delivery_at = None;
    }
    let mut aliases: Vec<CredentialId> = identities.all().map(|identity| identity.id).collect();
    aliases.dedup();
    aliases.retain(|alias| *alias != before.id);
    let unclaimed = before.on_ledger().filter(|_| moved).map(|row| app.jobs.unclaimed(row));
    let unclaimed = unclaimed.transpose()?;
    Ok(Correction { before: before.clone(), after, email_key, owes, aliases, event, unclaimed })
}

/// Writes a correction and queues the mail to a new address; none when a concurrent writer
/// came first.
async fn write(
    app: &App,
    list: &ListId,
    next: &List,
    correction: Correction,
) -> Result<Option<Credential>, CorrectError> {
    let before = &correction.before;
    if !raced(app.status_lists.correct(list, next, &correction).await)? {
        for alias in correction.aliases {
            refuse_taken(app, alias, before.id).await?;
        }
        return Ok(None);
    }
    note(before, Action::Correct, &correction.event.by);
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

/// Refuses a correction to the content of another credential.
async fn refuse_taken(
    app: &App,
    alias: CredentialId,
    of: CredentialId,
) -> Result<(), CorrectError> {
    let taken = app.credentials.at(alias).await?.map(|credential| credential.id);
    match taken.filter(|taken| *taken != of) {
        None => Ok(()),
        Some(other) => Err(CorrectError::Taken(other)),
    }
}

fn changed_fields(before: &Recipient, after: &Recipient) -> Result<Vec<String>, CorrectError> {
    let before = serde_json::to_value(before)?;
    let after = serde_json::to_value(after)?;
    let changed = correctable().filter(|name| before.get(name) != after.get(name));
    Ok(changed.map(str::to_owned).collect())
}

/// Returns whether the key that signed the present version was declared compromised.
async fn signed_by_compromised(app: &App, credential: &Credential) -> Result<bool, CorrectError> {
    let document = app.status_lists.document(&credential.signed).await?.unwrap_or_default();
    let document: Map<String, Value> = serde_json::from_slice(&document)?;
    let proof = proof::read(&document)?;
    let keys = app.catalog.public_keys(&credential.org, credential.mode).await?;
    let compromised: HashSet<&str> = keys
        .iter()
        .filter(|key| key.compromised_at.is_some())
        .map(|key| key.multikey.as_str())
        .collect();
    let (_, multikey) = proof.key_id.split_once('#').unwrap_or_default();
    Ok(compromised.contains(multikey))
}
