//! Texts that were damaged before they came here: letters that were lost, that another encoding
//! made of them, or that are written as code.
//!
//! A text counts as damaged when no language writes it so. What only looks odd is a text: `Ãlves`,
//! `JoÃo` and `MuÑoz` come out of programs that change the case of ASCII letters alone.

mod entities;
mod errors;
mod markup;
mod misread;
mod names;

use crate::domain::{
    lang::Lang,
    text::shortened,
    unseen::{is_hidden, is_tag},
};

/// Characters of a damaged text that its fault shows.
const SHOWN: usize = 80;
/// Begins the flag of a region: 🏴 and tags.
const BLACK_FLAG: char = '\u{1f3f4}';

/// What damaged a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Letters were lost.
    Lost,
    /// Letters were read in another encoding; holds the text as it was meant, where that is sure.
    Misread(Option<String>),
    /// Letters are written as HTML's code; holds the text as it was meant.
    Code(String),
    /// A formula of a spreadsheet failed, and its error stands for the value.
    Formula,
    /// A formula of a spreadsheet stands for its value.
    Unevaluated,
    /// It has tags of HTML; holds the text without them.
    Markup(String),
    /// It has a character that nobody sees and no language writes.
    Hidden(char),
}

/// A damaged text of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The field, as the API names it.
    pub field: String,
    /// The text as it was sent, without control and hidden characters, at most [`SHOWN`] characters of it.
    shown: String,
    damage: Damage,
}

impl Damaged {
    /// Judges a text of a field, as the API names it; none if it is not damaged.
    pub fn of(field: &str, text: &str) -> Option<Self> {
        Self::of_kind(field, text, kind_of(field))
    }

    /// Judges a text of a field that is of this kind; none if it is not damaged.
    pub fn of_kind(field: &str, text: &str, kind: Kind) -> Option<Self> {
        let shown = |text: &str| {
            shortened(&text.replace(|c: char| c.is_control() || is_hidden(c), ""), SHOWN)
        };
        let damage = match damage(text, kind)? {
            Damage::Misread(Some(meant)) => Damage::Misread(Some(shown(&meant))),
            Damage::Code(meant) => Damage::Code(shown(&meant)),
            Damage::Markup(meant) => Damage::Markup(shown(&meant)),
            damage => damage,
        };
        Some(Self { field: field.to_owned(), shown: shown(text), damage })
    }

    /// The text of the fault: the field, its text, and what to do.
    pub fn text(&self, lang: Lang) -> String {
        let Self { field, shown, damage } = self;
        match (damage, lang) {
            (Damage::Lost, Lang::Es) => format!(
                "El campo {field} ha perdido letras: «{shown}». Escríbelas de nuevo, o exporta otra vez los datos en UTF-8"
            ),
            (Damage::Lost, Lang::En) => format!(
                "The field {field} has lost letters: \"{shown}\". Write them again, or export the data once more, in UTF-8"
            ),
            (Damage::Formula, Lang::Es) => format!(
                "El campo {field} tiene un error de la hoja de cálculo en lugar de su valor: «{shown}». Corrige la fórmula, o escribe el valor"
            ),
            (Damage::Formula, Lang::En) => format!(
                "The field {field} has an error of the spreadsheet instead of its value: \"{shown}\". Correct the formula, or write the value"
            ),
            (Damage::Unevaluated, Lang::Es) => format!(
                "El campo {field} tiene una fórmula de la hoja de cálculo en lugar de su valor: «{shown}». Copia la columna y pégala como valores, o escribe el valor"
            ),
            (Damage::Unevaluated, Lang::En) => format!(
                "The field {field} has a formula of the spreadsheet instead of its value: \"{shown}\". Copy the column and paste it as values, or write the value"
            ),
            (Damage::Markup(meant), Lang::Es) => format!(
                "El campo {field} tiene etiquetas HTML: «{shown}» en lugar de «{meant}». Quítalas, o exporta los datos sin ellas"
            ),
            (Damage::Markup(meant), Lang::En) => format!(
                "The field {field} has HTML tags: \"{shown}\" instead of \"{meant}\". Remove them, or export the data without them"
            ),
            (Damage::Misread(None), Lang::Es) => format!(
                "El campo {field} tiene letras dañadas: «{shown}». Corrígelas, o exporta otra vez los datos en UTF-8"
            ),
            (Damage::Misread(None), Lang::En) => format!(
                "The field {field} has damaged letters: \"{shown}\". Correct them, or export the data once more, in UTF-8"
            ),
            (Damage::Misread(Some(meant)), Lang::Es) => format!(
                "El campo {field} tiene letras dañadas: «{shown}» parece «{meant}» leído en otra codificación. Corrígelas, o exporta otra vez los datos en UTF-8"
            ),
            (Damage::Misread(Some(meant)), Lang::En) => format!(
                "The field {field} has damaged letters: \"{shown}\" looks like \"{meant}\" read in another encoding. Correct them, or export the data once more, in UTF-8"
            ),
            (Damage::Code(meant), Lang::Es) => format!(
                "El campo {field} tiene letras escritas como código HTML: «{shown}» en lugar de «{meant}». Corrígelas, o exporta los datos sin ese código"
            ),
            (Damage::Code(meant), Lang::En) => format!(
                "The field {field} has letters written as HTML code: \"{shown}\" instead of \"{meant}\". Correct them, or export the data without that code"
            ),
            (Damage::Hidden(c), Lang::Es) => format!(
                "El campo {field} tiene caracteres que nadie ve (U+{:04X}) en «{shown}». Escríbelo de nuevo a mano",
                u32::from(*c)
            ),
            (Damage::Hidden(c), Lang::En) => format!(
                "The field {field} has characters that nobody sees (U+{:04X}) in \"{shown}\". Type it again by hand",
                u32::from(*c)
            ),
        }
    }
}

