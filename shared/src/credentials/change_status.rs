//! What happens to a credential after it was issued: revoked, suspended, reinstated,
//! corrected; many revoked as a job.
//!
//! A credential, its bit in the status list, its history and, for a correction, the alias
//! of its new content are written in one transaction under the revision and the version
//! that were read: all of it happened or nothing, and page, list and answer never disagree.
//! Who lost a race reads again.
//!
//! Safe to repeat: a credential that is already as asked for is answered as it is.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use http::{Response, StatusCode};
use jiff::Timestamp;
use lambda_http::Body;
use serde_json::{Map, Value, json, value::RawValue};

use crate::{
    api::{
        auth::{self, Caller},
        idempotency::{self, Attempt},
    },
    app::App,
    aws::sqs,
    credentials::{
        issue::{self, Submitted},
        sign::{self, Material, SignError},
    },
    document::did,
    domain::{
        api_key::Scope,
        credential::{Credential, MailState, RecipientType, Status},
        fault::Fault,
        field::FieldName,
        fields::{FieldError, Fields},
        history::{Action, Event, Replaced, Who},
        identity,
        ids::{CredentialId, JobId, Mode, OrgId, TemplateId},
        job::{Job, Revocation, Row, RowStatus},
        ledger::CurrentCredential,
        recipient::{Entry, Recipient},
        status_entry::ListId,
        time,
    },
    http::{
        problem::Problem,
        serve::{Call, json as answer, ok},
    },
    mail::ledger,
    store::{
        StoreError,
        status_lists::{Correction, StatusWrite},
    },
};

/// Longest reason, in characters.
const MAX_REASON: usize = 500;
/// Ids of one request to revoke.
const MAX_IDS: usize = 1_000;
/// Credentials of one transaction: two writes each, a list, at most 100 in all.
const TOGETHER: usize = 40;
/// Rounds in which a change is tried again that somebody else came before.
const ROUNDS: u32 = 12;

fn unknown() -> Problem {
    Problem::not_found("La credencial no existe", "The credential does not exist")
}

/// What became of a credential whose status was to change.
#[derive(Debug)]
pub enum StatusOutcome {
    /// It changed now.
    Changed(Box<Credential>),
    /// It was so before.
    Already(Box<Credential>),
    /// It is revoked, for good.
    Revoked,
    /// It is of a format that was not signed.
    Unsigned,
    /// There is none of this id in this organization and mode.
    Unknown,
}

/// A change of status that is asked for.
#[derive(Clone, Debug)]
pub struct StatusChange<'a> {
    /// Issuer.
    pub org: &'a OrgId,
    /// Live or test.
    pub mode: Mode,
    /// What is to be done; not [`Action::Correct`].
    pub action: Action,
    /// Why.
    pub reason: Option<&'a str>,
    /// By whom.
    pub by: Who,
}

impl StatusChange<'_> {
    fn judge(&self, found: Option<Credential>) -> Result<Credential, StatusOutcome> {
        let found = found.filter(|c| c.org == *self.org && c.mode == self.mode);
        let Some(found) = found else {
            return Err(StatusOutcome::Unknown);
        };
        if found.version == 0 {
            return Err(StatusOutcome::Unsigned);
        }
        match (found.status, self.action) {
            (Status::Revoked, Action::Revoke)
            | (Status::Suspended, Action::Suspend)
            | (Status::Issued, Action::Reinstate) => Err(StatusOutcome::Already(Box::new(found))),
            (Status::Revoked, _) => Err(StatusOutcome::Revoked),
            _ => Ok(found),
        }
    }

    fn status(&self) -> Status {
        match self.action {
            Action::Revoke => Status::Revoked,
            Action::Suspend => Status::Suspended,
            Action::Reinstate | Action::Correct => Status::Issued,
        }
    }
}

/// Waits before a further round: 25 ms, doubling up to 1.6 s, each time by chance half of
/// it less or more, so that those who lost together do not meet again.
async fn backoff(round: u32) {
    if round > 0 {
        let wait = 25_u64 << (round - 1).min(6);
        let chance = u64::try_from(uuid::Uuid::new_v4().as_u128() % u128::from(wait));
        tokio::time::sleep(Duration::from_millis(wait / 2 + chance.unwrap_or(0))).await;
    }
}

