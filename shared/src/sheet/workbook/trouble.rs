//! Why a spreadsheet is not read, and what to do.

use super::archive::MAX_UNPACKED;
use crate::sheet::fault::SheetFault;
use crate::sheet::limits::{MAX_SHEET_ROWS, MAX_SPREADSHEET};

pub(super) type Result<T> = std::result::Result<T, Trouble>;

/// Why a spreadsheet is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Damaged, cut off, or not what it says.
    Unreadable,
    /// Protected with a password.
    Encrypted,
    /// Beyond a limit of size.
    TooLarge,
    /// Of a kind that is not read: Numbers, the binary workbook of Excel.
    OtherKind,
}

impl From<Trouble> for SheetFault {
    fn from(trouble: Trouble) -> Self {
        let (mb, unpacked) = (MAX_SPREADSHEET >> 20, MAX_UNPACKED >> 20);
        match trouble {
            Trouble::Unreadable => Self::new(
                "sheet_unreadable",
                "La planilla está dañada o incompleta, o no es lo que dice su nombre: ábrela en el programa de planillas y guárdala de nuevo como .xlsx, o como «CSV UTF-8 (delimitado por comas)»",
                "The spreadsheet is damaged or cut off, or is not what its name says: open it in its program and save it again as .xlsx, or as \"CSV UTF-8 (comma delimited)\"",
            ),
            Trouble::Encrypted => Self::new(
                "sheet_encrypted",
                "El archivo está protegido con contraseña: guárdalo sin ella",
                "The file is protected with a password: save it without one",
            ),
            Trouble::TooLarge => Self::new(
                "sheet_too_large",
                format!(
                    "La planilla supera los {mb} MB, o los {unpacked} MB descomprimida, o tiene demasiadas celdas, combinaciones o formatos: guárdala como «CSV UTF-8 (delimitado por comas)» y envía ese archivo"
                ),
                format!(
                    "The spreadsheet is larger than {mb} MB, or than {unpacked} MB unpacked, or has too many cells, merges or formats: save it as \"CSV UTF-8 (comma delimited)\" and send that file"
                ),
            ),
            Trouble::OtherKind => Self::new(
                "spreadsheet",
                "Es una planilla de un formato que no se lee (Numbers, .xlsb): guárdala como .xlsx, o como «CSV UTF-8 (delimitado por comas)», y envía ese archivo",
                "It is a spreadsheet in a format that is not read (Numbers, .xlsb): save it as .xlsx, or as \"CSV UTF-8 (comma delimited)\", and send that file",
            ),
        }
    }
}

/// The fault of a sheet with too many rows.
pub(super) fn too_many_rows(line: u64) -> SheetFault {
    SheetFault::new(
        "too_many_rows",
        format!(
            "La hoja tiene más de {MAX_SHEET_ROWS} filas: guárdala como «CSV UTF-8 (delimitado por comas)» y envía ese archivo"
        ),
        format!(
            "The sheet has more than {MAX_SHEET_ROWS} rows: save it as \"CSV UTF-8 (comma delimited)\" and send that file"
        ),
    )
    .at_line(line)
}
