//! Issuing: one recipient at once, many as a job, and the one way by which a recipient
//! becomes a credential.
//!
//! Safe to repeat: a credential's id follows from its content, so the conditional put of a
//! second attempt finds the first one's item. The item names its origin; found under my
//! own origin it means "issued by me, earlier", under any other it is a duplicate. Inputs
//! of a job are stored before anything is queued, and the job's own item is written last:
//! a request that fails before that has left nothing but items that expire.

use crate::domain::fields::InvalidBody;
use std::time::Duration;

use http::{HeaderValue, Response, StatusCode, header};
use jiff::{Timestamp, ToSpan};
use lambda_http::Body;
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::{
    api::{
        auth::{self, Caller},
        idempotency::{self, Attempt},
    },
    app::App,
    aws::sqs::{self, IssueRow, MESSAGE_VERSION, MailMessage, Message, Outgoing, Sent},
    credentials::{
        dry_run::{self, Issuer},
        sign::{self, Material, SignError},
    },
    domain::{
        api_key::Scope,
        credential::{self, Credential, MailState, Origin, RecipientType, Status},
        fault::{Fault, FaultText},
        fields::FieldError,
        identity::{self, IdSecret},
        ids::{JobId, Mode, OrgId, TemplateId},
        job::{Job, KEPT_DAYS, MAX_RECIPIENTS, Row, Tally},
        lang::Lang,
        member::Member,
        organization::{Organization, Settings},
        recipient::{Entry, Object, Recipient},
        template::Template,
        time,
    },
    http::{
        problem::Problem,
        serve::{Call, json},
    },
    mail::ledger,
    store::{StoreError, catalog::Together, credentials::Put},
};

/// Longest wait for the mail queue in an answer. What is not queued by then, the sweeper
/// finds: a queue out of reach must not keep an issued credential from its caller.
const QUEUE_ONE: Duration = Duration::from_secs(4);
/// Longest wait for the issue queue in an answer: 10,000 rows take seconds at worst, and the
/// gateway waits 29 s in all.
const QUEUE_ALL: Duration = Duration::from_secs(20);
/// Longest address that a job keeps as it was sent, in characters.
const KEPT_EMAIL: usize = 320;

/// The body of `POST /credentials/issue`, read.
#[derive(Debug)]
struct Submission {
    template: TemplateId,
    entries: Vec<Entry>,
    send_email: bool,
}

impl Submission {
    fn read(call: &Call) -> Result<Self, Problem> {
        let body = call.expect_json()?;
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let text = std::str::from_utf8(body).map_err(|_| {
            Problem::invalid_json("El cuerpo no está en UTF-8", "The body is not in UTF-8")
        })?;
        let whole: &RawValue = serde_json::from_str(text).map_err(InvalidBody::from)?;
        if !whole.get().starts_with('{') {
            return Err(InvalidBody::NotAnObject.into());
        }
        let Object(members) = serde_json::from_str(whole.get()).map_err(InvalidBody::from)?;
        let mut errors = Vec::new();
        let mut fault = |pointer: &str, code, es: &str, en: &str| {
            errors.push(FieldError::new(pointer, code, es, en));
        };
        let (mut template, mut recipients, mut send_email) = (None, None, None);
        for (name, raw) in members {
            let slot = match name.as_str() {
                "template_id" => &mut template,
                "recipients" => &mut recipients,
                "send_email" => &mut send_email,
                _ => {
                    let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
                    fault(
                        &format!("/{}", name.replace('~', "~0").replace('/', "~1")),
                        "unknown_field",
                        &format!("Campo desconocido: {name}"),
                        &format!("Unknown field: {name}"),
                    );
                    continue;
                }
            };
            if slot.replace(raw).is_some() {
                fault(
                    &format!("/{name}"),
                    "repeated_field",
                    &format!("El campo {name} está repetido"),
                    &format!("The field {name} is given twice"),
                );
            }
        }
        let given = |raw: Option<&RawValue>| {
            raw.map(RawValue::get).filter(|text| *text != "null").map(str::to_owned)
        };
        let template = match given(template) {
            None => {
                fault(
                    "/template_id",
                    "missing_field",
                    "Falta el campo obligatorio: template_id",
                    "Required field missing: template_id",
                );
                None
            }
            Some(raw) => {
                let text = serde_json::from_str::<String>(&raw).unwrap_or_default();
                let id = TemplateId::parse(&text).ok();
                if id.is_none() {
                    fault(
                        "/template_id",
                        "invalid_uuid",
                        "El campo template_id debe ser un UUID",
                        "The field template_id must be a UUID",
                    );
                }
                id
            }
        };
        let send_email = match given(send_email).as_deref() {
            None | Some("true") => true,
            Some("false") => false,
            Some(_) => {
                fault(
                    "/send_email",
                    "wrong_type",
                    "El campo send_email debe ser true o false",
                    "The field send_email must be true or false",
                );
                true
            }
        };
        let recipients = match recipients.filter(|raw| raw.get() != "null") {
            None => {
                fault(
                    "/recipients",
                    "missing_field",
                    "Falta el campo obligatorio: recipients",
                    "Required field missing: recipients",
                );
                Vec::new()
            }
            Some(raw) => match serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
                Ok(recipients) if recipients.is_empty() => {
                    fault(
                        "/recipients",
                        "no_recipients",
                        "La lista recipients está vacía",
                        "The list recipients is empty",
                    );
                    recipients
                }
                Ok(recipients) => recipients,
                Err(_) => {
                    fault(
                        "/recipients",
                        "wrong_type",
                        "El campo recipients debe ser una lista",
                        "The field recipients must be an array",
                    );
                    Vec::new()
                }
            },
        };
        if recipients.len() > MAX_RECIPIENTS {
            return Err(Problem::too_many_recipients(MAX_RECIPIENTS, recipients.len()));
        }
        match template {
            Some(template) if errors.is_empty() => Ok(Self {
                template,
                entries: recipients.into_iter().map(Entry::parse).collect(),
                send_email,
            }),
            _ => Err(Problem::invalid_request(errors)),
        }
    }
}

