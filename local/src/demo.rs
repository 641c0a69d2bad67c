//! The demo organization of a first start.

use anyhow::{Context, anyhow};
use unicreda::{
    App,
    api_key::Scope,
    cataloguing,
    email::EmailAddress,
    fields::Fields,
    ids::{Mode, OrgId, TemplateId},
    lang::Lang,
    member::{Member, Profile},
    organization::Settings,
    template::Definition,
    time,
};

/// The demo organization's short name.
pub const ORGANIZATION: &str = "demo";
/// The demo template: the one of the API reference's examples.
pub const TEMPLATE: &str = "550e8400-e29b-41d4-a716-446655440000";

/// What a person needs to try the API with the demo organization.
#[derive(Clone, Debug)]
pub struct Demo {
    /// A live key, shown once.
    pub api_key: String,
    /// A test key, shown once.
    pub test_api_key: String,
    /// The demo template.
    pub template_id: String,
}

/// Makes the demo organization, its members and its template, unless they are there, and
/// two new keys.
///
/// # Errors
/// When the tables cannot be written.
pub async fn seed(app: &App) -> anyhow::Result<Demo> {
    let org = OrgId::parse(ORGANIZATION)?;
    let now = time::millis(app.clock.now());
    let settings = Settings {
        name: "Universidad Demo".to_owned(),
        language: Lang::Es,
        time_zone: "America/Santiago".to_owned(),
        sender: address("credenciales@demo.example")?,
        reply_to: None,
        notify_members: true,
    };
    cataloguing::create_organization(app, org.clone(), settings, now.clone()).await?;
    let id = TemplateId::parse(TEMPLATE)?;
    let body = serde_json::to_vec(&template())?;
    let definition =
        Fields::of_body(&body).and_then(Definition::read).map_err(|p| anyhow!("{p}"))?;
    let template = cataloguing::first_version(id, definition, now.clone());
    app.catalog.put_template(&org, &template).await?;
    let members = [
        ("ana.rojas@demo.example", "Ana Rojas Muñoz", "Estudiante"),
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

/// Makes the demo organization's signing keys, unless they are there.
///
/// # Errors
/// When the tables cannot be read or written.
pub async fn ensure_signing_keys(app: &App) -> anyhow::Result<()> {
    let org = OrgId::parse(ORGANIZATION)?;
    let now = time::millis(app.clock.now());
    Ok(cataloguing::ensure_signing_keys(app, &org, &now).await?)
}

fn address(text: &str) -> anyhow::Result<EmailAddress> {
    EmailAddress::parse(text).context("the demo's address")
}

async fn key(app: &App, org: &OrgId, mode: Mode) -> anyhow::Result<String> {
    let name = format!("demo ({mode})");
    let made = cataloguing::make_key(app, org, mode, name, Scope::ALL.to_vec(), None).await?;
    Ok(made.secret)
}

/// All ten fields are accepted; name and grade are required.
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
