//! How the columns of a file are read: what somebody assigned by their names, and what became of
//! each of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::{
    field::FieldName,
    fields::Fields,
    nearest::nearest,
    text::{MAX_TEXT, normal_text},
};

/// The member of a request that assigns columns.
pub const COLUMN_MAP: &str = "column_map";
/// The member of a request that says that of dates the day comes first.
pub const DAY_FIRST: &str = "day_first";
/// Most columns that a map assigns.
pub const MAX_ASSIGNED: usize = 200;

/// What a column can be read as, but for parts of evidence.
fn targets() -> impl Iterator<Item = &'static str> {
    let further = [
        "email",
        "external_id",
        "language",
        "given_name",
        "middle_name",
        "family_name",
        "second_family_name",
        "family_name_first",
        "ignore",
    ];
    FieldName::ALL.into_iter().map(FieldName::as_str).chain(further)
}

/// Names of columns, and what each is read as: a field by its name in the API, a part of the
/// recipient's name, or `ignore`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnMap(BTreeMap<String, String>);

impl ColumnMap {
    /// Takes a map out of a request. `target` gives what a text names as the API names it, and
    /// `compared` a column's name as names are compared: one column is one thing.
    pub fn take(
        body: &mut Fields,
        target: impl Fn(&str) -> Option<String>,
        compared: impl Fn(&str) -> String,
    ) -> Option<Self> {
        let Value::Object(members) = body.take(COLUMN_MAP)? else {
            body.wrong_type(
                COLUMN_MAP,
                "un objeto de nombres de columna y lo que contienen",
                "an object of names of columns and what they hold",
            );
            return None;
        };
        if members.len() > MAX_ASSIGNED {
            body.fault(
                COLUMN_MAP,
                "too_many",
                format!("El campo {COLUMN_MAP} admite {MAX_ASSIGNED} columnas como máximo"),
                format!("The field {COLUMN_MAP} takes {MAX_ASSIGNED} columns at most"),
            );
            return None;
        }
        let names: Vec<String> = members.keys().cloned().collect();
        let mut inner = body.inner(body.pointer(COLUMN_MAP), Value::Object(members))?;
        let mut map = BTreeMap::new();
        let mut said: BTreeMap<String, (String, String)> = BTreeMap::new();
        for name in names {
            let value = inner.take(&name).unwrap_or_default();
            let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
            match Self::assignment(&name, &value, &target) {
                Ok((name, target)) => {
                    let first = (target.clone(), shown.clone());
                    let (known, other) = said.entry(compared(&name)).or_insert(first);
                    if *known != target {
                        let (code, es, en) = contradiction(other);
                        inner.fault(&shown, code, es, en);
                    }
                    map.insert(name, target);
                }
                Err((code, es, en)) => {
                    let near = value.as_str().and_then(|text| nearest(text, targets()));
                    inner.fault_near(&shown, code, es, en, near);
                }
            }
        }
        body.absorb(inner);
        Some(Self(map))
    }

    /// A name in normal form, and what it is assigned to.
    fn assignment(
        name: &str,
        value: &Value,
        target: &impl Fn(&str) -> Option<String>,
    ) -> Result<(String, String), (&'static str, String, String)> {
        let name = normal_text(name, MAX_TEXT).ok().flatten().ok_or_else(|| {
            (
                "invalid_name",
                format!("El nombre de una columna tiene de 1 a {MAX_TEXT} caracteres, sin los de control"),
                format!("The name of a column has 1 to {MAX_TEXT} characters, no control characters"),
            )
        })?;
        let known = value.as_str().and_then(target).ok_or_else(|| {
            (
                "value_not_allowed",
                "Indica un campo de la plantilla, un dato propio por su clave o su nombre (como custom.horas), una parte del nombre (given_name, middle_name, family_name, second_family_name) o ignore".to_owned(),
                "Name a field of the template, a fact of its own by its key or its label (such as custom.hours), a part of the name (given_name, middle_name, family_name, second_family_name) or ignore".to_owned(),
            )
        })?;
        Ok((name, known))
    }

    /// Its entries: a column's name, and what it is read as.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, target)| (name.as_str(), target.as_str()))
    }

    /// Whether it assigns nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The map as a request has it.
    pub fn answer(&self) -> Value {
        let members = self.iter().map(|(name, target)| (name.to_owned(), target.into()));
        Value::Object(members.collect::<Map<_, _>>())
    }
}

/// The fault of a name whose column another name assigns to something else.
fn contradiction(other: &str) -> (&'static str, String, String) {
    (
        "repeated_column",
        format!(
            "Es la misma columna que «{other}», que se asigna a otra cosa: deja una de las dos"
        ),
        format!(
            "It is the same column as \"{other}\", which is assigned to something else: leave one of the two"
        ),
    )
}

/// A map that is remembered for a template.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RememberedMap {
    /// Version of this item's format.
    pub v: u32,
    /// The map.
    pub map: ColumnMap,
    /// Whether in the template's files the day of a date comes first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub day_first: bool,
    /// When it was last written, RFC 3339 to the millisecond.
    pub updated_at: String,
}

/// Who decided what a column is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// The request.
    Given,
    /// The template's remembered map.
    Remembered,
    /// The column's own name.
    Name,
    /// Nobody: the column is not known.
    Open,
}

/// What became of a column of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadColumn {
    /// Its number, from 1.
    pub column: usize,
    /// Its name in the file, as a [`ColumnMap`] takes it.
    pub name: String,
    /// What it is read as, as the API names it; none if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_as: Option<String>,
    /// Who decided that.
    pub decided_by: Decided,
    /// What it may be, of a column that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// Its first values, at most three of at most 60 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl ReadColumn {
    /// The column in an answer.
    pub fn answer(&self) -> Value {
        serde_json::json!({
            "column": self.column, "name": self.name, "read_as": self.read_as,
            "decided_by": self.decided_by, "suggestion": self.suggestion, "values": self.values,
        })
    }
}
