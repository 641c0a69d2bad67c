//! Which sheet of a workbook is read: the one that was named, else the first visible one with a header.

use unicode_normalization::UnicodeNormalization;

use super::{
    cell::{Cell, Rows, SheetLine, SheetName},
    trouble::{Result, Trouble},
};
use crate::{
    domain::email::EmailAddress,
    sheet::{
        columns::{Assignments, Columns},
        fault::SheetFault,
        limits::{HEADER_LINES, MAX_SHOWN},
    },
};

/// Visible sheets that are looked into.
const MAX_LOOKED: usize = 8;
/// Sheets that a fault names.
const NAMED: usize = 12;

/// The sheet that is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// Its place.
    pub at: usize,
    /// The line of its header; 0 if it has none.
    pub header: u64,
    /// The places of other visible sheets that seem to have people, where no sheet was named.
    pub unread: Vec<usize>,
}

/// Chooses a sheet; `rows` begins to read one.
pub(super) fn choose<'a>(
    sheets: &[SheetName],
    named: Option<&str>,
    assigned: &Assignments,
    rows: impl Fn(usize) -> Result<Box<dyn Rows + Send + 'a>>,
) -> std::result::Result<Choice, SheetFault> {
    if let Some(named) = named {
        let wanted = compared(named);
        let is = |sheet: &SheetName| compared(&sheet.name) == wanted;
        let at = sheets.iter().position(is).ok_or_else(|| not_found(named, sheets))?;
        let looked = look(&mut *rows(at)?, assigned)?;
        let header = looked.header.map_or(0, |(line, _)| line);
        return Ok(Choice { at, header, unread: Vec::new() });
    }
    let visible = sheets.iter().enumerate().filter(|(_, sheet)| sheet.visible);
    let (mut chosen, mut filled, mut trouble) = (None, None, None);
    let mut unread = Vec::new();
    for (at, _) in visible.take(MAX_LOOKED) {
        // One that cannot be read hides none of the others.
        let looked = match rows(at).and_then(|mut rows| look(&mut *rows, assigned)) {
            Ok(looked) => looked,
            Err(other) => {
                trouble = trouble.or(Some(other));
                continue;
            }
        };
        let header = looked.header.map_or(0, |(line, _)| line);
        if looked.has_people {
            unread.push(at);
        }
        if looked.header.is_some_and(|(_, addressed)| addressed) && chosen.is_none() {
            chosen = Some((at, header));
        }
        if looked.filled && filled.is_none() {
            filled = Some((at, header));
        }
    }
    match (chosen.or(filled), trouble) {
        (Some((at, header)), _) => {
            unread.retain(|other| *other != at);
            Ok(Choice { at, header, unread })
        }
        (None, Some(trouble)) => Err(trouble.into()),
        (None, None) if sheets.is_empty() => Err(Trouble::Unreadable.into()),
        (None, None) => {
            Err(SheetFault::new("empty_file", "La planilla está vacía", "The spreadsheet is empty"))
        }
    }
}

/// A name as names are compared: systems differ in case, and in how they write an accent.
fn compared(name: &str) -> String {
    name.trim().nfc().collect::<String>().to_lowercase()
}

/// What the first rows of a sheet say.
#[derive(Default)]
struct Looked {
    /// The line that looks most like a header, and whether it has the column of the addresses.
    header: Option<(u64, bool)>,
    filled: bool,
    /// Whether one of its rows below the first has an address.
    has_people: bool,
}

fn look(rows: &mut dyn Rows, assigned: &Assignments) -> Result<Looked> {
    let mut looked = Looked::default();
    let mut best = (false, 0);
    while let Some(row) = rows.next_row()? {
        if row.number > HEADER_LINES {
            looked.filled |= !row.is_blank();
            break;
        }
        if row.is_blank() {
            continue;
        }
        looked.has_people |= looked.filled && row.cells.iter().any(is_address);
        looked.filled = true;
        let columns = Columns::assigned(&names(&row), assigned);
        let rank = (columns.email().is_some(), columns.known());
        if rank > best {
            best = rank;
            looked.header = Some((row.number, rank.0));
        }
    }
    Ok(looked)
}

fn is_address(cell: &Cell) -> bool {
    matches!(cell, Cell::Text(text) if EmailAddress::parse(text.trim()).is_ok())
}

/// The names that a row would have as a header.
pub(super) fn names(row: &SheetLine) -> Vec<String> {
    let name = |cell: &Cell| match cell {
        Cell::Text(text) => text.trim().to_owned(),
        _ => String::new(),
    };
    row.cells.iter().take(MAX_SHOWN).map(name).collect()
}

/// The names of sheets, as a text lists them.
fn listed(sheets: &[SheetName], quotes: [&str; 2]) -> String {
    let [open, close] = quotes;
    let names = sheets.iter().take(NAMED).map(|sheet| {
        let name: String = sheet.name.chars().filter(|c| !c.is_control()).take(60).collect();
        format!("{open}{name}{close}")
    });
    names.collect::<Vec<_>>().join(", ")
}

fn not_found(named: &str, sheets: &[SheetName]) -> SheetFault {
    let named: String = named.chars().filter(|c| !c.is_control()).take(60).collect();
    SheetFault::new(
        "sheet_not_found",
        format!("El archivo no tiene la hoja «{named}». Tiene: {}", listed(sheets, ["«", "»"])),
        format!("The file has no sheet \"{named}\". It has: {}", listed(sheets, ["\"", "\""])),
    )
}

/// The fault of a sheet that was named in a file that has none.
pub fn no_sheets(named: &str) -> SheetFault {
    let named: String = named.chars().filter(|c| !c.is_control()).take(60).collect();
    SheetFault::new(
        "sheet_not_found",
        format!(
            "El archivo no es una planilla, y no tiene la hoja «{named}»: súbelo sin indicar una hoja"
        ),
        format!(
            "The file is no spreadsheet, and has no sheet \"{named}\": upload it without naming one"
        ),
    )
}
