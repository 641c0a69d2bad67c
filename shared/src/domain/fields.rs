//! Reads the members of a JSON object in a request, recipients excepted. It collects every fault
//! with its pointer, so that one answer names all of them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::domain::{
    fault::Fault,
    json::{self, Bounds, Excess, Survey, shown},
    lang::Lang,
    nearest::nearest,
    text::{MAX_TEXT, TextFault, in_paragraphs, is_visible, normal_text},
};

pub use crate::domain::field_error::{FieldError, FieldErrors, MAX_ERRORS};

/// The reason for refusing a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBody {
    /// Not in UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// Not JSON.
    #[error("not JSON: line {line}, column {column}")]
    NotJson {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, from 1.
        column: usize,
    },
    /// JSON, but not an object.
    #[error("not an object")]
    NotAnObject,
    /// Faulty fields.
    #[error("{} fields at fault", .0.count())]
    Fields(FieldErrors),
}

impl InvalidBody {
    /// A body whose faults say all.
    pub fn fields(errors: impl Into<FieldErrors>) -> Self {
        Self::Fields(errors.into())
    }
}

impl From<Excess> for InvalidBody {
    fn from(excess: Excess) -> Self {
        let (code, es, en) = match excess {
            Excess::Depth(max) => (
                "too_deep",
                format!("El cuerpo anida objetos y listas en más de {max} niveles"),
                format!("The body nests objects and lists in more than {max} levels"),
            ),
            Excess::Values(max) => (
                "too_many",
                format!("El cuerpo tiene más de {max} valores"),
                format!("The body has more than {max} values"),
            ),
        };
        Self::fields(vec![FieldError::new("", code, es, en)])
    }
}

impl From<serde_json::Error> for InvalidBody {
    fn from(error: serde_json::Error) -> Self {
        Self::NotJson { line: error.line(), column: error.column() }
    }
}

/// Reads a body as a text within its bounds, in which no object repeats a member.
///
/// # Errors
/// [`InvalidBody::NotUtf8`]; [`InvalidBody::Fields`] with the members that are repeated.
pub fn text_of<'a>(body: &'a [u8], bounds: &Bounds) -> Result<&'a str, InvalidBody> {
    let text = json::text(body).ok_or(InvalidBody::NotUtf8)?;
    refuse_repeated(&json::survey(text, bounds)?)?;
    Ok(text)
}

/// Refuses a body for its repeated members.
///
/// # Errors
/// [`InvalidBody::Fields`] if there are any.
pub fn refuse_repeated(survey: &Survey) -> Result<(), InvalidBody> {
    if survey.repeated.is_empty() {
        return Ok(());
    }
    let mut errors = FieldErrors::default();
    errors.extend(survey.repeated.iter().map(FieldError::from));
    errors.omit(survey.more);
    Err(InvalidBody::Fields(errors))
}

/// The fault of a member that the request does not take, at this pointer; `known` are those that
/// it takes.
pub fn unknown_field<'a>(
    pointer: String,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> FieldError {
    let fault = FieldError::new(
        pointer,
        "unknown_field",
        format!("Campo desconocido: {name}"),
        format!("Unknown field: {name}"),
    );
    fault.hint(nearest(name, known))
}

/// The unread members of an object, and the faults of those already read.
#[derive(Debug)]
pub struct Fields {
    path: String,
    members: Map<String, Value>,
    /// The names that were asked for.
    known: BTreeSet<String>,
    errors: FieldErrors,
}

impl Fields {
    /// Takes a body, which must be an object.
    ///
    /// # Errors
    /// As [`text_of`]; [`InvalidBody::NotJson`] or [`InvalidBody::NotAnObject`].
    pub fn of_body(body: &[u8]) -> Result<Self, InvalidBody> {
        Self::of_text(text_of(body, &Bounds::BODY)?)
    }

    /// Takes a text that was surveyed. Of a repeated member it has the last; the caller has judged
    /// those.
    ///
    /// # Errors
    /// [`InvalidBody::NotJson`] or [`InvalidBody::NotAnObject`].
    pub fn of_text(text: &str) -> Result<Self, InvalidBody> {
        match serde_json::from_str(text)? {
            Value::Object(members) => Ok(Self::of(String::new(), members)),
            _ => Err(InvalidBody::NotAnObject),
        }
    }

