//! Files of recipients and of members: CSV as spreadsheets write it, or JSON. Rule: bytes in, rows out;
//! no AWS type, no clock; imports only the domain.
//!
//! A file is read twice, piece by piece, so memory does not depend on its size. The
//! [`Survey`] reads all of it before anything is issued: its format, its columns, its rows.
//! A fault of the file as a whole ends the survey, with line and column. Then [`Rows`] reads
//! the rows one by one, from any row on; a fault of a row fails that row alone.
//!
//! | taken | as |
//! |---|---|
//! | header | the first of the first 20 lines that names the columns, after empty and title lines |
//! | delimiter | comma, semicolon or tab, found in the header; `sep=;` in the first line |
//! | encoding | UTF-8 and UTF-16 with or without BOM, and code pages by their letters, see `guess` |
//! | rows that say nothing in the columns that are read | left out |
//! | columns without a name | empty |
//! | JSON | an object a line, a list, objects one after another, a request of the API |
//! | columns | as assigned, else by names in Spanish, English, Portuguese or the API's, in any order and case, see [`columns`] |
//! | cells | see [`cells`] and [`dates`](crate::domain::dates), those of our results [`guarding`] |
//! | values with two readings | refused, unless the file itself decides, see `judging` |
//! | rows that correct one credential to different content | refused with their file, see `contradictions` |

pub mod cells;
mod column;
pub mod columns;
mod contradictions;
mod entry;
mod fault;
mod foreign;
pub mod guarding;
mod guess;
mod header;
mod json_files;
mod judging;
pub mod labels;
mod letters;
mod limits;
mod names;
mod naming;
pub mod offered;
mod path;
mod recognize;
mod rows;
mod splitting;
mod survey;
mod table;
mod terms;
mod wide;
pub mod workbook;

pub use column::ColumnName;
pub use columns::{Assigned, Columns};
pub use fault::SheetFault;
pub use limits::{MAX_FILE, MAX_HEADER, MAX_ROWS};
pub use naming::{Naming, Said};
pub use rows::{Cells, Rows, SheetRow};
pub use survey::{Survey, Surveyed};
pub use terms::{List, Terms};

#[cfg(test)]
mod tests;
