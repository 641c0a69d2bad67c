//! The canonical form of quads (RDF Dataset Canonicalization 1.0, SHA-256) in the usual case:
//! no two things without an identifier have equal statements, so the hashes of their own
//! statements order them (§4.4.3, steps 3 and 4). The libraries do the other cases.

use aws_lc_rs::digest::{Context, SHA256};

use super::expanding::{Node, Object, Quad, Quads};

/// Canonical N-Quads, sorted, a line each; none if two things tie. A statement that is made twice is
/// one line, since a dataset is a set.
pub(super) fn canonical(quads: &Quads<'_>) -> Option<String> {
    let mut said: Vec<Vec<&Quad<'_>>> = vec![Vec::new(); quads.blanks];
    for quad in &quads.all {
        for node in [Some(quad.subject), quad.object.node()].into_iter().flatten() {
            if let Node::Blank(number) = node {
                said.get_mut(number)?.push(quad);
            }
        }
    }
    let mut text = String::with_capacity(8 * 1024);
    let mut hashes = Vec::with_capacity(quads.blanks);
    for (number, said) in said.iter().enumerate() {
        text.clear();
        for quad in said {
            quad.write(&mut text, |other| if other == number { "a" } else { "z" });
        }
        let mut hash = Context::new(&SHA256);
        let lines = sorted(&text);
        // Of two statements with equal lines, or one that is made twice: the libraries know.
        if lines.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return None;
        }
        lines.iter().for_each(|line| hash.update(line.as_bytes()));
        let hash: [u8; 32] = hash.finish().as_ref().try_into().ok()?;
        hashes.push((hash, number));
    }
    hashes.sort_unstable();
    if hashes.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a == b)) {
        return None;
    }
    let mut labels = vec![String::new(); quads.blanks];
    for (place, (_, number)) in hashes.iter().enumerate() {
        *labels.get_mut(*number)? = format!("c14n{place}");
    }
    text.clear();
    text.reserve(200 * quads.all.len());
    // Nearly in order already: the lines of a subject are sorted together.
    let mut order: Vec<&Quad<'_>> = quads.all.iter().collect();
    order.sort_by_key(|quad| match quad.subject {
        Node::Named(iri) => iri,
        Node::Blank(number) => labels.get(number).map_or("", String::as_str),
    });
    for quad in order {
        quad.write(&mut text, |number| labels.get(number).map_or("", String::as_str));
    }
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.sort();
    lines.dedup();
    Some(lines.concat())
}

/// Lines in the order of their code points.
fn sorted(text: &str) -> Vec<&str> {
    // A line feed within a text is an escape.
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.sort_unstable();
    lines
}

impl<'a> Object<'a> {
    fn node(&self) -> Option<Node<'a>> {
        match self {
            Self::Node(node) => Some(*node),
            Self::Text(..) | Self::Number(..) => None,
        }
    }
}

impl Quad<'_> {
    fn write<'l>(&self, out: &mut String, label: impl Fn(usize) -> &'l str) {
        let node = |out: &mut String, node: Node<'_>| match node {
            Node::Named(iri) => angled(out, iri),
            Node::Blank(number) => {
                out.push_str("_:");
                out.push_str(label(number));
            }
        };
        node(out, self.subject);
        out.push(' ');
        angled(out, self.predicate);
        out.push(' ');
        let datatype = match &self.object {
            Object::Node(object) => {
                node(out, *object);
                None
            }
            Object::Text(text, datatype) => {
                quoted(out, text);
                *datatype
            }
            Object::Number(number, datatype) => {
                quoted(out, number);
                Some(*datatype)
            }
        };
        if let Some(datatype) = datatype {
            out.push_str("^^");
            angled(out, datatype);
        }
        out.push_str(" .\n");
    }
}

fn angled(out: &mut String, iri: &str) {
    out.push('<');
    out.push_str(iri);
    out.push('>');
}

/// A text with the escapes of canonical N-Quads. The only control characters are line feed and
/// carriage return.
fn quoted(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    // U+FFFE and U+FFFF are the only others, and begin with this byte.
    while let Some(at) = rest.bytes().position(|b| matches!(b, b'"' | b'\\' | b'\n' | b'\r' | 0xef))
    {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = special.chars();
        match chars.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\u{fffe}') => out.push_str("\\uFFFE"),
            Some('\u{ffff}') => out.push_str("\\uFFFF"),
            Some(other) => out.push(other),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}
