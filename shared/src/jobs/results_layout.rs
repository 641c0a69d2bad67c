//! The layout of a results file: the file's own columns, and beside them how each row ended.

use serde_json::{Map, Value};

use crate::{
    domain::{
        custom::CUSTOM,
        job::Job,
        job_result::{ResultColumn, ResultRow},
        member_row::ProfileField,
        recipient::reads_in_one_way,
        template::Template,
        unseen::visible,
        upload::{Format, Kind},
    },
    jobs::JobError,
    sheet::{
        ColumnName, Columns, Naming,
        guarding::{guarded, unguarded, unmarked},
        offered::of_template,
    },
};

/// The layout of a job's results file.
pub(super) struct Layout<'a> {
    job: &'a Job,
    sheet: &'a Format,
    /// The file's own columns: their names and positions in a row.
    own: Vec<(String, usize)>,
    /// Whether the file is an earlier results file.
    ours: bool,
    /// The columns in which its rows name their credentials.
    naming: Vec<usize>,
    /// Those in which they say which versions of these they are of.
    versions: Vec<usize>,
}

impl<'a> Layout<'a> {
    /// Lays out a file; `names` are those of JSON's members.
    pub(super) fn new(job: &'a Job, sheet: &'a Format, names: Vec<String>) -> Self {
        let columns = Columns::of(&sheet.header);
        let own = match sheet.kind {
            // The results of an earlier results file are replaced.
            Kind::Csv | Kind::Sheet => sheet
                .header
                .iter()
                .enumerate()
                .filter(|(_, name)| !columns.is_result(name))
                .map(|(at, name)| (name.clone(), at))
                .collect(),
            Kind::JsonLines | Kind::Json => {
                names.into_iter().enumerate().map(|(at, name)| (name, at)).collect()
            }
        };
        let (naming, versions) = (columns.naming().to_vec(), columns.versions().to_vec());
        Self { job, sheet, own, ours: columns.are_ours(), naming, versions }
    }

    /// A cell of the file as the results have it; one of an earlier results file is guarded once.
    fn own_cell(&self, cell: &str) -> String {
        match self.ours {
            true => guarded(&unguarded(cell)).into_owned(),
            false => guarded(unmarked(cell)).into_owned(),
        }
    }

    pub(super) fn results(&self) -> impl Iterator<Item = ResultColumn> {
        let of_members = self.job.members.is_some();
        let members = of_members.then(ResultColumn::of_members).into_iter().flatten();
        let (dry_run, corrects) = (self.job.is_dry_run(), self.job.corrector().is_some());
        let others = (!of_members).then(|| ResultColumn::of_file(dry_run, corrects));
        members.chain(others.into_iter().flatten())
    }

    /// The separator that the file has; that of a spreadsheet is what its language's takes.
    fn delimiter(&self) -> char {
        match self.sheet.kind {
            Kind::Sheet => self.job.lang.pick(';', ','),
            Kind::Csv | Kind::JsonLines | Kind::Json => self.sheet.delimiter,
        }
    }

    pub(super) fn line(&self, cells: Vec<String>) -> Result<Vec<u8>, JobError> {
        let mut writer = csv::WriterBuilder::new()
            .flexible(true)
            .delimiter(u8::try_from(self.delimiter()).unwrap_or(b','))
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        writer.write_record(cells).map_err(JobError::broken)?;
        writer.into_inner().map_err(|error| JobError::broken(error.to_string()))
    }

    /// The names of its columns.
    pub(super) fn names(&self) -> Vec<String> {
        let own = self.own.iter().map(|(name, _)| self.own_cell(name));
        own.chain(self.results().map(|column| column.name().to_owned())).collect()
    }

    /// With a BOM, by which Excel knows UTF-8.
    pub(super) fn first_line(&self, names: &[String]) -> Result<Vec<u8>, JobError> {
        let line = self.line(names.to_vec())?;
        Ok([b"\xef\xbb\xbf".as_slice(), &line].concat())
    }

