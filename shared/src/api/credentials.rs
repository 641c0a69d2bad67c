//! Credentials: list, show, and the mail of a test credential.

use http::Response;
use jiff::Timestamp;
use lambda_http::Body;
use serde_json::{Value, json};

use crate::{
    api::{
        auth::{self, Caller},
        lists,
    },
    app::App,
    domain::{
        credential::{Credential, Status},
        email::EmailAddress,
        erasure::{Stored, Tombstone},
        fields::FieldError,
        history::Event,
        identity,
        ids::{CredentialId, Mode, TemplateId},
        lang::Lang,
        ledger::CurrentCredential,
        nearest::nearest,
        text::cleaned,
        time,
    },
    http::{
        parameters::{EMAIL, EXTERNAL_ID, ISSUED_AFTER, STATUS, TEMPLATE_ID},
        problem::Problem,
        serve::{Call, List, MAX_PAGE_BYTES, ok},
    },
    mail::ledger,
};

/// Index entries that one page of a filtered list reads.
const FILTERED_READ: usize = 1_000;

/// `GET /credentials/{credential_id}`: with its history.
pub async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let (history, mut answer) = match own(app, call).await? {
        Stored::Credential(credential) => {
            let credential = ledger::overlay_one(app, *credential).await?;
            let history = app.status_lists.history(credential.id, credential.revision).await?;
            (history, credential.answer(&app.config.site_url, call.lang, true))
        }
        Stored::Erased(tombstone) => {
            let history = app.status_lists.history(tombstone.id, tombstone.revision).await?;
            (history, tombstone.answer())
        }
    };
    if let Some(members) = answer.as_object_mut() {
        members.insert("history".into(), history.iter().map(Event::answer).collect());
    }
    ok(&answer)
}

/// `GET /credentials/{credential_id}/mail`: the mail of a test credential, kept for 7 days.
pub async fn test_mail(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let credential = own_credential(app, call).await?;
    let mail = match credential.mode {
        Mode::Test => app.credentials.test_mail(credential.id, call.now.as_second()).await?,
        Mode::Live => None,
    };
    let mail = mail.ok_or_else(|| {
        Problem::not_found(
            "No hay un correo de prueba de esta credencial (se guardan 7 días)",
            "There is no test mail of this credential (they are kept for 7 days)",
        )
    })?;
    ok(&json!({
        "credential_id": credential.id, "to": [credential.recipient.email],
        "subject": mail.subject, "text": mail.text, "html": mail.html, "sent_at": mail.sent_at,
    }))
}

/// `GET /credentials`: newest first. A page of a filtered list reads a bounded number of index
/// entries, so it can be short, or empty, and still have a next one.
pub async fn list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let query = Query::read(call)?;
    let caller = auth::authenticate(app, call).await?;
    ok(&page(app, call, &caller, &query, limit).await?)
}

/// The credentials that a list asks for.
#[derive(Default)]
pub(super) struct Query {
    email: Option<EmailAddress>,
    /// The sort key after which the list begins.
    since: Option<String>,
    filters: Filters,
}

impl Query {
    /// All credentials of an address.
    pub(super) fn of(email: EmailAddress) -> Self {
        Self { email: Some(email), ..Self::default() }
    }

    fn read(call: &Call) -> Result<Self, Problem> {
        let mut errors = Vec::new();
        let filters = Filters::read(call, &mut errors);
        let email = call.query(EMAIL).map(EmailAddress::parse);
        if matches!(email, Some(Err(_))) {
            let text = format!("Invalid email: {}", call.query(EMAIL).unwrap_or_default());
            errors.push(FieldError::new("email", "invalid_email", text.clone(), text));
        }
        let since = call.query(ISSUED_AFTER).map(|text| {
            text.parse::<Timestamp>().or_else(|_| format!("{text}T00:00:00Z").parse::<Timestamp>())
        });
        if matches!(since, Some(Err(_))) {
            errors.push(FieldError::new(
                "issued_after",
                "invalid_parameter",
                "El parámetro issued_after debe ser un instante RFC 3339 o una fecha AAAA-MM-DD",
                "The parameter issued_after must be an RFC 3339 instant or a date YYYY-MM-DD",
            ));
        }
        if !errors.is_empty() {
            return Err(Problem::invalid_request(errors));
        }
        // Strictly after: `~` sorts behind every id of that second.
        let since = since.and_then(Result::ok).map(|at| format!("{}~", time::seconds(at)));
        Ok(Self { email: email.and_then(Result::ok), since, filters })
    }
}

