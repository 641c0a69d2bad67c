//! Rows of a file that name their credential, and what a correction by file changes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::{
    custom::{CUSTOM, Facts, Key},
    field::FieldName,
    ids::CredentialId,
    recipient::{Naming, Recipient},
};

/// A row of a file that names its credential by `credential_id`, as our results files write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The credential.
    pub credential_id: CredentialId,
    /// What the row says of its recipient. A field that it does not say stays as it is.
    pub recipient: Recipient,
    /// Fields that the row says to be empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cleared: Vec<FieldName>,
    /// Facts of the template's own that the row says to be empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cleared_facts: Vec<Key>,
    /// The version of the credential that the row is of, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

impl Named {
    /// Joins a row's recipient and the credential that it names.
    pub fn new(recipient: Recipient, naming: Naming) -> Self {
        let Naming { id, cleared, cleared_facts, version } = naming;
        Self { credential_id: id, recipient, cleared, cleared_facts, version }
    }

    /// What a row says that names no credential and was found to be this one: all of it.
    pub fn found(credential_id: CredentialId, recipient: &Recipient) -> Self {
        let empty = |field: &FieldName| recipient.value(*field).is_none();
        let cleared = FieldName::correctable().filter(empty).collect();
        let recipient = recipient.clone();
        Self { credential_id, recipient, cleared, cleared_facts: Vec::new(), version: None }
    }

    /// The row without what it says of facts that its credential keeps private.
    pub fn without_private(&self, before: &Recipient) -> Self {
        let mut public = self.clone();
        public.recipient.private.clear();
        public.cleared_facts.retain(|key| !before.private.contains_key(key));
        public
    }

    /// The version of its credential whose content the row has: the present one, or where the
    /// credential says something else, the first one, which any is that was corrected since.
    pub fn version_of(&self, recipient: &Recipient, filled: &[FieldName], present: u32) -> u32 {
        let same = || self.changes(recipient, filled).is_ok_and(|changes| changes.is_empty());
        if present > 1 && same() { present } else { 1 }
    }

    /// The fields that the row says otherwise than the credential, as a correction takes them;
    /// null for an emptied one. A value that only cleaning tells apart is the same; the fields
    /// that the profile `filled` in are empty in the row.
    ///
    /// # Errors
    /// When JSON cannot be written, which no recipient causes.
    pub fn changes(
        &self,
        before: &Recipient,
        filled: &[FieldName],
    ) -> Result<Map<String, Value>, serde_json::Error> {
        let sent = before.without(filled);
        let clean = self.recipient.cleaned();
        let forms: Vec<&Recipient> = [&self.recipient].into_iter().chain(&clean).collect();
        let mut changes = Map::new();
        if forms.iter().all(|form| form.email != before.email) {
            let email = serde_json::to_value(&self.recipient.email)?;
            changes.insert("email".to_owned(), email);
        }
        for field in FieldName::correctable() {
            let said = self.recipient.value(field);
            let known = [before.value(field), sent.value(field)];
            let same = match said {
                None => !self.cleared.contains(&field) || sent.value(field).is_none(),
                Some(_) => forms.iter().any(|form| known.contains(&form.value(field))),
            };
            if !same {
                changes.insert(field.as_str().to_owned(), serde_json::to_value(said)?);
            }
        }
        // An end can be taken away; another one is no correction.
        if self.cleared.contains(&FieldName::ValidUntil) && before.valid_until.is_some() {
            changes.insert(FieldName::ValidUntil.as_str().to_owned(), Value::Null);
        }
        let facts = self.facts_changed(&before.facts(), clean.as_ref())?;
        if !facts.is_empty() {
            changes.insert(CUSTOM.to_owned(), facts.into());
        }
        Ok(changes)
    }

    /// The facts that the row says otherwise than the known ones; null for an emptied one.
    fn facts_changed(
        &self,
        known: &Facts,
        clean: Option<&Recipient>,
    ) -> Result<Map<String, Value>, serde_json::Error> {
        let clean = clean.map(Recipient::facts).unwrap_or_default();
        let mut changed = Map::new();
        for (key, value) in self.recipient.facts() {
            let known = known.get(&key);
            if known.is_none_or(|known| *known != value && Some(known) != clean.get(&key)) {
                changed.insert(key.to_string(), serde_json::to_value(value)?);
            }
        }
        let emptied = self.cleared_facts.iter().filter(|key| known.contains_key(key));
        changed.extend(emptied.map(|key| (key.to_string(), Value::Null)));
        Ok(changed)
    }
}

