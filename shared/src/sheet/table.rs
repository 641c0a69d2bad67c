//! The table of a file's columns: what each is read as, who decided that, and its first values,
//! for people who check or mend it.

use super::{
    column::{Column, NamePart},
    columns::Columns,
    header::{Suggestion, assignable, suggestions},
    limits::MAX_SHOWN,
};
use crate::domain::{
    column_map::{Decided, ReadColumn},
    field::FieldName,
    template::Definition,
    unseen::visible,
};

/// Characters of a value.
const VALUE: usize = 60;

/// The first rows of a file, cell by cell.
pub(super) const FIRST_ROWS: usize = 3;

/// Makes the table; `rows` are the first rows.
pub(super) fn table(
    columns: &Columns,
    names: &[String],
    definition: &Definition,
    rows: &[Vec<String>],
) -> Vec<ReadColumn> {
    let suggestions = suggestions(columns, names, definition);
    let parts = columns.all().iter().filter(|column| matches!(column, Column::Name(_))).count();
    let all = columns.all().iter().zip(names).zip(suggestions).enumerate().take(MAX_SHOWN);
    all.map(|(at, ((column, name), suggestion))| {
        let column = match column {
            Column::Name(NamePart::Given) if parts == 1 => Column::Field(FieldName::RecipientName),
            column => *column,
        };
        let suggestion = match suggestion {
            Some(Suggestion::Column(column)) => column.target(),
            Some(Suggestion::Ignore) => Column::Ignored.target(),
            None => None,
        };
        let values = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.trim());
        ReadColumn {
            column: at + 1,
            name: assignable(name),
            read_as: column.target(),
            decided_by: match column {
                Column::Nameless => Decided::Open,
                _ => columns.decided(at),
            },
            suggestion,
            values: values.map(|cell| visible(cell).chars().take(VALUE).collect()).collect(),
        }
    })
    .collect()
}
