//! The canonical form of a document (JSON-LD 1.1, RDF Dataset Canonicalization): the text
//! that is signed.
//!
//! What a processor does not understand it leaves out, in silence, and so it would stand
//! unsigned in a signed document. And processors disagree about some texts. Therefore
//! [`canonical`] refuses whatever it cannot vouch for: nothing is signed, or found to be
//! signed, in part. The limits are those inside which jsonld.js, PyLD and oxrdf agree.
//!
//! Contexts are data of this crate; nothing is fetched.

use std::{collections::HashSet, sync::LazyLock};

use oxjsonld::{JsonLdParser, JsonLdRemoteDocument};
use oxrdf::{
    Dataset, Literal, NamedNodeRef, Term,
    dataset::{CanonicalizationAlgorithm, CanonicalizationHashAlgorithm},
};
use serde_json::{Map, Value};

/// Context of Verifiable Credentials 2.0.
pub const VC_CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";
/// Context of Open Badges 3.0. It is not frozen at its address: `awardedDate`,
/// `inLanguage`, `jti` and `endorsementJwt` are left out of our documents.
pub const OB_CONTEXT: &str = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json";
/// Context of `1EdTechJsonSchemaValidator2019`.
pub const OB_EXTENSIONS: &str = "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json";

/// Address under which [`Contexts::Issued`] is loaded; it never leaves this module.
const ISSUED: &str = "urn:unicreda:issued";
/// The terms of our own documents, see `contexts/README.md`.
const ISSUED_CONTEXT: &str = include_str!("contexts/issued.json");
/// Deepest nesting of a document; ours have 5 levels.
const MAX_DEPTH: usize = 12;
/// Largest document, in bytes of JSON: a template's texts and a recipient stay below.
const MAX_BYTES: usize = 256 * 1024;
/// Most entries of a list; a template allows 200 values.
const MAX_ENTRIES: usize = 256;
/// Most things and list entries without an identifier: what canonicalization takes depends
/// on them. Ours have the allowed values and some ten more.
const MAX_BLANK: usize = 300;

/// The contexts by which a document is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contexts {
    /// Those that the document names: what everybody else does. 2.2 ms a credential
    /// (release build on a 2-core machine).
    Named,
    /// The flat table of the terms that our documents use: the same result in 0.3 ms.
    /// It is also the stricter one: a term in a place where the named contexts do not know
    /// it counts here, and breaks a signature instead of being dropped.
    Issued,
}

/// Why a document has no canonical form that every verifier finds; holds the place, as a
/// JSON Pointer (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unportable {
    /// A member that the contexts do not know.
    #[error("{0}: unknown term")]
    UnknownTerm(String),
    /// An identifier that is no absolute IRI.
    #[error("{0}: not an absolute IRI")]
    RelativeIri(String),
    /// A control character, on whose escape verifiers disagree.
    #[error("{0}: control character")]
    ControlCharacter(String),
    /// A number that JavaScript and others write differently.
    #[error("{0}: number out of the portable range")]
    Number(String),
    /// Two entries that are equal, or two things of one identifier.
    #[error("{0}: repeated")]
    Repeated(String),
    /// Texts of one property that sort differently as UTF-16 and as code points.
    #[error("texts of one property sort differently by UTF-16 and by code points")]
    Order,
    /// Anything else that is not the shape of our documents.
    #[error("{0}: not the shape of a document of this service")]
    Shape(String),
}

/// Known terms: members and types.
static TERMS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let context: Map<String, Value> = serde_json::from_str(ISSUED_CONTEXT).unwrap_or_default();
    match context.get("@context") {
        Some(Value::Object(terms)) => terms.keys().cloned().collect(),
        _ => HashSet::new(),
    }
});

