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
        email::EmailAddress,
        fields::Fields,
        identity::IdSecret,
        ids::{Mode, OrgId},
        image::ImageInput,
        organization::{Organization, Settings},
        sender::{AllowedSender, SenderBound},
        time,
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
    if !organization.may_send_as(&settings.sender) {
        return Err(sender_not_allowed(&organization, &settings.sender));
    }
    let sender = AllowedSender::of(&settings.sender);
    let is_new = settings.sender != organization.settings.sender;
    if is_new && !app.config.sender_addresses.admits(&sender) {
        return Err(sender_out_of_bound(&app.config.sender_addresses, &sender));
    }
    if logo != ImageInput::Absent {
        settings.logo = images::store(app, &caller.org, &logo, "/logo").await?;
    }
    if settings.name != organization.settings.name {
        note_name(app, &caller.org, &settings.name).await?;
    }
    let before = std::mem::replace(&mut organization.settings, settings);
    let written =
        app.catalog.put_settings(&caller.org, &organization.settings, &before.time_zone).await?;
    if !written {
        return Err(sender_not_allowed(&organization, &organization.settings.sender));
    }
    plan_retention(app, &organization).await?;
    ok(&organization.answer(&app.config.site_url))
}

/// Plans the walk over an organization's credentials, if it keeps those that ended for a time only. The
/// sweeper begins it, and drops the plan of one that keeps everything.
///
/// # Errors
/// Those of the store.
pub async fn plan_retention(app: &App, organization: &Organization) -> Result<(), StoreError> {
    match organization.settings.retention.ended_credentials_days {
        Some(_) => app.catalog.plan(&organization.org, &time::millis(app.clock.now())).await,
        None => Ok(()),
    }
}

/// Notes a new name, and tells the operator when a reader can take it for another organization's.
async fn note_name(app: &App, org: &OrgId, name: &str) -> Result<(), Problem> {
    let alike = app.catalog.named_like(org, name).await?;
    if !alike.is_empty() {
        let like = alike.iter().map(OrgId::as_str).collect::<Vec<_>>().join(" ");
        tracing::warn!(like, "organization has a name like another's");
    }
    Ok(app.catalog.note_name(org, name).await?)
}

/// 400: the operator has not allowed the organization this sender.
fn sender_not_allowed(organization: &Organization, sender: &EmailAddress) -> Problem {
    let (org, sender) = (&organization.org, sender.as_str());
    let allowed: Vec<String> =
        organization.allowed_senders().iter().map(ToString::to_string).collect();
    let allowed = allowed.join(", ");
    Problem::invalid_field(
        "/sender",
        "sender_not_allowed",
        format!(
            "El campo sender no admite {sender}: quien opera el servicio autoriza los remitentes de cada organización. Autorizados: {allowed}. Pídele que autorice este (unicreda admin org update {org} --allow-sender {sender})"
        ),
        format!(
            "The field sender cannot be {sender}: the operator of the service allows each organization its senders. Allowed: {allowed}. Ask the operator to allow this one (unicreda admin org update {org} --allow-sender {sender})"
        ),
    )
}

/// 400: the deployment cannot send from this sender, whoever allows it.
fn sender_out_of_bound(bound: &SenderBound, sender: &AllowedSender) -> Problem {
    let wider = bound.with(sender);
    Problem::invalid_field(
        "/sender",
        "sender_not_allowed",
        format!(
            "El campo sender no admite {sender}: este servicio solo puede enviar desde {bound}. Elige un remitente que corresponda, o pide a quien opera el servicio que lo despliegue con SenderAddresses={wider}"
        ),
        format!(
            "The field sender cannot be {sender}: this service can send from {bound} alone. Choose a sender like that, or ask the operator to deploy it with SenderAddresses={wider}"
        ),
    )
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
    let senders = Some(vec![AllowedSender::of(&settings.sender)]);
    let organization =
        Organization { v: 1, org, settings, created_at: now, senders, undated_zone: None };
    create_with(app, organization).await
}

/// Does as [`create`], with the senders that the organization may use.
///
/// # Errors
/// Those of [`create`].
pub async fn create_with(app: &App, organization: Organization) -> Result<bool, Problem> {
    let secret = IdSecret::new(auth::random()?);
    let created = app.catalog.create_organization(&organization, secret).await?;
    if created {
        app.catalog.note_name(&organization.org, &organization.settings.name).await?;
    }
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