/// `POST /credentials/issue`: one recipient is answered at once, more become a job.
///
/// # Errors
/// The documented problems.
pub async fn submit(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let presented = auth::presented(call)?;
    let read = Submission::read(call).and_then(|body| Ok((body, idempotency::key(call)?)));
    let (submission, key) = match read {
        Ok(read) => read,
        Err(problem) => {
            // Only a caller with a good key learns what is wrong with the body.
            auth::authenticate(app, call, &[Scope::Issue]).await?;
            return Err(problem);
        }
    };
    let single = match submission.entries.as_slice() {
        [one] => one.recipient.as_ref().ok().map(|recipient| &recipient.email),
        _ => None,
    };
    let read = app
        .catalog
        .together(&presented.org, Some(&presented.id), Some(submission.template), single.as_slice())
        .await?;
    let caller = auth::admit(app, call, &presented, read.key.as_ref(), &[Scope::Issue]).await?;
    if dry_run(call)? {
        return foresee(app, call, &caller, read, submission).await;
    }
    idempotency::once(app, call, &caller, key, |work| async {
        perform(app, call, &caller, read, submission, work).await
    })
    .await
}

/// The parameter `dry_run`.
fn dry_run(call: &Call) -> Result<bool, Problem> {
    match call.query("dry_run") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::invalid_field(
            "dry_run",
            "value_not_allowed",
            "El parámetro dry_run debe ser true o false",
            "The parameter dry_run must be true or false",
        )),
    }
}

/// Refuses live issuing where links would end with the deployment.
///
/// # Errors
/// `conflict`.
pub fn require_lasting_links(app: &App, mode: Mode) -> Result<(), Problem> {
    if mode == Mode::Live && app.config.live_links_end() {
        return Err(Problem::conflict(
            "Los enlaces de este despliegue apuntan a un host de execute-api, que desaparece con él; una credencial dura más. Por eso emite solo en modo de prueba. Quien lo opera puede configurar SiteUrl con un dominio propio, o aceptarlo con AcceptExecuteApiHost=true",
            "This deployment's links point to a host of execute-api, which ends with it; a credential lasts longer. So it issues in test mode only. Whoever operates it can set SiteUrl to a domain of their own, or accept it with AcceptExecuteApiHost=true",
        ));
    }
    Ok(())
}