    fn of(path: String, members: Map<String, Value>) -> Self {
        Self { path, members, known: BTreeSet::new(), errors: FieldErrors::default() }
    }

    /// Takes an inner object. [`Fields::absorb`] returns its faults.
    pub fn inner(&mut self, path: String, value: Value) -> Option<Self> {
        match value {
            Value::Object(members) => Some(Self::of(path, members)),
            _ => {
                self.errors.push(FieldError::new(
                    path,
                    "wrong_type",
                    "Debe ser un objeto",
                    "Must be an object",
                ));
                None
            }
        }
    }

    /// Takes the faults of an inner object, its unread members included.
    pub fn absorb(&mut self, inner: Self) {
        self.errors.absorb(inner.unread());
    }

    /// Ends the reading: unread members are unknown fields.
    ///
    /// # Errors
    /// [`InvalidBody::Fields`] with the faults.
    pub fn end(self) -> Result<(), InvalidBody> {
        let errors = self.unread();
        if errors.count() == 0 { Ok(()) } else { Err(InvalidBody::Fields(errors)) }
    }

    fn unread(mut self) -> FieldErrors {
        let mut unknown: Vec<String> = self.members.keys().cloned().collect();
        unknown.sort_unstable();
        for name in unknown {
            let name = shown(&name);
            let pointer = self.pointer(&name);
            let known = self.known.iter().map(String::as_str);
            self.errors.push_with(|| unknown_field(pointer, &name, known));
        }
        self.errors
    }

    /// Returns the pointer of a member.
    pub fn pointer(&self, name: &str) -> String {
        format!("{}/{}", self.path, name.replace('~', "~0").replace('/', "~1"))
    }

    /// Notes a fault of a member.
    pub fn fault(
        &mut self,
        name: &str,
        code: &'static str,
        es: impl Into<String>,
        en: impl Into<String>,
    ) {
        self.errors.push(FieldError::new(self.pointer(name), code, es, en));
    }

    /// Notes a fault of a member, with the value that was probably meant.
    pub fn fault_near(
        &mut self,
        name: &str,
        code: &'static str,
        es: impl Into<String>,
        en: impl Into<String>,
        near: Option<&str>,
    ) {
        self.errors.push(FieldError::new(self.pointer(name), code, es, en).hint(near));
    }

