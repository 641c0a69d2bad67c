//! The canonical form of a document (JSON-LD 1.1, RDF Dataset Canonicalization): the text
//! that is signed.
//!
//! A processor drops a term that it does not know, in silence: the term would be unsigned in a
//! signed document. And processors disagree about some texts. Therefore [`canonical`] refuses
//! every document that it cannot cover as a whole. Its limits are those inside which
//! jsonld.js, PyLD and oxrdf agree.
//!
//! A table of our terms reads our own documents and labels them by the hashes of their
//! statements, in microseconds ([`by_table`]). oxjsonld and oxrdf read a document of another
//! shape, or with ties ([`by_libraries`]). Both find the same text of every document that both
//! read. The reasons: `docs/decisions/0018-own-canonical-form.md`.
//!
//! Contexts are data of this crate; the service fetches none.

mod checking;
mod expanding;
mod labelling;
mod libraries;
mod terms;

use serde_json::{Map, Value};

use crate::domain::fault::Unportable;

/// Context of Verifiable Credentials 2.0.
pub const VC_CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";
/// Context of Open Badges 3.0. It is not frozen at its address: `inLanguage`, `jti` and
/// `endorsementJwt` are left out of our documents.
pub const OB_CONTEXT: &str = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json";
/// Context of `1EdTechJsonSchemaValidator2019`.
pub const OB_EXTENSIONS: &str = "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json";

/// The terms of our own documents, see `contexts/README.md`.
const ISSUED_CONTEXT: &str = include_str!("contexts/issued.json");
/// Longest canonical form of the table, in bytes. Its document is far below the largest one:
/// every member has a line.
pub(super) const MAX_BY_TABLE: usize = 256 * 1024;

/// The contexts by which a document is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contexts {
    /// Those that the document names, as every other verifier reads it.
    Named,
    /// The flat table of the terms of our documents: the same result, much faster. It is
    /// stricter too: where the named contexts drop a term, it counts here and breaks the
    /// signature.
    Issued,
}

/// The canonical form of a document without its proof: N-Quads, sorted, a line each.
///
/// # Errors
/// [`Unportable`] if verifiers would disagree on it, or drop a part.
pub fn canonical(document: &Map<String, Value>, contexts: Contexts) -> Result<String, Unportable> {
    if contexts == Contexts::Issued
        && let Some(found) = by_table(document)?
    {
        return Ok(found);
    }
    libraries::canonical(document, contexts)
}

/// [`canonical`] by our own table of terms alone; none if the document has a shape for the
/// libraries, two things in it tie, or it is very large.
///
/// # Errors
/// As [`canonical`].
pub fn by_table(document: &Map<String, Value>) -> Result<Option<String>, Unportable> {
    checking::check(document)?;
    let found = expanding::quads(document).as_ref().and_then(labelling::canonical);
    found.filter(|text| text.len() <= MAX_BY_TABLE).map(one_order).transpose()
}

/// The lines of a part of documents, sorted; none if one of its things has no identifier, or it cannot be
/// signed.
pub(super) fn lines_without_blanks(part: &Map<String, Value>) -> Option<String> {
    checking::check(part).ok()?;
    let quads = expanding::quads(part).filter(|quads| quads.blanks == 0)?;
    labelling::canonical(&quads)
}

/// [`canonical`] by oxjsonld and oxrdf alone: 0.4 ms a credential with [`Contexts::Issued`],
/// 4 ms with [`Contexts::Named`]; by the table it takes 0.03 ms (`benches/signing.rs`).
///
/// # Errors
/// As [`canonical`].
pub fn by_libraries(
    document: &Map<String, Value>,
    contexts: Contexts,
) -> Result<String, Unportable> {
    checking::check(document)?;
    libraries::canonical(document, contexts)
}

/// Sorted lines, if UTF-16 sorts them the same.
fn one_order(lines: String) -> Result<String, Unportable> {
    match is_beyond(&lines) && !in_order_of_utf16(lines.split_inclusive('\n')) {
        true => Err(Unportable::Order),
        false => Ok(lines),
    }
}

/// Whether a text has a character outside the basic plane, of four bytes: only these can tell the two
/// orders apart.
pub(super) fn is_beyond(text: &str) -> bool {
    text.bytes().any(|byte| byte >= 0xf0)
}

/// Whether UTF-16 leaves sorted lines in their order.
pub(super) fn in_order_of_utf16<'a>(lines: impl IntoIterator<Item = &'a str>) -> bool {
    lines.into_iter().is_sorted_by(|before, line| before.encode_utf16().le(line.encode_utf16()))
}

/// A fractional number as JSON-LD 1.1 API §8.6 writes it: 16 significant digits (`%1.15E`),
/// zeros cut off.
fn sixteen_digits(number: f64) -> String {
    let written = format!("{number:.15e}");
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let mantissa = mantissa.trim_end_matches('0');
    let zero = if mantissa.ends_with('.') { "0" } else { "" };
    format!("{mantissa}{zero}E{exponent}")
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
    fn a_picture_in_two_places_is_one_statement() {
        let picture = json!({ "id": "https://u.example/images/a.png", "type": "Image" });
        let twice = |second: Value| {
            let mut document = sample();
            document["issuer"]["image"] = picture.clone();
            document["credentialSubject"]["achievement"]["image"] = second;
            document
        };
        let document = twice(picture.clone());
        let ours = by_table(&document).expect("portable").expect("of our shape");
        assert_eq!(ours.matches("images/a.png> <http").count(), 1, "{ours}");
        for contexts in [Contexts::Issued, Contexts::Named] {
            assert_eq!(by_libraries(&document, contexts).as_ref(), Ok(&ours));
        }
        for other in [
            json!({ "id": "https://u.example/images/a.png" }),
            json!({ "id": "https://u.example/images/a.png", "type": ["Image"] }),
            json!({ "id": "https://u.example/images/a.png", "type": "Image", "name": "x" }),
        ] {
            let at = "/credentialSubject/achievement/image/id".to_owned();
            assert_eq!(by_table(&twice(other)), Err(Unportable::Repeated(at)));
        }
    }

    #[test]
    fn a_term_where_the_named_contexts_drop_it_counts() {
        let plain = canonical(&sample(), Contexts::Issued);
        assert_ne!(changed("/issuer/creditsEarned", json!(9)), plain);
    }
}
