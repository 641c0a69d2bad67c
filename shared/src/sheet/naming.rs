//! The faults of a file's row in the words of the people who wrote the file: its own columns, and
//! what their cells say. The contract's texts stay, and more is said after them. JSON names its
//! fields as the API does, so its rows keep the API's texts.

use std::borrow::Cow;

use super::{
    column::{Column, NAME_TARGETS, Part},
    columns::Columns,
    fault::letters,
    header, offered,
    path::{evidence_part, path_of, value_of},
};
use crate::domain::{
    cell_fault::CellFault,
    correction_fault::{CorrectionFault, VERSION},
    fault::{Fault, FaultText, KEPT_TEXT},
    field::FieldName,
    lang::Lang,
    mistyped,
    recipient::Recipient,
    text::shortened,
    unlisted::Unlisted,
    unseen::visible,
    upload::Format,
    warning::Warning,
};

/// Characters of a cell that a fault shows.
const SHOWN: usize = 60;

/// What a refused row says.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    /// Its cells, where it could not be read.
    Cells(&'a [String]),
    /// Its recipient, where that was refused later.
    Recipient(&'a Recipient),
}

/// The columns of a file as its people call them.
#[derive(Debug)]
pub struct Naming<'a> {
    header: &'a [String],
    columns: Columns,
    lang: Lang,
}

impl<'a> Naming<'a> {
    /// Names the columns of a file; none for JSON.
    pub fn of(format: &'a Format, lang: Lang) -> Option<Self> {
        let columns = || Columns::of(&format.header);
        format.kind.is_table().then(|| Self { header: &format.header, columns: columns(), lang })
    }

    /// Code and text of a fault, the text cut to [`KEPT_TEXT`] characters.
    pub fn fault(&self, fault: &Fault, said: Said<'_>) -> FaultText {
        let text = Words { naming: self, said }.text(fault);
        FaultText { code: fault.code().to_owned(), text: shortened(&text, KEPT_TEXT) }
    }

    /// Names the field of a warning as the file does.
    pub fn name_field(&self, warning: &mut Warning) {
        warning.field = Cow::Owned(self.name(&warning.field));
    }

    /// The columns that bring a field, from 0; a path names a part of evidence.
    fn places(&self, path: &str) -> Vec<usize> {
        let whole = path.split('[').next().unwrap_or_default();
        let part = evidence_part(path);
        let is = |column: &Column| match (column, whole) {
            // As the column itself is called: a part of evidence among others.
            (column, whole) if column.target().is_some_and(|target| target == whole) => true,
            (Column::Email, "email")
            | (Column::ExternalId, "external_id")
            | (Column::Language, "language") => true,
            (Column::Evidence(number, part_of), _) => match part {
                Some((at, part)) => at == *number && [part, Part::Whole].contains(part_of),
                None => whole == FieldName::Evidence.as_str(),
            },
            (Column::Custom(key), _) => key.field() == path,
            (column, _) => {
                column.field().is_some_and(|field| field.as_str() == whole)
                    || NAME_TARGETS.contains(&(*column, whole))
            }
        };
        let all = self.columns.all().iter().enumerate();
        all.filter(|(_, column)| is(column)).map(|(at, _)| at).collect()
    }

    /// The names of a field's columns: the file's, else the one that people know.
    fn names(&self, path: &str) -> Vec<String> {
        let names = self.places(path).into_iter().filter_map(|at| self.header.get(at));
        let names = names.map(|name| shown(unmarked(&header::shown(name))));
        let names: Vec<String> = names.collect();
        if names.is_empty() { vec![offered::name(path, self.lang).to_owned()] } else { names }
    }

    /// The names of a field's columns, as one: `Nombre y Apellidos`.
    pub fn column(&self, field: &str) -> String {
        self.names(field).join(self.lang.pick(" y ", " and "))
    }

    /// The same, each between quotes.
    fn name(&self, path: &str) -> String {
        let names: Vec<String> = self.names(path).iter().map(|name| self.quoted(name)).collect();
        names.join(self.lang.pick(" y ", " and "))
    }

