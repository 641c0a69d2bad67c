//! How the columns of a file are read: what `--map` and `--ignore` say, and the table that the
//! service answers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use unicreda::sheet::{columns, offered};

use crate::{
    exit::Failure,
    issue::FileFlags,
    printer::{Printer, cell},
};

/// The flags as the API takes them: `{"Nota final": "result_value", "RUT": "ignore"}`.
///
/// # Errors
/// When a flag names no column or no field, or two contradict each other.
pub(super) fn map(flags: &FileFlags, printer: Printer) -> Result<Value, Failure> {
    let mut said = Said { printer, map: Map::new(), by: BTreeMap::new() };
    for flag in &flags.map {
        let parts = flag.rsplit_once('=').map(|(name, field)| (name.trim(), field.trim()));
        let Some((name, field)) = parts.filter(|(n, f)| !n.is_empty() && !f.is_empty()) else {
            return Err(Failure::usage(printer.pick(
                format!(
                    "--map {flag}: indica COLUMNA=CAMPO, por ejemplo 'Nota final=result_value'"
                ),
                format!("--map {flag}: give COLUMN=FIELD, for example 'Nota final=result_value'"),
            )));
        };
        said.add(name, field, format!("--map '{flag}'"))?;
    }
    for flag in &flags.ignore {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(flag.as_bytes());
        for names in reader.records() {
            let names =
                names.map_err(|error| Failure::usage(format!("--ignore {flag}: {error}")))?;
            for name in names.iter().map(str::trim).filter(|name| !name.is_empty()) {
                said.add(name, "ignore", format!("--ignore '{name}'"))?;
            }
        }
    }
    Ok(Value::Object(said.map))
}

/// What the flags say so far.
struct Said {
    printer: Printer,
    map: Map<String, Value>,
    /// By the names of columns as they are compared: what each is read as, and the flag that says it.
    by: BTreeMap<String, (String, String)>,
}

impl Said {
    /// Adds what a flag says of a column, which no other flag may contradict.
    fn add(&mut self, name: &str, field: &str, flag: String) -> Result<(), Failure> {
        let read_as = columns::target(field).unwrap_or_else(|| field.to_owned());
        let this = (read_as.clone(), flag.clone());
        let (known, other) = self.by.entry(columns::compared(name)).or_insert(this);
        if *known != read_as {
            return Err(Failure::usage(self.printer.pick(
                format!("{other} y {flag} dicen cosas distintas de la misma columna: deja una de las dos"),
                format!("{other} and {flag} say different things of the same column: leave one of the two"),
            )));
        }
        self.map.insert(name.to_owned(), json!(field));
        Ok(())
    }
}

/// Prints the table of a file's columns, if the answer has one: of a dry run, and of a file whose
/// columns are at fault.
///
/// # Errors
/// When standard output is closed.
pub(super) fn print(printer: Printer, job: &Value) -> Result<(), Failure> {
    let Some(columns) = job.get("columns").and_then(Value::as_array) else { return Ok(()) };
    if printer.json {
        return Ok(());
    }
    let rows: Vec<Value> = columns.iter().map(|column| row(printer, column)).collect();
    let heads = [
        (printer.pick("COLUMNA", "COLUMN"), "/name"),
        (printer.pick("SE LEE COMO", "READ AS"), "/read_as"),
        (printer.pick("PRIMEROS VALORES", "FIRST VALUES"), "/values"),
    ];
    printer.table(&heads, &rows)?;
    if rows.iter().any(|row| row["open"] == true) {
        printer.notice(printer.pick(
            "Indica qué contiene una columna con --map 'COLUMNA=CAMPO' (por ejemplo --map 'Nota final=Calificación'), o que no se lea con --ignore 'COLUMNA,COLUMNA'",
            "Say what a column holds with --map 'COLUMN=FIELD' (for example --map 'Final mark=Result'), or leave it unread with --ignore 'COLUMN,COLUMN'",
        ));
    }
    Ok(())
}

/// Whether a column has one of the names by which rows of results files name their credentials.
fn is_named(column: &Value, wanted: &str) -> bool {
    let name = column.get("name").and_then(Value::as_str).unwrap_or_default();
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.collect::<String>().eq_ignore_ascii_case(wanted)
}

/// A row of the table.
fn row(printer: Printer, column: &Value) -> Value {
    let read_as = column.get("read_as").and_then(Value::as_str);
    let suggestion = column.get("suggestion").and_then(Value::as_str);
    let name = |target: &str| offered::target_name(target, printer.lang).to_owned();
    let shown = match (read_as, suggestion) {
        (Some("ignore"), _) if is_named(column, "credentialid") => {
            printer.pick("(la credencial)", "(the credential)").to_owned()
        }
        (Some("ignore"), _) if is_named(column, "credentialversion") => {
            printer.pick("(su versión)", "(its version)").to_owned()
        }
        (Some("ignore"), _) => printer.pick("(no se lee)", "(unread)").to_owned(),
        (Some(read_as), _) => name(read_as),
        (None, Some("ignore")) => printer.pick("? ¿no leerla?", "? leave unread?").to_owned(),
        (None, Some(suggestion)) => format!("? ¿{}?", name(suggestion)),
        (None, None) => "?".to_owned(),
    };
    let values = column.get("values").and_then(Value::as_array).into_iter().flatten();
    let values: Vec<String> = values.map(|value| cell(Some(value))).collect();
    json!({
        "name": column.get("name"), "read_as": shown, "values": values.join(" · "),
        "open": read_as.is_none(),
    })
}
