//! Why a credential is not renewed.

use jiff::civil::Date;

use crate::domain::lang::Lang;

/// Days before its end from which on a credential can be renewed.
pub const DUE_DAYS: i32 = 60;

/// The reason why a credential is not renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewalFault {
    /// The credential is revoked or suspended.
    NotActive,
    /// The credential does not end.
    Endless,
    /// The credential holds until this day, for more than [`DUE_DAYS`].
    NotDue(Date),
    /// The new end is not after this day.
    EndsSooner(Date),
}

impl RenewalFault {
    /// The text for people.
    pub fn text(self, lang: Lang) -> String {
        match self {
            Self::NotActive => lang
                .pick(
                    "La credencial está revocada o suspendida; solo se renueva una que no lo está",
                    "The credential is revoked or suspended; only one that is not is renewed",
                )
                .to_owned(),
            Self::Endless => lang
                .pick(
                    "La credencial no vence: no hay nada que renovar",
                    "The credential does not expire: there is nothing to renew",
                )
                .to_owned(),
            Self::NotDue(last) => {
                let on = lang.staff().date(last);
                lang.pick(
                    format!("La credencial vence el {on}: se renueva desde {DUE_DAYS} días antes"),
                    format!(
                        "The credential expires on {on}: it is renewed from {DUE_DAYS} days before"
                    ),
                )
            }
            Self::EndsSooner(last) => {
                let on = lang.staff().date(last);
                lang.pick(
                    format!("El campo until debe ser un día posterior al {on}"),
                    format!("The field until must be a day after {on}"),
                )
            }
        }
    }
}