/// The template and settings that a submission is issued under.
fn prerequisites(
    app: &App,
    mode: Mode,
    template: Option<Template>,
    organization: Option<Organization>,
) -> Result<(Template, Settings), Problem> {
    require_lasting_links(app, mode)?;
    let pointer = Some("/template_id");
    let template = template.ok_or_else(|| Problem::template_not_found(pointer))?;
    if template.archived {
        return Err(Problem::template_archived());
    }
    let organization =
        organization.ok_or_else(|| Problem::internal("a key without organization"))?;
    Ok((template, organization.settings))
}

/// What would become of a submission.
async fn foresee(
    app: &App,
    call: &Call,
    caller: &Caller,
    read: Together,
    submission: Submission,
) -> Result<Response<Body>, Problem> {
    let (template, settings) = prerequisites(app, caller.mode, read.template, read.organization)?;
    let secret = app.catalog.id_secret(&caller.org).await?;
    let issued_at = time::seconds(call.now);
    let by = Issuer { org: &caller.org, mode: caller.mode, secret: &secret, issued_at: &issued_at };
    let one = One { template: &template, settings: &settings, member: None };
    dry_run::answer(app, call, by, &one, submission.entries).await
}

/// The work of a submission, once the caller is known.
async fn perform(
    app: &App,
    call: &Call,
    caller: &Caller,
    read: Together,
    submission: Submission,
    work: Attempt,
) -> Result<Response<Body>, Problem> {
    let Together { template, organization, members, .. } = read;
    let (template, settings) = prerequisites(app, caller.mode, template, organization)?;
    let Submission { mut entries, send_email, .. } = submission;
    if entries.len() > 1 {
        return accept_job(app, call, caller, &template, (entries, send_email), work).await;
    }
    let entry = entries.pop().ok_or_else(|| Problem::internal("no recipient"))?;
    let recipient = entry.recipient.as_ref().ok();
    let member = recipient.and_then(|recipient| members.get(&recipient.email));
    let one = One { template: &template, settings: &settings, member };
    issue_at_once(app, call, caller, &one, entry, (send_email, work)).await
}

/// What a recipient is issued under, besides itself.
#[derive(Debug)]
pub struct One<'a> {
    /// Template version.
    pub template: &'a Template,
    /// The organization's settings.
    pub settings: &'a Settings,
    /// The member of that address, if there is one.
    pub member: Option<&'a Member>,
}

/// What asks for a credential.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Issuer.
    pub org: &'a OrgId,
    /// Live or test.
    pub mode: Mode,
    /// Its secret for ids.
    pub secret: &'a IdSecret,
    /// The recipient as sent, in normal form.
    pub recipient: Recipient,
    /// `validFrom`, RFC 3339 to the second.
    pub issued_at: &'a str,
    /// What asks: a job's row or a request.
    pub origin: Origin,
    /// Whether mail was asked for.
    pub send_email: bool,
    /// The present instant, RFC 3339 to the millisecond.
    pub now: &'a str,
}

/// How a recipient ended.
#[derive(Debug)]
pub enum Outcome {
    /// It has a credential.
    Issued {
        /// The credential, as the winning put wrote it.
        credential: Box<Credential>,
        /// Whether somebody else's request had issued it before.
        duplicate: bool,
        /// Whether another identity led to it.
        alias: bool,
    },
    /// It is refused.
    Refused(Vec<Fault>),
}

/// A recipient before its credential is put.
#[derive(Debug)]
pub enum Prepared {
    /// The credential, and the key of its address.
    Signed(Box<Credential>, String),
    /// It is refused.
    Refused(Vec<Fault>),
}

/// Turns one recipient into its credential: fill, check, sign, put.
///
/// Safe to repeat: see the module.
///
/// # Errors
/// As of the store; repeating it later is right.
pub async fn issue(app: &App, one: &One<'_>, asked: Asked<'_>) -> Result<Outcome, StoreError> {
    let now = asked.now;
    match prepare(app, one, asked).await? {
        Prepared::Refused(faults) => Ok(Outcome::Refused(faults)),
        Prepared::Signed(credential, email_key) => {
            let put = app.credentials.put(&credential, &email_key, now).await?;
            Ok(outcome(credential, put))
        }
    }
}

