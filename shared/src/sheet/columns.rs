//! The columns of a file: what somebody assigned them to, else what their names say, which are
//! the API's, Spanish, English or Portuguese; case, accents and signs between words do not
//! matter. [`names`](super::names) and [`FieldSpec`](crate::domain::field::FieldSpec) have them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    column::{Column, IGNORE, NAME_TARGETS, NamePart, Part, Use},
    names::{CANVAS, NAMES, plain},
    terms::Terms,
};
use crate::domain::{
    column_map::{ColumnMap, Decided},
    custom::Key,
    field::FieldName,
    job_result::ResultColumn,
    member_row::ProfileField,
    recipient::MAX_EVIDENCE,
    template::Definition,
};

/// What a text names, in the API's words or in those of a header.
fn of_target(text: &str) -> Option<Column> {
    let text = text.trim();
    let named = NAME_TARGETS.iter().find(|(_, target)| *target == text);
    let column = match named {
        Some((column, _)) => *column,
        None if text == IGNORE => Column::Ignored,
        None => column(text),
    };
    column.target().map(|_| column)
}

/// What a text of a map names, as the API calls it.
pub fn target(text: &str) -> Option<String> {
    of_target(text)?.target()
}

/// Does the same for a template: a fact of its own is named by its label too, as in a header.
pub fn target_in(template: Option<&Definition>, text: &str) -> Option<String> {
    target(text).or_else(|| {
        let named = template?.custom_fields.iter().find(|field| field.is_named(text))?;
        Some(named.key.field())
    })
}

/// What was assigned besides the names of the columns; what was given comes before what is
/// remembered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Assigned<'a> {
    /// By the request.
    pub given: Option<&'a ColumnMap>,
    /// For the template.
    pub remembered: Option<&'a ColumnMap>,
}

/// What was assigned, by names as they are compared; and what names the template's own facts.
#[derive(Debug, Default)]
pub(super) struct Assignments {
    given: BTreeMap<String, Column>,
    remembered: BTreeMap<String, Column>,
    definition: Option<Definition>,
}

impl From<Assigned<'_>> for Assignments {
    fn from(assigned: Assigned<'_>) -> Self {
        let (given, remembered) = (by_name(assigned.given), by_name(assigned.remembered));
        Self { given, remembered, definition: None }
    }
}

impl Assignments {
    /// What is known of the columns of a file before its header is read.
    pub(super) fn of(terms: Terms<'_>) -> Self {
        let definition = Some(terms.definition).filter(|of| !of.custom_fields.is_empty());
        Self { definition: definition.cloned(), ..Self::from(terms.assigned) }
    }

    /// The column that a name is by itself. The template's own facts have their labels, unless a label is
    /// the name of a column that the template takes.
    fn by_itself(&self, name: &str) -> Column {
        let known = column(name);
        let Some(definition) = self.definition.as_ref().filter(|_| !name.starts_with('#')) else {
            return known;
        };
        let taken = match known {
            Column::Unknown => false,
            known => known.field().is_none_or(|field| definition.takes(field)),
        };
        let own = definition.custom_fields.iter().find(|field| field.is_named(name));
        own.filter(|_| !taken).map_or(known, |field| Column::Custom(field.key))
    }
}

/// The fact that a name in a file of ours, or in an assignment, says by its key: `custom.hours`,
/// `Horas (custom.hours)`.
fn fact(name: &str) -> Option<Column> {
    let name = name.trim();
    let marked = name.strip_suffix(')').and_then(|name| Some(name.rsplit_once('(')?.1));
    let key = marked.unwrap_or(name).strip_prefix("custom.")?;
    Key::parse(key).map(Column::Custom)
}

fn by_name(map: Option<&ColumnMap>) -> BTreeMap<String, Column> {
    let entries = map.into_iter().flat_map(ColumnMap::iter);
    entries.filter_map(|(name, target)| Some((compared(name), of_target(target)?))).collect()
}

/// A column's name as names are compared; one of signs alone stays as it is.
pub fn compared(name: &str) -> String {
    let plain = plain(name);
    if plain.is_empty() { name.trim().to_owned() } else { plain }
}

/// The columns of a file.
#[derive(Clone, Debug)]
pub struct Columns {
    all: Vec<Column>,
    decided: Vec<Decided>,
    ours: bool,
    /// Where the rows name their credentials.
    naming: Vec<usize>,
    /// Where they say which versions of these they are of.
    versions: Vec<usize>,
}

