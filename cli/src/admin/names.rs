//! Names of organizations that people can take for one another: their operator is told.
//!
//! Each command that reads all organizations also notes their names for `PUT /organization`, those
//! of earlier releases included.

use serde_json::Value;
use unicreda::{
    App,
    domain::{likeness::are_alike, organization::Organization},
};

use crate::printer::{print_document, print_error};

/// Warns when other organizations have names like this one's.
pub(super) async fn warn_of_like(app: &App, organization: &Organization) -> anyhow::Result<()> {
    let all = read_all(app).await?;
    let like: Vec<String> = like(&all, organization)
        .map(|other| format!("{} ({})", other.org, other.settings.name))
        .collect();
    if !like.is_empty() {
        print_error(&format!(
            "Warning: people can take {} ({}) for {}. Make sure that it may have this name.",
            organization.org,
            organization.settings.name,
            like.join(", ")
        ));
    }
    Ok(())
}

/// Prints all organizations.
pub(super) async fn list(app: &App) -> anyhow::Result<()> {
    let all = read_all(app).await?;
    let answers = all.iter().map(|organization| {
        let mut answer = organization.answer(&app.config.site_url);
        if let Some(members) = answer.as_object_mut() {
            let like: Vec<Value> =
                like(&all, organization).map(|other| other.org.as_str().into()).collect();
            members.insert("named_like".to_owned(), like.into());
        }
        answer
    });
    Ok(print_document(&Value::Array(answers.collect()))?)
}

async fn read_all(app: &App) -> anyhow::Result<Vec<Organization>> {
    let all = app.catalog.organizations().await?;
    app.catalog.note_names(&all).await?;
    Ok(all)
}

fn like<'a>(
    all: &'a [Organization],
    one: &'a Organization,
) -> impl Iterator<Item = &'a Organization> {
    all.iter()
        .filter(|other| other.org != one.org && are_alike(&other.settings.name, &one.settings.name))
}
