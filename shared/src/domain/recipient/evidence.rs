//! The evidence of a recipient.

use serde_json::value::RawValue;

use super::{Evidence, MAX_DESCRIPTION, MAX_EVIDENCE, MAX_URL, Object, Reader, normal_url};
use crate::domain::{
    fault::{Expected, Fault},
    text::{MAX_TEXT, TextFault, cleaned, sent_text},
};

impl Reader<'_> {
    /// Reads `evidence`: a list of links with names and descriptions.
    pub(super) fn evidence(&mut self) -> Vec<Evidence> {
        let Some(raw) = self.take("evidence") else {
            return Vec::new();
        };
        let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
            self.faults.push(Fault::WrongType("evidence".into(), Expected::Array));
            return Vec::new();
        };
        if entries.len() > MAX_EVIDENCE {
            self.faults.push(Fault::TooMany("evidence".into(), MAX_EVIDENCE));
            return Vec::new();
        }
        let mut evidence = Vec::with_capacity(entries.len());
        for (n, raw) in entries.into_iter().enumerate() {
            let path = format!("evidence[{n}]");
            let Ok(Object(fields)) = serde_json::from_str::<Object<'_>>(raw.get()) else {
                self.faults.push(Fault::WrongType(path, Expected::Object));
                continue;
            };
            let mut reader = Reader::new(fields, self.repeats);
            let name = reader.text("name", &format!("{path}.name"), MAX_TEXT);
            let url = reader.url(&format!("{path}.url"));
            let description = reader.description(&format!("{path}.description"));
            reader.refuse_unknown(&format!("{path}."));
            if reader.faults.is_empty() && name.is_none() && url.is_none() {
                reader.faults.push(Fault::EmptyEvidence(n));
            }
            self.faults.append(&mut reader.faults);
            evidence.push(Evidence { name, url, description });
        }
        evidence
    }

    fn url(&mut self, path: &str) -> Option<String> {
        let text = self.text("url", path, MAX_URL)?;
        match normal_url(&text).or_else(|| normal_url(&cleaned(&text))) {
            Some(url) if url.len() <= MAX_URL * 3 => Some(url),
            _ => self.fail(Fault::InvalidUrl(path.to_owned())),
        }
    }

    fn description(&mut self, path: &str) -> Option<String> {
        let raw = self.take("description")?;
        let Ok(text) = serde_json::from_str::<String>(raw.get()) else {
            return self.fail(Fault::WrongType(path.to_owned(), Expected::Text));
        };
        let is_break = |c: char| matches!(c, '\r' | '\n' | '\t');
        let lines: Vec<&str> =
            text.split(is_break).map(str::trim).filter(|line| !line.is_empty()).collect();
        match sent_text(&lines.join(" "), MAX_DESCRIPTION) {
            Ok(text) => text,
            Err(TextFault::TooLong) => self.fail(Fault::TooLong(path.to_owned(), MAX_DESCRIPTION)),
            Err(TextFault::Forbidden) => self.fail(Fault::ForbiddenCharacters(path.to_owned())),
        }
    }
}
