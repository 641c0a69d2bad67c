//! The check of a document: refuses one without a canonical form that every verifier finds.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use oxrdf::NamedNodeRef;
use serde_json::{Map, Value};

use super::{Unportable, terms::TERMS};

/// Deepest nesting of a document; ours have 5 levels.
const MAX_DEPTH: usize = 12;
/// Most entries of a list; a template allows 200 values.
const MAX_ENTRIES: usize = 256;
/// Most things and list entries without an identifier; the time of canonicalization depends on
/// them. Our documents have the allowed values and some ten more.
const MAX_BLANK: usize = 300;
/// Members whose text is an identifier.
const REFERENCES: [&str; 3] = ["issuer", "statusListCredential", "verificationMethod"];

/// Checks a document.
pub(super) fn check(document: &Map<String, Value>) -> Result<(), Unportable> {
    node(document, &Place::Top, 0, &mut Seen::default())
}

/// A place in a document, displayed as a JSON Pointer (RFC 6901). Only a refusal writes it out.
#[derive(Debug)]
enum Place<'a> {
    Top,
    Member(&'a Place<'a>, &'a str),
    Entry(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Member(of, name) => {
                write!(f, "{of}/{}", name.replace('~', "~0").replace('/', "~1"))
            }
            Self::Entry(of, number) => write!(f, "{of}/{number}"),
        }
    }
}

/// The identifiers and counts of a walk over a document.
#[derive(Default)]
struct Seen<'a> {
    /// Each thing with an identifier, where it is first.
    ids: HashMap<&'a str, &'a Map<String, Value>>,
    blank: usize,
}

impl Seen<'_> {
    fn blank(&mut self, count: usize, at: &Place<'_>) -> Result<(), Unportable> {
        self.blank += count;
        if self.blank > MAX_BLANK { Err(Unportable::Shape(at.to_string())) } else { Ok(()) }
    }
}

/// Checks an object and all below it; `at` is its place.
fn node<'a>(
    members: &'a Map<String, Value>,
    at: &Place<'_>,
    depth: usize,
    seen: &mut Seen<'a>,
) -> Result<(), Unportable> {
    if depth > MAX_DEPTH || members.is_empty() {
        return Err(Unportable::Shape(at.to_string()));
    }
    let named = members.contains_key("id");
    seen.blank(usize::from(!named), at)?;
    for (name, value) in members {
        let here = Place::Member(at, name);
        // `value` is a term of a result only; contexts are at the top only.
        let known = match name.as_str() {
            "@context" => depth == 0,
            "value" => {
                let at = at.to_string();
                at == "/credentialSubject/result" || at.starts_with("/credentialSubject/result/")
            }
            name => TERMS.has(name),
        };
        if !known {
            return Err(Unportable::UnknownTerm(here.to_string()));
        }
        match (name.as_str(), value) {
            ("@context", _) => {}
            ("id", Value::String(id)) => {
                if !absolute(id) {
                    return Err(Unportable::RelativeIri(here.to_string()));
                }
                if let Some(first) = seen.ids.insert(id, members)
                    && !same_picture(first, members)
                {
                    return Err(Unportable::Repeated(here.to_string()));
                }
            }
            ("id", _) => return Err(Unportable::Shape(here.to_string())),
            ("type", types) => self::types(types, &here)?,
            (_, value) => self::value(name, value, &here, depth, named, seen)?,
        }
    }
    Ok(())
}

fn value<'a>(
    name: &str,
    value: &'a Value,
    at: &Place<'_>,
    depth: usize,
    named: bool,
    seen: &mut Seen<'a>,
) -> Result<(), Unportable> {
    match value {
        Value::Object(members) => {
            // A thing without an identifier holds texts only: its canonical label then follows
            // from its own lines, and no document takes long.
            if !named && depth > 0 {
                return Err(Unportable::Shape(at.to_string()));
            }
            node(members, at, depth + 1, seen)
        }
        Value::Array(values) => {
            if values.is_empty() || values.len() > MAX_ENTRIES || values.iter().any(Value::is_array)
            {
                return Err(Unportable::Shape(at.to_string()));
            }
            if name == "allowedValue" {
                seen.blank(values.len(), at)?;
            }
            let mut entries = HashSet::with_capacity(values.len());
            for (number, entry) in values.iter().enumerate() {
                let here = Place::Entry(at, number);
                // Things with identifiers differ by them.
                let id = entry.get("id").and_then(Value::as_str);
                if !entries.insert(id.ok_or(entry)) {
                    return Err(Unportable::Repeated(here.to_string()));
                }
                self::value(name, entry, &here, depth, named, seen)?;
            }
            Ok(())
        }
        Value::String(text) => {
            // RDFC-1.0 escapes tabs and the like, its predecessor does not; both escape
            // line feeds and carriage returns.
            let plain = |byte| matches!(byte, b' '..=b'~');
            if !text.bytes().all(plain)
                && text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r'))
            {
                return Err(Unportable::ControlCharacter(at.to_string()));
            }
            if REFERENCES.contains(&name) && !absolute(text) {
                return Err(Unportable::RelativeIri(at.to_string()));
            }
            Ok(())
        }
        Value::Number(number) => match number.as_f64() {
            Some(n) if (0.0..=1_000_000.0).contains(&n) && thousandths(n) => Ok(()),
            _ => Err(Unportable::Number(at.to_string())),
        },
        Value::Bool(_) => Ok(()),
        Value::Null => Err(Unportable::Shape(at.to_string())),
    }
}

/// Whether two things of one identifier are the same, and no more than an identifier and a type: an
/// organization's logo that is a template's badge too. Said twice it is the same statement, in
/// every verifier, and there is nothing to move from one place to the other.
fn same_picture(first: &Map<String, Value>, second: &Map<String, Value>) -> bool {
    first == second && first.len() == 2 && first.contains_key("type")
}

/// Whether a number is a whole count of thousandths.
fn thousandths(n: f64) -> bool {
    let scaled = (n * 1000.0).round();
    (scaled / 1000.0 - n).abs() < f64::EPSILON
}

fn types(types: &Value, at: &Place<'_>) -> Result<(), Unportable> {
    let one = |value: &Value| match value {
        Value::String(name) if TERMS.has(name) => Ok(()),
        _ => Err(Unportable::UnknownTerm(at.to_string())),
    };
    match types {
        Value::Array(types) if !types.is_empty() => {
            let distinct: HashSet<&str> = types.iter().filter_map(Value::as_str).collect();
            if distinct.len() != types.len() {
                return Err(Unportable::Repeated(at.to_string()));
            }
            types.iter().try_for_each(one)
        }
        other => one(other),
    }
}

/// Whether a text is an absolute IRI in ASCII.
pub(super) fn absolute(iri: &str) -> bool {
    iri.is_ascii() && NamedNodeRef::new(iri).is_ok()
}