    pub(super) fn row(&self, ended: &ResultRow, own: &[String]) -> Vec<String> {
        let line = own.first().filter(|_| !self.sheet.kind.is_table());
        // Of a member that is given twice, cells would hold one value, which nobody has chosen.
        let clear = line.is_none_or(|line| reads_in_one_way(line));
        let object: Option<Map<String, Value>> =
            line.filter(|_| clear).and_then(|line| serde_json::from_str(line).ok());
        // A line that is no object has no cell either: it stays as it is, to be mended.
        let broken = object.is_none();
        let object = object.unwrap_or_default();
        let cells = self.own.iter().map(|(name, at)| match self.sheet.kind {
            Kind::Csv | Kind::Sheet => {
                own.get(*at).map(|cell| self.own_cell(cell)).unwrap_or_default()
            }
            Kind::JsonLines | Kind::Json => member(&object, name).map(text).unwrap_or_default(),
        });
        let said = |places: &[usize]| match self.sheet.kind {
            Kind::Csv | Kind::Sheet => {
                places.iter().filter_map(|at| own.get(*at)).find(|cell| !cell.is_empty())
            }
            Kind::JsonLines | Kind::Json => None,
        };
        let kept = |places: &[usize], column: ResultColumn| {
            let said = said(places).map(|cell| self.own_cell(cell));
            said.or_else(|| object.get(column.name()).map(text)).unwrap_or_default()
        };
        let results = self.results().map(|column| match column {
            // A row that failed, corrected and uploaded again, still names its credential and the
            // version that it is of; one that would be new has none to name.
            ResultColumn::CredentialId if ended.credential_url.is_none() => {
                kept(&self.naming, column)
            }
            ResultColumn::CredentialVersion if ended.credential_url.is_none() => {
                kept(&self.versions, column)
            }
            ResultColumn::Changes => guarded(&self.changes_text(ended)).into_owned(),
            ResultColumn::Error => {
                guarded(&visible(ended.error.as_deref().unwrap_or_default())).into_owned()
            }
            _ => text(&ended.value(column)),
        });
        // Cells without a column come after all others: the row stays refused until corrected.
        let further: Vec<String> = match self.sheet.kind {
            Kind::Csv | Kind::Sheet => {
                own.get(self.sheet.header.len()..).unwrap_or_default().to_vec()
            }
            Kind::JsonLines | Kind::Json => {
                let ours = [ResultColumn::CredentialId, ResultColumn::CredentialVersion];
                let known = |name: &String| {
                    self.own.iter().any(|(own, _)| own == name)
                        || (name == CUSTOM && facts_have_columns(&object, &self.own))
                        || ours.iter().any(|column| column.name() == name)
                };
                line.filter(|_| broken || !object.keys().all(known)).into_iter().cloned().collect()
            }
        };
        let further = further.iter().map(|cell| self.own_cell(cell));
        cells.chain(results).chain(further).collect()
    }

    /// The fields that a row corrects, for people: by the file's own columns, in JSON by the
    /// API's names.
    fn changes_text(&self, ended: &ResultRow) -> String {
        let naming = Naming::of(self.sheet, self.job.lang);
        let name = |field: &String| match &naming {
            Some(naming) => naming.column(field),
            None => field.clone(),
        };
        let value = |value: &Value| match value {
            Value::Null => self.job.lang.pick("(vacío)", "(empty)").to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let changes = ended.changes.iter().flatten();
        let changes = changes.map(|change| {
            let (before, after) = (value(&change.before), value(&change.after));
            format!("{}: {before} → {after}", name(&change.field))
        });
        changes.collect::<Vec<_>>().join("; ")
    }
}

/// The columns of a template's recipients from JSON.
pub(super) fn fields(template: &Template) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for ColumnName { field: name, .. } in of_template(&template.definition) {
        // The API takes evidence as one list.
        let name = if name.starts_with("evidence_") { "evidence" } else { name };
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names.extend(template.definition.custom_fields.iter().map(|field| field.key.field()));
    names
}

/// The member of a row in JSON that a column has: a fact of the template's own is within `custom`.
fn member<'a>(object: &'a Map<String, Value>, column: &str) -> Option<&'a Value> {
    match column.strip_prefix("custom.") {
        Some(key) => object.get(CUSTOM)?.get(key),
        None => object.get(column),
    }
}

/// Whether every fact of a row in JSON has its column.
fn facts_have_columns(object: &Map<String, Value>, own: &[(String, usize)]) -> bool {
    let Some(Value::Object(facts)) = object.get(CUSTOM) else { return false };
    let has = |key: &String| own.iter().any(|(name, _)| name.strip_prefix("custom.") == Some(key));
    facts.keys().all(has)
}

/// The columns of members from JSON.
pub(super) fn members() -> Vec<String> {
    let fields = ProfileField::ALL.map(ProfileField::as_str);
    ["email"].into_iter().chain(fields).map(str::to_owned).collect()
}

/// A value as a cell.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => guarded(text).into_owned(),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            guarded(&values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
                .into_owned()
        }
        other => guarded(&other.to_string()).into_owned(),
    }
}