/// The canonical form of a document without its proof: N-Quads, sorted, a line each.
///
/// # Errors
/// [`Unportable`] when verifiers would not agree on it, or would leave out a part.
pub fn canonical(document: &Map<String, Value>, contexts: Contexts) -> Result<String, Unportable> {
    node(document, "", 0, &mut Seen::default())?;
    let mut read = document.clone();
    if contexts == Contexts::Issued {
        read.insert("@context".to_owned(), Value::from(ISSUED));
    }
    let text =
        serde_json::to_vec(&read).map_err(|_| Unportable::Shape("the document".to_owned()))?;
    if text.len() > MAX_BYTES {
        return Err(Unportable::Shape("the document".to_owned()));
    }
    let mut dataset = Dataset::new();
    let quads = JsonLdParser::new().for_slice(&text).with_load_document_callback(|url, _| {
        let document = match url {
            VC_CONTEXT => include_str!("contexts/credentials-v2.json"),
            OB_CONTEXT => include_str!("contexts/open-badges-3.0.3.json"),
            OB_EXTENSIONS => include_str!("contexts/open-badges-extensions.json"),
            ISSUED => ISSUED_CONTEXT,
            _ => return Err("a context that is not embedded".into()),
        };
        Ok(JsonLdRemoteDocument { document: document.into(), document_url: url.to_owned() })
    });
    for quad in quads {
        let mut quad = quad.map_err(|_| Unportable::Shape("the document".to_owned()))?;
        if let Term::Literal(literal) = &quad.object
            && let Some(number) = sixteen_digits(literal.value(), literal.datatype().as_str())
        {
            quad.object = Literal::new_typed_literal(number, literal.datatype()).into();
        }
        dataset.insert(&quad);
    }
    dataset.canonicalize(CanonicalizationAlgorithm::Rdfc10 {
        hash_algorithm: CanonicalizationHashAlgorithm::Sha256,
    });
    let mut lines: Vec<String> = dataset.iter().map(|quad| format!("{quad} .\n")).collect();
    lines.sort_unstable();
    // Only characters outside the basic plane can tell the two orders apart.
    if !text.is_ascii()
        && lines.windows(2).any(|pair| match pair {
            [a, b] => a.encode_utf16().gt(b.encode_utf16()),
            _ => false,
        })
    {
        return Err(Unportable::Order);
    }
    Ok(lines.concat())
}

/// A fractional number as JSON-LD 1.1 API §8.6 writes it: 16 significant digits
/// (`%1.15E`), zeros cut off. oxjsonld writes the shortest digits that read back the same,
/// which for 815736.533 is another text.
fn sixteen_digits(text: &str, datatype: &str) -> Option<String> {
    let float = "https://www.w3.org/2001/XMLSchema#float";
    let number = text.contains('E').then(|| text.parse::<f64>().ok()).flatten();
    let written = format!("{:.15e}", number.filter(|_| datatype == float)?);
    let (mantissa, exponent) = written.split_once('e')?;
    let mantissa = mantissa.trim_end_matches('0');
    let zero = if mantissa.ends_with('.') { "0" } else { "" };
    Some(format!("{mantissa}{zero}E{exponent}"))
}

/// What the walk over a document has met.
#[derive(Default)]
struct Seen {
    ids: HashSet<String>,
    blank: usize,
}

impl Seen {
    fn blank(&mut self, count: usize, at: &str) -> Result<(), Unportable> {
        self.blank += count;
        if self.blank > MAX_BLANK { Err(Unportable::Shape(at.to_owned())) } else { Ok(()) }
    }
}

/// Checks an object and all below it; `at` is its place.
fn node(
    members: &Map<String, Value>,
    at: &str,
    depth: usize,
    seen: &mut Seen,
) -> Result<(), Unportable> {
    if depth > MAX_DEPTH || members.is_empty() {
        return Err(Unportable::Shape(at.to_owned()));
    }
    let named = members.contains_key("id");
    seen.blank(usize::from(!named), at)?;
    for (name, value) in members {
        let here = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        // `value` is a term of a result only; contexts stand at the top only.
        let known = match name.as_str() {
            "@context" => depth == 0,
            "value" => {
                at == "/credentialSubject/result" || at.starts_with("/credentialSubject/result/")
            }
            name => TERMS.contains(name),
        };
        if !known {
            return Err(Unportable::UnknownTerm(here));
        }
        match (name.as_str(), value) {
            ("@context", _) => {}
            ("id", Value::String(id)) => {
                if !absolute(id) {
                    return Err(Unportable::RelativeIri(here));
                }
                if !seen.ids.insert(id.clone()) {
                    return Err(Unportable::Repeated(here));
                }
            }
            ("id", _) => return Err(Unportable::Shape(here)),
            ("type", types) => self::types(types, &here)?,
            (_, value) => self::value(name, value, &here, depth, named, seen)?,
        }
    }
    Ok(())
}

/// Members whose text is an identifier.
const REFERENCES: [&str; 3] = ["issuer", "statusListCredential", "verificationMethod"];

