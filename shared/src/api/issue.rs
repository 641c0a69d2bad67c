//! `POST /credentials/issue`: one recipient is issued at once, more become a job.

use http::{HeaderValue, Response, StatusCode, header};
use lambda_http::Body;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    api::{
        auth::{self, Caller},
        dry_run,
        idempotency::{self, Attempt},
        issue_body::Submission,
    },
    app::App,
    credentials::{
        issue::{self, IssueRequest, IssuedAtOnce, Requester, second_of},
        prerequisites::{CannotIssue, prerequisites},
        sign::Issuer,
    },
    domain::{
        api_key::Scope,
        credential::{Credential, Origin},
        fault_report::FaultReport,
        job::{Issuing, Job, JobKind, NewJob, Row},
        job_result::OTHER_PRIVATE,
        member::Member,
        metadata::{METADATA, Metadata},
        organization::Settings,
        recipient::Entry,
        refusal,
        review::{self, Strict, Warnings},
        template::{Definition, Template},
        upload::FileRefusal,
        warning::WarningReport,
    },
    http::{
        parameters::DRY_RUN,
        problem::Problem,
        serve::{Call, json as answer},
    },
    jobs::accept::{self, AcceptError, Accepted},
    store::catalog::RequestItems,
};

/// `POST /credentials/issue`: one recipient is answered at once, more become a job.
///
/// # Errors
/// Those of authentication, of the body and of the `Idempotency-Key`; `not_found` or
/// `invalid_request` for the template; `conflict` where links would end with the deployment;
/// those of the store.
pub async fn submit(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let presented = auth::presented(call)?;
    let read = Submission::read(call).and_then(|body| Ok((body, idempotency::key(call)?)));
    let (submission, key) = match read {
        Ok(read) => read,
        Err(problem) => {
            // Only a caller with a good key learns what is wrong with the body.
            auth::authenticate(app, call).await?;
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
    let caller = auth::admit(app, call, &presented, read.key.as_ref()).await?;
    // What was erased is issued again by who may erase.
    if submission.reissue && !caller.scopes.contains(&Scope::Manage) {
        return Err(Problem::insufficient_scope(Scope::Manage.as_str()));
    }
    if call.flag(DRY_RUN) {
        return foresee(app, call, &caller, read, submission).await;
    }
    idempotency::once(app, call, &caller, key, |work| async {
        perform(app, call, &caller, read, submission, work).await
    })
    .await
}

impl From<CannotIssue> for Problem {
    fn from(reason: CannotIssue) -> Self {
        match reason {
            CannotIssue::LinksEnd => FileRefusal::LinksEnd.into(),
            CannotIssue::NoTemplate => Self::template_not_found(Some("/template_id")),
            CannotIssue::TemplateArchived => Self::template_archived(),
            CannotIssue::NoOrganization => Self::internal(reason),
        }
    }
}

async fn foresee(
    app: &App,
    call: &Call,
    caller: &Caller,
    read: RequestItems,
    submission: Submission,
) -> Result<Response<Body>, Problem> {
    let (template, settings) = prerequisites(app, caller.mode, read.template, read.organization)?;
    let secret = app.catalog.id_secret(&caller.org).await?;
    let by = Issuer { org: &caller.org, mode: caller.mode, secret: &secret, settings: &settings };
    let Submission { entries, strict, reissue, .. } = submission;
    let reads = caller.reads();
    dry_run::answer(app, call, by, &template, entries, (strict, reissue, reads)).await
}

/// Issues a submission, or accepts it as a job.
async fn perform(
    app: &App,
    call: &Call,
    caller: &Caller,
    read: RequestItems,
    submission: Submission,
    work: Attempt,
) -> Result<Response<Body>, Problem> {
    let RequestItems { template, organization, members, .. } = read;
    let (template, settings) = prerequisites(app, caller.mode, template, organization)?;
    let Submission { mut entries, send_email, strict, reissue, .. } = submission;
    if entries.len() > 1 {
        let issuing = Issuing {
            template_id: template.id,
            template_version: template.version,
            send_email,
            strict,
            reissue,
        };
        let definition = &template.definition;
        return accept_job(app, call, caller, (issuing, definition), entries, work).await;
    }
    let mut entry = entries.pop().ok_or_else(|| Problem::internal("no recipient"))?;
    refusal::complete(&mut entry, &template.definition);
    let recipient = entry.recipient.as_ref().ok();
    let member = recipient.and_then(|recipient| members.get(&recipient.email));
    let (template, settings) = (&template, &settings);
    let terms = Terms { template, settings, member, send_email, strict, reissue };
    issue_at_once(app, call, caller, terms, entry, work).await
}

/// The terms of one recipient.
struct Terms<'a> {
    template: &'a Template,
    settings: &'a Settings,
    member: Option<&'a Member>,
    send_email: bool,
    strict: Strict,
    reissue: bool,
}

async fn issue_at_once(
    app: &App,
    call: &Call,
    caller: &Caller,
    terms: Terms<'_>,
    entry: Entry,
    work: Attempt,
) -> Result<Response<Body>, Problem> {
    let begun_at = second_of(&work.begun_at);
    let warnings = match (&entry.recipient, review::day_of(&begun_at)) {
        (Ok(recipient), Some(today)) => review::judge(recipient, today, &terms.template.definition),
        _ => Vec::new(),
    };
    // Whether another value is known is told to who may read it; others see the metadata that they sent.
    let said = entry.recipient.as_ref().ok().filter(|_| caller.reads()).cloned();
    let sent = entry.recipient.as_ref().map(|recipient| recipient.metadata.clone());
    let sent = sent.unwrap_or_default();
    let outcome = match entry.recipient {
        Err(faults) => IssuedAtOnce::Refused(faults),
        Ok(recipient) => {
            let secret = app.catalog.id_secret(&caller.org).await?;
            let by = Issuer {
                org: &caller.org,
                mode: caller.mode,
                secret: &secret,
                settings: terms.settings,
            };
            let request = IssueRequest {
                template: terms.template,
                member: terms.member,
                recipient,
                sent_email: &entry.email,
                issued_at: &begun_at,
                strict: terms.strict,
                reissue: terms.reissue,
            };
            let origin = Origin::Request(work.id.to_string());
            let requester = Requester { origin, send_email: terms.send_email };
            issue::issue_at_once(app, by, request, requester, &call.now_text()).await?
        }
    };
    let mut issued = match outcome {
        IssuedAtOnce::Refused(faults) => {
            let head = json!({ "email": entry.email, "status": "error" });
            with(head, &FaultReport::of(faults, call.lang))?
        }
        IssuedAtOnce::Issued { credential, duplicate } => {
            let head = json!({
                "email": entry.email,
                "status": "issued",
                "credential_id": credential.id,
                "credential_url": Credential::url(&app.config.site_url, credential.id),
                "recipient_type": credential.recipient_type,
                "duplicate": duplicate,
                "email_status": credential.email_status(),
            });
            let stored = &credential.recipient;
            let other = said.map(|said| (said.other_private(stored), &stored.metadata));
            let (other, metadata) = other.unwrap_or_else(|| (Vec::new(), &sent));
            with_metadata(with_other_private(head, other), metadata)
        }
    };
    if let Some(report) = WarningReport::of(&warnings, call.lang) {
        issued = with(issued, &report)?;
    }
    if let (Some(members), Some(external_id)) = (issued.as_object_mut(), entry.external_id) {
        members.insert("external_id".to_owned(), external_id.into());
    }
    answer(StatusCode::OK, &json!({ "mode": "sync", "credentials": [issued] }))
}

/// Adds the private facts that a duplicate says otherwise than its credential, if there are any.
fn with_other_private(mut head: Value, other: Vec<String>) -> Value {
    if let Some(members) = head.as_object_mut().filter(|_| !other.is_empty()) {
        members.insert(OTHER_PRIVATE.to_owned(), other.into());
    }
    head
}

/// Adds metadata, if there are any.
fn with_metadata(mut head: Value, metadata: &Metadata) -> Value {
    if let Some(members) = head.as_object_mut().filter(|_| !metadata.is_empty()) {
        members.insert(METADATA.to_owned(), json!(metadata));
    }
    head
}

/// Adds the members of a report to those of an object.
pub(super) fn with(mut head: Value, report: &impl Serialize) -> Result<Value, Problem> {
    let report = serde_json::to_value(report).map_err(Problem::internal)?;
    if let (Some(head), Value::Object(report)) = (head.as_object_mut(), report) {
        head.extend(report);
    }
    Ok(head)
}

async fn accept_job(
    app: &App,
    call: &Call,
    caller: &Caller,
    (issuing, definition): (Issuing, &Definition),
    entries: Vec<Entry>,
    work: Attempt,
) -> Result<Response<Body>, Problem> {
    let rows: Vec<Row> = (1_u32..)
        .zip(entries)
        .map(|(number, mut entry)| {
            refusal::complete(&mut entry, definition);
            accept::row(number, None, entry, call.lang)
        })
        .collect();
    let organization = app.catalog.organization(&caller.org).await?;
    let new = NewJob {
        job_id: work.id.into(),
        org: caller.org.clone(),
        mode: caller.mode,
        kind: JobKind::Issue(issuing),
        total: u32::try_from(rows.len()).map_err(Problem::internal)?,
        shard_rows: app.shard_rows,
        warnings: accept::warned(Warnings::default(), &rows, &work.begun_at, definition),
        begun_at: work.begun_at,
        lang: call.lang.staff().into(),
        file: None,
        retention: organization.settings.retention,
    };
    let job = accept::start_job(app, Job::new(new, call.now), rows).await?;
    let (id, total) = (job.job_id, job.total);
    let message = format!(
        "Issuing {total} credentials in background. Poll GET /api/v1/jobs/{id} for status."
    );
    accepted(job, &message)
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::Store(error) => error.into(),
            AcceptError::Queue(error) => error.into(),
            AcceptError::Message(error) => Self::internal(error),
            AcceptError::Expiry(error) => Self::internal(error),
        }
    }
}

/// Answers 202 for a job that was accepted.
pub(super) fn accepted(job: Accepted, message: &str) -> Result<Response<Body>, Problem> {
    let status_url = format!("/api/v1/jobs/{}", job.job_id);
    let mut response = answer(
        StatusCode::ACCEPTED,
        &json!({
            "mode": "async",
            "job_id": job.job_id,
            "message": message,
            "total": job.total,
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
