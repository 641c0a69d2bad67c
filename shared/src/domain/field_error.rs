//! The faulty fields of a request, each with its pointer.

use crate::domain::json::Repeated;

/// Most faults that an answer lists of one request.
pub const MAX_ERRORS: usize = 100;

/// A faulty field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the body, or the name of a header or query parameter.
    pub pointer: String,
    /// Stable code.
    pub code: &'static str,
    /// Spanish text.
    pub es: String,
    /// English text.
    pub en: String,
    /// The known name or value that was probably meant, if one is near.
    pub hint: Option<String>,
}

impl FieldError {
    /// Makes the fault of a field.
    pub fn new(
        pointer: impl Into<String>,
        code: &'static str,
        es: impl Into<String>,
        en: impl Into<String>,
    ) -> Self {
        Self { pointer: pointer.into(), code, es: es.into(), en: en.into(), hint: None }
    }

    /// Adds what was probably meant.
    pub fn hint(mut self, near: Option<&str>) -> Self {
        self.hint = near.map(str::to_owned);
        self
    }
}

impl From<&Repeated> for FieldError {
    fn from(repeated: &Repeated) -> Self {
        let field = repeated.field();
        Self::new(
            repeated.pointer(),
            "repeated_field",
            format!("El campo {field} está repetido"),
            format!("The field {field} is given twice"),
        )
    }
}

/// The faulty fields of a request: the first [`MAX_ERRORS`], and the number of the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors {
    listed: Vec<FieldError>,
    omitted: usize,
}

impl FieldErrors {
    /// The first faults.
    pub fn listed(&self) -> &[FieldError] {
        &self.listed
    }

    /// How many more there are.
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// How many there are in all.
    pub fn count(&self) -> usize {
        self.listed.len() + self.omitted
    }

    /// Takes a fault.
    pub fn push(&mut self, error: FieldError) {
        self.push_with(|| error);
    }

    /// Takes a fault, which is made only if it is listed.
    pub fn push_with(&mut self, error: impl FnOnce() -> FieldError) {
        if self.listed.len() < MAX_ERRORS {
            self.listed.push(error());
        } else {
            self.omitted += 1;
        }
    }

    /// Counts faults of which no more than their number is known.
    pub fn omit(&mut self, number: usize) {
        self.omitted += number;
    }

    /// Takes the faults of an inner object.
    pub(super) fn absorb(&mut self, other: Self) {
        self.extend(other.listed);
        self.omitted += other.omitted;
    }
}

impl Extend<FieldError> for FieldErrors {
    fn extend<I: IntoIterator<Item = FieldError>>(&mut self, errors: I) {
        errors.into_iter().for_each(|error| self.push(error));
    }
}

impl From<Vec<FieldError>> for FieldErrors {
    fn from(errors: Vec<FieldError>) -> Self {
        let mut these = Self::default();
        these.extend(errors);
        these
    }
}
