//! The encodings of a file's text.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::lang::Lang;

mod pages;

use pages::Page;

/// The encoding of a file's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, the low byte first: "Unicode text" of Excel, and what PowerShell writes.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, the high byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Windows-1252: Excel's default in Western languages.
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// Windows-1250: Excel's default in Polish, Czech and Hungarian.
    #[serde(rename = "windows-1250")]
    Windows1250,
    /// Mac OS Roman: "CSV (Macintosh)" of Excel.
    #[serde(rename = "macroman")]
    MacRoman,
    /// DOS, Western Europe: "CSV (MS-DOS)" of Excel.
    #[serde(rename = "cp850")]
    Cp850,
    /// DOS, United States.
    #[serde(rename = "cp437")]
    Cp437,
    /// ISO 8859-2: Central Europe on older Unix systems.
    #[serde(rename = "iso-8859-2")]
    Iso8859_2,
    /// DOS, Central Europe.
    #[serde(rename = "cp852")]
    Cp852,
    /// Windows-1254: Turkish.
    #[serde(rename = "windows-1254")]
    Windows1254,
    /// Windows-1257: Baltic languages.
    #[serde(rename = "windows-1257")]
    Windows1257,
    /// Mac OS, Central Europe.
    #[serde(rename = "mac-ce")]
    MacCe,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Utf8,
        Self::Utf16Le,
        Self::Utf16Be,
        Self::Windows1252,
        Self::Windows1250,
        Self::MacRoman,
        Self::Cp850,
        Self::Cp437,
        Self::Iso8859_2,
        Self::Cp852,
        Self::Windows1254,
        Self::Windows1257,
        Self::MacCe,
    ];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1252 => "windows-1252",
            Self::Windows1250 => "windows-1250",
            Self::MacRoman => "macroman",
            Self::Cp850 => "cp850",
            Self::Cp437 => "cp437",
            Self::Iso8859_2 => "iso-8859-2",
            Self::Cp852 => "cp852",
            Self::Windows1254 => "windows-1254",
            Self::Windows1257 => "windows-1257",
            Self::MacCe => "mac-ce",
        }
    }

    /// The encoding of a name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.as_str().eq_ignore_ascii_case(name))
    }

    /// All names, for an answer.
    pub fn names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// Its name for people, and who writes it.
    pub fn label(self, lang: Lang) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
            Self::Windows1252 => {
                lang.pick("Windows occidental (1252)", "Windows, Western Europe (1252)")
            }
            Self::Windows1250 => {
                lang.pick("Windows centroeuropeo (1250)", "Windows, Central Europe (1250)")
            }
            Self::MacRoman => lang.pick("Mac occidental (MacRoman)", "Mac, Western (MacRoman)"),
            Self::Cp850 => lang.pick("MS-DOS (850)", "MS-DOS (850)"),
            Self::Cp437 => lang.pick("MS-DOS de Estados Unidos (437)", "MS-DOS, US (437)"),
            Self::Iso8859_2 => "ISO 8859-2",
            Self::Cp852 => lang.pick("MS-DOS centroeuropeo (852)", "MS-DOS, Central Europe (852)"),
            Self::Windows1254 => lang.pick("Windows turco (1254)", "Windows, Turkish (1254)"),
            Self::Windows1257 => lang.pick("Windows báltico (1257)", "Windows, Baltic (1257)"),
            Self::MacCe => lang.pick("Mac centroeuropeo", "Mac, Central Europe"),
        }
    }

    /// Whether its characters are units of two bytes.
    pub fn is_wide(self) -> bool {
        matches!(self, Self::Utf16Le | Self::Utf16Be)
    }

    fn page(self) -> Option<&'static Page> {
        match self {
            Self::Utf8 | Self::Utf16Le | Self::Utf16Be => None,
            Self::Windows1252 => Some(&pages::WINDOWS_1252),
            Self::Windows1250 => Some(&pages::WINDOWS_1250),
            Self::MacRoman => Some(&pages::MAC_ROMAN),
            Self::Cp850 => Some(&pages::CP850),
            Self::Cp437 => Some(&pages::CP437),
            Self::Iso8859_2 => Some(&pages::ISO_8859_2),
            Self::Cp852 => Some(&pages::CP852),
            Self::Windows1254 => Some(&pages::WINDOWS_1254),
            Self::Windows1257 => Some(&pages::WINDOWS_1257),
            Self::MacCe => Some(&pages::MAC_CE),
        }
    }

    /// Decodes bytes; none when they are no text of this encoding. Those of a file in UTF-16
    /// were made UTF-8 before.
    pub fn text(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self.page().filter(|_| !bytes.is_ascii()) {
            None => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Some(page) => {
                let text: Option<String> = bytes.iter().map(|b| character(page, *b)).collect();
                text.map(Cow::Owned)
            }
        }
    }

    /// Decodes bytes; what is no text of this encoding is U+FFFD.
    pub fn lossy(self, bytes: &[u8]) -> String {
        match self.page() {
            None => String::from_utf8_lossy(bytes).into_owned(),
            Some(page) => bytes
                .iter()
                .map(|b| character(page, *b).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect(),
        }
    }
}

fn character(page: &Page, byte: u8) -> Option<char> {
    match byte.checked_sub(0x80) {
        None => Some(char::from(byte)),
        Some(at) => {
            let found = page.get(usize::from(at)).copied();
            found.filter(|c| *c != char::REPLACEMENT_CHARACTER)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_one_of_the_items() {
        for encoding in Encoding::ALL {
            let stored = serde_json::to_value(encoding).expect("JSON");
            assert_eq!(stored, encoding.as_str());
            assert_eq!(Encoding::parse(&encoding.as_str().to_uppercase()), Some(encoding));
        }
        assert_eq!(Encoding::parse("latin"), None);
    }

    #[test]
    fn bytes_without_a_character_are_no_text() {
        assert_eq!(Encoding::Windows1252.text(b"Mar\xeda \x80").as_deref(), Some("María €"));
        assert_eq!(Encoding::Windows1252.text(b"\x81"), None);
        assert_eq!(Encoding::Windows1252.lossy(b"a\x81"), "a\u{fffd}");
        assert_eq!(Encoding::Cp850.text(b"Mu\xa4oz").as_deref(), Some("Muñoz"));
        assert_eq!(Encoding::Utf8.text(b"\xe9"), None);
    }
}
