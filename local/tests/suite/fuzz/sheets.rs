//! Spreadsheets, whatever they are: refused with a text of bounded length, or unpacked to lines of rows, of
//! which the reader takes every one.

use std::io::{BufReader, Read};

use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive};
use unicreda::{
    domain::{ids::TemplateId, lang::Lang, spreadsheet::HiddenRows},
    sheet::{
        MAX_HEADER, Rows, SheetFault, Survey, Terms,
        workbook::{Ask, Spreadsheet, number_of},
    },
};

use super::{
    corpus::{Input, Inputs, Shape},
    parsers::definition,
};
use crate::spreadsheets::make::archive;

/// Longest text of a fault, in bytes.
const TEXT: usize = 4_000;

/// The parts of an archive, as far as they can be read; none of a file that is none.
pub fn parts(file: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let zip = ZipArchive::from_slice(file).ok()?;
    let (mut parts, mut entries) = (Vec::new(), zip.entries());
    while let Ok(Some(entry)) = entries.next_entry() {
        let name = String::from_utf8_lossy(entry.file_path().as_ref()).into_owned();
        let Ok(packed) = zip.get_entry(entry.wayfinder()) else { continue };
        let mut bytes = Vec::new();
        let read = match entry.compression_method() {
            CompressionMethod::STORE => BufReader::new(packed.data()).read_to_end(&mut bytes),
            _ => DeflateDecoder::new(packed.data()).take(1 << 20).read_to_end(&mut bytes),
        };
        if read.is_ok() {
            parts.push((name, bytes));
        }
    }
    Some(parts)
}

/// An archive of these parts.
pub fn archive_of(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, of)| (&**name, &**of)).collect();
    archive(&parts)
}

/// Reads a file as a job would; the rows.
fn read(file: &Input, ask: Ask<'_>) -> Result<usize, SheetFault> {
    let definition = definition();
    let id = TemplateId::parse("00000000-0000-4000-8000-000000000000").expect("an id");
    let terms = Terms::of(id, &definition);
    let spreadsheet = Spreadsheet::open(file)?;
    let mut unpacking = spreadsheet.unpack(terms, ask)?;
    let mut copy = Vec::new();
    while let Some(piece) = unpacking.piece()? {
        copy.extend_from_slice(&piece);
    }
    let lines = copy.split_inclusive(|byte| *byte == b'\n');
    assert!(lines.clone().all(|line| number_of(line).is_some_and(|n| n > 0)), "{}", file.name);
    let mut survey = Survey::of_copy(&copy[..MAX_HEADER.min(copy.len())], terms)?;
    let start = usize::try_from(survey.starts_at()).expect("small");
    survey.push(&copy[start..])?;
    let found = survey.finish()?;
    let mut rows = Rows::new(&found.format, &definition, found.format.start);
    let mut read = rows.push(&copy[start..]).expect("as surveyed");
    read.extend(rows.finish().expect("as surveyed"));
    assert_eq!(read.len(), usize::try_from(found.rows).expect("few"), "{}", file.name);
    Ok(read.len())
}

#[test]
fn every_spreadsheet_is_refused_with_a_text_or_read_to_its_last_row() {
    let (mut taken, mut refused) = (0, 0);
    for file in Inputs::of("sheets", Shape::Archive, 1_500) {
        for hidden_rows in [None, Some(HiddenRows::Read)] {
            match read(&file, Ask { sheet: None, hidden_rows }) {
                Ok(rows) => taken += usize::from(rows > 0),
                Err(fault) => {
                    for text in [fault.text(Lang::Es), fault.text(Lang::En)] {
                        assert!((1..TEXT).contains(&text.len()), "{}: {text}", file.name);
                    }
                    refused += 1;
                }
            }
        }
    }
    eprintln!("spreadsheets: {taken} read, {refused} refused");
    assert!(taken > 200 && refused > 200);
}