/// Changes the status of credentials: a transaction a list and 40 of them.
///
/// Safe to repeat: see the module.
///
/// # Errors
/// As of the store and the signing key; [`StoreError::Unavailable`] when others kept
/// changing the same list. What was changed by then is changed.
pub async fn change_status(
    app: &App,
    order: &StatusChange<'_>,
    ids: &[CredentialId],
    now: Timestamp,
) -> Result<HashMap<CredentialId, StatusOutcome>, StoreError> {
    let mut verdicts = HashMap::new();
    let mut open: Vec<CredentialId> = ids.to_vec();
    open.sort_unstable();
    open.dedup();
    for round in 0..ROUNDS {
        backoff(round).await;
        let mut found: HashMap<CredentialId, Credential> =
            app.credentials.get_all(&open).await?.into_iter().map(|c| (c.id, c)).collect();
        let mut lists: BTreeMap<u32, Vec<Credential>> = BTreeMap::new();
        for id in std::mem::take(&mut open) {
            match order.judge(found.remove(&id)) {
                Ok(credential) => {
                    lists.entry(credential.signed.status_list).or_default().push(credential);
                }
                Err(verdict) => {
                    verdicts.insert(id, verdict);
                }
            }
        }
        for (number, credentials) in lists {
            let list = ListId { org: order.org.clone(), mode: order.mode, number };
            for chunk in credentials.chunks(TOGETHER) {
                if change_chunk(app, order, &list, chunk, now).await? {
                    for credential in chunk {
                        let mut changed = credential.clone();
                        changed.status = order.status();
                        let holds = changed.status == Status::Issued;
                        changed.status_at = (!holds).then(|| time::millis(now));
                        changed.status_reason = order.reason.filter(|_| !holds).map(str::to_owned);
                        changed.revision += 1;
                        note(credential, order.action, &order.by);
                        verdicts.insert(credential.id, StatusOutcome::Changed(Box::new(changed)));
                    }
                } else {
                    open.extend(chunk.iter().map(|credential| credential.id));
                }
            }
        }
        if open.is_empty() {
            return Ok(verdicts);
        }
    }
    Err(StoreError::Unavailable("the status list is in use".to_owned()))
}

/// One transaction; false when something was not any more as it was read.
async fn change_chunk(
    app: &App,
    order: &StatusChange<'_>,
    id: &ListId,
    credentials: &[Credential],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let before = app.status_lists.list(id).await?;
    let before = before.ok_or(StoreError::Broken("no such status list".to_owned()))?;
    let set = order.status() != Status::Issued;
    let next = sign::next_list(app, id, &before, |bits| {
        for credential in credentials {
            bits.set(credential.signed.status_index, set);
        }
    });
    let next = next.await.map_err(sign_trouble)?;
    let changes: Vec<StatusWrite> = credentials
        .iter()
        .map(|credential| StatusWrite {
            credential: credential.clone(),
            status: order.status(),
            event: Event {
                v: 1,
                revision: credential.revision + 1,
                action: order.action,
                at: time::millis(now),
                by: order.by.clone(),
                reason: order.reason.map(str::to_owned),
                fields: Vec::new(),
                replaced: None,
            },
        })
        .collect();
    raced(app.status_lists.change(id, &next, &changes).await)
}

/// A transaction that met another one is a lost race like any other.
fn raced(written: Result<bool, StoreError>) -> Result<bool, StoreError> {
    match written {
        Err(StoreError::Unavailable(code)) if code.starts_with("Transaction") => Ok(false),
        other => other,
    }
}

/// A status list is signed by us from our own texts: it is never unportable.
fn sign_trouble(error: SignError) -> StoreError {
    match error {
        SignError::Store(error) => error,
        SignError::Unportable(why) => StoreError::Broken(why.to_string()),
    }
}

/// Says in the log what was changed: after a restore from a backup it is the one place that
/// knows. The reason may name a person and is not in it.
fn note(credential: &Credential, action: Action, by: &Who) {
    tracing::info!(credential_id = %credential.id, ?action, key = by.key_id, "credential changed");
}

fn who(caller: &Caller) -> Who {
    Who { key_id: caller.key_id.clone(), key_name: caller.key_name.clone(), job_id: None }
}