/// Fills, checks and signs what a recipient is to get. Nothing of it is kept yet.
///
/// # Errors
/// As of the store; repeating it later is right.
pub async fn prepare(app: &App, one: &One<'_>, asked: Asked<'_>) -> Result<Prepared, StoreError> {
    let identity =
        identity::of(asked.secret, asked.org, asked.mode, one.template.id, &asked.recipient);
    let mut recipient = asked.recipient;
    let filled = match one.member {
        Some(member) => member.profile.fill(&mut recipient, &one.template.definition),
        None => Vec::new(),
    };
    let faults = one.template.definition.check(&recipient);
    if !faults.is_empty() {
        return Ok(Prepared::Refused(faults));
    }
    let recipient_type = match one.member {
        Some(_) => RecipientType::Internal,
        None => RecipientType::External,
    };
    let told = one.member.is_none() || one.settings.notify_members;
    let lang = recipient
        .language
        .or_else(|| one.member.and_then(|member| member.profile.language))
        .or(one.template.definition.language)
        .unwrap_or(one.settings.language);
    let email_key = identity::email_key(asked.secret, asked.org, asked.mode, &recipient.email);
    let material = Material {
        org: asked.org,
        mode: asked.mode,
        secret: asked.secret,
        settings: one.settings,
        template: one.template,
        id: identity.id,
        recipient: &recipient,
        issued_at: asked.issued_at,
    };
    let signed = match Box::pin(sign::sign(app, &material)).await {
        Ok(signed) => signed,
        Err(SignError::Unportable(why)) => {
            return Ok(Prepared::Refused(vec![Fault::NotSignable(why)]));
        }
        Err(SignError::Store(error)) => return Err(error),
    };
    let credential = Credential {
        v: credential::FORMAT,
        id: identity.id,
        org: asked.org.clone(),
        mode: asked.mode,
        template_id: one.template.id,
        template_version: one.template.version,
        recipient,
        filled,
        content: identity.content,
        former: Vec::new(),
        recipient_type,
        issued_at: asked.issued_at.to_owned(),
        origin: asked.origin,
        status: Status::Issued,
        status_at: None,
        status_reason: None,
        revision: 0,
        version: 1,
        corrected_at: None,
        signed,
        lang,
        stored_mail: if asked.send_email && told { MailState::Owed } else { MailState::Skipped },
        mail_attempts: 0,
        mail_ambiguous: 0,
        mail_lease: None,
        mail_round: 0,
        mail_soft_bounces: 0,
        mail_delivery: None,
        mail_delivery_at: None,
        resent_at: None,
        mail_at: None,
        mail_error: None,
    };
    Ok(Prepared::Signed(Box::new(credential), email_key))
}

/// How a recipient ended whose credential was put.
pub fn outcome(asked: Box<Credential>, put: Put) -> Outcome {
    match put {
        Put::Written => Outcome::Issued { credential: asked, duplicate: false, alias: false },
        Put::Found(found) => judge(&asked, found),
    }
}

/// What a credential that was there before means for the one that was asked for.
fn judge(asked: &Credential, found: Box<Credential>) -> Outcome {
    if found.origin == asked.origin {
        return Outcome::Issued { credential: found, duplicate: false, alias: false };
    }
    let alias = found.id != asked.id;
    let known = found.content == asked.content || found.former.contains(&asked.content);
    if !alias && !known {
        return Outcome::Refused(vec![Fault::ExternalIdTaken(found.id.to_string())]);
    }
    if found.status != Status::Issued {
        return Outcome::Refused(vec![Fault::NotActive(found.id.to_string())]);
    }
    Outcome::Issued { credential: found, duplicate: true, alias }
}

/// The message that asks for a credential's mail, followed by its job or by itself.
///
/// # Errors
/// When it cannot be written.
pub fn mail_message(
    credential: &Credential,
    by_itself: bool,
) -> Result<Outgoing, serde_json::Error> {
    let (group, job_id) = match &credential.origin {
        Origin::Job { job, .. } => (sqs::job_group(&credential.org, *job), Some(*job)),
        Origin::Request(_) => (sqs::sync_group(&credential.org), None),
    };
    // A mail that was asked for by itself is nobody else's to cancel.
    let job_id = job_id.filter(|_| !by_itself);
    let place = job_id.and_then(|_| credential.on_ledger()).map(|(_, shard, row)| (shard, row));
    let mail = MailMessage { v: MESSAGE_VERSION, credential_id: credential.id, job_id, place };
    Outgoing::new(&Message::Mail(mail), group)
}