/// What a column's own name says.
pub(super) fn column(name: &str) -> Column {
    if name.starts_with('#') {
        return Column::Ignored;
    }
    if let Some(fact) = fact(name) {
        return fact;
    }
    let name = plain(name);
    if name.is_empty() {
        return Column::Nameless;
    }
    let listed = NAMES.iter().find(|(_, names)| names.contains(&name.as_str()));
    listed
        .map(|(column, _)| *column)
        .or_else(|| field(&name))
        .or_else(|| evidence(&name))
        .unwrap_or(Column::Unknown)
}

/// The column of a field, but for evidence, which has columns of its parts.
fn field(name: &str) -> Option<Column> {
    let fields = FieldName::ALL.into_iter().filter(|field| *field != FieldName::Evidence);
    let named = fields.into_iter().find(|field| {
        let spec = field.spec();
        plain(spec.column.es) == name
            || plain(spec.column.en) == name
            || spec.aliases.contains(&name)
    });
    named.map(Column::Field)
}

/// `evidencia`, `evidence url`, `evidencia 2 nombre`, `url de evidencia 2` …
fn evidence(name: &str) -> Option<Column> {
    let (mut found, mut number, mut part) = (false, 1, Part::Whole);
    for word in name.split(' ') {
        match word {
            "evidence" | "evidences" | "evidencia" | "evidencias" => found = true,
            "name" | "nombre" | "titulo" | "title" => part = Part::Name,
            "url" | "enlace" | "link" | "vinculo" => part = Part::Url,
            "description" | "descripcion" => part = Part::Description,
            "de" | "la" | "of" => {}
            _ => number = word.parse().ok().filter(|n| (1..=MAX_EVIDENCE).contains(n))?,
        }
    }
    found.then_some(Column::Evidence(number, part))
}

/// Whether a name is that of a column that our results files add.
pub(super) fn is_result(name: &str) -> bool {
    let plain_name = plain(name);
    !name.starts_with('#')
        && ResultColumn::of_file(true, true)
            .chain([ResultColumn::RepeatedBy])
            .any(|known| plain(known.name()) == plain_name)
}

/// Whether a column belongs to our results: any of theirs in a results file of ours, and in every
/// file the credential that a row names, and its version.
pub(super) fn is_ours(name: &str, results_file: bool) -> bool {
    let naming = [ResultColumn::CredentialId, ResultColumn::CredentialVersion];
    let names_it = || naming.iter().any(|column| plain(column.name()) == plain(name));
    is_result(name) && (results_file || names_it())
}

impl Columns {
    /// Reads a header by its names alone.
    pub fn of(header: &[String]) -> Self {
        Self::assigned(header, &Assignments::default())
    }

    /// Reads a header: what was given for a name comes before what is remembered, and that before
    /// what the name says. The names of a results file of ours say everything themselves: nothing
    /// is remembered of it.
    pub(super) fn assigned(header: &[String], assigned: &Assignments) -> Self {
        let given = |name: &str| assigned.given.get(&compared(name)).copied();
        let has = |wanted: ResultColumn| {
            let is = |name: &&String| plain(name) == plain(wanted.name());
            let elsewhere = given(wanted.name()).is_some_and(|column| column != Column::Ignored);
            !elsewhere && header.iter().filter(|name| !name.starts_with('#')).any(|name| is(&name))
        };
        let ours = has(ResultColumn::Status)
            && (has(ResultColumn::CredentialId) || has(ResultColumn::RepeatedBy));
        let canvas = header.iter().any(|name| CANVAS.contains(&plain(name).as_str()));
        let decide = |name: &String| {
            let of_ours = is_ours(name, ours);
            match given(name) {
                Some(Column::Ignored) if of_ours => return (Column::Result, Decided::Given),
                Some(column) => return (column, Decided::Given),
                None if of_ours => return (Column::Result, Decided::Name),
                None => {}
            }
            // A mark in the file itself is later than what is remembered.
            let remembered = assigned.remembered.get(&compared(name));
            if let Some(column) = remembered.filter(|_| !ours && !name.starts_with('#')) {
                return (*column, Decided::Remembered);
            }
            match assigned.by_itself(name) {
                Column::Name(NamePart::Given) if canvas && plain(name) == "student" => {
                    (Column::FamilyFirst, Decided::Name)
                }
                open @ (Column::Unknown | Column::Nameless) => (open, Decided::Open),
                known => (known, Decided::Name),
            }
        };
        let (mut all, decided): (Vec<Column>, Vec<Decided>) = header.iter().map(decide).unzip();
        second_family(&mut all, header);
        let places = |wanted: ResultColumn| {
            let named = all.iter().zip(header).enumerate();
            let named = named.filter(|(_, (column, name))| {
                **column == Column::Result && plain(name) == plain(wanted.name())
            });
            named.map(|(at, _)| at).collect()
        };
        let naming = places(ResultColumn::CredentialId);
        let versions = places(ResultColumn::CredentialVersion);
        Self { all, decided, ours, naming, versions }
    }