fn reason(fields: &mut Fields, required: bool) -> Option<String> {
    if required {
        fields.required_text("reason", MAX_REASON)
    } else {
        fields.text("reason", MAX_REASON)
    }
}

/// A body that may be absent.
fn body(call: &Call) -> Result<Fields, Problem> {
    if call.body.is_empty() {
        return Ok(Fields::of_body(b"{}")?);
    }
    Ok(Fields::of_body(call.expect_json()?)?)
}

/// `POST /credentials/{credential_id}/revoke` (with a `reason`, final), `/suspend`,
/// `/reinstate`. The second call answers like the first; what a revocation forbids answers
/// 409.
///
/// # Errors
/// The documented problems.
pub async fn set_status(app: &App, call: &Call, action: Action) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Manage]).await?;
    let id = CredentialId::parse(&call.parameter).map_err(|_| unknown())?;
    let mut fields = body(call)?;
    let reason = reason(&mut fields, action == Action::Revoke);
    fields.end()?;
    let order = StatusChange {
        org: &caller.org,
        mode: caller.mode,
        action,
        reason: reason.as_deref(),
        by: who(&caller),
    };
    let verdict = change_status(app, &order, &[id], call.now).await?.remove(&id);
    match verdict {
        Some(StatusOutcome::Changed(credential) | StatusOutcome::Already(credential)) => {
            let credential = ledger::overlay_one(app, *credential).await?;
            ok(&credential.answer(&app.config.site_url))
        }
        Some(StatusOutcome::Revoked) => Err(Problem::conflict(
            "La credencial está revocada, y una revocación es definitiva",
            "The credential is revoked, and a revocation is final",
        )),
        Some(StatusOutcome::Unsigned) => Err(unsigned()),
        Some(StatusOutcome::Unknown) | None => Err(unknown()),
    }
}

fn unsigned() -> Problem {
    Problem::conflict(
        "La credencial es de una versión anterior y no está firmada; no se puede cambiar",
        "The credential is of an earlier version and is not signed; it cannot be changed",
    )
}

/// `POST /credentials/revoke`: `{job_id | ids, reason}` becomes a job.
///
/// # Errors
/// The documented problems.
pub async fn revoke_many(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Manage]).await?;
    let key = idempotency::key(call)?;
    let mut fields = Fields::of_body(call.expect_json()?)?;
    let reason = reason(&mut fields, true);
    let job = fields.text("job_id", 36);
    let ids = fields.list("ids");
    let fault = |fields: &mut Fields, name: &str, code, es: &str, en: &str| {
        fields.fault(name, code, es.to_owned(), en.to_owned());
    };
    let job_id = job.as_deref().and_then(|text| JobId::parse(text).ok());
    match (&job, &ids) {
        (Some(_), None) if job_id.is_none() => {
            fault(
                &mut fields,
                "job_id",
                "invalid_uuid",
                "El campo job_id debe ser un UUID",
                "The field job_id must be a UUID",
            );
        }
        (Some(_), None) => {}
        (None, Some(ids)) if (1..=MAX_IDS).contains(&ids.len()) => {}
        (None, Some(_)) => fault(
            &mut fields,
            "ids",
            "out_of_range",
            "La lista ids debe tener de 1 a 1000 credenciales",
            "The list ids must have 1 to 1000 credentials",
        ),
        _ => fault(
            &mut fields,
            "ids",
            "missing_field",
            "Indica job_id o ids, uno de los dos",
            "Give either job_id or ids",
        ),
    }
    fields.end()?;
    let reason = reason.unwrap_or_default();
    let revocation =
        Revocation { reason, key_id: caller.key_id.clone(), key_name: caller.key_name.clone() };
    idempotency::once(app, call, &caller, key, |work| async {
        let rows = match job_id {
            Some(id) => rows_of_job(app, &caller, id).await?,
            None => rows_of_ids(ids.unwrap_or_default(), call),
        };
        start(app, call, &caller, revocation, rows, work).await
    })
    .await
}

async fn start(
    app: &App,
    call: &Call,
    caller: &Caller,
    revocation: Revocation,
    rows: Vec<Row>,
    work: Attempt,
) -> Result<Response<Body>, Problem> {
    let total = rows.len();
    let nothing = TemplateId::from(uuid::Uuid::nil());
    let job = Job {
        revocation: Some(revocation),
        ..issue::new_job(app, (call.now, call.lang), caller, (nothing, 0), (total, false), &work)?
    };
    let message = |id| {
        format!(
            "Revoking {total} credentials in background. Poll GET /api/v1/jobs/{id} for status."
        )
    };
    issue::start_job(app, job, rows, Submitted { total, message: &message }).await
}

