//! Faults of the cells of a file: what a spreadsheet has made of a value, and dates that are not
//! read.

use crate::domain::lang::{Lang, StaffLang};

/// A fault of a cell; each holds the field, as the API names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellFault {
    /// A number that a spreadsheet shortened (`1.2E+11`): its digits are lost.
    Shortened(String),
    /// A text that a spreadsheet took for a date; holds what it wrote.
    MadeDate(String, String),
    /// A text that is no date in any form that is read; holds the text.
    UnreadDate(String, String),
    /// A day of which a spreadsheet shows only a part; holds the whole day.
    PartOfDate(String, String),
    /// A number of a spreadsheet where a day belongs; holds the number.
    UnformattedDate(String, String),
    /// A number of a spreadsheet whose format is not known, where a text belongs; holds the number.
    BareNumber(String, String),
    /// A formula that ended in an error; holds the error.
    FormulaError(String, String),
    /// A formula that was saved without its value; holds the formula.
    Unvalued(String, String),
}

impl CellFault {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Shortened(_) => "shortened_number",
            Self::MadeDate(..) => "made_date",
            Self::UnreadDate(..) | Self::UnformattedDate(..) => "invalid_date",
            Self::PartOfDate(..) => "part_of_date",
            Self::BareNumber(..) => "bare_number",
            Self::FormulaError(..) => "formula_error",
            Self::Unvalued(..) => "formula_without_value",
        }
    }

    /// The field, as the API names it.
    pub fn field(&self) -> &str {
        let (Self::Shortened(field)
        | Self::MadeDate(field, _)
        | Self::UnreadDate(field, _)
        | Self::PartOfDate(field, _)
        | Self::UnformattedDate(field, _)
        | Self::BareNumber(field, _)
        | Self::FormulaError(field, _)
        | Self::Unvalued(field, _)) = self;
        field
    }

    /// The same fault of a field of another name: that of its column.
    pub fn named(&self, field: String) -> Self {
        match self.clone() {
            Self::Shortened(_) => Self::Shortened(field),
            Self::MadeDate(_, text) => Self::MadeDate(field, text),
            Self::UnreadDate(_, text) => Self::UnreadDate(field, text),
            Self::PartOfDate(_, text) => Self::PartOfDate(field, text),
            Self::UnformattedDate(_, text) => Self::UnformattedDate(field, text),
            Self::BareNumber(_, text) => Self::BareNumber(field, text),
            Self::FormulaError(_, text) => Self::FormulaError(field, text),
            Self::Unvalued(_, text) => Self::Unvalued(field, text),
        }
    }

    /// The text for people: the field, what it says, and what to do.
    pub fn text(&self, lang: Lang) -> String {
        match (self, lang.staff()) {
            (Self::Shortened(field), StaffLang::Es) => format!(
                "El campo {field} es un número que la hoja de cálculo abrevió y ha perdido dígitos: da formato de texto a la columna"
            ),
            (Self::Shortened(field), StaffLang::En) => format!(
                "The field {field} is a number that the spreadsheet has shortened, and its digits are lost: format the column as text"
            ),
            (Self::MadeDate(field, made), StaffLang::Es) => format!(
                "El campo {field} dice «{made}»: la hoja de cálculo tomó el valor por una fecha. Da formato de texto a la columna y escríbelo de nuevo"
            ),
            (Self::MadeDate(field, made), StaffLang::En) => format!(
                "The field {field} says \"{made}\": the spreadsheet took the value for a date. Format the column as text and write it again"
            ),
            (Self::UnreadDate(field, text), StaffLang::Es) => format!(
                "El campo {field} no es una fecha que se pueda leer: «{text}». Se leen 2026-11-15, 20261115, 2026/11/15, 15/11/2026, 15-11-2026, 15.11.2026, 15-nov-2026, 15 de noviembre de 2026 y November 15, 2026, con el año de cuatro cifras"
            ),
            (Self::UnreadDate(field, text), StaffLang::En) => format!(
                "The field {field} is no date that can be read: \"{text}\". What is read: 2026-11-15, 20261115, 2026/11/15, 15/11/2026, 15-11-2026, 15.11.2026, 15-Nov-2026, November 15, 2026 and 15 de noviembre de 2026, with a year of four digits"
            ),
            (Self::PartOfDate(field, day), StaffLang::Es) => format!(
                "El campo {field} muestra solo una parte de la fecha, y la celda guarda {day}: dale un formato con día, mes y año, y revisa el día"
            ),
            (Self::PartOfDate(field, day), StaffLang::En) => format!(
                "The field {field} shows only a part of the date, and the cell holds {day}: give it a format with day, month and year, and look at the day"
            ),
            (Self::UnformattedDate(field, number), StaffLang::Es) => format!(
                "El campo {field} es el número {number}: si es una fecha, da a la celda un formato de fecha; si no, escribe la fecha completa"
            ),
            (Self::UnformattedDate(field, number), StaffLang::En) => format!(
                "The field {field} is the number {number}: if it is a date, give the cell a format of dates; if not, write the whole date"
            ),
            (Self::BareNumber(field, number), StaffLang::Es) => format!(
                "El campo {field} es el número {number}, y este archivo no dice con qué ceros o signos se muestra: da formato de texto a la columna y escríbelo de nuevo, o guarda el archivo como .xlsx si no lo es"
            ),
            (Self::BareNumber(field, number), StaffLang::En) => format!(
                "The field {field} is the number {number}, and this file does not say with which zeros or signs it is shown: format the column as text and write it again, or save the file as .xlsx if it is none"
            ),
            (Self::FormulaError(field, error), StaffLang::Es) => format!(
                "El campo {field} es una fórmula que dio el error {error}: corrígela, o escribe el valor"
            ),
            (Self::FormulaError(field, error), StaffLang::En) => format!(
                "The field {field} is a formula that ended in the error {error}: mend it, or write the value"
            ),
            (Self::Unvalued(field, formula), StaffLang::Es) => format!(
                "El campo {field} es la fórmula {formula}, guardada sin su valor: abre el archivo en el programa de planillas y guárdalo de nuevo, o escribe el valor"
            ),
            (Self::Unvalued(field, formula), StaffLang::En) => format!(
                "The field {field} is the formula {formula}, saved without its value: open the file in its program and save it again, or write the value"
            ),
        }
    }
}
