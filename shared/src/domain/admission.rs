//! What is asked of new data, and of new data alone.
//!
//! Stored data is read without it, so that a credential, a member or a setting of an earlier
//! release stays as it is, and a repeated request finds what it issued. A caller judges a
//! recipient once its identity was not found, and a change by what it changes.

use std::ops::RangeInclusive;

use jiff::{
    Timestamp,
    civil::{Date, date},
    tz::TimeZone,
};

use crate::domain::{
    fault::Fault,
    field::FieldName,
    recipient::{FieldValue, Recipient},
    text::is_visible,
};

/// The days that a new credential can name.
pub const DAYS: RangeInclusive<Date> = date(1900, 1, 1)..=date(2100, 12, 31);

/// Whether an instant is on one of [`DAYS`], in UTC.
pub fn is_on_a_day(at: Timestamp) -> bool {
    DAYS.contains(&at.to_zoned_datetime(TimeZone::UTC).date())
}

/// Returns the faults of a recipient that would be new: an address under a domain that nobody can
/// own, a name of nothing visible, days out of [`DAYS`]. `sent` is the address as the caller wrote
/// it. Values that `before` has too are not new.
pub fn judge(recipient: &Recipient, sent: &str, before: Option<&Recipient>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let new_address = before.is_none_or(|before| before.email != recipient.email);
    if new_address && !recipient.email.can_be_owned() {
        faults.push(Fault::InvalidEmail(sent.to_owned()));
    }
    for field in FieldName::ALL {
        let value = recipient.value(field);
        if before.is_some_and(|before| before.value(field) == value) {
            continue;
        }
        let name = || field.as_str().to_owned();
        match value {
            Some(FieldValue::Text(text))
                if field == FieldName::RecipientName && !is_visible(text) =>
            {
                faults.push(Fault::NothingVisible(name()));
            }
            Some(FieldValue::Date(day)) if !DAYS.contains(&day) => {
                faults.push(Fault::DateOutOfRange(name()));
            }
            _ => {}
        }
    }
    faults
}

/// Returns the fault of a name that showed nothing and was cleaned to none, in place of the fault
/// that it is missing. `named` says whether a name was sent.
pub fn unnamed(named: bool, faults: &mut Vec<Fault>) -> Option<Fault> {
    let name = FieldName::RecipientName.as_str();
    let is_missing = |fault: &Fault| matches!(fault, Fault::Missing(field) if field == name);
    let at = faults.iter().position(is_missing).filter(|_| named)?;
    faults.remove(at);
    Some(Fault::NothingVisible(name.to_owned()))
}