fn rows_of_ids(ids: Vec<Value>, call: &Call) -> Vec<Row> {
    (1_u32..)
        .zip(ids)
        .map(|(row, id)| {
            let text = id.as_str().unwrap_or_default().to_owned();
            let revoke = CredentialId::parse(&text).ok();
            let faults = match revoke {
                Some(_) => Vec::new(),
                None => vec![Fault::UnknownCredential.said(call.lang)],
            };
            Row {
                row,
                line: None,
                email: String::new(),
                external_id: None,
                recipient: None,
                revoke,
                faults,
            }
        })
        .collect()
}

/// The credentials that a job issued, those left out that another request had issued before.
async fn rows_of_job(app: &App, caller: &Caller, id: JobId) -> Result<Vec<Row>, Problem> {
    let missing = || {
        Problem::invalid_field(
            "/job_id",
            "unknown_job",
            "El trabajo no existe",
            "The job does not exist",
        )
    };
    let job = app.jobs.get(id).await?.ok_or_else(missing)?;
    if job.org != caller.org || job.mode != caller.mode || job.revocation.is_some() {
        return Err(missing());
    }
    if job.closed_at.is_none() {
        return Err(Problem::conflict(
            "El trabajo no ha terminado; espera a que termine o cancélalo",
            "The job has not ended; wait for its end or cancel it",
        ));
    }
    let secret = app.catalog.id_secret(&job.org).await?;
    let mut rows = Vec::new();
    let mut number = 1;
    for shard in 0..job.shards() {
        let view = app.jobs.shard(job.job_id, shard).await?;
        for (row, input) in &view.rows {
            let own = view.shard.status(*row) == RowStatus::Issued
                && !view.shard.issue.duplicate.contains(row);
            let Some(id) = view.credential_of(*row, &secret, &job).filter(|_| own) else {
                continue;
            };
            rows.push(Row {
                line: None,
                row: number,
                email: input.email.clone(),
                external_id: input.external_id.clone(),
                recipient: None,
                revoke: Some(id),
                faults: Vec::new(),
            });
            number += 1;
        }
    }
    if rows.is_empty() {
        return Err(Problem::conflict(
            "El trabajo no emitió ninguna credencial",
            "The job issued no credential",
        ));
    }
    Ok(rows)
}

/// The fields that a correction can change.
fn correctable() -> impl Iterator<Item = &'static str> {
    std::iter::once("email").chain(FieldName::correctable().map(FieldName::as_str))
}

/// A correction as it was asked for: new values of fields, null to take one out.
struct Patch {
    fields: Map<String, Value>,
    reason: Option<String>,
}

impl Patch {
    fn read(call: &Call) -> Result<Self, Problem> {
        let mut body = Fields::of_body(call.expect_json()?)?;
        let reason = reason(&mut body, false);
        let mut fields = Map::new();
        for name in correctable() {
            if body.take_null(name) {
                fields.insert(name.to_owned(), Value::Null);
            } else if let Some(value) = body.take(name) {
                fields.insert(name.to_owned(), value);
            }
        }
        if body.take("external_id").is_some() {
            body.fault(
                "external_id",
                "immutable_field",
                "El campo external_id identifica la credencial y no se corrige".to_owned(),
                "The field external_id identifies the credential and is not corrected".to_owned(),
            );
        }
        body.end()?;
        Ok(Self { fields, reason })
    }

    /// The recipient after the correction, and what of it the profile filled in.
    fn apply(
        &self,
        before: &Credential,
        call: &Call,
    ) -> Result<(Recipient, Vec<FieldName>), Problem> {
        let mut whole = serde_json::to_value(&before.recipient).map_err(Problem::internal)?;
        if let Some(members) = whole.as_object_mut() {
            for (name, value) in &self.fields {
                members.insert(name.clone(), value.clone());
            }
        }
        let raw = RawValue::from_string(whole.to_string()).map_err(Problem::internal)?;
        let recipient = Entry::parse(&raw).recipient.map_err(|f| at_fault(&f, call))?;
        let filled = before.filled.iter().copied();
        let filled = filled.filter(|name| !self.fields.contains_key(name.as_str())).collect();
        Ok((recipient, filled))
    }
}