    /// The name of the column in which rows name their credentials.
    fn id_column(&self) -> String {
        let named = self.columns.naming().first().and_then(|at| self.header.get(*at));
        self.quoted(named.map_or("credential_id", String::as_str))
    }

    fn quoted(&self, text: &str) -> String {
        let text = shown(text);
        self.lang.pick(format!("«{text}»"), format!("\"{text}\""))
    }
}

/// The name of a fact's column as people wrote it, without the key that a job's own header has behind it.
fn unmarked(name: &str) -> &str {
    let marked = name.strip_suffix(')').and_then(|name| name.rsplit_once(" (custom."));
    marked.map_or(name, |(label, _)| label)
}

/// A text as a fault shows it: short, and everything in it visible.
fn shown(text: &str) -> String {
    visible(&shortened(text.trim(), SHOWN))
}

/// The words for the faults of one row.
struct Words<'a> {
    naming: &'a Naming<'a>,
    said: Said<'a>,
}

impl Words<'_> {
    fn pick(&self, es: String, en: String) -> String {
        self.naming.lang.pick(es, en)
    }

    /// A path with the number of its evidence in the file: of a row that could not be read, entries without a
    /// cell are not counted.
    fn in_file<'p>(&self, path: &'p str) -> Cow<'p, str> {
        let (Said::Cells(cells), Some((at, part))) = (self.said, evidence_part(path)) else {
            return path.into();
        };
        let all = self.naming.columns.all().iter().zip(cells);
        let mut said: Vec<usize> = all
            .filter_map(|(column, cell)| match column {
                Column::Evidence(number, _) if !cell.trim().is_empty() => Some(*number),
                _ => None,
            })
            .collect();
        said.sort_unstable();
        said.dedup();
        let number = at.checked_sub(1).and_then(|at| said.get(at)).copied().unwrap_or(at);
        path_of(number, part).map_or(path.into(), Cow::Owned)
    }

    /// What the row says of a field, between quotes.
    fn value(&self, path: &str) -> Option<String> {
        let path = &*self.in_file(path);
        let text = match self.said {
            Said::Cells(cells) => {
                let cells = self.naming.places(path).into_iter().filter_map(|at| cells.get(at));
                let cells: Vec<&str> = cells.map(|cell| cell.trim()).collect();
                cells.join(" ")
            }
            Said::Recipient(recipient) => value_of(recipient, path)?,
        };
        (!text.trim().is_empty()).then(|| self.naming.quoted(&text))
    }

    /// `La columna «Nota» dice «Z»`.
    fn says(&self, path: &str) -> String {
        let name = self.naming.name(&self.in_file(path));
        match self.value(path) {
            Some(value) => self.pick(
                format!("La columna {name} dice {value}"),
                format!("The column {name} says {value}"),
            ),
            None => self.pick(format!("La columna {name}"), format!("The column {name}")),
        }
    }

    /// What the column says, and what is wrong with that.
    fn wrong(&self, path: &str, es: &str, en: &str) -> String {
        let says = self.says(path);
        self.pick(format!("{says}: {es}"), format!("{says}: {en}"))
    }

    fn text(&self, fault: &Fault) -> String {
        let lang = self.naming.lang;
        let own = fault.text(lang);
        match fault {
            Fault::InvalidEmail(sent) => {
                let name = self.naming.name("email");
                let near = mistyped::repaired(sent).map(|near| self.naming.quoted(&near));
                let near = near.map_or_else(String::new, |near| {
                    self.pick(
                        format!("; ¿quisiste decir {near}?"),
                        format!("; did you mean {near}?"),
                    )
                });
                self.pick(
                    format!(
                        "{own} (la columna {name} no tiene una dirección de correo válida{near})"
                    ),
                    format!("{own} (the column {name} has no valid mail address{near})"),
                )
            }
            Fault::NotAllowed(unlisted) => self.unlisted(unlisted),
            Fault::Cell(cell) => self.cell(cell),
            Fault::MissingEmail => self.missing("email"),
            Fault::Missing(field) => self.missing(field),
            Fault::Damaged(damaged) => {
                let mut damaged = damaged.clone();
                damaged.field = self.naming.name(&damaged.field);
                damaged.text(lang)
            }
            Fault::ExternalIdTaken(id) => {
                let says = self.says("external_id");
                self.pick(
                    format!("{says}, y ese id ya pertenece a la credencial {id} con otros datos: corrige esa credencial, o usa otro id para emitir otra"),
                    format!("{says}, and that id belongs to credential {id} with other data: correct that credential, or use another id to issue another"),
                )
            }
            Fault::NotActive(id) => {
                let name = self.naming.name("external_id");
                self.pick(
                    format!("La credencial {id} de estos datos está revocada o suspendida. Si está suspendida, se puede reactivar; para emitir otra, escribe otro id en la columna {name}"),
                    format!("Credential {id} of this data is revoked or suspended. If it is suspended, it can be reinstated; to issue another, write another id in the column {name}"),
                )
            }
            Fault::Expired(id, on) => {
                let (name, on) = (self.naming.name("external_id"), lang.staff().date(*on));
                self.pick(
                    format!("La credencial {id} de estos datos venció el {on}: se puede renovar; para emitir otra, escribe otro id en la columna {name}"),
                    format!("Credential {id} of this data ended on {on}: it can be renewed; to issue another, write another id in the column {name}"),
                )
            }
            Fault::NotInTemplate(field) => {
                let name = self.naming.name(field);
                self.pick(
                    format!("La plantilla no admite la columna {name}"),
                    format!("The template does not take the column {name}"),
                )
            }
            Fault::EmptyEvidence(n) => self.wrong(
                &format!("evidence[{n}].description"),
                "esa evidencia debe tener al menos un nombre o un enlace",
                "that evidence must have at least a name or a link",
            ),
            Fault::NamelessColumn(column) => self.nameless(*column),
            Fault::DoubtfulText(word) => {
                let word = self.naming.quoted(word);
                self.pick(
                    format!("No es seguro que {word} se lea así: guarda el archivo como «CSV UTF-8», o indica su codificación"),
                    format!("It is not certain that {word} is read right: save the file as \"CSV UTF-8\", or name its encoding"),
                )
            }
            Fault::Correction(fault) => self.correction(fault).unwrap_or(own),
            Fault::Strict(warning) => self.strict(warning),
            fault => self.of_value(fault).unwrap_or(own),
        }
    }

    /// What the row says in fields: `«Nombre» dice «Ana», «Periodo» está vacía`.
    fn all_said(&self, fields: &[String]) -> String {
        let said = |field: &String| {
            let name = self.naming.name(field);
            match self.value(field) {
                Some(value) => {
                    self.pick(format!("{name} dice {value}"), format!("{name} says {value}"))
                }
                None => self.pick(format!("{name} está vacía"), format!("{name} is empty")),
            }
        };
        fields.iter().map(said).collect::<Vec<_>>().join(", ")
    }

    /// The text of a row that names a credential and is refused; none where the general one names
    /// nothing of the API.
    fn correction(&self, fault: &CorrectionFault) -> Option<String> {
        let column = self.naming.id_column();
        Some(match fault {
            CorrectionFault::Unknown(id) => {
                let id = self.naming.quoted(id);
                self.pick(
                    format!("La columna {column} dice {id}, y no hay tal credencial en esta organización y este modo. Corrige el id; para emitir una credencial nueva, deja la celda vacía"),
                    format!("The column {column} says {id}, and there is no such credential in this organization and mode. Correct the id; to issue a new credential, leave the cell empty"),
                )
            }
            CorrectionFault::OtherTemplate(id) => self.pick(
                format!("La credencial {id} es de otra plantilla. Sube la fila con esa plantilla; para emitir una credencial nueva con esta, deja vacía la celda de {column}"),
                format!("The credential {id} is of another template. Upload the row with that template; to issue a new credential with this one, leave the cell of {column} empty"),
            ),
            CorrectionFault::OtherContent(id, fields) => {
                let said = self.all_said(fields);
                self.pick(
                    format!("La credencial {id} tiene otros datos que esta fila: {said}. Para corregirla, sube el archivo con «Corregir lo ya emitido»; para dejarla como está, repón sus datos"),
                    format!("The credential {id} has other data than this row: {said}. To correct it, upload the file with \"Correct what was issued\"; to leave it as it is, put its data back"),
                )
            }
            CorrectionFault::OtherExternalId(id) => {
                let says = self.says("external_id");
                self.pick(
                    format!("{says}, pero la credencial {id} tiene otro id externo, que no se corrige"),
                    format!("{says}, but credential {id} has another external id, which is not corrected"),
                )
            }
            CorrectionFault::PrivateCorrectedSince(id, fields) => {
                let said = self.all_said(fields);
                self.pick(
                    format!("La credencial {id} se corrigió después de este archivo, y esta fila repone lo que decía antes: {said}. Parte del archivo de resultados más reciente; si vale lo de la fila, deja vacía la celda de «{VERSION}»"),
                    format!("The credential {id} was corrected after this file, and this row has what it said before: {said}. Begin with the latest results file; if the row is right, leave the cell of \"{VERSION}\" empty"),
                )
            }
            CorrectionFault::CorrectedSince(id, version, fields) => {
                let said = self.all_said(fields);
                self.pick(
                    format!("La credencial {id} se corrigió después de este archivo, y esta fila trae otros datos: {said}. Parte del archivo de resultados más reciente, o pon en la fila lo que la credencial dice ahora; si vale lo de la fila, escribe {version} en la columna «{VERSION}»"),
                    format!("The credential {id} was corrected after this file, and this row has other data: {said}. Begin with the latest results file, or put into the row what the credential says now; if the row is right, write {version} into the column \"{VERSION}\""),
                )
            }
            CorrectionFault::AnotherRow(..)
            | CorrectionFault::NoVersion(_)
            | CorrectionFault::Taken(_)
            | CorrectionFault::NotActive => return None,
        })
    }

    /// The text of a warning that refuses its row, with the name of the column for the field's.
    fn strict(&self, warning: &Warning) -> String {
        let mut warning = warning.clone();
        self.naming.name_field(&mut warning);
        let text = warning.text(self.naming.lang);
        let stop = if text.ends_with('?') { "" } else { "." };
        self.pick(
            format!("{text}{stop} Pediste rechazar lo que se avisa"),
            format!("{text}{stop} You asked to refuse what is warned of"),
        )
    }

    /// The text of a grade comes first as it always is.
    fn unlisted(&self, unlisted: &Unlisted) -> String {
        let lang = self.naming.lang;
        let field = &*unlisted.field;
        let near = match unlisted.near().map(|near| self.naming.quoted(near)) {
            Some(near) => {
                lang.pick(format!(" (¿quisiste decir {near}?)"), format!(" (did you mean {near}?)"))
            }
            None => String::new(),
        };
        if unlisted.is_grade() {
            return format!("{}. {}{near}", unlisted.text(lang), self.says(field));
        }
        let allowed = unlisted.allowed();
        self.wrong(
            field,
            &format!("la plantilla no lo permite{near}. Valores permitidos: {allowed}"),
            &format!("the template does not allow it{near}. Allowed values: {allowed}"),
        )
    }

    fn cell(&self, fault: &CellFault) -> String {
        let name = self.naming.name(fault.field());
        match fault {
            CellFault::Shortened(field) => self.wrong(
                field,
                "la hoja de cálculo abrevió ese número y perdió dígitos; da formato de texto a la columna y escríbelo de nuevo",
                "the spreadsheet has shortened that number and lost digits; format the column as text and write it again",
            ),
            other => other.named(name).text(self.naming.lang),
        }
    }

    fn missing(&self, field: &str) -> String {
        let name = self.naming.name(field);
        self.pick(
            format!("Falta un valor en la columna {name}, que es obligatoria"),
            format!("The column {name} is required, and has no value here"),
        )
    }

    fn nameless(&self, column: usize) -> String {
        let cell = match self.said {
            Said::Cells(cells) => cells.get(column.saturating_sub(1)),
            Said::Recipient(_) => None,
        };
        let value = self.naming.quoted(cell.map_or("", String::as_str));
        let letters = letters(column);
        self.pick(
            format!("La columna {column} ({letters}) dice {value}, pero no tiene nombre en el encabezado"),
            format!("Column {column} ({letters}) says {value}, but has no name in the header"),
        )
    }

    /// The text of a fault that a value has.
    fn of_value(&self, fault: &Fault) -> Option<String> {
        let credits = FieldName::CreditsEarned.as_str();
        Some(match fault {
            Fault::TooLong(field, max) => self.wrong(
                field,
                &format!("supera los {max} caracteres"),
                &format!("it is longer than {max} characters"),
            ),
            Fault::ForbiddenCharacters(field) => self.wrong(
                field,
                "contiene caracteres no permitidos (de control); escríbelo de nuevo",
                "it has characters that are not allowed (control characters); write it again",
            ),
            Fault::InvalidDate(field) => self.wrong(
                field,
                "no es una fecha válida; escríbela como 15/11/2026 o 2026-11-15",
                "it is not a valid date; write it as 15/11/2026 (day first) or 2026-11-15",
            ),
            Fault::DateOutOfRange(field) => self.wrong(
                field,
                "el año debe estar entre 1900 y 2100",
                "the year must be from 1900 to 2100",
            ),
            Fault::NothingVisible(field) => self.wrong(
                field,
                "no contiene ningún carácter visible; escribe el nombre",
                "it has no visible character; write the name",
            ),
            Fault::EndsBeforeStart => {
                let start = self.says(FieldName::ActivityStartDate.as_str());
                self.wrong(
                    FieldName::ActivityEndDate.as_str(),
                    &format!("no puede ser anterior al inicio. {start}"),
                    &format!("it must not be before the start. {start}"),
                )
            }
            Fault::InvalidNumber(field) => self.wrong(
                field,
                "debe ser un número entre 0 y 1000000 con 3 decimales como máximo",
                "it must be a number from 0 to 1000000 with at most 3 decimals",
            ),
            Fault::InvalidCredits => self.wrong(
                credits,
                "debe ser un número entre 0 y 1000000 con 3 decimales como máximo",
                "it must be a number from 0 to 1000000 with at most 3 decimals",
            ),
            Fault::CreditsOutOfRange(min, max) => {
                let (es, en) = between(min.as_deref(), max.as_deref());
                self.wrong(credits, &es, &en)
            }
            Fault::InvalidUrl(field) => self.wrong(
                field,
                "debe ser un enlace completo que empiece por http:// o https://",
                "it must be a whole link that begins with http:// or https://",
            ),
            Fault::InvalidLanguage => self.wrong(
                "language",
                &format!("debe ser {}", Lang::explained("o")),
                &format!("it must be {}", Lang::explained("or")),
            ),
            Fault::SeveralAddresses => self.wrong(
                "email",
                "son varias direcciones; deja una, o pon a cada persona en su fila",
                "these are several addresses; leave one, or give each person a row",
            ),
            Fault::TooMany(field, max) => self.wrong(
                field,
                &format!("admite {max} elementos como máximo"),
                &format!("it takes at most {max} entries"),
            ),
            _ => return None,
        })
    }
}

/// The bounds of credits, in Spanish and English.
fn between(min: Option<&str>, max: Option<&str>) -> (String, String) {
    match (min, max) {
        (Some(min), Some(max)) => (
            format!("debe estar entre {min} y {max}"),
            format!("it must be between {min} and {max}"),
        ),
        (Some(min), None) => {
            (format!("debe ser al menos {min}"), format!("it must be at least {min}"))
        }
        (None, max) => {
            let max = max.unwrap_or("1000000");
            (format!("debe ser como máximo {max}"), format!("it must be at most {max}"))
        }
    }
}
