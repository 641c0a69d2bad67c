//! Canonical lines that many documents have in common, found once.

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::{Map, Value};

use super::linked_data::{
    MAX_BY_TABLE, by_table, in_order_of_utf16, is_beyond, lines_without_blanks,
};

/// The lines of things that have an identifier each: no blank node is in them, so they are the same in
/// the canonical form of every document that holds these things.
#[derive(Debug)]
pub struct CommonLines {
    /// Sorted.
    lines: Vec<String>,
    /// Their length, in bytes.
    size: usize,
    /// Whether one has a character outside the basic plane.
    beyond: bool,
    /// The text with which the identifiers of these things begin.
    prefix: String,
}

impl CommonLines {
    /// The lines of a part of documents: an object whose members hold things with identifiers that begin
    /// with `prefix`. None if a thing has another identifier or none, or the part cannot be signed.
    pub fn of(part: &Map<String, Value>, prefix: String) -> Option<Self> {
        let text = lines_without_blanks(part)?;
        let own = |value: &Value| {
            let id = value.get("id").and_then(Value::as_str);
            id.is_some_and(|id| id.starts_with(&prefix))
        };
        let mut things = part.values().filter_map(Value::as_array).flatten();
        let lines = text.split_inclusive('\n').map(str::to_owned).collect();
        let (size, beyond) = (text.len(), is_beyond(&text));
        things.all(own).then_some(Self { lines, size, beyond, prefix })
    }

    /// The hash (SHA-256) of the canonical form of a document that holds these things, from the document
    /// without them. None where only the whole document shows it.
    pub fn hash(&self, document: &Map<String, Value>) -> Option<[u8; 32]> {
        let own = by_table(document).ok()??;
        let mut hash = Context::new(&SHA256);
        self.merged(&own)?.iter().for_each(|line| hash.update(line.as_bytes()));
        hash.finish().as_ref().try_into().ok()
    }

    /// These lines and a document's own, in order. None where they may be of consequence for each other, or
    /// where they break a limit or the order of the form together.
    fn merged<'a>(&'a self, own: &'a str) -> Option<Vec<&'a str>> {
        if own.contains(&self.prefix) || own.len() + self.size > MAX_BY_TABLE {
            return None;
        }
        let mut common = self.lines.iter().map(String::as_str).peekable();
        let mut all = Vec::with_capacity(self.lines.len() + 64);
        for line in own.split_inclusive('\n') {
            all.extend(std::iter::from_fn(|| common.next_if(|common| *common < line)));
            all.push(line);
        }
        all.extend(common);
        let beyond = self.beyond || is_beyond(own);
        (!beyond || in_order_of_utf16(all.iter().copied())).then_some(all)
    }
}
