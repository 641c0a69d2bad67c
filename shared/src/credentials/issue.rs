//! Issues one recipient: the one way by which a recipient becomes a credential.
//!
//! Safe to repeat: a credential's id follows from its content, so the conditional put of a
//! second attempt finds the item of the first. The item names its origin: under the origin of
//! this attempt it means "issued, earlier", under any other it is a duplicate. Content that
//! cleaning changes is put with an alias in one transaction, on the condition that both ids are
//! free, so a second attempt finds the first under either.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use crate::{
    app::App,
    aws::sqs::{self, Outgoing, Sent},
    credentials::{
        days::Days,
        found::{self, Asked, Found, duplicate, find},
        sign::{self, Draft, Issuer},
    },
    domain::{
        admission,
        credential::{self, Credential, MailState, Origin, RecipientType, Status},
        fault::Fault,
        field::FieldName,
        identity::{self, IdSecret, Identities},
        ids::CredentialId,
        ledger::CurrentCredential,
        member::Member,
        recipient::Recipient,
        review::Strict,
        template::Template,
        time,
    },
    jobs::messages::{MESSAGE_VERSION, MailMessage, Message},
    mail::ledger,
    store::{
        StoreError,
        credentials::{NewCredential, Put},
    },
};

/// Longest wait for the mail queue in an answer. An unreachable queue must not keep an issued
/// credential from its caller: the sweeper queues the mail later.
const QUEUE_ONE: Duration = Duration::from_secs(4);

/// A recipient that is to have a credential.
#[derive(Debug)]
pub struct IssueRequest<'a> {
    /// Template version.
    pub template: &'a Template,
    /// The member of the recipient's address, if there is one.
    pub member: Option<&'a Member>,
    /// The recipient as sent, in normal form.
    pub recipient: Recipient,
    /// Its address as sent.
    pub sent_email: &'a str,
    /// `validFrom`, RFC 3339 to the second.
    pub issued_at: &'a str,
    /// The kinds of warnings that refuse it.
    pub strict: Strict,
    /// Whether it is issued again if its credential was erased.
    pub reissue: bool,
}

/// The request or job row that asks for a credential.
#[derive(Debug)]
pub struct Requester {
    /// Job row or request.
    pub origin: Origin,
    /// Whether it asks for mail.
    pub send_email: bool,
}

/// The outcome of a recipient.
#[derive(Debug)]
pub enum Outcome {
    /// The recipient has a credential.
    Issued {
        /// The credential, as the winning put wrote it.
        credential: Box<Credential>,
        /// Whether another request had issued it before.
        duplicate: bool,
        /// Whether it has another id than the content as it was sent.
        alias: bool,
    },
    /// The recipient is refused.
    Refused(Vec<Fault>),
}

/// The outcome of a recipient that was issued at once.
#[derive(Debug)]
pub enum IssuedAtOnce {
    /// The recipient has a credential.
    Issued {
        /// The credential.
        credential: Box<CurrentCredential>,
        /// Whether another request had issued it before.
        duplicate: bool,
    },
    /// The recipient is refused.
    Refused(Vec<Fault>),
}

/// A recipient before its credential is put.
#[derive(Debug)]
pub enum Prepared {
    /// Its credential, signed.
    Signed(Box<Signed>),
    /// The recipient has ended without one.
    Ended(Outcome),
}

/// A signed credential that is to be put.
#[derive(Debug)]
pub struct Signed {
    /// The credential and its keys.
    pub new: NewCredential,
    /// The identities of its recipient.
    pub identities: Identities,
}

/// A recipient that passed every check before signing.
pub(super) struct Checked<'a> {
    request: IssueRequest<'a>,
    /// The identities of the recipient as sent.
    pub(super) identities: Identities,
    filled: Vec<FieldName>,
    /// The reasons to refuse it, unless it has its credential already: what is asked of new data
    /// alone, and damaged texts.
    pub(super) doubts: Vec<Fault>,
    /// The id under which it is issued again, if its credential was erased.
    again: Option<CredentialId>,
    /// Its days, if it is issued now.
    pub(super) days: Days,
    /// The last second of its validity, if it ends.
    valid_until: Option<Timestamp>,
}

