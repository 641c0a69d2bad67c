//! The callers of the API: which key they present and what it permits.

use crate::{
    app::App,
    domain::{
        api_key::{ApiKey, Presented, Scope},
        history::Who,
        ids::{Mode, OrgId},
        tenant::Tenant,
        time,
    },
    http::{
        problem::Problem,
        routes::Access,
        serve::{Call, note_caller},
    },
};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// Age in seconds at which the stored last use of a key is renewed.
const LAST_USED_EVERY: i64 = 3600;

/// A caller with a valid key.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The organization of the key.
    pub org: OrgId,
    /// Live or test.
    pub mode: Mode,
    /// What the key permits.
    pub scopes: Vec<Scope>,
    /// The key's public part.
    pub key_id: String,
    /// The name that the organization gave the key.
    pub key_name: String,
}

impl Caller {
    fn with(presented: &Presented, key: &ApiKey) -> Self {
        Self {
            org: presented.org.clone(),
            mode: key.mode,
            scopes: key.scopes.clone(),
            key_id: key.id.clone(),
            key_name: key.name.clone(),
        }
    }

    /// Returns the organization and mode of the key.
    pub fn tenant(&self) -> Tenant<'_> {
        Tenant { org: &self.org, mode: self.mode }
    }

    /// Returns whether a thing of this organization and mode is the caller's own.
    pub fn owns(&self, org: &OrgId, mode: Mode) -> bool {
        self.tenant().owns(org, mode)
    }

    /// Requires that the key may read about this file or job: who may only change the catalog sees
    /// those `of_members` alone.
    ///
    /// # Errors
    /// `insufficient_scope`.
    pub fn require_reading_of(&self, of_members: bool) -> Result<(), Problem> {
        match self.reads_of(of_members) {
            true => Ok(()),
            false => Err(Problem::insufficient_scope(Scope::Read.as_str())),
        }
    }

    /// Whether the key reads credentials, their private facts among the rest.
    pub fn reads(&self) -> bool {
        self.scopes.contains(&Scope::Read)
    }

    /// Whether the key reads about jobs and uploads `of_members`, or of recipients.
    pub fn reads_of(&self, of_members: bool) -> bool {
        let besides = if of_members { Scope::Catalog } else { Scope::Issue };
        [Scope::Read, besides].iter().any(|scope| self.scopes.contains(scope))
    }

    /// Returns the key as the history of a credential names it.
    pub fn who(&self) -> Who {
        let (key_id, key_name) = (self.key_id.clone(), self.key_name.clone());
        Who { key_id, key_name, job_id: None, row: None }
    }
}

/// Parses the key that a request presents, as `X-API-Key: KEY` or as `Authorization: Bearer KEY`.
/// Other schemes of `Authorization` are not the key's.
///
/// # Errors
/// `unauthenticated` when there is none, when one has not the form of a key, and when two differ:
/// nobody could tell whose request it is.
pub fn presented(call: &Call) -> Result<Presented, Problem> {
    let values = |name| {
        let values = call.headers.get_all(name).iter();
        values.map(|value| value.to_str().unwrap_or_default())
    };
    let bearers = values("authorization").filter_map(|value| {
        let (scheme, rest) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim())
    });
    let mut keys = values("x-api-key").chain(bearers);
    let key = keys.next().filter(|key| keys.all(|other| other == *key));
    key.and_then(Presented::parse).ok_or_else(Problem::unauthenticated)
}

/// Admits the caller if the stored key matches the presented one, has one of the route's scopes,
/// and is live where the route demands that.
///
/// # Errors
/// `unauthenticated`, the same for an unknown, wrong, expired and revoked key;
/// `insufficient_scope`; `internal` on a route without keys.
pub async fn admit(
    app: &App,
    call: &Call,
    presented: &Presented,
    key: Option<&ApiKey>,
) -> Result<Caller, Problem> {
    let key = permit(call, presented, key)?;
    let stale =
        key.last_used_at.as_deref().is_none_or(|at| time::elapsed(at, call.now) >= LAST_USED_EVERY);
    if stale {
        // A convenience for people: it must not fail the request.
        let now = call.now_text();
        let touched =
            app.catalog.touch_key(&presented.org, &key.id, "last_used_at", &now, false).await;
        if let Err(error) = touched {
            tracing::warn!(%error, "API key's last use not written");
        }
    }
    Ok(Caller::with(presented, key))
}

/// Compares the stored key with the presented one and the route.
fn permit<'a>(
    call: &Call,
    presented: &Presented,
    key: Option<&'a ApiKey>,
) -> Result<&'a ApiKey, Problem> {
    let Access::Key { any_of, live_only } = call.route.access else {
        return Err(Problem::internal("a public route asks for a key"));
    };
    let now = call.now_text();
    let key = key.filter(|key| key.admits(presented, &now)).ok_or_else(Problem::unauthenticated)?;
    note_caller(presented.org.as_str(), presented.mode.as_str(), &key.id);
    if !any_of.iter().any(|scope| key.scopes.contains(scope)) {
        let needed = any_of.first().map_or("", |scope| scope.as_str());
        return Err(Problem::insufficient_scope(needed));
    }
    if live_only && key.mode == Mode::Test {
        return Err(Problem::test_key_reads_only());
    }
    Ok(key)
}

/// Reads the presented key and admits its caller.
///
/// # Errors
/// Those of [`presented`], [`admit`] and the store.
pub async fn authenticate(app: &App, call: &Call) -> Result<Caller, Problem> {
    let presented = presented(call)?;
    let read = app.catalog.together(&presented.org, Some(&presented.id), None, &[]).await?;
    admit(app, call, &presented, read.key.as_ref()).await
}

/// Does as [`authenticate`] for a function without a right to write: it reads the key alone, and its use is not noted.
///
/// # Errors
/// Those of [`authenticate`].
pub async fn authenticate_reader(app: &App, call: &Call) -> Result<Caller, Problem> {
    let presented = presented(call)?;
    let key = app.catalog.api_key(&presented.org, &presented.id).await?;
    Ok(Caller::with(&presented, permit(call, &presented, key.as_ref())?))
}

/// Returns random bytes fit for secrets.
///
/// # Errors
/// `internal` when the operating system gives none.
pub fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Problem::internal("no randomness"))?;
    Ok(bytes)
}