fn at_fault(faults: &[Fault], _call: &Call) -> Problem {
    let errors = faults.iter().map(|fault| {
        FieldError::new(
            fault.field().map_or_else(String::new, |field| format!("/{field}")),
            fault.code(),
            fault.text(crate::domain::lang::Lang::Es),
            fault.text(crate::domain::lang::Lang::En),
        )
    });
    Problem::invalid_request(errors.collect())
}

/// `PATCH /credentials/{credential_id}`: a correction. Same id, same address of the page, a
/// new signed version; the version before no longer verifies. A call that changes nothing
/// answers the credential as it is, unless the key that signed it was compromised: then it
/// is signed anew.
///
/// # Errors
/// The documented problems.
pub async fn correct(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Manage]).await?;
    let id = CredentialId::parse(&call.parameter).map_err(|_| unknown())?;
    let patch = Patch::read(call)?;
    for round in 0..ROUNDS {
        backoff(round).await;
        let before = app.credentials.get(id).await?.ok_or_else(unknown)?;
        if before.org != caller.org || before.mode != caller.mode {
            return Err(unknown());
        }
        let before = match ledger::materialize(app, before).await {
            Err(StoreError::Conflict) => continue,
            settled => settled?,
        };
        if let Some(corrected) = correct_once(app, call, &caller, &patch, &before).await? {
            let corrected = CurrentCredential::written(corrected);
            return ok(&corrected.answer(&app.config.site_url));
        }
    }
    Err(Problem::unavailable("the credential or its status list is in use"))
}

