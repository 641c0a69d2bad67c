//! The days that people read on a credential: of its issue, of its award and of its end.
//!
//! They are decided at issue, in the organization's time zone of then, and kept on the item: a later
//! change of the zone moves none. Items from before days were kept follow the zone that the
//! organization had then ([`Organization::undated_date_of`]).
//!
//! [`Organization::undated_date_of`]: crate::domain::organization::Organization::undated_date_of

use jiff::{Timestamp, civil::Date};

use crate::{
    app::App,
    domain::{
        credential::Credential, day_fault::DayFault, fault::Fault, organization::Settings,
        recipient::Recipient, template::Definition,
    },
    store::StoreError,
};

/// The days of a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// The day of its issue.
    pub issued_on: Option<Date>,
    /// The day of its award, if the recipient has one of its own.
    pub awarded_on: Option<Date>,
    /// The last day of its validity; none if it does not end.
    pub expires_on: Option<Date>,
}

impl Days {
    /// The days of a credential that is issued to a recipient at this instant, RFC 3339. Its end
    /// is the recipient's own, or follows after the template's months from its award.
    pub fn at(
        issued_at: &str,
        settings: &Settings,
        template: &Definition,
        recipient: &Recipient,
    ) -> Self {
        let at = issued_at.parse::<Timestamp>().ok();
        let issued_on = at.map(|at| settings.date_of(at));
        let awarded_on = recipient.awarded_on;
        let by_months = awarded_on.or(issued_on).and_then(|on| template.expires_on(on));
        Self { issued_on, awarded_on, expires_on: recipient.valid_until.or(by_months) }
    }

    /// The days after a correction of a recipient. The end moves if the correction names one, or if it was counted from
    /// an award that the correction moves.
    pub fn corrected(
        self,
        before: &Recipient,
        after: &Recipient,
        template: &Definition,
        names_end: bool,
    ) -> Self {
        let days = Self { awarded_on: after.awarded_on, ..self };
        let by_months = days.award().and_then(|on| template.expires_on(on));
        let counted = after.valid_until.is_none()
            && self.renewed_until(template, before).is_none()
            && self.award() != days.award();
        if !names_end && !counted {
            return days;
        }
        Self { expires_on: after.valid_until.or(by_months), ..days }
    }

    /// The day that is signed as that of the award.
    pub fn award(self) -> Option<Date> {
        self.awarded_on.or(self.issued_on)
    }

    /// The last day, if it is another than the one that it had at issue.
    pub fn renewed_until(self, template: &Definition, recipient: &Recipient) -> Option<Date> {
        let by_months = self.award().and_then(|on| template.expires_on(on));
        let first = recipient.valid_until.or(by_months);
        self.expires_on.filter(|last| Some(*last) != first)
    }

    /// The faults of a credential with these days that would be issued now: an award that is yet to
    /// come, an end that has passed.
    pub fn faults(self) -> Vec<Fault> {
        let Some(today) = self.issued_on else { return Vec::new() };
        let ended = self.expires_on.filter(|last| *last < today).map(DayFault::EndsBeforeIssue);
        self.awarded_later(today).into_iter().chain(ended.map(Fault::Day)).collect()
    }

    /// The fault of an award after this day.
    pub fn awarded_later(self, today: Date) -> Option<Fault> {
        let later = self.awarded_on.filter(|on| *on > today);
        later.map(|_| Fault::Day(DayFault::AwardedLater(today)))
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
    let awarded_on = credential.recipient.awarded_on;
    if issued_on.is_some() {
        return Ok(Days { issued_on, awarded_on, expires_on });
    }
    let Credential { org, template_id, template_version, .. } = credential;
    let organization = app.catalog.organization(org).await?;
    let template = app.catalog.template_version(org, *template_id, *template_version).await?;
    let at = credential.issued_at.parse::<Timestamp>().ok();
    let issued_on = at.map(|at| organization.undated_date_of(at));
    let last = |on| template.and_then(|template| template.definition.expires_on(on));
    Ok(Days { issued_on, awarded_on, expires_on: issued_on.and_then(last) })
}
