//! The facts of a template's own, in a recipient's `custom`.

use serde_json::value::RawValue;

use super::{MAX_CUSTOM, Object, Reader};
use crate::domain::{
    credits::Credits,
    custom::{CUSTOM, CustomValue, Facts, Key},
    damage::Damaged,
    fault::{Expected, Fault},
    json::shown,
    text::{MAX_TEXT, TextFault, sent_text},
};

impl Reader<'_> {
    /// Reads `custom`: an object of keys and values, and the keys that it has; null and empty texts count
    /// as absent.
    pub(super) fn custom(&mut self) -> (Facts, Vec<Key>) {
        let nothing = (Facts::new(), Vec::new());
        let Some(raw) = self.take(CUSTOM) else {
            return nothing;
        };
        let Ok(Object(members)) = serde_json::from_str::<Object<'_>>(raw.get()) else {
            self.faults.push(Fault::WrongType(CUSTOM.into(), Expected::Object));
            return nothing;
        };
        if members.len() > MAX_CUSTOM {
            self.faults.push(Fault::TooMany(CUSTOM.into(), MAX_CUSTOM));
            return nothing;
        }
        let (mut facts, mut keys) = nothing;
        for (name, raw) in members {
            let Some(key) = Key::parse(&name) else {
                self.faults.push(Fault::UnknownField(format!("{CUSTOM}.{}", shown(&name))));
                continue;
            };
            match fact(key, raw) {
                Ok(value) => {
                    keys.push(key);
                    facts.extend(value.map(|value| (key, value)));
                }
                Err(fault) => self.faults.push(fault),
            }
        }
        (facts, keys)
    }
}

fn fact(key: Key, raw: &RawValue) -> Result<Option<CustomValue>, Fault> {
    let raw = raw.get();
    if raw == "null" {
        return Ok(None);
    }
    if raw.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        let number = Credits::parse(raw).map(CustomValue::Number);
        return number.map(Some).ok_or(Fault::InvalidNumber(key.field()));
    }
    let Ok(text) = serde_json::from_str::<String>(raw) else {
        return Err(Fault::WrongType(key.field(), Expected::TextOrNumber));
    };
    match sent_text(&text, MAX_TEXT) {
        Ok(text) => Ok(text.map(CustomValue::Text)),
        Err(TextFault::TooLong) => Err(Fault::TooLong(key.field(), MAX_TEXT)),
        Err(TextFault::Forbidden) => Err(Damaged::of(&key.field(), &text)
            .map_or_else(|| Fault::ForbiddenCharacters(key.field()), Fault::Damaged)),
    }
}
