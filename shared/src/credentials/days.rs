//! The days that people read on a credential: of its issue and of its end.
//!
//! They are decided at issue, in the organization's time zone of then, and kept on the item: a later
//! change of the zone moves none. Items from before days were kept follow the zone that the
//! organization had then ([`Organization::undated_date_of`]).
//!
//! [`Organization::undated_date_of`]: crate::domain::organization::Organization::undated_date_of

use jiff::{Timestamp, civil::Date};

use crate::{
    app::App,
    domain::{credential::Credential, organization::Settings, template::Definition},
    store::StoreError,
};

/// The days of a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// The day of its issue.
    pub issued_on: Option<Date>,
    /// The last day of its validity; none if it does not end.
    pub expires_on: Option<Date>,
}

impl Days {
    /// The days of a credential that is issued at this instant, RFC 3339.
    pub fn at(issued_at: &str, settings: &Settings, template: &Definition) -> Self {
        let at = issued_at.parse::<Timestamp>().ok();
        let issued_on = at.map(|at| settings.date_of(at));
        Self { issued_on, expires_on: issued_on.and_then(|on| template.expires_on(on)) }
    }

    /// The last day, if it is another than the one that its template gave it at issue.
    pub fn renewed_until(self, template: &Definition) -> Option<Date> {
        let first = self.issued_on.and_then(|on| template.expires_on(on));
        self.expires_on.filter(|last| Some(*last) != first)
    }

    /// The last day, if it is before another.
    pub fn ended_before(self, day: Option<Date>) -> Option<Date> {
        self.expires_on.filter(|last| day.is_some_and(|day| *last < day))
    }
}

/// Returns the days of a credential. Of an item that keeps them nothing is read.
///
/// # Errors
/// Those of the store.
pub async fn of(app: &App, credential: &Credential) -> Result<Days, StoreError> {
    let Credential { issued_on, expires_on, .. } = *credential;
    if issued_on.is_some() {
        return Ok(Days { issued_on, expires_on });
    }
    let Credential { org, template_id, template_version, .. } = credential;
    let organization = app.catalog.organization(org).await?;
    let template = app.catalog.template_version(org, *template_id, *template_version).await?;
    let at = credential.issued_at.parse::<Timestamp>().ok();
    let issued_on = at.map(|at| organization.undated_date_of(at));
    let last = |on| template.and_then(|template| template.definition.expires_on(on));
    Ok(Days { issued_on, expires_on: issued_on.and_then(last) })
}