    /// Drops members that only answers have; a client may send an answer back as a request.
    pub fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.members.remove(*name);
        }
    }

    /// Takes a member that is null, and returns whether there was one. Null means "remove it".
    pub fn take_null(&mut self, name: &str) -> bool {
        self.known.insert(name.to_owned());
        let null = self.members.get(name).is_some_and(Value::is_null);
        if null {
            self.members.remove(name);
        }
        null
    }

    /// The number of faults so far.
    pub fn faults(&self) -> usize {
        self.errors.count()
    }

    /// Whether an unread member of this name exists.
    pub fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Returns the unread members.
    pub fn into_members(self) -> Map<String, Value> {
        self.members
    }

    /// Takes the value of a member; null counts as absent.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.known.insert(name.to_owned());
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// Notes that a member is missing.
    pub fn missing(&mut self, name: &str) {
        self.fault(
            name,
            "missing_field",
            format!("Falta el campo obligatorio: {name}"),
            format!("Required field missing: {name}"),
        );
    }

    /// Notes that a member has the wrong type.
    pub fn wrong_type(&mut self, name: &str, es: &str, en: &str) {
        self.fault(
            name,
            "wrong_type",
            format!("El campo {name} debe ser {es}"),
            format!("The field {name} must be {en}"),
        );
    }

    /// Takes an optional text of at most `max` characters, in normal form.
    pub fn text(&mut self, name: &str, max: usize) -> Option<String> {
        let value = self.take(name)?;
        let Value::String(text) = value else {
            self.wrong_type(name, "un texto", "a string");
            return None;
        };
        match normal_text(&text, max) {
            Ok(text) => text,
            Err(TextFault::TooLong) => {
                self.fault(
                    name,
                    "too_long",
                    format!("El campo {name} supera los {max} caracteres"),
                    format!("The field {name} is longer than {max} characters"),
                );
                None
            }
            Err(TextFault::Forbidden) => {
                self.fault(
                    name,
                    "forbidden_characters",
                    format!("El campo {name} contiene caracteres no permitidos (de control)"),
                    format!("The field {name} contains characters that are not allowed (control characters)"),
                );
                None
            }
        }
    }

    /// Takes a required text.
    pub fn required_text(&mut self, name: &str, max: usize) -> Option<String> {
        let before = self.errors.count();
        let text = self.text(name, max);
        if text.is_none() && self.errors.count() == before {
            self.missing(name);
        }
        text
    }

    /// Takes an optional text in paragraphs, of at most `max` characters: line breaks of any kind
    /// become line feeds, more than one empty line becomes one.
    pub fn prose(&mut self, name: &str, max: usize) -> Option<String> {
        let text = match self.members.get(name) {
            Some(Value::String(text)) => in_paragraphs(text),
            _ => return self.text(name, max),
        };
        // Each line is a text of its own, and together they have the length.
        let lines: Vec<&str> = text.split('\n').collect();
        let joined = lines.join(" ");
        self.members.insert(name.to_owned(), joined.into());
        self.text(name, max)?;
        let normal = |line: &&str| normal_text(line, max).ok().flatten().unwrap_or_default();
        Some(lines.iter().map(normal).collect::<Vec<_>>().join("\n"))
    }

    /// Takes a required text in paragraphs.
    pub fn required_prose(&mut self, name: &str, max: usize) -> Option<String> {
        let before = self.errors.count();
        let text = self.prose(name, max);
        if text.is_none() && self.errors.count() == before {
            self.missing(name);
        }
        text
    }

    /// Takes an optional name: a text of at most [`MAX_TEXT`] characters of which a reader sees
    /// something.
    pub fn name(&mut self, name: &str) -> Option<String> {
        let text = self.text(name, MAX_TEXT)?;
        if is_visible(&text) {
            return Some(text);
        }
        let fault = Fault::NothingVisible(name.to_owned());
        self.fault(name, fault.code(), fault.text(Lang::Es), fault.text(Lang::En));
        None
    }

    /// Takes a required name.
    pub fn required_name(&mut self, name: &str) -> Option<String> {
        let before = self.errors.count();
        let text = self.name(name);
        if text.is_none() && self.errors.count() == before {
            self.missing(name);
        }
        text
    }

    /// Takes an optional tag of a language.
    pub fn language(&mut self, name: &str) -> Option<Lang> {
        let text = self.text(name, 10)?;
        let found = Lang::of(&text);
        if found.is_none() {
            // `es-CL`, `ES`.
            let language = text.split(['-', '_']).next().unwrap_or_default();
            self.fault_near(
                name,
                "invalid_language",
                format!("El campo {name} debe ser {}", Lang::listed("o")),
                format!("The field {name} must be {}", Lang::listed("or")),
                nearest(language, Lang::ALL.map(Lang::tag)),
            );
        }
        found
    }

    /// Takes an optional boolean.
    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(value) => Some(value),
            _ => {
                self.wrong_type(name, "verdadero o falso (true o false)", "true or false");
                None
            }
        }
    }

    /// Takes an optional whole number within bounds.
    pub fn whole(&mut self, name: &str, min: u64, max: u64) -> Option<u64> {
        let value = self.take(name)?;
        match value.as_u64().filter(|n| (min..=max).contains(n)) {
            Some(n) => Some(n),
            None => {
                self.fault(
                    name,
                    "out_of_range",
                    format!("El campo {name} debe ser un entero entre {min} y {max}"),
                    format!("The field {name} must be a whole number from {min} to {max}"),
                );
                None
            }
        }
    }

    /// Takes an optional list.
    pub fn list(&mut self, name: &str) -> Option<Vec<Value>> {
        match self.take(name)? {
            Value::Array(values) => Some(values),
            _ => {
                self.wrong_type(name, "una lista", "an array");
                None
            }
        }
    }
}
