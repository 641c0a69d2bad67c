//! The check of a header against the template. A column that would fail every row, or drop
//! data in silence, is a fault of the file. All columns of one fault are named at once.

use super::{
    column::{Column, ColumnName},
    columns::{Columns, compared},
    fault::{SheetFault, letters},
    limits::MAX_SHOWN,
    names::{BESIDE, plain},
    offered::{known_names, name_of, of_template},
    terms::{List, Terms},
};
use crate::domain::{
    column_map::ColumnMap, field::FieldName, lang::Lang, nearest::nearest, template::Definition,
    text::MAX_TEXT,
};

/// Columns that a fault names; a text says how many more there are.
const NAMED: usize = 40;
/// Bytes of their list after which the rest is counted.
const MAX_LIST: usize = 1_500;
/// Letters of a name that a longer one is compared with.
const LEAST_LETTERS: usize = 4;

/// Checks the header of a file, in its line.
pub(super) fn check(
    columns: &Columns,
    names: &[String],
    line: u64,
    terms: Terms<'_>,
) -> Result<(), SheetFault> {
    let header = Header { columns, names, definition: terms.definition, list: terms.list };
    let checked = header
        .require_assigned(terms.assigned.given)
        .and_then(|()| header.require_names())
        .and_then(|()| header.refuse_unknown())
        .and_then(|()| header.require_address())
        .and_then(|()| header.refuse_unlisted())
        .and_then(|()| header.refuse_repeated())
        .and_then(|()| header.require_fields());
    checked.map_err(|fault| fault.at_line(line))
}

/// What a column that is not known may be.
pub(super) enum Suggestion {
    /// A column of the template.
    Column(Column),
    /// Nothing that a credential holds.
    Ignore,
}

/// The fault of columns that were assigned in a file that has none.
pub(super) fn without_columns() -> SheetFault {
    SheetFault::new(
        "column_not_in_file",
        "Un archivo JSON no tiene columnas: súbelo sin indicar cómo leerlas",
        "A JSON file has no columns: upload it without saying how to read them",
    )
}

/// Two sentences; the first may be a question.
fn sentences(first: &str, second: &str) -> String {
    let stop = if first.ends_with('?') { "" } else { "." };
    format!("{first}{stop} {second}")
}

struct Header<'a> {
    columns: &'a Columns,
    names: &'a [String],
    definition: &'a Definition,
    list: List,
}

/// A column's name, cut and cleaned for a fault.
pub(super) fn shown(name: &str) -> String {
    assignable(name).chars().take(60).collect()
}

/// A column's name as a map of columns takes it: a line break within it is a blank.
pub(super) fn assignable(name: &str) -> String {
    let parts = name.split(char::is_control).map(str::trim).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ").chars().take(MAX_TEXT).collect()
}

/// What each column that is not known may be. A column that another one is already is no guess.
pub(super) fn suggestions(
    columns: &Columns,
    names: &[String],
    definition: &Definition,
) -> Vec<Option<Suggestion>> {
    let mut known = known_names(definition);
    known.retain(|(column, _)| !columns.all().iter().any(|taken| column.repeats(*taken)));
    let open = columns.all().iter().zip(names).take(MAX_SHOWN);
    open.map(|(column, name)| match column {
        Column::Unknown => suggestion(&plain(name), &known),
        _ => None,
    })
    .collect()
}

