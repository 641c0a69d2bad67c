//! What is known of a spreadsheet, and what was asked of it.

use serde::{Deserialize, Serialize};

use crate::domain::upload::Object;

/// What becomes of the hidden rows of a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HiddenRows {
    /// They are left out.
    Skip,
    /// They are read like others.
    Read,
}

impl HiddenRows {
    /// Parses what a request says.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "skip" => Some(Self::Skip),
            "read" => Some(Self::Read),
            _ => None,
        }
    }
}

/// What is known of a spreadsheet whose sheet was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workbook {
    /// The sheet that was read.
    pub sheet: String,
    /// All sheets, 50 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sheets: Vec<String>,
    /// Of a file for which no sheet was named, the other visible ones that seem to have people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// Hidden columns of the sheet that are read, as far as they are known; 50 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden_columns: Vec<String>,
    /// Hidden rows of the sheet, as far as they are known.
    #[serde(default)]
    pub hidden: u32,
    /// Whether it cannot be known which rows are hidden.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden_unknown: bool,
}

/// The copy of a spreadsheet's sheet from which its rows are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetCopy {
    /// The object of its lines.
    pub object: Object,
    /// What the spreadsheet was.
    pub workbook: Workbook,
}