fn value(
    name: &str,
    value: &Value,
    at: &str,
    depth: usize,
    named: bool,
    seen: &mut Seen,
) -> Result<(), Unportable> {
    match value {
        Value::Object(members) => {
            // A thing without an identifier holds texts only: canonical labels then
            // follow from its own lines, and no document takes long to canonicalize.
            if !named && depth > 0 {
                return Err(Unportable::Shape(at.to_owned()));
            }
            node(members, at, depth + 1, seen)
        }
        Value::Array(values) => {
            if values.is_empty() || values.len() > MAX_ENTRIES || values.iter().any(Value::is_array)
            {
                return Err(Unportable::Shape(at.to_owned()));
            }
            if name == "allowedValue" {
                seen.blank(values.len(), at)?;
            }
            for (number, entry) in values.iter().enumerate() {
                let here = format!("{at}/{number}");
                if values.iter().take(number).any(|earlier| earlier == entry) {
                    return Err(Unportable::Repeated(here));
                }
                self::value(name, entry, &here, depth, named, seen)?;
            }
            Ok(())
        }
        Value::String(text) => {
            // RDFC-1.0 escapes tabs and the like, its predecessor does not; both escape
            // line feeds and carriage returns.
            if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r')) {
                return Err(Unportable::ControlCharacter(at.to_owned()));
            }
            if REFERENCES.contains(&name) && !absolute(text) {
                return Err(Unportable::RelativeIri(at.to_owned()));
            }
            Ok(())
        }
        Value::Number(number) => match number.as_f64() {
            Some(n) if (0.0..=1_000_000.0).contains(&n) && thousandths(n) => Ok(()),
            _ => Err(Unportable::Number(at.to_owned())),
        },
        Value::Bool(_) => Ok(()),
        Value::Null => Err(Unportable::Shape(at.to_owned())),
    }
}

/// Whether a number is a whole count of thousandths.
fn thousandths(n: f64) -> bool {
    let scaled = (n * 1000.0).round();
    (scaled / 1000.0 - n).abs() < f64::EPSILON
}

fn types(types: &Value, at: &str) -> Result<(), Unportable> {
    let one = |value: &Value| match value {
        Value::String(name) if TERMS.contains(name) => Ok(()),
        _ => Err(Unportable::UnknownTerm(at.to_owned())),
    };
    match types {
        Value::Array(types) if !types.is_empty() => {
            let distinct: HashSet<&str> = types.iter().filter_map(Value::as_str).collect();
            if distinct.len() != types.len() {
                return Err(Unportable::Repeated(at.to_owned()));
            }
            types.iter().try_for_each(one)
        }
        other => one(other),
    }
}

