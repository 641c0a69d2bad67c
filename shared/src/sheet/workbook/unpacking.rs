//! Unpacking the sheet of a spreadsheet that is read, piece by piece.

use super::{
    archive::Archive,
    cell::{Rows, SheetLine, SheetName},
    choosing::{Choice, choose, names},
    line,
    ods::{self, Ods},
    trouble::{Result, Trouble, too_many_rows},
    xls::XlsFile,
    xlsx::Xlsx,
};
use crate::sheet::limits::{MAX_SHEET_ROWS, MAX_SPREADSHEET};
use crate::{
    domain::spreadsheet::{HiddenRows, Workbook},
    sheet::{
        column::{Column, Use},
        columns::{Assignments, Columns},
        fault::SheetFault,
        foreign,
        limits::{HEADER_LINES, MAX_FILE},
        terms::Terms,
    },
};

/// The first bytes of the two kinds of files that spreadsheets are.
const OLE: &[u8] = b"\xd0\xcf\x11\xe0";
const ZIP: &[u8] = b"PK\x03\x04";
/// Bytes of a piece, and rows after which one ends however short it is.
const PIECE: usize = 1024 * 1024;
const PIECE_ROWS: usize = 4_096;
/// Names of sheets that are kept.
const MAX_NAMES: usize = 50;
/// Characters of the name of a sheet that are kept.
const MAX_NAME: usize = 100;

/// What was asked of a spreadsheet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask<'a> {
    /// The sheet to be read, if one was named.
    pub sheet: Option<&'a str>,
    /// What becomes of hidden rows, if it was said.
    pub hidden_rows: Option<HiddenRows>,
}

/// Whether a file, by its first bytes, is to be opened as a spreadsheet.
pub fn is_spreadsheet(first: &[u8]) -> bool {
    first.starts_with(OLE) || first.starts_with(ZIP)
}

/// A spreadsheet in memory.
pub struct Spreadsheet<'a> {
    kind: Kind<'a>,
    sheets: Vec<SheetName>,
}

enum Kind<'a> {
    Xlsx(Box<Xlsx<'a>>),
    Ods(Ods<'a>),
    Xls(XlsFile),
}

impl Kind<'_> {
    fn rows(&self, at: usize) -> Result<Box<dyn Rows + Send + '_>> {
        match self {
            Self::Xlsx(file) => file.rows(at),
            Self::Ods(file) => file.rows(at),
            Self::Xls(file) => file.rows(at),
        }
    }
}

/// The fault of a file that is too large to be opened; `first` are its first bytes.
pub fn too_large(first: &[u8], size: u64) -> Option<SheetFault> {
    if size <= MAX_SPREADSHEET {
        return None;
    }
    // An archive of something else is not split.
    let other = foreign::refuse(first).err().filter(|fault| fault.code != "spreadsheet");
    Some(other.unwrap_or_else(|| Trouble::TooLarge.into()))
}

impl<'a> Spreadsheet<'a> {
    /// Opens a file.
    ///
    /// # Errors
    /// [`SheetFault`]: `sheet_unreadable`, `sheet_encrypted`, `sheet_too_large`, `spreadsheet` of a kind
    /// that is not read; `archive` or `document` if it is none.
    pub fn open(bytes: &'a [u8]) -> std::result::Result<Self, SheetFault> {
        if bytes.starts_with(OLE) {
            let file = XlsFile::open(bytes)?;
            return Ok(Self { sheets: file.sheets(), kind: Kind::Xls(file) });
        }
        let archive = Archive::open(bytes)?;
        if archive.has_ending("workbook.bin") || archive.has_ending(".iwa") {
            return Err(Trouble::OtherKind.into());
        }
        if ods::is_ods(&archive)? {
            let file = Ods::open(archive)?;
            return Ok(Self { sheets: file.sheets(), kind: Kind::Ods(file) });
        }
        match Xlsx::open(archive)? {
            Some(file) => Ok(Self { sheets: file.sheets(), kind: Kind::Xlsx(Box::new(file)) }),
            // An archive of other things, or a workbook that lost its parts.
            None => {
                match foreign::refuse(bytes.get(..bytes.len().min(16 * 1024)).unwrap_or_default()) {
                    Err(fault) if fault.code != "spreadsheet" => Err(fault),
                    _ => Err(Trouble::Unreadable.into()),
                }
            }
        }
    }

    /// Begins to unpack the sheet that is read.
    ///
    /// # Errors
    /// [`SheetFault`]: `sheet_not_found`, `empty_file`, and those of [`Unpacking::piece`].
    pub fn unpack(
        &self,
        terms: Terms<'_>,
        ask: Ask<'_>,
    ) -> std::result::Result<Unpacking<'_>, SheetFault> {
        let assigned = Assignments::of(terms);
        let chosen = choose(&self.sheets, ask.sheet, &assigned, |at| self.kind.rows(at));
        let sheets: Vec<String> =
            self.sheets.iter().take(MAX_NAMES).map(|sheet| shown(&sheet.name)).collect();
        let Choice { at, header, unread } =
            chosen.map_err(|fault| SheetFault { sheets: sheets.clone(), ..fault })?;
        let named = |at: usize| self.sheets.get(at).map(|sheet| shown(&sheet.name));
        Ok(Unpacking {
            rows: self.kind.rows(at)?,
            header,
            assigned: Some(assigned),
            asked: ask.hidden_rows,
            count: 0,
            bytes: 0,
            first_hidden: None,
            ended: false,
            workbook: Workbook {
                sheet: named(at).unwrap_or_default(),
                sheets,
                unread: unread.into_iter().filter_map(named).collect(),
                hidden: 0,
                hidden_columns: Vec::new(),
                hidden_unknown: matches!(self.kind, Kind::Xls(_)),
            },
        })
    }
}