    /// The names under which this file's columns are known by themselves: their own, but for
    /// those that were assigned to something else. So a job keeps what was decided, and its
    /// results can be uploaded as they are.
    pub(super) fn names(&self, header: &[String]) -> Vec<String> {
        let mut names = header.to_vec();
        // A name can say something else beside others.
        for _ in 0..2 {
            let alone = Self::of(&names);
            let mut changed = false;
            for ((at, name), own) in names.iter_mut().enumerate().zip(header) {
                if let Some(column) = self.all.get(at)
                    && alone.all.get(at) != Some(column)
                {
                    *name = column.known_name(own);
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        names
    }

    /// The columns in which rows name their credentials, from 0.
    pub fn naming(&self) -> &[usize] {
        &self.naming
    }

    /// The columns in which rows say which versions of their credentials they are of, from 0.
    pub fn versions(&self) -> &[usize] {
        &self.versions
    }

    /// Whether the file is a results file of ours, whose cells are [`guarded`].
    pub fn are_ours(&self) -> bool {
        self.ours
    }

    /// The number of columns.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether the file has no columns.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The number of columns that are known.
    pub fn known(&self) -> usize {
        self.all.iter().filter(|c| !matches!(c, Column::Unknown | Column::Nameless)).count()
    }

    /// Whether a column of this name belongs to our results.
    pub fn is_result(&self, name: &str) -> bool {
        is_ours(name, self.ours)
    }

    /// The column of the addresses, from 0.
    pub(super) fn email(&self) -> Option<usize> {
        self.all.iter().position(|c| matches!(c, Column::Email))
    }

    /// For each column, whether line breaks are text in it.
    pub(super) fn prose(&self) -> Vec<bool> {
        let prose = |column: &Column| {
            column.is_prose() || matches!(column, Column::Ignored | Column::Result)
        };
        self.all.iter().map(prose).collect()
    }

    /// For each column, whether it holds numbers.
    pub(super) fn numeric(&self, definition: &Definition) -> Vec<bool> {
        self.all.iter().map(|column| column.is_numeric(definition)).collect()
    }

    /// What the cells of each column are for.
    pub(super) fn uses(&self) -> Vec<Use> {
        self.all.iter().map(|column| column.usage()).collect()
    }

    /// The fields of a member's profile that its rows have.
    pub(super) fn says(&self) -> Vec<ProfileField> {
        let field = |column: &Column| match column {
            Column::Language => Some(ProfileField::Language),
            column => column.field().and_then(ProfileField::of),
        };
        // A name can have several columns.
        let says: BTreeSet<ProfileField> = self.all.iter().filter_map(field).collect();
        says.into_iter().collect()
    }

    pub(super) fn all(&self) -> &[Column] {
        &self.all
    }

    /// Who decided what a column is, from 0.
    pub(super) fn decided(&self, at: usize) -> Decided {
        self.decided.get(at).copied().unwrap_or(Decided::Open)
    }
}

/// Two columns of one name hold the two family names.
fn second_family(columns: &mut [Column], header: &[String]) {
    let (family, second) = (Column::Name(NamePart::Family), Column::Name(NamePart::SecondFamily));
    let at = |from: usize| columns.iter().skip(from).position(|c| *c == family).map(|at| at + from);
    let Some(first) = at(0) else { return };
    let Some(again) = at(first + 1).filter(|_| !columns.contains(&second)) else { return };
    let name = |at: usize| header.get(at).map(|name| compared(name));
    if name(first) == name(again)
        && let Some(column) = columns.get_mut(again)
    {
        *column = second;
    }
}
