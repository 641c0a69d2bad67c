//! The canonical form by oxjsonld and oxrdf: for documents that our table does not read, and
//! the reference for those that it reads.

use oxjsonld::{JsonLdParser, JsonLdRemoteDocument};
use oxrdf::{
    Dataset, Literal, Term,
    dataset::{CanonicalizationAlgorithm, CanonicalizationHashAlgorithm},
};
use serde_json::{Map, Value};

use super::{
    Contexts, ISSUED_CONTEXT, OB_CONTEXT, OB_EXTENSIONS, Unportable, VC_CONTEXT, one_order,
    sixteen_digits,
};

/// Address under which [`Contexts::Issued`] is loaded; it never leaves this module.
const ISSUED: &str = "urn:unicreda:issued";
/// Largest document, in bytes of JSON: a template's texts and a recipient stay below.
const MAX_BYTES: usize = 256 * 1024;

/// The canonical form of a document that has passed the checks.
pub(super) fn canonical(
    document: &Map<String, Value>,
    contexts: Contexts,
) -> Result<String, Unportable> {
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
            VC_CONTEXT => include_str!("../contexts/credentials-v2.json"),
            OB_CONTEXT => include_str!("../contexts/open-badges-3.0.3.json"),
            OB_EXTENSIONS => include_str!("../contexts/open-badges-extensions.json"),
            ISSUED => ISSUED_CONTEXT,
            _ => return Err("a context that is not embedded".into()),
        };
        Ok(JsonLdRemoteDocument { document: document.into(), document_url: url.to_owned() })
    });
    for quad in quads {
        let mut quad = quad.map_err(|_| Unportable::Shape("the document".to_owned()))?;
        if let Term::Literal(literal) = &quad.object
            && let Some(number) = fraction(literal.value(), literal.datatype().as_str())
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
    one_order(lines.concat())
}

/// Rewrites a fractional number: oxjsonld writes the shortest digits that read back the same,
/// which for 815736.533 differ from the standard's.
fn fraction(text: &str, datatype: &str) -> Option<String> {
    let float = "https://www.w3.org/2001/XMLSchema#float";
    let number = text.contains('E').then(|| text.parse::<f64>().ok()).flatten();
    number.filter(|_| datatype == float).map(sixteen_digits)
}
