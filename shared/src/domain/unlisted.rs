//! A text that is none of the values that its template lists, and the one that was probably meant.

use std::borrow::Cow;

use crate::domain::{
    custom::Key,
    field::FieldName,
    lang::{Lang, StaffLang},
    nearest::nearest,
    text::cleaned,
};

/// Fewest letters of a word that is compared by its spelling: `B` is no misspelt `A`.
const MIN_LETTERS: usize = 4;
/// Most letters of such a word: ten thousand rows are compared with two hundred values each.
const MAX_LETTERS: usize = 30;

/// A text of a field that its template does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlisted {
    /// The field, as the API names it.
    pub field: Cow<'static, str>,
    /// The template's values, in its order.
    allowed: Vec<String>,
    /// The value that is near.
    near: Option<String>,
}

impl Unlisted {
    /// Notes a text of a field and the values of its template. A value is near that differs by case
    /// or spaces alone, or, of words, by few letters. A digit or a sign is never a slip: `A+` does not
    /// mean `A`.
    pub fn of(field: FieldName, text: &str, allowed: &[String]) -> Self {
        Self::named(field.as_str().into(), text, allowed)
    }

    /// Notes a value of a template's own fact, likewise.
    pub fn of_custom(key: Key, text: &str, allowed: &[String]) -> Self {
        Self::named(key.field().into(), text, allowed)
    }

    /// Whether it is a grade, the text of whose fault never changes.
    pub fn is_grade(&self) -> bool {
        self.field == FieldName::ResultValue.as_str()
    }

    fn named(field: Cow<'static, str>, text: &str, allowed: &[String]) -> Self {
        let is_it = |value: &&String| folded(value) == folded(text);
        let values = || allowed.iter().filter(|value| is_of_words(value)).map(String::as_str);
        let near = allowed.iter().find(is_it).map(String::as_str);
        let near = near.or_else(|| is_of_words(text).then(|| nearest(text, values())).flatten());
        let near = near.map(str::to_owned);
        Self { field, allowed: allowed.to_vec(), near }
    }

    /// The value that was probably meant.
    pub fn near(&self) -> Option<&str> {
        self.near.as_deref()
    }

    /// The template's values, in its order.
    pub fn allowed(&self) -> String {
        self.allowed.join(", ")
    }

    /// The text of the fault. That of a grade never changes, in both languages.
    pub fn text(&self, lang: Lang) -> String {
        let (field, allowed) = (&self.field, self.allowed());
        match (self.is_grade(), lang.staff(), self.near()) {
            (true, ..) => {
                format!("Calificacion invalida. Valores permitidos: {allowed}")
            }
            (_, StaffLang::Es, None) => {
                format!("Valor no permitido en {field}. Valores permitidos: {allowed}")
            }
            (_, StaffLang::Es, Some(near)) => format!(
                "Valor no permitido en {field}. ¿Quisiste decir {near}? Valores permitidos: {allowed}"
            ),
            (_, StaffLang::En, None) => {
                format!("Value not allowed in {field}. Allowed values: {allowed}")
            }
            (_, StaffLang::En, Some(near)) => format!(
                "Value not allowed in {field}. Did you mean {near}? Allowed values: {allowed}"
            ),
        }
    }
}

/// Words alone, long enough that one is told from another with a slip.
fn is_of_words(text: &str) -> bool {
    (MIN_LETTERS..=MAX_LETTERS).contains(&text.chars().take(MAX_LETTERS + 1).count())
        && text.chars().all(|c| c.is_alphabetic() || c.is_whitespace())
}

/// A text without its case and its spaces.
fn folded(text: &str) -> String {
    let clean = cleaned(text);
    clean.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_said_and_a_sign_or_a_digit_is_no_slip() {
        let near = |text: &str, allowed: &[&str]| {
            let allowed: Vec<String> = allowed.iter().map(|value| (*value).to_owned()).collect();
            Unlisted::of(FieldName::Role, text, &allowed).near().map(str::to_owned)
        };
        for (text, allowed, wanted) in [
            ("aprobado", &["Aprobado", "Reprobado"][..], Some("Aprobado")),
            ("Aprovado", &["Aprobado", "Reprobado"], Some("Aprobado")),
            ("Docnete", &["Ayudante", "Docente"], Some("Docente")),
            ("co autora", &["Coautora"], Some("Coautora")),
            ("a+", &["A", "A+", "A-"], Some("A+")),
            ("a", &["A+", "A"], Some("A")),
            ("A+", &["A", "B"], None),
            ("A-", &["A", "A+"], None),
            ("E", &["A", "B"], None),
            ("6.5", &["65", "6,5"], None),
            ("2025-1", &["2025-2"], None),
            ("Nivel 1", &["Nivel 2", "Nivel 3"], None),
            ("otra cosa", &["Ayudante", "Docente"], None),
        ] {
            assert_eq!(near(text, allowed).as_deref(), wanted, "{text}");
        }
    }
}
