//! The demo organization, which a first start creates.

use anyhow::{Context, anyhow};
use lambda_http::{Body, RequestExt};
use unicreda::{
    App,
    api::{
        api_keys::{self, KeyRequest},
        organization, templates,
    },
    domain::{
        api_key::Scope,
        email::EmailAddress,
        fields::Fields,
        ids::{Mode, OrgId, TemplateId},
        member::{Member, Profile},
        organization::Settings,
        template::Definition,
        tenant::Tenant,
        time,
        wallet_link::{self, WalletOf},
    },
};

/// The demo organization's short name.
pub const ORGANIZATION: &str = "demo";
/// The demo template, which the API reference's examples use.
pub const TEMPLATE: &str = "550e8400-e29b-41d4-a716-446655440000";

/// A member of the demo organization.
const MEMBER: &str = "ana.rojas@demo.example";
const ISSUE: &str = "/api/v1/credentials/issue";

/// The keys and the template with which a person tries the API.
#[derive(Clone, Debug)]
pub struct Demo {
    /// A live key.
    pub api_key: String,
    /// A test key.
    pub test_api_key: String,
    /// The demo template.
    pub template_id: String,
}

/// Creates the demo organization, its members and its template unless they exist, and two new keys.
///
/// # Errors
/// When the tables cannot be written.
pub async fn seed(app: &App) -> anyhow::Result<Demo> {
    let org = OrgId::parse(ORGANIZATION)?;
    let now = time::millis(app.clock.now());
    let settings = Settings {
        time_zone: "America/Santiago".to_owned(),
        ..Settings::new("Universidad Demo", address("credenciales@demo.example")?)
    };
    organization::create(app, org.clone(), settings, now.clone()).await?;
    let id = TemplateId::parse(TEMPLATE)?;
    let body = serde_json::to_vec(&template())?;
    let (definition, _) =
        Fields::of_body(&body).and_then(Definition::read).map_err(|p| anyhow!("{p}"))?;
    let template = templates::first_version(id, definition, now.clone());
    app.catalog.put_template(&org, &template).await?;
    let members = [
        (MEMBER, "Ana Rojas Muñoz", "Estudiante"),
        ("benjamin.soto@demo.example", "Benjamín Soto Peña", "Estudiante"),
        ("carla.diaz@demo.example", "Carla Díaz Fuentes", "Docente"),
    ]
    .into_iter()
    .map(|(email, name, role)| {
        Ok(Member {
            v: 1,
            email: address(email)?,
            profile: Profile {
                name: Some(name.to_owned()),
                role: Some(role.to_owned()),
                ..Profile::default()
            },
            created_at: now.clone(),
            updated_at: now.clone(),
        })
    })
    .collect::<anyhow::Result<Vec<_>>>()?;
    app.catalog.put_members(&org, &members).await?;
    Ok(Demo {
        api_key: key(app, &org, Mode::Live).await?,
        test_api_key: key(app, &org, Mode::Test).await?,
        template_id: TEMPLATE.to_owned(),
    })
}

/// URLs of the demo's pages.
#[derive(Clone, Debug)]
pub struct Pages {
    /// The page of the external recipient's credential.
    pub credential: Option<String>,
    /// The member's wallet.
    pub wallet: Option<String>,
}

/// Issues the demo credentials through the function `issue`, to an external recipient and to a member.
/// Repeated, it finds the same credentials.
///
/// # Errors
/// When the tables cannot be read.
pub async fn issue(app: &App, demo: &Demo) -> anyhow::Result<Pages> {
    let graduate = serde_json::json!({
        "email": "valentina.reyes@ejemplo.com", "recipient_name": "Valentina Reyes Álvarez",
        "result_value": "A", "credits_earned": 6, "role": "Estudiante", "term": "2026-2",
        "activity_start_date": "2026-03-02", "activity_end_date": "2026-07-31",
        "evidence": [{
            "name": "Proyecto final: API de biblioteca", "url": "https://ejemplo.com/proyecto",
            "description": "Una API REST en Rust, con pruebas y despliegue.",
        }],
    });
    let member = serde_json::json!({ "email": MEMBER, "result_value": "A" });
    let mut urls = Vec::new();
    for recipient in [graduate, member] {
        let body =
            serde_json::json!({ "template_id": demo.template_id, "recipients": [recipient] });
        let request = http::Request::post(ISSUE)
            .header("x-api-key", &demo.api_key)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))?
            .with_raw_http_path(ISSUE);
        let answer = ::issue::handle(app, request).await;
        let answer: serde_json::Value = serde_json::from_slice(answer.body())?;
        let url = answer.pointer("/credentials/0/credential_url");
        urls.push(url.and_then(|url| url.as_str()).map(str::to_owned));
    }
    let org = OrgId::parse(ORGANIZATION)?;
    let secret = app.catalog.id_secret(&org).await?;
    let site_url = &app.config.site_url;
    let email = address(MEMBER)?;
    let (whose, tenant) = (WalletOf::Member, Tenant { org: &org, mode: Mode::Live });
    let wallet = wallet_link::link(whose, site_url, &secret, tenant, &email, app.clock.now());
    Ok(Pages { credential: urls.into_iter().next().flatten(), wallet })
}

/// Creates the demo organization's signing keys unless they exist.
///
/// # Errors
/// When the tables cannot be read or written.
pub async fn ensure_signing_keys(app: &App) -> anyhow::Result<()> {
    let org = OrgId::parse(ORGANIZATION)?;
    let now = time::millis(app.clock.now());
    Ok(organization::ensure_signing_keys(app, &org, &now).await?)
}

fn address(text: &str) -> anyhow::Result<EmailAddress> {
    EmailAddress::parse(text).context("parsing an address of the demo")
}

async fn key(app: &App, org: &OrgId, mode: Mode) -> anyhow::Result<String> {
    let name = format!("demo ({mode})");
    let request = KeyRequest { mode, name, scopes: Scope::ALL.to_vec(), expires_at: None };
    let made = api_keys::make(app, org, request).await?;
    Ok(made.secret)
}

/// The demo template accepts all fields and requires name and grade.
fn template() -> serde_json::Value {
    let optional = [
        "credits_earned",
        "evidence",
        "role",
        "license_number",
        "term",
        "activity_start_date",
        "activity_end_date",
    ]
    .map(|name| serde_json::json!({ "name": name, "required": false }));
    let mut fields = vec![
        serde_json::json!({ "name": "recipient_name", "required": true }),
        serde_json::json!({
            "name": "result_value", "required": true, "allowed_values": ["A", "B", "C", "D", "F"],
        }),
    ];
    fields.extend(optional);
    serde_json::json!({
        "name": "Diseño de APIs con Rust",
        "description": "Curso de 60 horas sobre el diseño, la implementación y la operación de APIs REST.",
        "language": "es",
        "achievement": {
            "type": "Course",
            "criteria": "Aprobar el proyecto final con calificación A, B, C o D.",
            "credits_available": 6,
        },
        "fields": fields,
    })
}
