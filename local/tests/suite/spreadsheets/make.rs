//! Spreadsheets as programs write them, part by part.

use std::io::Write;

use flate2::{Compression, write::DeflateEncoder};
use rawzip::{CompressionMethod, ZipArchiveWriter};

/// An archive of parts.
pub fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipArchiveWriter::new(Vec::new());
    for (name, bytes) in parts {
        let file = archive.new_file(*name).compression_method(CompressionMethod::DEFLATE);
        let (mut entry, config) = file.start().expect("a part");
        let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::fast()));
        writer.write_all(bytes).expect("its bytes");
        let (encoder, descriptor) = writer.finish().expect("its end");
        encoder.finish().expect("its end");
        entry.finish(descriptor).expect("its end");
    }
    archive.finish().expect("an archive")
}

pub const TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#;
pub const RELS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const KINDS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// An `.xlsx` file, as far as tests differ.
#[derive(Clone, Default)]
pub struct Book {
    /// Names, states and contents of `sheetData` of the sheets.
    pub sheets: Vec<(String, &'static str, String)>,
    pub strings: Option<String>,
    pub styles: Option<String>,
    pub since_1904: bool,
    /// What stands before the root of each sheet.
    pub prolog: String,
    /// What each sheet says of its columns.
    pub columns: String,
}

impl Book {
    /// A file of one sheet, by its rows.
    pub fn of(rows: &str) -> Self {
        Self { sheets: vec![("Acta".to_owned(), "visible", rows.to_owned())], ..Self::default() }
    }

    /// With these shared texts, each the content of `si`.
    pub fn strings(mut self, all: &[&str]) -> Self {
        self.strings = Some(all.iter().map(|text| format!("<si>{text}</si>")).collect());
        self
    }

    /// With these formats of numbers: the styles 1 and on.
    pub fn formats(mut self, codes: &[&str]) -> Self {
        let known = (200..).zip(codes).map(|(id, code)| {
            let code = code.replace('&', "&amp;").replace('"', "&quot;");
            format!(r#"<numFmt numFmtId="{id}" formatCode="{code}"/>"#)
        });
        let styles = (200..).zip(codes).map(|(id, _)| format!(r#"<xf numFmtId="{id}"/>"#));
        self.styles = Some(format!(
            r#"<numFmts>{}</numFmts><cellStyleXfs><xf numFmtId="9"/></cellStyleXfs><cellXfs><xf numFmtId="0"/>{}</cellXfs>"#,
            known.collect::<String>(),
            styles.collect::<String>()
        ));
        self
    }

    /// The parts.
    pub fn parts(&self) -> Vec<(String, Vec<u8>)> {
        let (mut list, mut relations) = (String::new(), String::new());
        let mut parts = vec![
            ("[Content_Types].xml".to_owned(), TYPES.as_bytes().to_vec()),
            ("_rels/.rels".to_owned(), RELS.as_bytes().to_vec()),
        ];
        for (n, (name, state, rows)) in (1..).zip(&self.sheets) {
            list += &format!(r#"<sheet name="{name}" sheetId="{n}" state="{state}" r:id="s{n}"/>"#);
            relations += &format!(
                r#"<Relationship Id="s{n}" Type="{KINDS}/worksheet" Target="worksheets/sheet{n}.xml"/>"#
            );
            let sheet = format!(
                r#"{}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1"/>{}<sheetData>{rows}</sheetData><hyperlinks/></worksheet>"#,
                self.prolog, self.columns
            );
            parts.push((format!("xl/worksheets/sheet{n}.xml"), sheet.into_bytes()));
        }
        for (kind, name, content, root) in [
            ("sharedStrings", "sharedStrings.xml", &self.strings, "sst"),
            ("styles", "styles.xml", &self.styles, "styleSheet"),
        ] {
            if let Some(content) = content {
                relations += &format!(
                    r#"<Relationship Id="{kind}" Type="{KINDS}/{kind}" Target="{name}"/>"#
                );
                let part = format!("<{root}>{content}</{root}>");
                parts.push((format!("xl/{name}"), part.into_bytes()));
            }
        }
        let since = u8::from(self.since_1904);
        let book = format!(
            r#"<workbook xmlns:r="{KINDS}"><workbookPr date1904="{since}"/><sheets>{list}</sheets></workbook>"#
        );
        parts.push(("xl/workbook.xml".to_owned(), book.into_bytes()));
        let relations = format!("<Relationships>{relations}</Relationships>");
        parts.push(("xl/_rels/workbook.xml.rels".to_owned(), relations.into_bytes()));
        parts
    }

    /// The file.
    pub fn file(&self) -> Vec<u8> {
        let parts = self.parts();
        let parts: Vec<(&str, &[u8])> =
            parts.iter().map(|(name, bytes)| (&**name, &**bytes)).collect();
        archive(&parts)
    }
}

/// A cell of text.
pub fn text(at: &str, text: &str) -> String {
    format!(r#"<c r="{at}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>"#)
}

/// A cell of a number in a style.
pub fn number(at: &str, value: &str, style: u32) -> String {
    format!(r#"<c r="{at}" s="{style}"><v>{value}</v></c>"#)
}

/// A row.
pub fn row(number: u32, cells: &[String]) -> String {
    format!(r#"<row r="{number}">{}</row>"#, cells.concat())
}

/// A row of texts, from the first column on.
pub fn texts(at: u32, all: &[&str]) -> String {
    let cells = ('A'..).zip(all).map(|(column, of)| text(&format!("{column}{at}"), of));
    row(at, &cells.collect::<Vec<_>>())
}

/// An `.ods` file with the rows of one table.
pub fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        r#"<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x" xmlns:calcext="c"><office:body><office:spreadsheet><table:table table:name="Acta">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"#
    );
    archive(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", content.as_bytes()),
    ])
}
