//! Credentials: list, show, and the mail of a test credential.

use http::Response;
use lambda_http::Body;
use serde_json::{Value, json};

use crate::{
    api::{
        auth::{self, Caller},
        credential_query::{Query, Source},
        lists,
    },
    app::App,
    credentials::look_up::{self, Located},
    domain::{
        credential::Credential,
        erasure::{Stored, Tombstone},
        history::Event,
        identity,
        ids::{CredentialId, Mode},
        lang::Lang,
        ledger::CurrentCredential,
    },
    http::{
        problem::Problem,
        serve::{Call, List, MAX_PAGE_BYTES, ok},
    },
    mail::ledger,
    store::Page,
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
    let before = lists::position(app, call, caller).await?;
    let Candidates { items: found, mut next } =
        candidates(app, caller, query, before.as_deref(), limit).await?;
    let ids: Vec<CredentialId> = found.iter().map(|(id, _)| *id).collect();
    let (stored, erased) = app.credentials.stored_all(&ids).await?;
    let stored = ledger::overlay(app, stored).await?;
    let mut entries: Vec<Entry> =
        stored.into_iter().map(|found| Entry::Credential(Box::new(found))).collect();
    entries.extend(erased.into_iter().map(Entry::Erased));
    entries.sort_by_cached_key(|entry| ids.iter().position(|id| *id == entry.id()));
    let mut items: Vec<Value> = Vec::new();
    let mut bytes = 0;
    for entry in entries.iter().filter(|entry| entry.is_wanted(query)) {
        if items.len() == limit {
            break;
        }
        let item = entry.answer(&app.config.site_url, call.lang, caller.reads());
        bytes += item.to_string().len();
        items.push(item);
        let left = entries.last().is_some_and(|last| last.id() != entry.id());
        if (items.len() == limit || bytes > MAX_PAGE_BYTES) && left {
            let own = found.iter().find(|(id, _)| *id == entry.id());
            let own = own.and_then(|(_, position)| position.clone());
            next = own.or_else(|| Some(format!("{}#{}", entry.issued_at(), entry.id())));
            break;
        }
    }
    Ok(List { items, next_cursor: lists::cursor(app, call, caller, next).await? })
}

/// Credentials of which a page may show some.
struct Candidates {
    /// Their ids, with the positions of a list that is not by time.
    items: Vec<(CredentialId, Option<String>)>,
    /// The position after which the next page begins; none at the end.
    next: Option<String>,
}

impl From<Page<CredentialId>> for Candidates {
    fn from(page: Page<CredentialId>) -> Self {
        let items = page.items.into_iter().map(|id| (id, None)).collect();
        Self { items, next: page.next }
    }
}

impl<P: ToString> From<Located<P>> for Candidates {
    fn from(located: Located<P>) -> Self {
        let items = located.items.into_iter().map(|(at, id)| (id, Some(at.to_string()))).collect();
        Self { items, next: located.next.map(|at| at.to_string()) }
    }
}

/// Finds the credentials of a page.
async fn candidates(
    app: &App,
    caller: &Caller,
    query: &Query,
    before: Option<&str>,
    limit: usize,
) -> Result<Candidates, Problem> {
    let read = if query.filters() { FILTERED_READ } else { limit };
    let (since, tenant) = (query.since(), caller.tenant());
    let since = since.as_deref();
    match &query.source {
        Source::Time => {
            let (org, mode) = (tenant.org, tenant.mode);
            Ok(app.credentials.by_time(org, mode, since, before, read).await?.into())
        }
        Source::Email(email) => {
            let secret = app.catalog.id_secret(tenant.org).await?;
            let key = identity::email_key(&secret, tenant.org, tenant.mode, email);
            Ok(app.credentials.by_email(&key, since, before, read).await?.into())
        }
        Source::Job(id) => {
            let after = before.map_or(Ok(0), str::parse).map_err(|_| Problem::invalid_cursor())?;
            match app.jobs.get_for(tenant, *id).await? {
                Some(job) => Ok(look_up::of_job(app, &job, after, read).await?.into()),
                None => Ok(Candidates { items: Vec::new(), next: None }),
            }
        }
        Source::Id(id, text) => {
            let found = app.credentials.get(*id).await?.filter(|_| before.is_none());
            match found.filter(|found| caller.owns(&found.org, found.mode)) {
                Some(found) => Ok(Candidates { items: vec![(found.id, None)], next: None }),
                None => with_external_id(app, caller, query, text, before).await,
            }
        }
        Source::ExternalId(text) => with_external_id(app, caller, query, text, before).await,
    }
}

async fn with_external_id(
    app: &App,
    caller: &Caller,
    query: &Query,
    text: &str,
    before: Option<&str>,
) -> Result<Candidates, Problem> {
    let after = before.map(str::parse).transpose().map_err(|_| Problem::invalid_cursor())?;
    let only = query.template();
    Ok(look_up::of_external_id(app, caller.tenant(), text, only, after).await?.into())
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

    fn is_wanted(&self, query: &Query) -> bool {
        match self {
            Self::Credential(credential) => query.admits(credential),
            Self::Erased(tombstone) => query.admits_erased(tombstone),
        }
    }

    fn answer(&self, site_url: &str, lang: Lang, reads: bool) -> Value {
        match self {
            Self::Credential(credential) => credential.answer(site_url, lang, reads),
            Self::Erased(tombstone) => tombstone.answer(),
        }
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