/// The fields that changes name, each fact of the template's own by its key: `custom.hours`.
pub fn fields_of(changes: &Map<String, Value>) -> impl Iterator<Item = String> {
    changes.iter().flat_map(|(field, value)| match value {
        Value::Object(facts) if field == CUSTOM => {
            facts.keys().map(|key| format!("{CUSTOM}.{key}")).collect()
        }
        _ => vec![field.clone()],
    })
}

/// The recipient of a credential with new values of fields, as a request has it; null removes one, and each fact is
/// a field of its own: what is not named stays.
///
/// # Errors
/// When JSON cannot be written, which no recipient causes.
pub fn merged(before: &Recipient, fields: &Map<String, Value>) -> Result<Value, serde_json::Error> {
    let mut whole = serde_json::to_value(before)?;
    if let Some(members) = whole.as_object_mut() {
        members.remove("private");
        members.insert(CUSTOM.to_owned(), serde_json::to_value(before.facts())?);
        for (name, value) in fields {
            match (members.get_mut(name).filter(|_| name == CUSTOM), value) {
                (Some(Value::Object(facts)), Value::Object(changed)) => {
                    facts.extend(changed.clone());
                }
                _ => {
                    members.insert(name.clone(), value.clone());
                }
            }
        }
    }
    Ok(whole)
}

/// The key that asked for the corrections of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrector {
    /// Its id.
    pub key_id: String,
    /// Its name at that time.
    pub key_name: String,
    /// Whether the corrections are only foreseen. A former release, which would issue such rows
    /// anew, reads every file that corrects as a dry run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// A field before and after a correction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field, as the API names it.
    pub field: String,
    /// Its value before; null for none.
    pub before: Value,
    /// Its value afterwards; null for none.
    pub after: Value,
}

impl FieldChange {
    /// The fields in which two recipients differ.
    ///
    /// # Errors
    /// When JSON cannot be written, which no recipient causes.
    pub fn between(before: &Recipient, after: &Recipient) -> Result<Vec<Self>, serde_json::Error> {
        let (old, new) = (before.facts(), after.facts());
        let (before, after) = (serde_json::to_value(before)?, serde_json::to_value(after)?);
        let value = |of: &Value, field: &str| of.get(field).cloned().unwrap_or_default();
        let fields =
            std::iter::once("email").chain(FieldName::correctable().map(FieldName::as_str));
        let fields = fields.chain([FieldName::ValidUntil.as_str()]);
        let changes = fields.map(|field| Self {
            field: field.to_owned(),
            before: value(&before, field),
            after: value(&after, field),
        });
        let mut changes: Vec<Self> =
            changes.filter(|change| change.before != change.after).collect();
        let keys: BTreeSet<&Key> = old.keys().chain(new.keys()).collect();
        for key in keys.into_iter().filter(|key| old.get(key) != new.get(key)) {
            changes.push(Self {
                field: key.field(),
                before: serde_json::to_value(old.get(key))?,
                after: serde_json::to_value(new.get(key))?,
            });
        }
        Ok(changes)
    }

    /// The recipient after changes.
    ///
    /// # Errors
    /// When a value is none of its field.
    pub fn applied(before: &Recipient, changes: &[Self]) -> Result<Recipient, serde_json::Error> {
        let mut whole = serde_json::to_value(before)?;
        let is_private = |key: &str| before.private.keys().any(|private| private.as_str() == key);
        for Self { field, after, .. } in changes {
            let fact = field.strip_prefix("custom.");
            let facts = fact.map(|key| if is_private(key) { "private" } else { CUSTOM });
            let members = match facts {
                None => whole.as_object_mut(),
                Some(facts) => whole.as_object_mut().and_then(|whole| {
                    whole.entry(facts).or_insert_with(|| Map::new().into()).as_object_mut()
                }),
            };
            let field = fact.unwrap_or(field);
            if let Some(members) = members {
                match after {
                    Value::Null => members.remove(field),
                    after => members.insert(field.to_owned(), after.clone()),
                };
            }
        }
        serde_json::from_value(whole)
    }
}

#[cfg(test)]
mod tests;
