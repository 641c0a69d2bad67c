//! Sheets of `.ods` (OpenDocument 1.3, part 3, 9), row by row. Rows and cells that are repeated are
//! counted, not copied.

use quick_xml::events::{BytesStart, Event};

use super::{
    archive::{Archive, MAX_UNPACKED},
    cell::{Cell, HiddenColumns, MAX_COLUMNS, Rows, SheetLine, SheetName},
    format,
    trouble::{Result, Trouble},
    xlsx::day_of,
    xml::{MAX_CELL, Refused, Xml, add_text, attribute},
};

/// The part with the sheets.
const CONTENT: &str = "content.xml";
/// Most bytes of the list of parts.
const MAX_LIST: u64 = 4 * 1024 * 1024;
/// Most sheets that are known.
const MAX_SHEETS: usize = 1_000;

/// An `.ods` file.
pub(super) struct Ods<'a> {
    archive: Archive<'a>,
    sheets: Vec<SheetName>,
}

/// Whether an archive is an `.ods` file.
pub(super) fn is_ods(archive: &Archive<'_>) -> Result<bool> {
    if !archive.has(CONTENT) || !archive.has("mimetype") {
        return Ok(false);
    }
    let mut kind = String::new();
    let part = archive.part("mimetype", 256)?;
    let read = std::io::Read::read_to_string(&mut { part }, &mut kind);
    Ok(read.is_ok() && kind.contains("opendocument.spreadsheet"))
}

impl<'a> Ods<'a> {
    /// Opens a file. Its sheets are found by reading it once from end to end.
    pub fn open(archive: Archive<'a>) -> Result<Self> {
        refuse_encrypted(&archive)?;
        let sheets = sheets_of(&archive)?;
        Ok(Self { archive, sheets })
    }

    /// The names of its sheets.
    pub fn sheets(&self) -> Vec<SheetName> {
        self.sheets.clone()
    }

    /// Begins to read a sheet, by its place.
    pub fn rows(&self, at: usize) -> Result<Box<dyn Rows + Send + '_>> {
        let mut xml = Xml::open(&self.archive, CONTENT, MAX_UNPACKED)?;
        let mut tables = 0;
        loop {
            match xml.next()? {
                Event::Start(start) if start.name().as_ref() == b"table:table" => {
                    tables += 1;
                    if tables > at {
                        break;
                    }
                }
                Event::Eof => return Err(Trouble::Unreadable),
                _ => {}
            }
        }
        xml.refuse(Refused::Renamed);
        let (again, groups, hidden) = (None, Vec::new(), HiddenColumns::default());
        Ok(Box::new(OdsRows { xml, line: 0, again, groups, columns: 0, hidden }))
    }
}

/// Finds the sheets by reading the part once from end to end.
fn sheets_of(archive: &Archive<'_>) -> Result<Vec<SheetName>> {
    let mut xml = Xml::open(archive, CONTENT, MAX_UNPACKED)?;
    let (mut sheets, mut hidden) = (Vec::new(), Vec::new());
    let (mut styles, mut style) = (0, String::new());
    loop {
        match xml.next()? {
            Event::Start(start) => match start.name().as_ref() {
                b"style:style" => style = attribute(&start, b"style:name").unwrap_or_default(),
                b"style:table-properties"
                    if styles < MAX_SHEETS
                        && attribute(&start, b"table:display")
                            .is_some_and(|shown| shown == "false") =>
                {
                    styles += 1;
                    hidden.push(style.clone());
                }
                b"table:table" if sheets.len() < MAX_SHEETS => {
                    let name = attribute(&start, b"table:name").unwrap_or_default();
                    let of = attribute(&start, b"table:style-name").unwrap_or_default();
                    sheets.push(SheetName { name, visible: !hidden.contains(&of) });
                }
                _ => {}
            },
            Event::Eof => return Ok(sheets),
            _ => {}
        }
    }
}

/// Refuses a file whose list of parts says that they are encrypted.
fn refuse_encrypted(archive: &Archive<'_>) -> Result<()> {
    let list = "META-INF/manifest.xml";
    if !archive.has(list) {
        return Ok(());
    }
    let mut xml = Xml::open(archive, list, MAX_LIST)?;
    loop {
        match xml.next() {
            Ok(Event::Start(start)) if start.local_name().as_ref() == b"encryption-data" => {
                return Err(Trouble::Encrypted);
            }
            // A list with a type of document is old, and says nothing that is needed.
            Ok(Event::Eof) | Err(_) => return Ok(()),
            Ok(_) => {}
        }
    }
}

struct OdsRows<'a> {
    xml: Xml<'a>,
    /// Rows so far.
    line: u64,
    /// A row that is repeated, and how often still.
    again: Option<(SheetLine, u64)>,
    /// Whether each group of rows or of columns that has begun is hidden.
    groups: Vec<bool>,
    /// Columns so far.
    columns: usize,
    hidden: HiddenColumns,
}