async fn issue_at_once(
    app: &App,
    call: &Call,
    caller: &Caller,
    one: &One<'_>,
    entry: Entry,
    (send_email, work): (bool, Attempt),
) -> Result<Response<Body>, Problem> {
    let outcome = match entry.recipient {
        Err(faults) => Outcome::Refused(faults),
        Ok(recipient) => {
            let secret = app.catalog.id_secret(&caller.org).await?;
            let asked = Asked {
                org: &caller.org,
                mode: caller.mode,
                secret: &secret,
                recipient,
                issued_at: &second_of(&work.begun_at),
                origin: Origin::Request(work.id.to_string()),
                send_email,
                now: &call.now_text(),
            };
            issue(app, one, asked).await?
        }
    };
    let mut answer = match outcome {
        Outcome::Refused(faults) => serde_json::json!({
            "email": entry.email,
            "status": "error",
            "errors": faults.iter().map(|f| f.text(call.lang)).collect::<Vec<_>>(),
            "error_codes": faults.iter().map(Fault::code).collect::<Vec<_>>(),
        }),
        Outcome::Issued { credential, duplicate, .. } => {
            let credential = ledger::overlay_one(app, *credential).await?;
            if credential.mail() == MailState::Owed {
                let message = mail_message(&credential, false).map_err(Problem::internal)?;
                let messages = [message];
                let sent = sqs::send_all(&app.sqs, &app.config.mail_queue_url, &messages);
                // The credential is issued and owes its mail: the sweeper finds the debt.
                match timeout(QUEUE_ONE, sent).await.map(Sent::all) {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::error!(%error, "mail not queued"),
                    Err(error) => tracing::error!(%error, "mail not queued"),
                }
            }
            serde_json::json!({
                "email": entry.email,
                "status": "issued",
                "credential_id": credential.id,
                "credential_url": Credential::url(&app.config.site_url, credential.id),
                "recipient_type": credential.recipient_type,
                "duplicate": duplicate,
                "email_status": credential.email_status(),
            })
        }
    };
    if let (Some(members), Some(external_id)) = (answer.as_object_mut(), entry.external_id) {
        members.insert("external_id".to_owned(), external_id.into());
    }
    json(StatusCode::OK, &serde_json::json!({ "mode": "sync", "credentials": [answer] }))
}

/// A row as a job keeps it; its faults in the job's language.
pub fn row(number: u32, line: Option<u64>, entry: Entry, lang: Lang) -> Row {
    let (recipient, faults): (_, Vec<FaultText>) = match entry.recipient {
        Ok(recipient) => (Some(recipient), Vec::new()),
        Err(faults) => (None, faults.iter().map(|fault| fault.said(lang)).collect()),
    };
    let cut = |text: String| match text.char_indices().nth(KEPT_EMAIL) {
        Some((at, _)) => text.get(..at).unwrap_or_default().to_owned() + "…",
        None => text,
    };
    let (email, external_id) = (cut(entry.email), entry.external_id);
    Row { row: number, line, email, external_id, recipient, revoke: None, faults }
}

async fn accept_job(
    app: &App,
    call: &Call,
    caller: &Caller,
    template: &Template,
    (entries, send_email): (Vec<Entry>, bool),
    work: Attempt,
) -> Result<Response<Body>, Problem> {
    let rows: Vec<Row> =
        (1_u32..).zip(entries).map(|(number, entry)| row(number, None, entry, call.lang)).collect();
    let total = rows.len();
    let job = new_job(
        app,
        (call.now, call.lang),
        caller,
        (template.id, template.version),
        (total, send_email),
        &work,
    )?;
    let message = |id| {
        format!("Issuing {total} credentials in background. Poll GET /api/v1/jobs/{id} for status.")
    };
    start_job(app, job, rows, Submitted { total, message: &message }).await
}