impl Spreadsheet<'_> {
    /// Every sheet that can be read, with its hidden rows.
    pub fn all(&self) -> impl Iterator<Item = Unpacking<'_>> {
        (0..self.sheets.len()).filter_map(|at| {
            Some(Unpacking {
                rows: self.kind.rows(at).ok()?,
                header: 0,
                assigned: None,
                asked: Some(HiddenRows::Read),
                count: 0,
                bytes: 0,
                first_hidden: None,
                ended: false,
                workbook: Workbook::default(),
            })
        })
    }
}

/// A sheet that is being unpacked.
pub struct Unpacking<'a> {
    rows: Box<dyn Rows + Send + 'a>,
    header: u64,
    /// How its columns are known, where that matters.
    assigned: Option<Assignments>,
    asked: Option<HiddenRows>,
    count: u32,
    bytes: u64,
    first_hidden: Option<u64>,
    ended: bool,
    workbook: Workbook,
}

impl Unpacking<'_> {
    /// The next lines, which may be none; `None` at the end of the sheet.
    ///
    /// # Errors
    /// [`SheetFault`]: `sheet_unreadable`, `sheet_encrypted`, `sheet_too_large`, `too_many_rows`, and at
    /// the end `hidden_rows`.
    pub fn piece(&mut self) -> std::result::Result<Option<Vec<u8>>, SheetFault> {
        if self.ended {
            return Ok(None);
        }
        let mut piece = Vec::with_capacity(PIECE + PIECE / 8);
        for _ in 0..PIECE_ROWS {
            let Some(row) = self.rows.next_row().map_err(|trouble| self.named(trouble.into()))?
            else {
                self.ended = true;
                self.refuse_hidden()?;
                break;
            };
            if row.is_blank() {
                continue;
            }
            if row.number == self.header {
                self.note_hidden_columns(&row);
            }
            if row.hidden && row.number > self.header {
                self.workbook.hidden += 1;
                self.first_hidden.get_or_insert(row.number);
                if self.asked != Some(HiddenRows::Read) {
                    continue;
                }
            }
            self.count += 1;
            if u64::from(self.count) > u64::from(MAX_SHEET_ROWS) + HEADER_LINES {
                return Err(self.named(too_many_rows(row.number)));
            }
            line::write(&row, &mut piece);
            if piece.len() >= PIECE {
                break;
            }
        }
        self.bytes += piece.len() as u64;
        if self.bytes > MAX_FILE {
            return Err(self.named(Trouble::TooLarge.into()));
        }
        Ok(Some(piece))
    }

    /// What was read, once all of it is.
    pub fn workbook(self) -> Workbook {
        self.workbook
    }

    /// Notes the columns that are hidden and read, by the row that names them.
    fn note_hidden_columns(&mut self, header: &SheetLine) {
        let Some(assigned) = &self.assigned else { return };
        let names = names(header);
        let columns = Columns::assigned(&names, assigned);
        let read = |column: Column| column.usage() == Use::Read && column != Column::Unknown;
        let hidden = columns
            .all()
            .iter()
            .zip(&names)
            .enumerate()
            .filter(|(at, (column, _))| read(**column) && self.rows.hides(*at));
        let hidden = hidden.map(|(_, (_, name))| shown(name)).take(MAX_NAMES);
        self.workbook.hidden_columns = hidden.collect();
    }

    fn named(&self, fault: SheetFault) -> SheetFault {
        let Workbook { sheet, sheets, .. } = self.workbook.clone();
        SheetFault { sheet: Some(sheet.into()), sheets, ..fault }
    }

    fn refuse_hidden(&self) -> std::result::Result<(), SheetFault> {
        let Some(first) = self.first_hidden.filter(|_| self.asked.is_none()) else { return Ok(()) };
        let (sheet, hidden) = (&self.workbook.sheet, self.workbook.hidden);
        let (es, en) = match hidden {
            1 => ("1 fila oculta o filtrada".to_owned(), "1 hidden or filtered row".to_owned()),
            many => (
                format!("{many} filas ocultas o filtradas (esta es la primera)"),
                format!("{many} hidden or filtered rows (this is the first)"),
            ),
        };
        let fault = SheetFault::new(
            "hidden_rows",
            format!(
                "La hoja «{sheet}» tiene {es}. Indica si se leen o se dejan fuera, o muéstralas y guarda el archivo"
            ),
            format!(
                "The sheet \"{sheet}\" has {en}. Say whether they are read or left out, or show them and save the file"
            ),
        );
        Err(self.named(fault.at_line(first)))
    }
}

/// A sheet's or a column's name, cut and cleaned.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}