/// One attempt; none when something was not any more as it was read.
async fn correct_once(
    app: &App,
    call: &Call,
    caller: &Caller,
    patch: &Patch,
    (before, sending): &(Credential, bool),
) -> Result<Option<Credential>, Problem> {
    if before.version == 0 {
        return Err(unsigned());
    }
    if before.status != Status::Issued {
        return Err(Problem::conflict(
            "La credencial está revocada o suspendida; solo se corrige una credencial vigente",
            "The credential is revoked or suspended; only one that holds is corrected",
        ));
    }
    let (recipient, filled) = patch.apply(before, call)?;
    if recipient == before.recipient && !signed_by_compromised(app, before).await? {
        return Ok(Some(before.clone()));
    }
    let template =
        app.catalog.template_version(&before.org, before.template_id, before.template_version);
    let template = template.await?.ok_or_else(|| Problem::template_not_found(None))?;
    let faults = template.definition.check(&recipient);
    if !faults.is_empty() {
        return Err(at_fault(&faults, call));
    }
    let moved = recipient.email != before.recipient.email;
    let now = call.now;
    let being_sent = *sending
        || before.stored_mail == MailState::Claimed
            && before.mail_lease.is_some_and(|lease| lease >= now.as_second());
    if moved && being_sent {
        return Err(Problem::conflict(
            "Se está enviando el correo de la credencial; repite la corrección en un par de minutos",
            "The credential's mail is being sent; repeat the correction in a couple of minutes",
        ));
    }
    let organization = app.catalog.organization(&before.org).await?;
    let secret = app.catalog.id_secret(&before.org).await?;
    let sent = recipient.without(&filled);
    let identity = identity::of(&secret, &before.org, before.mode, before.template_id, &sent);
    let material = Material {
        org: &before.org,
        mode: before.mode,
        secret: &secret,
        settings: &organization.settings,
        template: &template,
        id: before.id,
        recipient: &recipient,
        issued_at: &before.issued_at,
    };
    let signed = match Box::pin(sign::sign(app, &material)).await {
        Ok(signed) => signed,
        Err(SignError::Unportable(why)) => {
            return Err(at_fault(&[Fault::NotSignable(why)], call));
        }
        Err(SignError::Store(error)) => return Err(error.into()),
    };
    let list =
        ListId { org: before.org.clone(), mode: before.mode, number: before.signed.status_list };
    let current = app.status_lists.list(&list).await?;
    let current = current.ok_or_else(|| Problem::internal("no such status list"))?;
    let replaced = before.signed.status_index;
    let next = sign::next_list(app, &list, &current, |bits| bits.set(replaced, true));
    let next = next.await.map_err(sign_trouble)?;

    let member = match moved {
        true => app.catalog.member(&before.org, &recipient.email).await?,
        false => None,
    };
    let recipient_type = match (moved, &member) {
        (false, _) => before.recipient_type,
        (true, Some(_)) => RecipientType::Internal,
        (true, None) => RecipientType::External,
    };
    let told = member.is_none() || organization.settings.notify_members;
    let owes = moved && told && matches!(before.stored_mail, MailState::Sent | MailState::Failed);
    let at = time::millis(now);
    let mut former = before.former.clone();
    if before.content != identity.content && !former.contains(&before.content) {
        former.push(before.content.clone());
    }
    let event = Event {
        v: 1,
        revision: before.revision + 1,
        action: Action::Correct,
        at: at.clone(),
        by: who(caller),
        reason: patch.reason.clone(),
        fields: changed_fields(&before.recipient, &recipient)?,
        replaced: Some(Replaced {
            version: before.version,
            recipient: before.recipient.clone(),
            signed: before.signed.clone(),
        }),
    };
    let email_key = identity::email_key(&secret, &before.org, before.mode, &recipient.email);
    let mut after = Credential {
        recipient,
        recipient_type,
        filled,
        content: identity.content,
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
    let alias = Some(identity.id).filter(|alias| *alias != before.id);
    let unclaimed = before.on_ledger().filter(|_| moved).map(|row| app.jobs.unclaimed(row));
    let correction = Correction {
        before: before.clone(),
        after,
        email_key,
        owes,
        alias,
        event,
        unclaimed: unclaimed.transpose()?,
    };
    if !raced(app.status_lists.correct(&list, &next, &correction).await)? {
        if let Some(alias) = alias {
            refuse_taken(app, alias, before.id).await?;
        }
        return Ok(None);
    }
    let after = correction.after;
    note(before, Action::Correct, &correction.event.by);
    if owes {
        let message = issue::mail_message(&after, true).map_err(Problem::internal)?;
        let sent = sqs::send_all(&app.sqs, &app.config.mail_queue_url, &[message]).await.all();
        // It stands in the index of owed mail: the sweeper finds the debt.
        if let Err(error) = sent {
            tracing::error!(%error, "mail not queued");
        }
    }
    Ok(Some(after))
}

/// Refuses a correction to content that is another credential's.
async fn refuse_taken(app: &App, alias: CredentialId, of: CredentialId) -> Result<(), Problem> {
    let taken = app.credentials.at(alias).await?.map(|credential| credential.id);
    match taken.filter(|taken| *taken != of) {
        None => Ok(()),
        Some(other) => Err(Problem::conflict(
            format!("La credencial {other} ya tiene esos datos; revoca una de las dos"),
            format!("Credential {other} has that content already; revoke one of the two"),
        )),
    }
}

fn changed_fields(before: &Recipient, after: &Recipient) -> Result<Vec<String>, Problem> {
    let before = serde_json::to_value(before).map_err(Problem::internal)?;
    let after = serde_json::to_value(after).map_err(Problem::internal)?;
    Ok(correctable()
        .filter(|name| before.get(name) != after.get(name))
        .map(str::to_owned)
        .collect())
}

async fn signed_by_compromised(app: &App, credential: &Credential) -> Result<bool, Problem> {
    let document = app.status_lists.document(&credential.signed).await?.unwrap_or_default();
    let document: Map<String, Value> =
        serde_json::from_slice(&document).map_err(Problem::internal)?;
    let proof = crate::document::proof::read(&document).map_err(Problem::internal)?;
    let keys = app.catalog.public_keys(&credential.org, credential.mode).await?;
    let compromised: HashSet<&str> = keys
        .iter()
        .filter(|key| key.compromised_at.is_some())
        .map(|key| key.multikey.as_str())
        .collect();
    let (_, multikey) = proof.key_id.split_once('#').unwrap_or_default();
    Ok(compromised.contains(multikey))
}

// Signing keys and lists

/// `GET /signing-keys`: every key that signed or signs in the mode of the API key.
///
/// # Errors
/// The documented problems.
pub async fn signing_keys(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Admin]).await?;
    let did = did::of(&app.config.site_url, &caller.org, caller.mode);
    let keys = app.catalog.public_keys(&caller.org, caller.mode).await?;
    let items: Vec<Value> =
        keys.iter().map(|key| key.answer(&did::key_id(&did, &key.multikey), caller.mode)).collect();
    ok(&json!({ "items": items, "next_cursor": null }))
}

