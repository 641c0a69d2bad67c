//! A document as quads, read with the table of our terms.
//!
//! A document of another shape than ours is declined; the libraries read it.

use serde_json::{Map, Value};

use super::{
    checking::absolute,
    terms::{Kind, TERMS, Term, Terms},
};

const TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
const FIRST: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#first";
const REST: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#rest";
const NIL: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#nil";
const BOOLEAN: &str = "http://www.w3.org/2001/XMLSchema#boolean";
/// The datatype of fractions in the Open Badges context.
const FLOAT: &str = "https://www.w3.org/2001/XMLSchema#float";

/// A statement of the default graph.
#[derive(Debug)]
pub(super) struct Quad<'a> {
    pub subject: Node<'a>,
    pub predicate: &'a str,
    pub object: Object<'a>,
}

/// A thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node<'a> {
    /// With an identifier.
    Named(&'a str),
    /// Without: its number in the document.
    Blank(usize),
}

/// The object of a statement.
#[derive(Debug)]
pub(super) enum Object<'a> {
    Node(Node<'a>),
    /// A text and its datatype.
    Text(&'a str, Option<&'a str>),
    /// A number as it is written, and its datatype.
    Number(String, &'a str),
}

/// A document's statements.
#[derive(Debug, Default)]
pub(super) struct Quads<'a> {
    pub all: Vec<Quad<'a>>,
    /// Number of things without an identifier.
    pub blanks: usize,
}

/// The statements of a document that has passed the checks; none if its shape is not ours.
pub(super) fn quads(document: &Map<String, Value>) -> Option<Quads<'_>> {
    let mut quads = Quads { all: Vec::with_capacity(64), blanks: 0 };
    quads.thing(document, None)?;
    // A document without statements is left to the libraries.
    (!quads.all.is_empty()).then_some(quads)
}

impl<'a> Quads<'a> {
    fn blank(&mut self) -> Node<'a> {
        self.blanks += 1;
        Node::Blank(self.blanks - 1)
    }

    fn say(&mut self, subject: Node<'a>, predicate: &'a str, object: Object<'a>) {
        self.all.push(Quad { subject, predicate, object });
    }

    /// A thing, with the meanings of its place.
    fn thing(
        &mut self,
        members: &'a Map<String, Value>,
        of: Option<&'a Terms>,
    ) -> Option<Node<'a>> {
        let subject = match members.get("id") {
            Some(id) => Node::Named(id.as_str().filter(|id| no_term(id))?),
            None => self.blank(),
        };
        for (name, value) in members {
            match (name.as_str(), value) {
                ("@context" | "id", _) => {}
                ("type", Value::Array(types)) => {
                    types.iter().try_for_each(|one| self.kind(subject, one))?;
                }
                ("type", one) => self.kind(subject, one)?,
                (name, value) => {
                    let term = of.and_then(|terms| terms.get(name)).or_else(|| TERMS.get(name))?;
                    let (some, all) = match value {
                        Value::Array(values) => (
                            values.iter().any(Value::is_object),
                            values.iter().all(Value::is_object),
                        ),
                        one => (one.is_object(), one.is_object()),
                    };
                    // The libraries read meanings of a place that reach further down or apply
                    // to texts, and things in an order.
                    if some && (of.is_some() || term.list) || !all && term.inside.is_some() {
                        return None;
                    }
                    match value {
                        values if term.list => self.list(subject, term, values)?,
                        Value::Array(values) => {
                            values.iter().try_for_each(|one| self.value(subject, term, one))?;
                        }
                        one => self.value(subject, term, one)?,
                    }
                }
            }
        }
        Some(subject)
    }

    fn kind(&mut self, subject: Node<'a>, name: &Value) -> Option<()> {
        let term = TERMS.get(name.as_str()?).filter(|term| term.inside.is_none())?;
        self.say(subject, TYPE, Object::Node(Node::Named(&term.iri)));
        Some(())
    }

    fn value(&mut self, subject: Node<'a>, term: &'a Term, value: &'a Value) -> Option<()> {
        let object = match value {
            Value::Object(members) => Object::Node(self.thing(members, term.inside.as_ref())?),
            value => leaf(term, value)?,
        };
        self.say(subject, &term.iri, object);
        Some(())
    }

    /// Values in an order: a chain of things without identifiers.
    fn list(&mut self, subject: Node<'a>, term: &'a Term, values: &'a Value) -> Option<()> {
        let values = values.as_array()?;
        let (mut from, mut by) = (subject, term.iri.as_str());
        for value in values {
            let link = self.blank();
            self.say(from, by, Object::Node(link));
            self.say(link, FIRST, leaf(term, value)?);
            (from, by) = (link, REST);
        }
        self.say(from, by, Object::Node(Node::Named(NIL)));
        Some(())
    }
}

/// A value that is no thing: a text, a number, a reference.
fn leaf<'a>(term: &'a Term, value: &'a Value) -> Option<Object<'a>> {
    match (&term.kind, value) {
        (Kind::Plain, Value::String(text)) => Some(Object::Text(text, None)),
        (Kind::Typed(datatype), Value::String(text)) => Some(Object::Text(text, Some(datatype))),
        (Kind::Reference, Value::String(id)) => Some(Object::Node(Node::Named(reference(id)?))),
        (Kind::Typed(datatype), Value::Number(number)) if datatype == FLOAT => {
            Some(Object::Number(written(number.as_f64()?), datatype))
        }
        (Kind::Plain | Kind::Typed(_), Value::Bool(on)) => {
            let datatype = match &term.kind {
                Kind::Typed(datatype) => datatype,
                Kind::Plain | Kind::Reference => BOOLEAN,
            };
            Some(Object::Text(if *on { "true" } else { "false" }, Some(datatype)))
        }
        _ => None,
    }
}

/// A number from 0 to 1,000,000, as JSON-LD 1.1 API §8.6 writes it: a whole one as an
/// integer, any other with 16 significant digits.
fn written(number: f64) -> String {
    if number.fract() == 0.0 {
        // Minus zero is zero.
        return format!("{}", number.abs());
    }
    super::sixteen_digits(number)
}

/// An identifier, unless its scheme is also a term.
fn reference(iri: &str) -> Option<&str> {
    (no_term(iri) && absolute(iri)).then_some(iri)
}

/// Whether the scheme of an absolute IRI is no term.
fn no_term(iri: &str) -> bool {
    iri.split_once(':').is_some_and(|(scheme, _)| !TERMS.has(scheme))
}