/// Whether a text is an absolute IRI in ASCII.
fn absolute(iri: &str) -> bool {
    iri.is_ascii() && NamedNodeRef::new(iri).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample() -> Map<String, Value> {
        let value = json!({
            "@context": [VC_CONTEXT, OB_CONTEXT, OB_EXTENSIONS],
            "id": "https://u.example/credential/1",
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "name": "Diseño de APIs",
            "issuer": { "id": "did:web:u.example", "type": ["Profile"], "name": "Universidad" },
            "validFrom": "2026-11-24T09:00:00Z",
            "credentialSubject": {
                "id": "urn:uuid:11f8b663-a700-8d5c-90c7-1c224aa7b59c",
                "type": ["AchievementSubject"],
                "creditsEarned": 6.5,
                "achievement": {
                    "id": "https://u.example/achievements/1",
                    "type": ["Achievement"],
                    "criteria": { "narrative": "Aprobar" },
                    "resultDescription": [{
                        "id": "https://u.example/achievements/1#result",
                        "type": ["ResultDescription"],
                        "allowedValue": ["A", "B"],
                    }],
                },
                "result": [{ "type": ["Result"], "value": "A" }],
            },
            "evidence": [{ "id": "https://u.example/tesis", "type": ["Evidence"] }],
        });
        match value {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    fn changed(pointer: &str, to: Value) -> Result<String, Unportable> {
        let mut document = Value::Object(sample());
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        match document.pointer_mut(parent) {
            Some(Value::Object(members)) => {
                members.insert(name.to_owned(), to);
            }
            Some(Value::Array(values)) => values.push(to),
            _ => panic!("{pointer}"),
        }
        match document {
            Value::Object(members) => canonical(&members, Contexts::Issued),
            _ => panic!("no object"),
        }
    }

    #[test]
    fn the_table_of_our_terms_means_what_the_named_contexts_mean() {
        let ours = canonical(&sample(), Contexts::Issued).expect("canonical");
        assert_eq!(Ok(ours), canonical(&sample(), Contexts::Named));
    }

    #[test]
    fn what_verifiers_would_drop_or_read_differently_is_refused() {
        let at = |text: &str| text.to_owned();
        let cases = [
            ("/nickname", json!("x"), Unportable::UnknownTerm(at("/nickname"))),
            ("/value", json!("x"), Unportable::UnknownTerm(at("/value"))),
            ("/issuer/@context", json!({}), Unportable::UnknownTerm(at("/issuer/@context"))),
            (
                "/issuer/type",
                json!(["Profile", "Robot"]),
                Unportable::UnknownTerm(at("/issuer/type")),
            ),
            ("/issuer/id", json!("orgs/demo"), Unportable::RelativeIri(at("/issuer/id"))),
            ("/issuer/id", json!("_:b0"), Unportable::RelativeIri(at("/issuer/id"))),
            ("/issuer", json!("demo"), Unportable::RelativeIri(at("/issuer"))),
            (
                "/evidence/0/id",
                json!("https://ñ.example/"),
                Unportable::RelativeIri(at("/evidence/0/id")),
            ),
            ("/name", json!("a\tb"), Unportable::ControlCharacter(at("/name"))),
            ("/name", json!("a\u{7f}b"), Unportable::ControlCharacter(at("/name"))),
            (
                "/credentialSubject/creditsEarned",
                json!(1e-7),
                Unportable::Number(at("/credentialSubject/creditsEarned")),
            ),
            (
                "/credentialSubject/creditsEarned",
                json!(1.0001),
                Unportable::Number(at("/credentialSubject/creditsEarned")),
            ),
            (
                "/credentialSubject/creditsEarned",
                json!(1_000_001),
                Unportable::Number(at("/credentialSubject/creditsEarned")),
            ),
            (
                "/evidence/-",
                json!({ "id": "https://u.example/tesis", "type": ["Evidence"] }),
                Unportable::Repeated(at("/evidence/1")),
            ),
            (
                "/evidence/-",
                json!({ "id": "did:web:u.example", "type": ["Evidence"] }),
                Unportable::Repeated(at("/evidence/1/id")),
            ),
            (
                "/credentialSubject/achievement/resultDescription/0/allowedValue",
                json!(["A", "A"]),
                Unportable::Repeated(at(
                    "/credentialSubject/achievement/resultDescription/0/allowedValue/1",
                )),
            ),
            ("/name", json!(null), Unportable::Shape(at("/name"))),
            ("/evidence", json!([]), Unportable::Shape(at("/evidence"))),
            (
                "/evidence",
                json!([{ "criteria": { "narrative": "x" } }]),
                Unportable::Shape(at("/evidence/0/criteria")),
            ),
            ("/name", json!(["\u{1f600}", "\u{ff5e}"]), Unportable::Order),
            (
                "/name",
                (0..257).map(|n| json!(n.to_string())).collect(),
                Unportable::Shape(at("/name")),
            ),
            ("/name", json!("x".repeat(300_000)), Unportable::Shape(at("the document"))),
        ];
        for (pointer, to, refused) in cases {
            assert_eq!(changed(pointer, to.clone()), Err(refused), "{pointer} {to}");
        }
        assert!(changed("/name", json!(["\u{1f600}", "z"])).is_ok());
        assert!(changed("/name", json!("dos\nlíneas")).is_ok());
        assert!(changed("/credentialSubject/creditsEarned", json!(999_999.999)).is_ok());
    }

    /// As jsonld.js and PyLD write them.
    #[test]
    fn fractions_have_sixteen_digits() {
        for (number, text) in [
            (json!(6.5), "\"6.5E0\""),
            (json!(6), "\"6\""),
            (json!(0.001), "\"1.0E-3\""),
            (json!(815_736.533), "\"8.157365330000001E5\""),
            (json!(577_236.217), "\"5.772362169999999E5\""),
        ] {
            let written = changed("/credentialSubject/creditsEarned", number).expect("portable");
            assert!(written.contains(text), "{text} in {written}");
        }
    }

    #[test]
    fn a_term_where_the_named_contexts_drop_it_counts() {
        let plain = canonical(&sample(), Contexts::Issued);
        assert_ne!(changed("/issuer/creditsEarned", json!(9)), plain);
    }
}