fn suggestion(name: &str, known: &[(Column, Vec<&'static str>)]) -> Option<Suggestion> {
    if BESIDE.contains(&name) {
        return Some(Suggestion::Ignore);
    }
    let column_of = |found: &str| {
        let holds = known.iter().find(|(_, names)| names.contains(&found));
        holds.map(|(column, _)| Suggestion::Column(*column))
    };
    let all = || known.iter().flat_map(|(_, names)| names.iter().copied());
    if let Some(near) = nearest(name, all()) {
        return column_of(near);
    }
    // A longer name that has all words of a known one.
    let words: Vec<&str> = name.split(' ').collect();
    let within = |known: &&str| {
        known.len() >= LEAST_LETTERS && plain(known).split(' ').all(|word| words.contains(&word))
    };
    column_of(all().filter(within).max_by_key(|known| known.len())?)
}

impl Header<'_> {
    fn shown(&self, at: usize) -> String {
        shown(self.names.get(at).map(String::as_str).unwrap_or_default())
    }

    /// The columns of these positions, with what is said of each: `«RUT» (B)`.
    fn listed(&self, at: &[usize], lang: Lang, more: impl Fn(usize) -> String) -> String {
        let quoted = |at: &usize| {
            let (name, letters, more) = (self.shown(*at), letters(*at + 1), more(*at));
            lang.pick(
                format!("«{name}» ({letters}){more}"),
                format!("\"{name}\" ({letters}){more}"),
            )
        };
        let (mut list, mut named) = (String::new(), 0);
        for text in at.iter().take(NAMED).map(quoted) {
            if list.len() > MAX_LIST {
                break;
            }
            list += if list.is_empty() { "" } else { ", " };
            list += &text;
            named += 1;
        }
        if named < at.len() {
            let more = at.len() - named;
            list += &lang.pick(format!(" y {more} más"), format!(" and {more} more"));
        }
        list
    }

    /// A fault of some columns: at the only one, or with all of them.
    fn fault(
        &self,
        code: &'static str,
        at: &[usize],
        [es, en]: [[&str; 3]; 2],
        more: impl Fn(usize, Lang) -> String,
    ) -> SheetFault {
        let text = |lang, [one, many, cure]: [&str; 3]| match at {
            [only] => {
                let (name, more) = (self.shown(*only), more(*only, lang));
                let name = lang.pick(format!("«{name}»"), format!("\"{name}\""));
                sentences(&format!("{}{more}", one.replace("{}", &name)), cure)
            }
            _ => {
                let number = at.len().to_string();
                let list = self.listed(at, lang, |at| more(at, lang));
                sentences(&format!("{}: {list}", many.replace("{}", &number)), cure)
            }
        };
        let fault = SheetFault::new(code, text(Lang::Es, es), text(Lang::En, en));
        match at {
            [only] => fault.at_column(only + 1),
            _ => fault,
        }
    }

    fn positions(&self, wanted: impl Fn(usize, Column) -> bool) -> Vec<usize> {
        let all = self.columns.all().iter().enumerate();
        all.filter(|(at, column)| wanted(*at, **column)).map(|(at, _)| at).collect()
    }

    /// Requires that what the request assigned is there: a slip of the pen must not leave a column
    /// to its name.
    fn require_assigned(&self, given: Option<&ColumnMap>) -> Result<(), SheetFault> {
        // Our results have a column's known name instead.
        let given = given.filter(|_| !self.columns.are_ours());
        let has = |wanted: &str| self.names.iter().any(|name| compared(name) == compared(wanted));
        let missing = given.into_iter().flat_map(ColumnMap::iter).find(|(name, _)| !has(name));
        let Some((name, _)) = missing else { return Ok(()) };
        let near = nearest(name, self.names.iter().map(String::as_str)).map(shown);
        let (es, en) = near.map_or_else(Default::default, |near| {
            (format!(" ¿Es «{near}»?"), format!(" Is it \"{near}\"?"))
        });
        let name = shown(name);
        Err(SheetFault::new(
            "column_not_in_file",
            format!("El archivo no tiene la columna «{name}», que se indicó cómo leer.{es}"),
            format!("The file has no column \"{name}\", for which it was said how to read it.{en}"),
        ))
    }

    /// Requires one known column: else the line is no header.
    fn require_names(&self) -> Result<(), SheetFault> {
        if self.columns.known() > 0 { Ok(()) } else { self.require_address() }
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

    fn refuse_unknown(&self) -> Result<(), SheetFault> {
        let unknown = self.positions(|_, column| column == Column::Unknown);
        if unknown.is_empty() {
            return Ok(());
        }
        let suggestions = suggestions(self.columns, self.names, self.definition);
        let suggested = |at: usize, lang: Lang| match suggestions.get(at) {
            Some(Some(Suggestion::Column(column))) => {
                let near = self.people_name(*column, lang);
                lang.pick(format!(", ¿es «{near}»?"), format!(", is it \"{near}\"?"))
            }
            Some(Some(Suggestion::Ignore)) => {
                lang.pick(", ¿sin leer?", ", leave it unread?").to_owned()
            }
            _ => String::new(),
        };
        let mut columns = of_template(self.definition);
        columns.retain(|column| !self.is_no_member(column.field));
        let list = |lang: Lang| {
            let quote = |column: &ColumnName| {
                lang.pick(format!("«{}»", column.es), format!("\"{}\"", column.en))
            };
            let own = self.definition.custom_fields.iter().map(|field| field.label.text(lang));
            let own = own.map(|name| lang.pick(format!("«{name}»"), format!("\"{name}\"")));
            columns.iter().map(quote).chain(own).collect::<Vec<_>>().join(", ")
        };
        let missing = self.columns.email().is_none();
        let es = format!(
            "{}Indica qué contiene o que no se lea; o cámbiale el nombre por uno de: {}; o bórrala; o pon # delante de su nombre para que no se lea",
            if missing { "Falta además la columna del correo. " } else { "" },
            list(Lang::Es)
        );
        let en = format!(
            "{}Say what it holds or that it is left unread; or rename it to one of: {}; or delete it; or put # before its name to leave it unread",
            if missing { "The column of the address is missing too. " } else { "" },
            list(Lang::En)
        );
        Err(self.fault(
            "unknown_column",
            &unknown,
            [
                ["No se reconoce la columna {}", "No se reconocen {} columnas", &es],
                ["The column {} is not known", "{} columns are not known", &en],
            ],
            suggested,
        ))
    }

    /// The name of a column for people.
    fn people_name(&self, column: Column, lang: Lang) -> String {
        let target = column.target().unwrap_or_default();
        let named = of_template(self.definition).into_iter().find(|name| name.field == target);
        match (named, column) {
            (Some(name), _) => lang.pick(name.es, name.en).to_owned(),
            (None, Column::Name(part)) => part.name(lang).to_owned(),
            (None, _) => target,
        }
    }

    /// Whether it is a column that files of members do not have, and files of any template do.
    fn is_no_member(&self, field: &str) -> bool {
        let of_any = |field: FieldName| !field.spec().of_template;
        let of_all =
            field == ColumnName::EXTERNAL_ID.field || FieldName::of(field).is_some_and(of_any);
        self.list == List::Members && of_all
    }

    fn refuse_unlisted(&self) -> Result<(), SheetFault> {
        let unlisted = self.positions(|_, column| {
            column.field().is_some_and(|field| {
                !self.definition.takes(field) || self.is_no_member(field.as_str())
            }) || matches!(column, Column::Custom(key) if self.definition.fact(key).is_none())
                || (column == Column::ExternalId
                    && self.is_no_member(ColumnName::EXTERNAL_ID.field))
        });
        if unlisted.is_empty() {
            return Ok(());
        }
        if self.list == List::Members {
            let es = "Indica que no se lea, o bórrala, o pon # delante de su nombre";
            let en = "Say that it is left unread, or delete it, or put # before its name";
            return Err(self.fault(
                "column_not_of_members",
                &unlisted,
                [
                    [
                        "Los miembros no tienen la columna {}",
                        "Los miembros no tienen {} columnas",
                        es,
                    ],
                    ["Members do not have the column {}", "Members do not have {} columns", en],
                ],
                |_, _| String::new(),
            ));
        }
        Err(self.fault(
            "column_not_in_template",
            &unlisted,
            [
                [
                    "La plantilla no admite la columna {}",
                    "La plantilla no admite {} columnas",
                    "Indica que no se lea, o bórrala, o pon # delante de su nombre",
                ],
                [
                    "The template does not take the column {}",
                    "The template does not take {} columns",
                    "Say that it is left unread, or delete it, or put # before its name",
                ],
            ],
            |_, _| String::new(),
        ))
    }

    fn refuse_repeated(&self) -> Result<(), SheetFault> {
        let first = |at: usize, column: Column| {
            self.columns.all().iter().take(at).position(|other| column.repeats(*other))
        };
        let repeated = self.positions(|at, column| first(at, column).is_some());
        if repeated.is_empty() {
            return Ok(());
        }
        let first_of = |at: usize| {
            let column = self.columns.all().get(at).copied().unwrap_or(Column::Unknown);
            first(at, column).unwrap_or_default()
        };
        // What is said of a name is said of all columns that have it.
        let named_alike = |at: usize| {
            let name = |at: usize| self.names.get(at).map(|name| compared(name));
            name(at) == name(first_of(at))
        };
        let which = |at: usize, lang: Lang| {
            let first = first_of(at);
            let (letters, name) = (letters(first + 1), self.shown(first));
            lang.pick(
                format!(", que se lee igual que «{name}» ({letters})"),
                format!(", which is read like \"{name}\" ({letters})"),
            )
        };
        let [es, en] = match repeated.iter().any(|at| named_alike(*at)) {
            true => [
                "Deja una de cada nombre: bórrala o cámbiale el nombre en el archivo; mientras se llamen igual no se puede indicar que solo una no se lea",
                "Leave one of each name: delete it or rename it in the file; while they have one name it cannot be said that only one is left unread",
            ],
            false => [
                "Deja una: indica que la otra no se lea, o bórrala",
                "Leave one: say that the other is left unread, or delete it",
            ],
        };
        Err(self.fault(
            "repeated_column",
            &repeated,
            [
                ["Sobra la columna {}", "Sobran {} columnas", es],
                ["The column {} is too many", "{} columns are too many", en],
            ],
            which,
        ))
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
        let ColumnName { es, en, .. } = name_of(field);
        Err(SheetFault::new(
            "missing_column",
            format!("Falta la columna «{es}», obligatoria en esta plantilla"),
            format!("The column \"{en}\" is missing; this template requires it"),
        ))
    }
}