impl<'a> Checked<'a> {
    /// The credential that is to be signed.
    pub(super) fn draft(&self) -> Draft<'_> {
        Draft {
            template: self.request.template,
            id: self.id(),
            recipient: &self.request.recipient,
            valid_from: self.request.issued_at,
            awarded_on: self.days.award(),
            valid_until: self.valid_until,
        }
    }

    /// The id of its credential.
    fn id(&self) -> CredentialId {
        self.again.unwrap_or(self.identities.own.id)
    }

    /// The recipient, cleaned and profile filled in.
    pub(super) fn recipient(&self) -> &Recipient {
        &self.request.recipient
    }

    /// The days that the recipient asks for.
    pub(super) fn asked(&self) -> Asked {
        Asked { today: self.days.issued_on, valid_until: self.request.recipient.valid_until }
    }

    /// The member of the recipient's address.
    pub(super) fn member(&self) -> Option<&'a Member> {
        self.request.member
    }
}

/// A recipient as it is signed, before it is checked.
#[derive(Debug)]
pub struct Completed {
    /// The recipient, cleaned and profile filled in.
    pub recipient: Recipient,
    /// The identities of the recipient as sent.
    identities: Identities,
    /// The fields that the profile filled in.
    filled: Vec<FieldName>,
}

/// Cleans a recipient and fills it from its member's profile. Reads and writes nothing.
pub fn complete(
    by: Issuer<'_>,
    template: &Template,
    member: Option<&Member>,
    sent: Recipient,
) -> Completed {
    let (mut recipient, identities) =
        identity::cleaned(by.secret, by.org, by.mode, template.id, sent);
    let filled = match member {
        Some(member) => member.profile.fill(&mut recipient, &template.definition),
        None => Vec::new(),
    };
    Completed { recipient, identities, filled }
}

/// Cleans a recipient, fills it from its member's profile and checks it against its template:
/// the part of issuing that reads and writes nothing.
///
/// # Errors
/// The recipient's faults.
pub(super) fn check<'a>(
    by: Issuer<'_>,
    mut request: IssueRequest<'a>,
) -> Result<Checked<'a>, Vec<Fault>> {
    let template = request.template;
    let damages = request.recipient.damages();
    let strict =
        request.strict.refused(&request.recipient, request.issued_at, &template.definition);
    let named = request.recipient.recipient_name.is_some();
    let Completed { recipient, identities, filled } =
        complete(by, template, request.member, request.recipient);
    request.recipient = recipient;
    let mut faults = template.definition.check(&request.recipient);
    let unnamed = admission::unnamed(named, &mut faults);
    faults.extend(request.recipient.emptied());
    let mut doubts = admission::judge(&request.recipient, request.sent_email, None);
    doubts.extend(unnamed);
    doubts.extend(damages);
    doubts.extend(strict.into_iter().map(Fault::Strict));
    let days = Days::at(request.issued_at, by.settings, &template.definition, &request.recipient);
    doubts.extend(days.faults());
    if !faults.is_empty() {
        faults.extend(doubts);
        return Err(faults);
    }
    let valid_until = days.expires_on.and_then(|last| by.settings.last_second_of(last));
    Ok(Checked { request, identities, filled, doubts, again: None, days, valid_until })
}

/// Ends a recipient in doubt: it has its credential from an earlier request, or is refused.
///
/// One that is to be issued again gets the id that follows from the erasures of its identity.
async fn settle(
    app: &App,
    secret: &IdSecret,
    checked: &mut Checked<'_>,
    origin: &Origin,
) -> Result<Option<Outcome>, StoreError> {
    let reissue = checked.request.reissue;
    if checked.doubts.is_empty() && !reissue {
        return Ok(None);
    }
    Ok(match find(app, secret, &checked.identities).await? {
        Found::Erased { next, .. } if reissue && checked.doubts.is_empty() => {
            checked.again = Some(next);
            None
        }
        Found::Nothing if checked.doubts.is_empty() => None,
        Found::Nothing => Some(Outcome::Refused(checked.doubts.clone())),
        Found::Erased { id, .. } if checked.doubts.is_empty() => Some(refused_as_erased(id)),
        Found::Erased { .. } => Some(Outcome::Refused(checked.doubts.clone())),
        Found::Credential { credential, again } => {
            let asked = checked.asked();
            Some(judged(app, &checked.identities, origin, asked, credential, again).await?)
        }
    })
}