/// What comes next in a sheet.
enum Next {
    Columns { repeated: usize, hidden: bool },
    Row { repeated: u64, hidden: bool },
    Cell(CellStart),
    Group { hidden: bool },
    GroupEnd,
    Table,
    TableEnd,
    Paragraph,
    Skipped,
    End,
    Nothing,
    Eof,
}

/// What a cell says of itself.
struct CellStart {
    repeated: usize,
    kind: String,
    value: Option<String>,
    date: Option<String>,
    is_error: bool,
    is_formula: bool,
}

fn repeated(start: &BytesStart<'_>, name: &[u8]) -> u64 {
    attribute(start, name).and_then(|times| times.parse().ok()).unwrap_or(1).max(1)
}

/// How many columns or cells an element stands for.
fn columns(start: &BytesStart<'_>) -> usize {
    usize::try_from(repeated(start, b"table:number-columns-repeated")).unwrap_or(usize::MAX)
}

/// Whether an element groups rows or columns without hiding them.
fn is_plain_group(name: &[u8]) -> bool {
    let groups: [&[u8]; 4] = [
        b"table:table-header-rows",
        b"table:table-rows",
        b"table:table-header-columns",
        b"table:table-columns",
    ];
    groups.contains(&name)
}

/// Whether a row or a column says that it is hidden.
fn is_hidden(start: &BytesStart<'_>) -> bool {
    attribute(start, b"table:visibility").is_some_and(|visibility| visibility != "visible")
}

/// Whether a cell shows a whole day: three numbers, or two and the name of a month. `nov 2026` does not.
fn shows_a_day(text: &str) -> bool {
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|of| !of.is_empty()).count();
    let mut words = text.split(|c: char| !c.is_alphabetic());
    numbers > 2 || (numbers == 2 && words.any(|word| word.chars().count() > 2))
}

impl Next {
    fn of(event: &Event<'_>) -> Self {
        match event {
            Event::Start(start) => match start.name().as_ref() {
                b"table:table-row" => Self::Row {
                    repeated: repeated(start, b"table:number-rows-repeated"),
                    hidden: is_hidden(start),
                },
                b"table:table-column" => {
                    Self::Columns { repeated: columns(start), hidden: is_hidden(start) }
                }
                b"table:table-cell" | b"table:covered-table-cell" => {
                    Self::Cell(CellStart::of(start))
                }
                b"table:table-row-group" | b"table:table-column-group" => {
                    let shown = attribute(start, b"table:display");
                    Self::Group { hidden: shown.is_some_and(|shown| shown == "false") }
                }
                name if is_plain_group(name) => Self::Group { hidden: false },
                b"table:table" => Self::Table,
                b"text:p" | b"text:h" => Self::Paragraph,
                _ => Self::Skipped,
            },
            Event::End(end) => match end.name().as_ref() {
                b"table:table-row-group" | b"table:table-column-group" => Self::GroupEnd,
                name if is_plain_group(name) => Self::GroupEnd,
                b"table:table" => Self::TableEnd,
                _ => Self::End,
            },
            Event::Eof => Self::Eof,
            _ => Self::Nothing,
        }
    }
}

impl CellStart {
    fn of(start: &BytesStart<'_>) -> Self {
        let is_error = attribute(start, b"calcext:value-type").is_some_and(|kind| kind == "error");
        // Another one of the same end says what LibreOffice knows of it.
        let kind = attribute(start, b"office:value-type").unwrap_or_default();
        Self {
            repeated: columns(start),
            kind,
            value: attribute(start, b"office:value"),
            date: attribute(start, b"office:date-value"),
            is_error,
            is_formula: attribute(start, b"table:formula").is_some(),
        }
    }

    /// The cell, whose text was read.
    fn cell(self, text: String) -> Cell {
        let number = || self.value.as_deref().and_then(|value| value.trim().parse::<f64>().ok());
        if self.is_error || (self.is_formula && text.starts_with("Err:")) {
            return Cell::Error(text);
        }
        match &*self.kind {
            "float" | "currency" | "percentage" => match number() {
                Some(number) if number.is_finite() => Cell::Bare(format::written_out(number)),
                _ => Cell::Text(text),
            },
            "date" => match day_of(self.date.as_deref().unwrap_or(&text)) {
                Cell::Date(day) if !text.is_empty() && !shows_a_day(&text) => Cell::PartOfDate(day),
                day => day,
            },
            "" if self.is_formula && text.is_empty() => Cell::Unvalued("=".to_owned()),
            _ if text.is_empty() => Cell::Empty,
            _ => Cell::Text(text),
        }
    }
}

