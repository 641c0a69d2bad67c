//! Files that are no text of rows, known by their first bytes.

use super::fault::SheetFault;

/// The first bytes of files that hold others.
const ARCHIVES: [&[u8]; 5] = [b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"\xfd7zXZ", b"BZh"];
/// Those of pictures and programs.
const OTHERS: [&[u8]; 5] = [b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x7fELF", b"MZ\x90"];
/// Parts of the archive that a spreadsheet is: Excel's, OpenDocument's, Numbers'.
const SHEET_PARTS: [&[u8]; 5] =
    [b"xl/", b"[Content_Types].xml", b"opendocument.spreadsheet", b".iwa", b"Index/"];

/// Refuses workbooks, archives and other files that are no text.
pub(super) fn refuse(first: &[u8]) -> Result<(), SheetFault> {
    let is = |magic: &[u8]| first.starts_with(magic);
    if is(b"\xd0\xcf\x11\xe0") || (is(b"PK\x03\x04") && !is_other_archive(first)) {
        return Err(SheetFault::new(
            "spreadsheet",
            "Es un libro de Excel o de otra hoja de cálculo: guárdalo como «CSV UTF-8 (delimitado por comas)» y envía ese archivo",
            "It is a workbook of Excel or another spreadsheet: save it as \"CSV UTF-8 (comma delimited)\" and send that file",
        ));
    }
    if is(b"PK\x03\x04") || ARCHIVES.iter().any(|magic| is(magic)) {
        return Err(SheetFault::new(
            "archive",
            "Es un archivo comprimido: descomprímelo y envía el CSV que contiene",
            "It is a compressed file: unpack it and send the CSV in it",
        ));
    }
    if is(b"%PDF") || is(b"{\\rtf") {
        return Err(SheetFault::new(
            "document",
            "Es un documento, no una lista: envía la hoja de cálculo de la que salió, guardada como «CSV UTF-8»",
            "It is a document, not a list: send the spreadsheet that it was made from, saved as \"CSV UTF-8\"",
        ));
    }
    if OTHERS.iter().any(|magic| is(magic)) {
        return Err(not_text());
    }
    Ok(())
}

/// Whether an archive holds a document or files of its own, and no spreadsheet.
fn is_other_archive(first: &[u8]) -> bool {
    let has = |part: &[u8]| first.windows(part.len()).any(|window| window == part);
    let is_text_document = has(b"word/") || has(b"opendocument.text");
    // The name of the first entry: its length is at 26, the name at 30 (APPNOTE 4.3.7).
    let length = match first.get(26..28) {
        Some([low, high]) => usize::from(u16::from_le_bytes([*low, *high])),
        _ => 0,
    };
    let is_named = first.get(30..30 + length).is_some_and(|name| !name.is_empty());
    is_text_document || (is_named && !SHEET_PARTS.iter().any(|part| has(part)))
}

/// A file that is no text.
pub(super) fn not_text() -> SheetFault {
    SheetFault::new(
        "not_text",
        "El archivo no es de texto: envía un CSV o JSON Lines",
        "The file is no text: send CSV or JSON Lines",
    )
}

/// Refuses pages and other markup, whatever the file is called.
pub(super) fn refuse_markup(text: &[u8]) -> Result<(), SheetFault> {
    let begins = text.trim_ascii_start();
    if !begins.starts_with(b"<") && !begins.starts_with(b"MIME-Version:") {
        return Ok(());
    }
    Err(SheetFault::new(
        "web_page",
        "Es una página HTML o XML, aunque se llame .xls o .csv: ábrelo en la hoja de cálculo, guárdalo como «CSV UTF-8 (delimitado por comas)» y envía ese archivo",
        "It is a page of HTML or XML, even if it is called .xls or .csv: open it in the spreadsheet, save it as \"CSV UTF-8 (comma delimited)\" and send that file",
    ))
}
