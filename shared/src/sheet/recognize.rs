//! The format of a file, by its first bytes.

use super::{
    columns::Columns,
    fault::SheetFault,
    limits::MAX_HEADER,
    splitting::{Record, Splitter},
};
use crate::domain::upload::{Encoding, Format, Kind, Position};

/// The format of a file, and the line of its header.
pub(super) fn recognize(first: &[u8]) -> Result<(Format, u64), SheetFault> {
    refuse_binary(first)?;
    let bom = if first.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let text = first.get(bom..).unwrap_or_default();
    match text.iter().find(|b| !b.is_ascii_whitespace()) {
        None => Err(SheetFault::new("empty_file", "El archivo está vacío", "The file is empty")),
        Some(b'{') => {
            let (kind, encoding) = (Kind::JsonLines, Encoding::Utf8);
            let start = position(bom, 1);
            Ok((Format { kind, delimiter: ',', encoding, header: Vec::new(), start }, 1))
        }
        Some(b'[') => Err(SheetFault::new(
            "json_array",
            "Es una lista JSON: envía JSON Lines, un objeto por línea sin corchetes ni comas entre ellos",
            "It is a JSON array: send JSON Lines, one object a line without brackets or commas between them",
        )
        .at_line(1)),
        Some(_) => csv(first, bom),
    }
}

/// Refuses workbooks, UTF-16 and any other file that is no text.
fn refuse_binary(first: &[u8]) -> Result<(), SheetFault> {
    let is = |magic: &[u8]| first.starts_with(magic);
    if is(b"PK\x03\x04") || is(b"\xd0\xcf\x11\xe0") {
        return Err(SheetFault::new(
            "spreadsheet",
            "Es un libro de Excel o de otra hoja de cálculo: guárdalo como «CSV UTF-8 (delimitado por comas)» y envía ese archivo",
            "It is a workbook of Excel or another spreadsheet: save it as \"CSV UTF-8 (comma delimited)\" and send that file",
        ));
    }
    if is(b"\xff\xfe") || is(b"\xfe\xff") {
        return Err(SheetFault::new(
            "utf_16",
            "El archivo está en UTF-16 («Texto Unicode»): guárdalo como «CSV UTF-8»",
            "The file is in UTF-16 (\"Unicode Text\"): save it as \"CSV UTF-8\"",
        ));
    }
    if first.contains(&0) {
        return Err(SheetFault::new(
            "not_text",
            "El archivo no es de texto: envía un CSV o JSON Lines",
            "The file is no text: send CSV or JSON Lines",
        ));
    }
    Ok(())
}

/// A CSV file's delimiter and header, which follows `bom` bytes and Excel's hint, if any.
fn csv(first: &[u8], bom: usize) -> Result<(Format, u64), SheetFault> {
    let text = first.get(bom..).unwrap_or_default();
    let (mut at, mut line, mut named) = (bom, 1, None);
    // Excel's hint, in a line of its own.
    let hint = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let hinted = hint.strip_suffix(b"\r").unwrap_or(hint).strip_prefix(b"sep=");
    if let Some([delimiter]) = hinted {
        if !b",;\t".contains(delimiter) {
            return Err(SheetFault::new(
                "unknown_delimiter",
                "Separa las celdas con coma, punto y coma o tabulador",
                "Separate the cells with comma, semicolon or tab",
            )
            .at_line(1));
        }
        (at, line, named) = (bom + hint.len() + 1, 2, Some(char::from(*delimiter)));
    }
    let rest = first.get(at..).unwrap_or_default();
    // The last of those that explain as much: a single column leaves the delimiter open.
    let best = ['\t', ';', ',']
        .into_iter()
        .filter(|delimiter| named.is_none_or(|named| named == *delimiter))
        .filter_map(|delimiter| Some((delimiter, header_of(rest, delimiter, position(at, line))?)))
        .max_by_key(|(_, (header, _))| (Columns::of(header).known(), header.len()));
    let Some((delimiter, (header, start))) = best else {
        let kib = MAX_HEADER / 1024;
        return Err(SheetFault::new(
            "header_too_long",
            format!(
                "La primera línea debe tener los nombres de las columnas, en {kib} KB como máximo"
            ),
            format!("The first line must hold the names of the columns, in at most {kib} KB"),
        )
        .at_line(line));
    };
    let (kind, encoding) = (Kind::Csv, Encoding::Utf8);
    Ok((Format { kind, delimiter, encoding, header, start }, line))
}

fn position(offset: usize, line: u64) -> Position {
    Position { offset: offset as u64, line, row: 0 }
}

/// The header's cells under a delimiter, and the position of the first row.
fn header_of(bytes: &[u8], delimiter: char, from: Position) -> Option<(Vec<String>, Position)> {
    let mut splitter = Splitter::new(Kind::Csv, delimiter, from);
    let mut header = None;
    let end = (bytes.len() < MAX_HEADER).then_some(());
    let mut take = |record: Record<'_>| {
        let utf8 = record.cells().all(|cell| std::str::from_utf8(cell).is_ok());
        let encoding = if utf8 { Encoding::Utf8 } else { Encoding::Windows1252 };
        let cells = record.cells();
        let mut cells: Vec<String> =
            cells.map(|cell| encoding.text(cell).unwrap_or_default().trim().to_owned()).collect();
        while cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        header = Some((cells, Position { row: 0, ..record.end }));
        // One record is enough.
        Err(SheetFault::new("enough", "", ""))
    };
    if splitter.push(bytes, &mut take).is_ok() && end.is_some() {
        let _ = splitter.finish(&mut take);
    }
    header
}
