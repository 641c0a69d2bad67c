//! The organization: its settings, and its creation with secret and signing keys.

use http::Response;
use lambda_http::Body;

use crate::{
    api::{
        auth::{self, Caller},
        images,
    },
    app::App,
    domain::{
        fields::Fields,
        identity::IdSecret,
        ids::{Mode, OrgId},
        image::ImageInput,
        organization::{Organization, Settings},
    },
    http::{
        problem::Problem,
        serve::{Call, ok},
    },
    store::StoreError,
};

/// `GET /organization`.
pub async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    ok(&own_organization(app, &caller).await?.answer(&app.config.site_url))
}

/// `PUT /organization`.
pub async fn put(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let mut organization = own_organization(app, &caller).await?;
    let fields = Fields::of_body(call.expect_json()?)?;
    let (mut settings, logo) = Settings::read(fields, Some(&organization.settings))?;
    if logo != ImageInput::Absent {
        settings.logo = images::store(app, &caller.org, &logo, "/logo").await?;
    }
    organization.settings = settings;
    app.catalog.put_organization(&organization).await?;
    ok(&organization.answer(&app.config.site_url))
}

/// Creates an organization with its secret and its signing keys; false if it exists. Safe to
/// repeat: the second call makes the keys that an interrupted one did not make.
///
/// # Errors
/// `internal` without randomness; those of the store and of [`ensure_signing_keys`].
pub async fn create(
    app: &App,
    org: OrgId,
    settings: Settings,
    now: String,
) -> Result<bool, Problem> {
    let organization = Organization { v: 1, org, settings, created_at: now };
    let secret = IdSecret::new(auth::random()?);
    let created = app.catalog.create_organization(&organization, secret).await?;
    ensure_signing_keys(app, &organization.org, &organization.created_at).await?;
    Ok(created)
}

/// Makes the signing keys that an organization lacks, one a mode. Organizations from before
/// signing have none.
///
/// # Errors
/// Those of the store, and of KMS or the key file.
pub async fn ensure_signing_keys(app: &App, org: &OrgId, now: &str) -> Result<(), Problem> {
    for mode in [Mode::Live, Mode::Test] {
        if app.catalog.public_keys(org, mode).await?.is_empty() {
            let made = app.keys.make(org, mode, now).await.map_err(StoreError::from)?;
            app.catalog.put_signing_key(org, mode, None, &made).await?;
        }
    }
    Ok(())
}

async fn own_organization(app: &App, caller: &Caller) -> Result<Organization, Problem> {
    let read = app.catalog.together(&caller.org, None, None, &[]).await?;
    read.organization.ok_or_else(|| Problem::internal("a key without organization"))
}