impl Rows for OdsRows<'_> {
    fn next_row(&mut self) -> Result<Option<SheetLine>> {
        if let Some((row, left)) = &mut self.again {
            self.line += 1;
            let next =
                SheetLine { number: self.line, hidden: row.hidden, cells: row.cells.clone() };
            *left -= 1;
            if *left == 0 {
                self.again = None;
            }
            return Ok(Some(next));
        }
        loop {
            match Next::of(&self.xml.next()?) {
                Next::Row { repeated, hidden } => {
                    let mut row = SheetLine { number: self.line + 1, hidden, cells: Vec::new() };
                    row.hidden |= self.groups.contains(&true);
                    self.cells(&mut row.cells)?;
                    if row.is_blank() {
                        self.line = self.line.saturating_add(repeated);
                        continue;
                    }
                    self.line += 1;
                    if repeated > 1 {
                        let again =
                            SheetLine { number: 0, hidden: row.hidden, cells: row.cells.clone() };
                        self.again = Some((again, repeated - 1));
                    }
                    return Ok(Some(row));
                }
                Next::Columns { repeated, hidden } => {
                    let (from, to) = (self.columns, self.columns.saturating_add(repeated));
                    if hidden || self.groups.contains(&true) {
                        self.hidden.add(from..to)?;
                    }
                    self.columns = to;
                }
                Next::Group { hidden } => self.groups.push(hidden),
                Next::GroupEnd => drop(self.groups.pop()),
                // A sheet within a sheet is a drawing's.
                Next::Table | Next::Skipped => self.xml.skip()?,
                Next::TableEnd => {
                    self.xml.refuse(Refused::None);
                    self.xml.finish()?;
                    return Ok(None);
                }
                Next::Eof => return Err(Trouble::Unreadable),
                _ => {}
            }
        }
    }

    fn hides(&self, column: usize) -> bool {
        self.hidden.has(column)
    }
}

impl OdsRows<'_> {
    /// Reads the cells of a row that has begun.
    fn cells(&mut self, cells: &mut Vec<Cell>) -> Result<()> {
        // Empty cells are put in only before one that is not.
        let mut at = 0_usize;
        loop {
            match Next::of(&self.xml.next()?) {
                Next::Cell(start) => {
                    let repeated = start.repeated;
                    let cell = self.cell(start)?;
                    if cell.is_blank() {
                        at = at.saturating_add(repeated);
                        continue;
                    }
                    let end = at.saturating_add(repeated);
                    if end > MAX_COLUMNS {
                        return Err(Trouble::Unreadable);
                    }
                    cells.resize(at, Cell::Empty);
                    cells.resize(end, cell);
                    at = end;
                }
                Next::End => return Ok(()),
                Next::Eof | Next::TableEnd => return Err(Trouble::Unreadable),
                Next::Nothing => {}
                _ => self.xml.skip()?,
            }
        }
    }

    /// Reads a cell that has begun: its paragraphs, without notes and drawings.
    fn cell(&mut self, start: CellStart) -> Result<Cell> {
        let (mut text, mut paragraphs) = (String::new(), 0);
        loop {
            match Next::of(&self.xml.next()?) {
                Next::Paragraph => {
                    if paragraphs > 0 {
                        text.push('\n');
                    }
                    paragraphs += 1;
                    paragraph(&mut self.xml, &mut text)?;
                }
                Next::End => return Ok(start.cell(text)),
                Next::Eof | Next::TableEnd => return Err(Trouble::Unreadable),
                Next::Nothing => {}
                _ => self.xml.skip()?,
            }
            if text.len() > MAX_CELL {
                return Err(Trouble::TooLarge);
            }
        }
    }
}

/// Adds the text of a paragraph that has begun; blanks and breaks are elements.
fn paragraph(xml: &mut Xml<'_>, to: &mut String) -> Result<()> {
    let mut depth = 1_u32;
    while depth > 0 {
        let mut is_note = false;
        match xml.next()? {
            Event::Start(start) => {
                depth += 1;
                match start.name().as_ref() {
                    b"text:s" => {
                        let times =
                            attribute(&start, b"text:c").and_then(|c| c.parse().ok()).unwrap_or(1);
                        to.extend(std::iter::repeat_n(' ', times.min(MAX_CELL)));
                    }
                    b"text:tab" => to.push('\t'),
                    b"text:line-break" => to.push('\n'),
                    b"office:annotation" | b"text:ruby-text" => is_note = true,
                    _ => {}
                }
            }
            Event::End(_) => depth -= 1,
            Event::Eof => return Err(Trouble::Unreadable),
            event => add_text(&event, to)?,
        }
        if is_note {
            xml.skip()?;
            depth -= 1;
        }
        if to.len() > 4 * MAX_CELL {
            return Err(Trouble::TooLarge);
        }
    }
    Ok(())
}