fn refused_as_erased(id: CredentialId) -> Outcome {
    Outcome::Refused(vec![Fault::Erased(id.to_string())])
}

/// Turns one recipient into its credential: fills, checks, signs and puts it.
///
/// Safe to repeat: see the module.
///
/// # Errors
/// [`StoreError`] of the store and the signing key; a later repetition can succeed.
pub async fn issue(
    app: &App,
    by: Issuer<'_>,
    request: IssueRequest<'_>,
    requester: Requester,
    now: &str,
) -> Result<Outcome, StoreError> {
    match prepare(app, by, request, requester).await? {
        Prepared::Ended(outcome) => Ok(outcome),
        Prepared::Signed(signed) => {
            let put = app.credentials.put(&signed.new, now).await?;
            outcome(app, by.secret, *signed, put).await
        }
    }
}

/// Issues one recipient and queues its mail.
///
/// Safe to repeat: see the module; a second message sends no second mail.
///
/// # Errors
/// Those of [`issue`]. A queue that does not take the message is no error.
pub async fn issue_at_once(
    app: &App,
    by: Issuer<'_>,
    request: IssueRequest<'_>,
    requester: Requester,
    now: &str,
) -> Result<IssuedAtOnce, StoreError> {
    let (credential, duplicate) = match issue(app, by, request, requester, now).await? {
        Outcome::Issued { credential, duplicate, .. } => (credential, duplicate),
        Outcome::Refused(faults) => return Ok(IssuedAtOnce::Refused(faults)),
    };
    let credential = ledger::overlay_one(app, *credential).await?;
    if credential.mail() == MailState::Owed {
        let message = mail_message(&credential, false);
        let messages = [message.map_err(|error| StoreError::Broken(error.to_string()))?];
        let sent = sqs::send_all(&app.sqs, &app.config.mail_queue_url, &messages);
        // The credential is issued and its mail is pending: the sweeper queues it later.
        match timeout(QUEUE_ONE, sent).await.map(Sent::all) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "mail not queued"),
            Err(error) => tracing::error!(%error, "mail not queued"),
        }
    }
    Ok(IssuedAtOnce::Issued { credential: Box::new(credential), duplicate })
}

