//! What must hold before anything is issued under a template.

use crate::{
    app::App,
    domain::{
        ids::Mode,
        organization::{Organization, Settings},
        template::Template,
    },
};

/// The reason why nothing can be issued under a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotIssue {
    /// Links of live credentials would end with the deployment.
    #[error("live links would end with the deployment")]
    LinksEnd,
    /// The organization has no such template.
    #[error("no such template")]
    NoTemplate,
    /// The template is archived.
    #[error("the template is archived")]
    TemplateArchived,
    /// The organization does not exist.
    #[error("a key without organization")]
    NoOrganization,
}

/// Refuses live issuing where links would end with the deployment.
///
/// # Errors
/// [`CannotIssue::LinksEnd`].
pub fn require_lasting_links(app: &App, mode: Mode) -> Result<(), CannotIssue> {
    if mode == Mode::Live && app.config.live_links_end() {
        return Err(CannotIssue::LinksEnd);
    }
    Ok(())
}

/// Returns the template and the settings to issue under.
///
/// # Errors
/// [`CannotIssue`].
pub fn prerequisites(
    app: &App,
    mode: Mode,
    template: Option<Template>,
    organization: Option<Organization>,
) -> Result<(Template, Settings), CannotIssue> {
    require_lasting_links(app, mode)?;
    let template = template.ok_or(CannotIssue::NoTemplate)?;
    if template.archived {
        return Err(CannotIssue::TemplateArchived);
    }
    let organization = organization.ok_or(CannotIssue::NoOrganization)?;
    Ok((template, organization.settings))
}
