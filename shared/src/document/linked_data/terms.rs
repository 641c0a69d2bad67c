//! The terms of our own documents (`contexts/issued.json`) as a table, read once a process.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::{Map, Value};

/// The table. A term without a meaning here is known, and the libraries read it.
pub(super) static TERMS: LazyLock<Terms> = LazyLock::new(|| {
    let context: Map<String, Value> =
        serde_json::from_str(super::ISSUED_CONTEXT).unwrap_or_default();
    match context.get("@context") {
        Some(Value::Object(definitions)) => Terms::read(definitions),
        _ => Terms::default(),
    }
});

/// Terms by name.
#[derive(Debug, Default)]
pub(super) struct Terms(HashMap<String, Option<Term>>);

/// The meaning of a term.
#[derive(Debug)]
pub(super) struct Term {
    /// The property, or the type.
    pub iri: String,
    /// The reading of a value.
    pub kind: Kind,
    /// Whether values are ordered.
    pub list: bool,
    /// Other meanings of terms in the things that this property holds.
    pub inside: Option<Terms>,
}

/// The reading of a value that is no thing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As it is.
    Plain,
    /// As of a datatype.
    Typed(String),
    /// As an identifier.
    Reference,
}

impl Terms {
    fn read(definitions: &Map<String, Value>) -> Self {
        let read = |(name, term): (&String, &Value)| (name.clone(), Term::read(term));
        Self(definitions.iter().map(read).collect())
    }

    /// Whether the table has a term.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The meaning of a term; none for an unknown one, or one for the libraries.
    pub(super) fn get(&self, name: &str) -> Option<&Term> {
        self.0.get(name)?.as_ref()
    }
}

impl Term {
    /// Reads a definition; none if any word of it is unknown.
    fn read(definition: &Value) -> Option<Self> {
        let absolute = |iri: &Value| {
            // `xsd:` is no prefix in the contexts: the datatype of `awardedDate` is that text.
            let iri = iri.as_str().filter(|iri| iri.contains("://") || *iri == "xsd:dateTime")?;
            Some(iri.to_owned())
        };
        let members = match definition {
            Value::Object(members) => members,
            iri => {
                let iri = absolute(iri)?;
                return Some(Self { iri, kind: Kind::Plain, list: false, inside: None });
            }
        };
        let iri = absolute(members.get("@id")?)?;
        let mut term = Self { iri, kind: Kind::Plain, list: false, inside: None };
        for (name, value) in members {
            match (name.as_str(), value) {
                ("@id", _) => {}
                ("@type", Value::String(id)) if id == "@id" => term.kind = Kind::Reference,
                ("@type", datatype) => term.kind = Kind::Typed(absolute(datatype)?),
                ("@container", Value::String(set)) if set == "@set" => {}
                ("@container", Value::String(list)) if list == "@list" => term.list = true,
                ("@context", Value::Object(inner)) => {
                    let inner = Terms::read(inner);
                    if inner.0.values().any(Option::is_none) {
                        return None;
                    }
                    term.inside = Some(inner);
                }
                _ => return None,
            }
        }
        Some(term)
    }
}
