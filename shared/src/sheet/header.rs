//! The check of a header against the template. A column that would fail every row, or drop
//! data in silence, is a fault of the file.

use super::{
    columns::{Column, ColumnName, Columns, name_of, of_template},
    fault::SheetFault,
};
use crate::domain::template::Definition;

/// Checks the header of a file, in its line.
pub(super) fn check(
    columns: &Columns,
    names: &[String],
    line: u64,
    definition: &Definition,
) -> Result<(), SheetFault> {
    let header = Header { columns, names, definition };
    header.require_address().map_err(|fault| fault.at_line(line))?;
    for (at, column) in columns.all().iter().enumerate() {
        header.check_column(at, *column).map_err(|fault| fault.at_line(line).at_column(at + 1))?;
    }
    header.require_fields().map_err(|fault| fault.at_line(line))
}

struct Header<'a> {
    columns: &'a Columns,
    names: &'a [String],
    definition: &'a Definition,
}

impl Header<'_> {
    /// A column's name, cut and cleaned for an answer.
    fn shown(&self, at: usize) -> String {
        let name = self.names.get(at).map(String::as_str).unwrap_or_default();
        name.chars().filter(|c| !c.is_control()).take(60).collect()
    }

    fn require_address(&self) -> Result<(), SheetFault> {
        if self.columns.email().is_some() {
            return Ok(());
        }
        let found = (0..self.names.len()).map(|at| format!("«{}»", self.shown(at))).take(12);
        let found = found.collect::<Vec<_>>().join(", ");
        Err(SheetFault::new(
            "missing_column",
            format!(
                "Falta la columna del correo («Correo electrónico» o «email»). Una de las primeras 20 líneas debe tener los nombres de las columnas; esta tiene: {found}"
            ),
            format!(
                "The column of the address (\"Email\") is missing. One of the first 20 lines must hold the names of the columns; this one holds: {found}"
            ),
        ))
    }

    fn check_column(&self, at: usize, column: Column) -> Result<(), SheetFault> {
        let name = self.shown(at);
        if column == Column::Unknown {
            let columns = of_template(self.definition);
            let list = |quote: fn(&ColumnName) -> String| {
                columns.iter().map(quote).collect::<Vec<_>>().join(", ")
            };
            return Err(SheetFault::new(
                "unknown_column",
                format!(
                    "No se reconoce la columna «{name}». Cámbiale el nombre por uno de: {}; o bórrala; o pon # delante de su nombre para que no se lea",
                    list(|column| format!("«{}»", column.es))
                ),
                format!(
                    "The column \"{name}\" is not known. Rename it to one of: {}; or delete it; or put # before its name to leave it unread",
                    list(|column| format!("\"{}\"", column.en))
                ),
            ));
        }
        if column.field().is_some_and(|field| self.definition.field(field).is_none()) {
            return Err(SheetFault::new(
                "column_not_in_template",
                format!(
                    "La plantilla no admite la columna «{name}»: bórrala, o pon # delante de su nombre para que no se lea"
                ),
                format!(
                    "The template does not take the column \"{name}\": delete it, or put # before its name to leave it unread"
                ),
            ));
        }
        let several =
            matches!(column, Column::Surname | Column::Ignored | Column::Result | Column::Nameless);
        let first = self.columns.all().iter().take(at).position(|other| *other == column);
        match first.filter(|_| !several) {
            None => Ok(()),
            Some(first) => Err(SheetFault::new(
                "repeated_column",
                format!(
                    "La columna «{name}» dice lo mismo que la columna {} «{}»: deja una",
                    first + 1,
                    self.shown(first)
                ),
                format!(
                    "The column \"{name}\" says the same as column {} \"{}\": leave one",
                    first + 1,
                    self.shown(first)
                ),
            )),
        }
    }

    /// Requires a column for each required field that no member's profile can fill in; the
    /// others are checked row by row.
    fn require_fields(&self) -> Result<(), SheetFault> {
        let missing = self.definition.fields.iter().map(|field| (field.required, field.name)).find(
            |(required, name)| {
                let present = self.columns.all().iter().any(|column| column.holds(*name));
                *required && !present && !name.spec().from_profile
            },
        );
        let Some((_, field)) = missing else { return Ok(()) };
        let ColumnName { field, es, en } = name_of(field);
        Err(SheetFault::new(
            "missing_column",
            format!("Falta la columna «{es}» ({field}), obligatoria en esta plantilla"),
            format!("The column \"{en}\" ({field}) is missing; this template requires it"),
        ))
    }
}
