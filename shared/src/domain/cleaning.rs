//! Normal form 2 of a recipient: form 1 of its cleaned texts, see [`text::cleaned`]; and which of
//! its texts are damaged.

use crate::domain::{
    damage::Damaged,
    fault::Fault,
    field::FieldName,
    recipient::{Evidence, Recipient},
    text,
};

/// What a link ends with when an invisible character stood behind it, as the URL standard writes
/// that: a soft hyphen, zero-width space, joiner, direction mark or word joiner.
const INVISIBLE_ENDS: [&str; 7] =
    ["%C2%AD", "%E2%80%8B", "%E2%80%8C", "%E2%80%8D", "%E2%80%8E", "%E2%80%8F", "%E2%81%A0"];

impl Recipient {
    /// The recipient in form 2; none if that is the same.
    pub fn cleaned(&self) -> Option<Self> {
        let texts = [
            &self.recipient_name,
            &self.result_value,
            &self.role,
            &self.license_number,
            &self.term,
            &self.external_id,
        ];
        let facts = self.custom.values().chain(self.private.values());
        let clean = texts.into_iter().all(is_clean)
            && facts.into_iter().all(|fact| fact.clean().is_none())
            && self.evidence.iter().all(|entry| {
                is_clean(&entry.name)
                    && is_clean(&entry.description)
                    && entry.url.as_deref().is_none_or(|url| without_end(url) == url)
            });
        if clean {
            return None;
        }
        let mut recipient = self.clone();
        let Self { recipient_name, result_value, role, license_number, term, external_id, .. } =
            &mut recipient;
        for text in [recipient_name, result_value, role, license_number, term, external_id] {
            clean_text(text);
        }
        for facts in [&mut recipient.custom, &mut recipient.private] {
            for fact in facts.values_mut() {
                if let Some(clean) = fact.clean() {
                    *fact = clean;
                }
            }
            facts.retain(|_, fact| !fact.is_empty());
        }
        for Evidence { name, url, description } in &mut recipient.evidence {
            clean_text(name);
            clean_text(description);
            if let Some(url) = url {
                *url = without_end(url).to_owned();
            }
        }
        Some(recipient)
    }

    /// The faults of a recipient that cleaning can cause.
    pub fn emptied(&self) -> impl Iterator<Item = Fault> {
        let empty = |entry: &Evidence| entry.name.is_none() && entry.url.is_none();
        let empty = self.evidence.iter().enumerate().filter(move |(_, entry)| empty(entry));
        empty.map(|(n, _)| Fault::EmptyEvidence(n))
    }

    /// The faults of its damaged texts. They count only where no credential was issued for the
    /// same content, so that a repeated list finds what it issued.
    pub fn damages(&self) -> Vec<Fault> {
        let mut damaged = Vec::new();
        let mut judge = |field: &str, text: Option<&str>| {
            damaged.extend(text.and_then(|text| Damaged::of(field, text)));
        };
        for field in FieldName::ALL {
            judge(field.as_str(), self.text(field));
        }
        for (key, fact) in self.custom.iter().chain(&self.private) {
            judge(&key.field(), fact.as_text());
        }
        judge("external_id", self.external_id.as_deref());
        for (n, Evidence { name, description, .. }) in self.evidence.iter().enumerate() {
            judge(&format!("evidence[{n}].name"), name.as_deref());
            judge(&format!("evidence[{n}].description"), description.as_deref());
        }
        damaged.into_iter().map(Fault::Damaged).collect()
    }
}

fn is_clean(text: &Option<String>) -> bool {
    text.as_deref().is_none_or(|text| matches!(text::cleaned(text), std::borrow::Cow::Borrowed(_)))
}

fn clean_text(text: &mut Option<String>) {
    if let Some(sent) = text {
        let clean = text::cleaned(sent).into_owned();
        *text = (!clean.is_empty()).then_some(clean);
    }
}

/// A link without what was invisible behind it.
fn without_end(url: &str) -> &str {
    let mut url = url;
    while let Some(rest) = INVISIBLE_ENDS.iter().find_map(|end| url.strip_suffix(end)) {
        url = rest;
    }
    url
}
