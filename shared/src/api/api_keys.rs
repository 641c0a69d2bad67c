//! API keys: list, create, revoke, and whose the caller's own is.

use http::{Response, StatusCode};
use lambda_http::Body;
use serde_json::json as value;

use crate::{
    api::{auth, lists},
    app::App,
    domain::{
        admission,
        api_key::{self, ApiKey, NewKey, Scope},
        fields::Fields,
        ids::{Mode, OrgId},
        nearest::nearest,
        time,
    },
    http::{
        problem::Problem,
        serve::{Call, json, no_content, ok},
    },
};

/// `GET /api-keys`: a test key sees test keys only.
pub async fn list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let caller = auth::authenticate(app, call).await?;
    let after = lists::position(app, call, &caller).await?;
    let visible = match caller.mode {
        Mode::Live => None,
        Mode::Test => Some(Mode::Test),
    };
    let page = app.catalog.keys(&caller.org, visible, after.as_deref(), limit).await?;
    let items = page.items.iter().map(ApiKey::answer).collect();
    lists::page(app, call, &caller, items, page.next).await
}

/// `POST /api-keys`: the secret is in this answer and nowhere else. A key grants no scope that it
/// lacks.
pub async fn create(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let mut fields = Fields::of_body(call.expect_json()?)?;
    let name = fields.required_name("name");
    let mode = match fields.text("mode", 10).as_deref() {
        None => caller.mode,
        Some("live") => Mode::Live,
        Some("test") => Mode::Test,
        Some(other) => {
            fields.fault_near(
                "mode",
                "value_not_allowed",
                "El campo mode debe ser live o test",
                "The field mode must be live or test",
                nearest(other, ["live", "test"]),
            );
            caller.mode
        }
    };
    let scopes = read_scopes(&mut fields);
    let expires_at = fields.text("expires_at", 40).and_then(|text| {
        let at = text.parse::<jiff::Timestamp>().ok();
        let at = at.filter(|at| *at > call.now && admission::is_on_a_day(*at));
        if at.is_none() {
            fields.fault(
                "expires_at",
                "invalid_instant",
                "El campo expires_at debe ser un instante RFC 3339 en el futuro, hasta el año 2100",
                "The field expires_at must be an RFC 3339 instant in the future, up to the year 2100",
            );
        }
        at.map(time::millis)
    });
    fields.end()?;
    if mode == Mode::Live && caller.mode == Mode::Test {
        return Err(Problem::test_key_reads_only());
    }
    if let Some(scope) = scopes.iter().find(|scope| !caller.scopes.contains(scope)) {
        return Err(Problem::insufficient_scope(scope.as_str()));
    }
    let request = KeyRequest { mode, name: name.unwrap_or_default(), scopes, expires_at };
    let NewKey { kept, secret } = make(app, &caller.org, request).await?;
    let mut shown = kept.answer();
    if let Some(members) = shown.as_object_mut() {
        members.insert("key".to_owned(), secret.into());
    }
    json(StatusCode::CREATED, &shown)
}

/// `GET /key`: whose key the caller's is, what it permits, and until when.
///
/// # Errors
/// Those of authentication and of the store.
pub async fn show_own(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let presented = auth::presented(call)?;
    let read = app.catalog.together(&presented.org, Some(&presented.id), None, &[]).await?;
    auth::admit(app, call, &presented, read.key.as_ref()).await?;
    let Some((key, organization)) = read.key.zip(read.organization) else {
        return Err(Problem::internal("a key without an organization"));
    };
    ok(&value!({
        "id": key.id, "prefix": key.prefix, "name": key.name, "mode": key.mode,
        "scopes": key.scopes, "created_at": key.created_at, "expires_at": key.expires_at,
        "organization": { "id": organization.org.as_str(), "name": organization.settings.name },
    }))
}

/// `DELETE /api-keys/{key_id}`: 204, the second call too. A key can revoke itself.
pub async fn revoke(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let unknown = || Problem::not_found("La clave de API no existe", "The API key does not exist");
    if !api_key::may_be_id(&call.parameter) {
        return Err(unknown());
    }
    let read = app.catalog.together(&caller.org, Some(&call.parameter), None, &[]).await?;
    let key = read.key.ok_or_else(unknown)?;
    if caller.mode == Mode::Test && key.mode == Mode::Live {
        return Err(unknown());
    }
    app.catalog.touch_key(&caller.org, &key.id, "revoked_at", &call.now_text(), true).await?;
    Ok(no_content())
}

/// The properties of a key to make.
#[derive(Clone, Debug)]
pub struct KeyRequest {
    /// Live or test.
    pub mode: Mode,
    /// A name for people.
    pub name: String,
    /// What the key permits.
    pub scopes: Vec<Scope>,
    /// The end of its life, RFC 3339; `None` if it has none.
    pub expires_at: Option<String>,
}

/// Makes a key and stores its hash; the secret is in the result and nowhere else.
///
/// # Errors
/// `internal` without randomness; those of the store.
pub async fn make(app: &App, org: &OrgId, request: KeyRequest) -> Result<NewKey, Problem> {
    let KeyRequest { mode, name, scopes, expires_at } = request;
    let now = time::millis(app.clock.now());
    let made = api_key::new(org, mode, name, scopes, now, expires_at, &auth::random()?);
    app.catalog.put_key(org, &made.kept).await?;
    Ok(made)
}

fn read_scopes(fields: &mut Fields) -> Vec<Scope> {
    let listed = fields.list("scopes");
    let asked = listed.as_deref().unwrap_or_default();
    let mut scopes: Vec<Scope> = asked
        .iter()
        .filter_map(|value| Scope::ALL.into_iter().find(|s| Some(s.as_str()) == value.as_str()))
        .collect();
    if scopes.len() != asked.len() || scopes.is_empty() {
        let known = Scope::ALL.map(Scope::as_str);
        let unknown = asked.iter().filter_map(|value| value.as_str());
        let unknown = unknown.filter(|scope| !known.contains(scope));
        let near = unknown.into_iter().find_map(|scope| nearest(scope, known));
        fields.fault_near(
            "scopes",
            "invalid_scopes",
            "El campo scopes debe ser una lista con uno o más de: issue, read, catalog, manage, admin",
            "The field scopes must be an array of one or more of: issue, read, catalog, manage, admin",
            near,
        );
    }
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}