/// What a text is, which decides how much can be said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A person's name.
    Name,
    /// Some words: a role, a title.
    Words,
    /// A code of the organization's own: any sign can be meant.
    Code,
    /// Sentences, which can speak of signs and codes.
    Prose,
}

/// Judges a text; none if it is not damaged.
pub fn damage(text: &str, kind: Kind) -> Option<Damage> {
    if text.contains('\u{fffd}') || has_lost(text, kind) {
        return Some(Damage::Lost);
    }
    if text.contains('&')
        && let Some(meant) = entities::decoded(text, kind)
    {
        return Some(Damage::Code(meant));
    }
    if errors::stands_in(text, kind) {
        return Some(Damage::Formula);
    }
    if errors::is_formula(text, kind) {
        return Some(Damage::Unevaluated);
    }
    if text.contains('<')
        && let Some(meant) = markup::without_tags(text, kind)
    {
        return Some(Damage::Markup(meant));
    }
    if text.is_ascii() {
        return None;
    }
    if let Some(hidden) = hidden(text) {
        return Some(Damage::Hidden(hidden));
    }
    misread::damage(text, kind)
}

/// The first character that hides in a text. A flag is written with tags behind its black flag.
fn hidden(text: &str) -> Option<char> {
    let mut is_flag = false;
    text.chars().find(|&c| {
        is_flag = c == BLACK_FLAG || (is_flag && is_tag(c));
        is_hidden(c) && !is_flag
    })
}

/// Whether letters of a word are question marks: what a program writes for a letter that its
/// encoding lacks.
fn has_lost(text: &str, kind: Kind) -> bool {
    if !text.contains('?') || text.contains('¿') || matches!(kind, Kind::Code | Kind::Prose) {
        return false;
    }
    text.split_whitespace().any(|word| {
        let letters: Vec<char> = word.chars().collect();
        let plain = letters.iter().all(|c| c.is_alphabetic() || *c == '?');
        let lost = |at: usize| {
            let before = at.checked_sub(1).and_then(|at| letters.get(at)).copied();
            let after = letters.get(at + 1).copied();
            let is = |c: Option<char>, of: fn(char) -> bool| c.is_some_and(of);
            match kind {
                Kind::Name => is(before, char::is_alphabetic) || is(after, char::is_alphabetic),
                _ => {
                    plain
                        && (is(before, char::is_lowercase) && is(after, char::is_lowercase)
                            || is(before, char::is_uppercase) && is(after, char::is_uppercase))
                }
            }
        };
        letters.iter().enumerate().any(|(at, c)| *c == '?' && lost(at))
    })
}

/// What the text of a field is.
fn kind_of(field: &str) -> Kind {
    match field {
        "recipient_name" => Kind::Name,
        "role" | "term" => Kind::Words,
        _ if field.ends_with(".name") => Kind::Words,
        _ if field.ends_with("description") => Kind::Prose,
        _ => Kind::Code,
    }
}

#[cfg(test)]
mod tests;