/// `POST /signing-keys`: a new key signs from now on; the one before stays in the DID
/// document. Processes that hold it sign with it for up to a minute more.
///
/// # Errors
/// The documented problems.
pub async fn rotate(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Admin]).await?;
    let (org, mode) = (&caller.org, caller.mode);
    let before = app.catalog.signing_key(org, mode).await?;
    let new = app.keys.make(org, mode, &call.now_text()).await.map_err(StoreError::from)?;
    if !app.catalog.put_signing_key(org, mode, Some(&before.multikey), &new).await? {
        return Err(Problem::conflict(
            "Otra solicitud cambió la llave al mismo tiempo",
            "Another request changed the key at the same time",
        ));
    }
    let did = did::of(&app.config.site_url, org, mode);
    let keys = app.catalog.public_keys(org, mode).await?;
    let made = keys.iter().find(|key| key.multikey == new.multikey);
    answer(
        StatusCode::CREATED,
        &made.map(|key| key.answer(&did::key_id(&did, &key.multikey), mode)),
    )
}

/// `POST /signing-keys/{multikey}/compromise`: takes a retired key out of the DID document,
/// for good: nothing that it signed verifies any more.
///
/// # Errors
/// The documented problems.
pub async fn compromise(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Admin]).await?;
    let mut fields = Fields::of_body(call.expect_json()?)?;
    let reason = reason(&mut fields, true);
    fields.end()?;
    let (org, mode) = (&caller.org, caller.mode);
    let keys = app.catalog.public_keys(org, mode).await?;
    if !keys.iter().any(|key| key.multikey == call.parameter) {
        return Err(Problem::not_found("La llave no existe", "The key does not exist"));
    }
    // Lists that the key signed would be nobody's; one that was signed anew meanwhile is
    // signed once more, which changes nothing.
    if keys.iter().any(|key| key.multikey == call.parameter && key.retired_at.is_some()) {
        app.catalog.forget_signing_key(org, mode);
        sign_lists_anew(app, org, mode).await?;
    }
    let (why, now) = (reason.unwrap_or_default(), call.now_text());
    match app.catalog.compromise_key(org, mode, &call.parameter, &why, &now).await? {
        Some(key) => {
            let did = did::of(&app.config.site_url, org, mode);
            ok(&key.answer(&did::key_id(&did, &key.multikey), mode))
        }
        None => Err(Problem::conflict(
            "La llave todavía firma; reemplázala primero con POST /api/v1/signing-keys",
            "The key still signs; replace it first with POST /api/v1/signing-keys",
        )),
    }
}

/// Signs all lists of an organization and mode with the key of now, their bits unchanged.
async fn sign_lists_anew(app: &App, org: &OrgId, mode: Mode) -> Result<(), Problem> {
    for number in 0..app.status_lists.lists(org, mode).await? {
        let id = ListId { org: org.clone(), mode, number };
        let mut signed = false;
        for round in 0..ROUNDS {
            backoff(round).await;
            let Some(before) = app.status_lists.list(&id).await? else {
                // Left out by a restore.
                signed = true;
                break;
            };
            let next = sign::next_list(app, &id, &before, |_| {}).await.map_err(sign_trouble)?;
            signed = raced(app.status_lists.change(&id, &next, &[]).await)?;
            if signed {
                break;
            }
        }
        if !signed {
            return Err(Problem::unavailable("a status list is in use"));
        }
    }
    Ok(())
}

/// `POST /status-lists`: leaves the rest of the present list unused and begins the next:
/// after a restore from a backup, whose counter may stand behind what was issued.
///
/// # Errors
/// The documented problems.
pub async fn begin_list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Admin]).await?;
    let number = app.status_lists.begin_list(&caller.org, caller.mode).await?;
    let list = ListId { org: caller.org, mode: caller.mode, number };
    let url = list.url(&app.config.site_url);
    answer(StatusCode::CREATED, &json!({ "list_id": list.to_string(), "url": url }))
}
