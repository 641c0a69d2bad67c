//! Paths of a recipient's values, as faults name them: `role`, `evidence[0].url`, `custom.hours`.

use super::column::Part;
use crate::domain::{
    custom::{CustomValue, Key},
    field::FieldName,
    recipient::{FieldValue, Recipient},
};

/// Number and part of `evidence[0].url`.
pub(super) fn evidence_part(path: &str) -> Option<(usize, Part)> {
    let (number, part) = path.strip_prefix("evidence[")?.split_once("].")?;
    let part = match part {
        "name" => Part::Name,
        "url" => Part::Url,
        "description" => Part::Description,
        _ => return None,
    };
    Some((number.parse::<usize>().ok()? + 1, part))
}

/// The path of a part of the evidence of a number, from 1.
pub(super) fn path_of(number: usize, part: Part) -> Option<String> {
    let part = match part {
        Part::Name => "name",
        Part::Url => "url",
        Part::Description => "description",
        Part::Whole => return None,
    };
    Some(format!("evidence[{}].{part}", number.checked_sub(1)?))
}

/// The value of a recipient at a path.
pub(super) fn value_of(recipient: &Recipient, path: &str) -> Option<String> {
    match path {
        "email" => return Some(recipient.email.as_str().to_owned()),
        "external_id" => return recipient.external_id.clone(),
        _ => {}
    }
    if let Some((number, part)) = evidence_part(path) {
        let entry = recipient.evidence.get(number.checked_sub(1)?)?;
        return match part {
            Part::Name | Part::Whole => entry.name.clone(),
            Part::Url => entry.url.clone(),
            Part::Description => entry.description.clone(),
        };
    }
    if let Some(key) = path.strip_prefix("custom.").and_then(Key::parse) {
        let facts = [&recipient.custom, &recipient.private];
        return facts.into_iter().find_map(|facts| facts.get(&key)).map(CustomValue::signed);
    }
    match recipient.value(FieldName::of(path)?)? {
        FieldValue::Text(text) => Some(text.to_owned()),
        FieldValue::Credits(credits) => Some(credits.to_string()),
        FieldValue::Date(date) => Some(date.to_string()),
        FieldValue::Evidence(_) => None,
    }
}
