//! The faults of the days of a credential: of its award and of its end.

use jiff::civil::Date;

use crate::domain::{
    field::FieldName,
    lang::{Lang, StaffLang},
};

/// A fault of a recipient's days, see `credentials::days`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DayFault {
    /// The award is yet to come; holds the present day.
    AwardedLater(Date),
    /// The validity has ended before it begins; holds its last day.
    EndsBeforeIssue(Date),
    /// The credential of this identity has another end; holds its id and its last day.
    OtherEnd(String, Option<Date>),
}

impl DayFault {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AwardedLater(_) => "awarded_later",
            Self::EndsBeforeIssue(_) => "ends_before_issue",
            Self::OtherEnd(..) => "other_end",
        }
    }

    /// The field at fault.
    pub fn field(&self) -> FieldName {
        match self {
            Self::AwardedLater(_) => FieldName::AwardedOn,
            Self::EndsBeforeIssue(_) | Self::OtherEnd(..) => FieldName::ValidUntil,
        }
    }

    /// The text for people; it names the field and the way out.
    pub fn text(&self, lang: Lang) -> String {
        match (self, lang.staff()) {
            (Self::AwardedLater(today), StaffLang::Es) => {
                format!("awarded_on no puede ser posterior a hoy ({today})")
            }
            (Self::AwardedLater(today), StaffLang::En) => {
                format!("awarded_on must not be after today ({today})")
            }
            (Self::EndsBeforeIssue(last), StaffLang::Es) => format!(
                "La credencial ya habría vencido el {}. Indica en valid_until un día que no haya pasado; si ya no vale, no la emitas",
                lang.staff().date(*last)
            ),
            (Self::EndsBeforeIssue(last), StaffLang::En) => format!(
                "The credential would have ended on {}. Give in valid_until a day that has not passed; if it is no longer valid, do not issue it",
                lang.staff().date(*last)
            ),
            (Self::OtherEnd(id, Some(last)), StaffLang::Es) => format!(
                "La credencial {id} de estos datos vence el {}, y valid_until dice otro día. Para cambiar su fin renuévala con POST /api/v1/credentials/{id}/renew, o corrige valid_until con PATCH /api/v1/credentials/{id} si era un error; para emitir otra, usa otro external_id",
                lang.staff().date(*last)
            ),
            (Self::OtherEnd(id, Some(last)), StaffLang::En) => format!(
                "Credential {id} of this data ends on {}, and valid_until says another day. To change its end renew it with POST /api/v1/credentials/{id}/renew, or correct valid_until with PATCH /api/v1/credentials/{id} if it was a mistake; to issue another, use another external_id",
                lang.staff().date(*last)
            ),
            (Self::OtherEnd(id, None), StaffLang::Es) => format!(
                "La credencial {id} de estos datos no vence. Si debe vencer, corrige valid_until con PATCH /api/v1/credentials/{id}; para emitir otra, usa otro external_id"
            ),
            (Self::OtherEnd(id, None), StaffLang::En) => format!(
                "Credential {id} of this data does not end. If it should, correct valid_until with PATCH /api/v1/credentials/{id}; to issue another, use another external_id"
            ),
        }
    }
}

/// The text of a date outside the days that a new credential can name.
pub(super) fn date_out_of_range(field: &str, lang: Lang) -> String {
    match lang.staff() {
        StaffLang::Es => {
            format!("El campo {field} debe ser una fecha entre 1900-01-01 y 2100-12-31")
        }
        StaffLang::En => format!("The field {field} must be a date from 1900-01-01 to 2100-12-31"),
    }
}
