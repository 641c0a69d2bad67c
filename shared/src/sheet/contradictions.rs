//! Rows of a file that correct one credential, each to other content. The last of them would
//! win, and which one that is would be chance: so the file is refused before any of it is done.
//! Rows that say the same are one correction, however each writes it.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde_json::value::RawValue;

use super::{column::Use, columns::Columns, fault::SheetFault, rows::entry_of, splitting::Record};
use crate::domain::{
    ids::CredentialId, lang::Lang, recipient::Entry, template::Definition, upload::Format,
};

/// Credentials whose lines a fault names.
const NAMED: usize = 10;
/// Lines of a credential that it names.
const LINES: usize = 5;

/// What the rows of a file say of the credentials that they name.
#[derive(Debug, Default)]
pub(super) struct Contradictions {
    said: Vec<Saying>,
}

/// What a row says of its credential: a million rows take 32 MB.
#[derive(Debug)]
struct Saying {
    id: CredentialId,
    line: u64,
    /// Hash of what it says.
    content: u64,
}

const _: () = assert!(size_of::<Saying>() == 32);

impl Contradictions {
    /// Takes a row, if it names a credential. Letters of an encoding that is still `open` are
    /// compared as bytes.
    pub fn take(
        &mut self,
        record: &Record<'_>,
        (format, open): (&Format, bool),
        columns: &Columns,
        definition: &Definition,
    ) {
        let Some(id) = named(record, format, columns) else { return };
        let uncertain = open && record.cells().any(|cell| std::str::from_utf8(cell).is_err());
        let read = || meant(entry_of(record, format, columns, definition).0);
        let mut content = DefaultHasher::new();
        match (!uncertain).then(read).flatten() {
            Some(meant) => meant.hash(&mut content),
            None => {
                let mut uses = columns.uses().into_iter();
                let mut is_read = || matches!(uses.next(), None | Some(Use::Read));
                record.cells().filter(|_| is_read()).for_each(|cell| cell.hash(&mut content));
            }
        }
        self.said.push(Saying { id, line: record.line, content: content.finish() });
    }

    /// The fault of a file whose rows contradict each other.
    pub fn fault(mut self, columns: &Columns) -> Option<SheetFault> {
        self.said.sort_unstable_by_key(|saying| (saying.id, saying.line));
        // By the line of the first row that says something else.
        let (mut first, mut all): (BTreeMap<u64, Vec<u64>>, _) = (BTreeMap::new(), 0_usize);
        for rows in self.said.chunk_by(|one, next| one.id == next.id) {
            let content = rows.first().map(|row| row.content);
            let other = rows.iter().find(|row| Some(row.content) != content);
            if let Some(other) = other {
                all += 1;
                first.insert(other.line, rows.iter().map(|row| row.line).collect());
                if first.len() > NAMED {
                    first.pop_last();
                }
            }
        }
        let line = *first.first_key_value()?.0;
        let text = |lang| text(lang, first.values(), all);
        let fault = SheetFault::new("repeated_credential", text(Lang::Es), text(Lang::En));
        let fault = fault.at_line(line);
        Some(match columns.naming().first() {
            Some(column) => fault.at_column(column + 1),
            None => fault,
        })
    }
}

/// The credential that a row names. A row that cannot be read names one too.
fn named(record: &Record<'_>, format: &Format, columns: &Columns) -> Option<CredentialId> {
    if !format.kind.is_table() {
        let text = format.encoding.lossy(record.cells().next()?);
        let raw = serde_json::from_str::<&RawValue>(&text).ok()?;
        return Some(Entry::of_file(raw).naming?.id);
    }
    let cells: Vec<&[u8]> = record.cells().collect();
    let cells = columns.naming().iter().filter_map(|at| cells.get(*at));
    // Blanks of any encoding may be around it.
    let outside = |c: char| !c.is_ascii_hexdigit();
    let mut ids = cells.map(|cell| String::from_utf8_lossy(cell).trim_matches(outside).to_owned());
    CredentialId::parse(&ids.find(|id| !id.is_empty())?).ok()
}

/// What a row says, as a correction compares it; none if it cannot be read.
fn meant(entry: Entry) -> Option<String> {
    let (recipient, naming) = (entry.recipient.ok()?, entry.naming?);
    let mut recipient = recipient.cleaned().unwrap_or(recipient);
    // The language of a mail is no content.
    recipient.language = None;
    serde_json::to_string(&(recipient, naming.cleared, naming.cleared_facts)).ok()
}

/// `2 y 5`
fn listed(lang: Lang, lines: &[u64]) -> String {
    let mut texts: Vec<String> = lines.iter().take(LINES).map(u64::to_string).collect();
    let and = lang.pick(" y ", " and ");
    if lines.len() > LINES {
        let more = lines.len() - LINES;
        return texts.join(", ")
            + &lang.pick(format!(" y {more} más"), format!(" and {more} more"));
    }
    let last = texts.pop().unwrap_or_default();
    if texts.is_empty() { last } else { texts.join(", ") + and + &last }
}

/// The fault and its cure; `all` counts the credentials, of which some are named.
fn text<'a>(lang: Lang, named: impl Iterator<Item = &'a Vec<u64>>, all: usize) -> String {
    let mut named = named.map(|lines| listed(lang, lines));
    let first = named.next().unwrap_or_default();
    let others: Vec<String> = named.collect();
    let unnamed = all.saturating_sub(others.len() + 1);
    let more = match unnamed {
        0 => String::new(),
        1 => lang.pick("; y con 1 credencial más", "; and in 1 more credential").to_owned(),
        _ => lang.pick(
            format!("; y con {unnamed} credenciales más"),
            format!("; and in {unnamed} more credentials"),
        ),
    };
    let others = others.join("; ");
    let others = match others.as_str() {
        "" => String::new(),
        others => lang.pick(
            format!(". Lo mismo pasa en las líneas {others}{more}"),
            format!(". The same is found in lines {others}{more}"),
        ),
    };
    lang.pick(
        format!("Las filas de las líneas {first} corrigen la misma credencial con datos distintos, y no se sabe cuáles valen: deja una sola fila de cada credencial{others}"),
        format!("The rows in lines {first} correct the same credential with different data, and which of them counts is not known: leave one row of each credential{others}"),
    )
}
