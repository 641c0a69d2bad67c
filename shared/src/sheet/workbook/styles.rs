//! The formats of an `.xlsx` file's cells: its part of styles.

use quick_xml::events::Event;

use super::{
    format::Format,
    trouble::Result,
    xml::{Refused, Xml, attribute},
};

/// Styles of cells beyond which none is kept; Excel allows 64,000.
const MAX_STYLES: usize = 100_000;
/// Formats of the file's own beyond which none is kept.
const MAX_FORMATS: usize = 10_000;

/// The formats of a workbook's cells, by their style.
#[derive(Debug, Default)]
pub(super) struct Styles {
    formats: Vec<Format>,
    /// Of each style, the place of its format.
    of_style: Vec<u32>,
}

impl Styles {
    /// Reads the part.
    pub fn read(xml: &mut Xml<'_>) -> Result<Self> {
        let mut styles = Self { formats: vec![Format::General], of_style: Vec::new() };
        // By the numbers that styles name them by.
        let mut known: std::collections::HashMap<u32, u32> = std::collections::HashMap::new();
        let mut in_cells = false;
        loop {
            match xml.next()? {
                Event::Start(start) => match start.local_name().as_ref() {
                    b"numFmt" if known.len() < MAX_FORMATS => {
                        let id = attribute(&start, b"numFmtId").and_then(|id| id.parse().ok());
                        let code = attribute(&start, b"formatCode");
                        if let (Some(id), Some(code)) = (id, code) {
                            let place = styles.keep(Format::of(&code));
                            known.insert(id, place);
                        }
                    }
                    b"cellXfs" => {
                        in_cells = true;
                        xml.refuse(Refused::Foreign);
                    }
                    b"xf" if in_cells && styles.of_style.len() < MAX_STYLES => {
                        let id = attribute(&start, b"numFmtId").and_then(|id| id.parse().ok());
                        let id = id.unwrap_or_default();
                        let place = match known.get(&id) {
                            Some(place) => *place,
                            None if known.len() < MAX_FORMATS => {
                                let place = styles.keep(Format::built_in(id));
                                known.insert(id, place);
                                place
                            }
                            None => 0,
                        };
                        styles.of_style.push(place);
                    }
                    _ => {}
                },
                Event::End(end) if end.local_name().as_ref() == b"cellXfs" => {
                    in_cells = false;
                    xml.refuse(Refused::None);
                }
                Event::Eof => return Ok(styles),
                _ => {}
            }
        }
    }

    fn keep(&mut self, format: Format) -> u32 {
        self.formats.push(format);
        u32::try_from(self.formats.len() - 1).unwrap_or_default()
    }

    /// The format of a style; that of the first one where none is named.
    pub fn format(&self, style: usize) -> &Format {
        const GENERAL: &Format = &Format::General;
        let place = self.of_style.get(style).copied().unwrap_or_default();
        self.formats.get(usize::try_from(place).unwrap_or_default()).unwrap_or(GENERAL)
    }
}