/// Fills, checks and signs the credential of a recipient. Only a status index is written.
///
/// # Errors
/// [`StoreError`] of the store and the signing key; a later repetition can succeed.
pub async fn prepare(
    app: &App,
    by: Issuer<'_>,
    request: IssueRequest<'_>,
    requester: Requester,
) -> Result<Prepared, StoreError> {
    let mut checked = match check(by, request) {
        Ok(checked) => checked,
        Err(faults) => return Ok(Prepared::Ended(Outcome::Refused(faults))),
    };
    if let Some(outcome) = settle(app, by.secret, &mut checked, &requester.origin).await? {
        return Ok(Prepared::Ended(outcome));
    }
    let signed = match Box::pin(sign::sign(app, by, checked.draft())).await {
        Ok(signed) => signed,
        Err(error) => {
            return Ok(Prepared::Ended(Outcome::Refused(vec![error.into_fault()?])));
        }
    };
    let (id, again) = (checked.id(), checked.again.is_some());
    let Checked { request, identities, filled, days, .. } = checked;
    let IssueRequest { template, member, recipient, issued_at, .. } = request;
    let recipient_type = match member {
        Some(_) => RecipientType::Internal,
        None => RecipientType::External,
    };
    let notified = member.is_none() || by.settings.notify_members;
    let lang = recipient
        .language
        .or_else(|| member.and_then(|member| member.profile.language))
        .or(template.definition.language)
        .unwrap_or(by.settings.language);
    let email_key = identity::email_key(by.secret, by.org, by.mode, &recipient.email);
    let stored_mail = match requester.send_email && notified {
        true => MailState::Owed,
        false => MailState::Skipped,
    };
    let credential = Credential {
        v: credential::FORMAT,
        id,
        org: by.org.clone(),
        mode: by.mode,
        template_id: template.id,
        template_version: template.version,
        recipient,
        filled,
        content: identities.own.content.clone(),
        former: Vec::new(),
        recipient_type,
        issued_at: issued_at.to_owned(),
        issued_on: days.issued_on,
        expires_on: days.expires_on,
        origin: requester.origin,
        status: Status::Issued,
        status_at: None,
        status_reason: None,
        blocked: None,
        revision: 0,
        version: 1,
        corrected_at: None,
        signed,
        lang,
        stored_mail,
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
    // The id of before leads to what is left, and from there to this one.
    let alias = identities.alias().filter(|_| !again);
    let new = NewCredential { credential, email_key, alias };
    Ok(Prepared::Signed(Box::new(Signed { new, identities })))
}

/// Returns the outcome of a recipient from the put of its credential.
///
/// # Errors
/// [`StoreError`] of the reads for a credential of before days were kept.
pub async fn outcome(
    app: &App,
    secret: &IdSecret,
    asked: Signed,
    put: Put,
) -> Result<Outcome, StoreError> {
    let Signed { new: NewCredential { credential, .. }, identities } = asked;
    match put {
        Put::Written => {
            let alias = credential.id != identities.sent_id();
            Ok(Outcome::Issued { credential: Box::new(credential), duplicate: false, alias })
        }
        Put::Found(found) => {
            let again = !identities.all().any(|identity| identity.id == credential.id);
            let asked = Asked::of(&credential);
            judged(app, &identities, &credential.origin, asked, found, again).await
        }
        Put::Erased(first) => match found::after(app, secret, first.id).await? {
            Found::Credential { credential: found, again } => {
                let (origin, asked) = (&credential.origin, Asked::of(&credential));
                judged(app, &identities, origin, asked, found, again).await
            }
            Found::Erased { id, .. } => Ok(refused_as_erased(id)),
            Found::Nothing => Ok(refused_as_erased(first.id)),
        },
    }
}

/// Returns the outcome of a recipient whose credential was found.
async fn judged(
    app: &App,
    identities: &Identities,
    origin: &Origin,
    asked: Asked,
    found: Box<Credential>,
    again: bool,
) -> Result<Outcome, StoreError> {
    let alias = found.id != identities.sent_id();
    if found.origin == *origin {
        return Ok(Outcome::Issued { credential: found, duplicate: false, alias });
    }
    Ok(match duplicate(app, identities, asked, &found, again).await? {
        Ok(()) => Outcome::Issued { credential: found, duplicate: true, alias },
        Err(fault) => Outcome::Refused(vec![fault]),
    })
}

/// Writes the message that asks for a credential's mail. The credential's job follows the
/// mail, unless it is sent by itself.
///
/// # Errors
/// When JSON cannot be written, which no credential causes.
pub fn mail_message(
    credential: &Credential,
    by_itself: bool,
) -> Result<Outgoing, serde_json::Error> {
    let (group, job_id) = match &credential.origin {
        Origin::Job { job, .. } => (sqs::job_group(&credential.org, *job), Some(*job)),
        Origin::Request(_) => (sqs::sync_group(&credential.org), None),
    };
    // The cancelling of a job does not cancel a mail that was asked for by itself.
    let job_id = job_id.filter(|_| !by_itself);
    let place = job_id.and_then(|_| credential.on_ledger()).map(|id| (id.shard.number, id.row));
    let mail = MailMessage { v: MESSAGE_VERSION, credential_id: credential.id, job_id, place };
    Outgoing::new(&Message::Mail(mail), group)
}

/// Cuts an instant of this service to the second; the result is never later.
pub fn second_of(millis: &str) -> String {
    millis.parse().map_or_else(|_| millis.to_owned(), time::seconds)
}