/// Reads a page of the caller's credentials.
///
/// # Errors
/// `invalid_cursor`; those of the store.
pub(super) async fn page(
    app: &App,
    call: &Call,
    caller: &Caller,
    query: &Query,
    limit: usize,
) -> Result<List, Problem> {
    let read = if query.filters.is_any() { FILTERED_READ } else { limit };
    let before = lists::position(app, call, caller).await?;
    let (since, before) = (query.since.as_deref(), before.as_deref());
    let page = match &query.email {
        Some(email) => {
            let secret = app.catalog.id_secret(&caller.org).await?;
            let key = identity::email_key(&secret, &caller.org, caller.mode, email);
            app.credentials.by_email(&key, since, before, read).await?
        }
        None => app.credentials.by_time(&caller.org, caller.mode, since, before, read).await?,
    };
    let (found, erased) = app.credentials.stored_all(&page.items).await?;
    let found = ledger::overlay(app, found).await?;
    let mut entries: Vec<Entry> =
        found.into_iter().map(|found| Entry::Credential(Box::new(found))).collect();
    entries.extend(erased.into_iter().map(Entry::Erased));
    entries.sort_by_cached_key(|entry| page.items.iter().position(|id| *id == entry.id()));
    let mut next = page.next;
    let mut items: Vec<Value> = Vec::new();
    let mut bytes = 0;
    for entry in entries.iter().filter(|entry| query.filters.admit(entry)) {
        if items.len() == limit {
            break;
        }
        let item = entry.answer(&app.config.site_url, call.lang, caller.reads());
        bytes += item.to_string().len();
        items.push(item);
        let left = entries.last().is_some_and(|last| last.id() != entry.id());
        if (items.len() == limit || bytes > MAX_PAGE_BYTES) && left {
            next = Some(format!("{}#{}", entry.issued_at(), entry.id()));
            break;
        }
    }
    Ok(List { items, next_cursor: lists::cursor(app, call, caller, next).await? })
}

/// An entry of a list.
enum Entry {
    Credential(Box<CurrentCredential>),
    Erased(Tombstone),
}

impl Entry {
    fn id(&self) -> CredentialId {
        match self {
            Self::Credential(credential) => credential.id,
            Self::Erased(tombstone) => tombstone.id,
        }
    }

    fn issued_at(&self) -> &str {
        match self {
            Self::Credential(credential) => &credential.issued_at,
            Self::Erased(tombstone) => &tombstone.issued_at,
        }
    }

    fn answer(&self, site_url: &str, lang: Lang, reads: bool) -> Value {
        match self {
            Self::Credential(credential) => credential.answer(site_url, lang, reads),
            Self::Erased(tombstone) => tombstone.answer(),
        }
    }
}

/// The filters of a credential list that no index serves.
#[derive(Default)]
struct Filters {
    template: Option<TemplateId>,
    external_id: Option<String>,
    status: Option<Wanted>,
}

/// The status that is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Of(Status),
    Erased,
}

impl Filters {
    fn read(call: &Call, errors: &mut Vec<FieldError>) -> Self {
        let mut fault = |name: &str, es: &str, en: &str, near: Option<&str>| {
            errors.push(FieldError::new(name, "invalid_parameter", es, en).hint(near));
        };
        let template = call.query(TEMPLATE_ID).map(TemplateId::parse);
        if matches!(template, Some(Err(_))) {
            fault(
                "template_id",
                "El parámetro template_id debe ser un UUID",
                "The parameter template_id must be a UUID",
                None,
            );
        }
        let sent = call.query(STATUS);
        let status = sent.map(|text| match text {
            "issued" => Some(Wanted::Of(Status::Issued)),
            "suspended" => Some(Wanted::Of(Status::Suspended)),
            "revoked" => Some(Wanted::Of(Status::Revoked)),
            "erased" => Some(Wanted::Erased),
            _ => None,
        });
        if matches!(status, Some(None)) {
            fault(
                "status",
                "El parámetro status debe ser issued, suspended, revoked o erased",
                "The parameter status must be issued, suspended, revoked or erased",
                nearest(sent.unwrap_or_default(), ["issued", "suspended", "revoked", "erased"]),
            );
        }
        Self {
            template: template.and_then(Result::ok),
            external_id: call.query(EXTERNAL_ID).map(str::to_owned),
            status: status.flatten(),
        }
    }

    fn is_any(&self) -> bool {
        self.template.is_some() || self.external_id.is_some() || self.status.is_some()
    }

    fn admit(&self, entry: &Entry) -> bool {
        let credential = match entry {
            Entry::Credential(credential) => credential,
            Entry::Erased(tombstone) => {
                return self.template.is_none_or(|id| id == tombstone.template_id)
                    && self.status.is_none_or(|wanted| wanted == Wanted::Erased)
                    && self.external_id.is_none();
            }
        };
        self.template.is_none_or(|id| id == credential.template_id)
            && self.status.is_none_or(|wanted| wanted == Wanted::Of(credential.status))
            && self.external_id.as_ref().is_none_or(|id| {
                // As it was sent, or cleaned.
                let own = credential.recipient.external_id.as_ref();
                own.is_some_and(|own| own == id || *own == cleaned(id))
            })
    }
}

/// The credential of the path, unless it was erased.
async fn own_credential(app: &App, call: &Call) -> Result<Credential, Problem> {
    own(app, call).await?.credential().ok_or_else(Problem::erased)
}

/// The credential of the path, or what is left of it, if it is the caller's.
async fn own(app: &App, call: &Call) -> Result<Stored, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let id = CredentialId::parse(&call.parameter).map_err(|_| unknown_credential())?;
    let found = app.credentials.stored(id).await?.ok_or_else(unknown_credential)?;
    let owned = match &found {
        Stored::Credential(credential) => caller.owns(&credential.org, credential.mode),
        Stored::Erased(tombstone) => caller.owns(&tombstone.org, tombstone.mode),
    };
    if owned { Ok(found) } else { Err(unknown_credential()) }
}

fn unknown_credential() -> Problem {
    Problem::not_found("La credencial no existe", "The credential does not exist")
}