/// A job as it begins, of so many rows under a template's version.
///
/// # Errors
/// Never in practice: the calendar ends.
pub fn new_job(
    app: &App,
    (now, lang): (Timestamp, Lang),
    caller: &Caller,
    (template_id, template_version): (TemplateId, u32),
    (total, send_email): (usize, bool),
    work: &Attempt,
) -> Result<Job, Problem> {
    let expires = now.checked_add((24 * KEPT_DAYS).hours()).map_err(Problem::internal)?;
    let begun = work.begun_at.clone();
    Ok(Job {
        v: 1,
        dry_run: false,
        file: None,
        sheet: None,
        read_to: None,
        reader_until: None,
        failure: None,
        results_at: None,
        results_lost: false,
        files_gone_at: None,
        revocation: None,
        job_id: work.id.into(),
        org: caller.org.clone(),
        mode: caller.mode,
        template_id,
        template_version,
        total: u32::try_from(total).map_err(Problem::internal)?,
        shard_rows: app.shard_rows,
        created_at: begun.clone(),
        updated_at: begun.clone(),
        expires_at: time::seconds(expires),
        send_email,
        lang,
        fanned_out: false,
        tally: Tally::default(),
        tally_at: begun,
        closed_at: None,
        cancelled_at: None,
        given_up_at: None,
        mail_wait: None,
        mail_wait_at: None,
        sweeps: 0,
        sweep_after: None,
    })
}

/// What the answer says of a job that was accepted.
pub struct Submitted<'a> {
    /// Rows.
    pub total: usize,
    /// The message, which names the job.
    pub message: &'a (dyn Fn(JobId) -> String + Sync),
}

/// Accepts a job: inputs, then the job itself, then its messages; answers 202.
///
/// Safe to repeat: see the module.
///
/// # Errors
/// As of the store.
pub async fn start_job(
    app: &App,
    job: Job,
    rows: Vec<Row>,
    submitted: Submitted<'_>,
) -> Result<Response<Body>, Problem> {
    let ttl = job.expires_at.parse::<Timestamp>().map_err(Problem::internal)?.as_second();
    app.jobs.put_inputs(&job, &rows, ttl).await?;
    let job = match app.jobs.create(&job, ttl).await {
        Ok(()) => job,
        // An earlier attempt of this request came so far: its job goes on, under the template
        // version that it pinned, and queueing its rows again is harmless.
        Err(StoreError::Conflict) => app.jobs.get(job.job_id).await?.unwrap_or(job),
        Err(error) => return Err(error.into()),
    };
    // From here on the job is accepted; rows that cannot be queued now are found by the
    // sweeper, so trouble with the queue is no trouble of the caller's.
    match timeout(QUEUE_ALL, fan_out(app, &job, ttl, rows)).await {
        Ok(Ok(())) => {
            if let Err(error) = app.jobs.fanned_out(job.job_id).await {
                tracing::error!(%error, job_id = %job.job_id, "job not marked as started");
            }
        }
        Ok(Err(error)) => tracing::error!(%error, job_id = %job.job_id, "rows not queued"),
        Err(error) => tracing::error!(%error, job_id = %job.job_id, "rows not queued"),
    }
    let id = job.job_id;
    let status_url = format!("/api/v1/jobs/{id}");
    let mut response = json(
        StatusCode::ACCEPTED,
        &serde_json::json!({
            "mode": "async",
            "job_id": id,
            "message": (submitted.message)(id),
            "total": submitted.total,
            "status_url": status_url,
        }),
    )?;
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::from_str(&status_url) {
        headers.insert(header::LOCATION, location);
    }
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    Ok(response)
}

/// Queues a message for each of a job's rows. Repeating it is harmless.
///
/// # Errors
/// When SQS did not take all of them.
pub async fn fan_out(app: &App, job: &Job, ttl: i64, rows: Vec<Row>) -> Result<(), Problem> {
    let issued_at = second_of(&job.created_at);
    let group = sqs::job_group(&job.org, job.job_id);
    let messages = rows
        .into_iter()
        .map(|row| {
            let message = Message::Issue(Box::new(IssueRow {
                v: MESSAGE_VERSION,
                job_id: job.job_id,
                org: job.org.clone(),
                mode: job.mode,
                template_id: job.template_id,
                template_version: job.template_version,
                shard_rows: job.shard_rows,
                issued_at: issued_at.clone(),
                ttl,
                send_email: job.send_email,
                lang: job.lang,
                revocation: job.revocation.clone(),
                dry_run: job.dry_run,
                row,
            }));
            Outgoing::new(&message, group.clone())
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(Problem::internal)?;
    sqs::send_all(&app.sqs, &app.config.issue_queue_url, &messages).await.all()?;
    Ok(())
}

/// An instant of ours, to the second and never later.
pub fn second_of(millis: &str) -> String {
    millis.parse().map_or_else(|_| millis.to_owned(), time::seconds)
}
