//! The languages of texts for people, Spanish being the default.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::texts::{Texts, en, es, pt};

/// Declares the languages, each with its texts.
macro_rules! languages {
    ($($(#[$attribute:meta])* $name:ident => $texts:ident,)*) => {
        /// A language of texts for people.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum Lang {
            $($(#[$attribute])* $name,)*
        }

        impl Lang {
            /// All languages, in the order in which pages offer them.
            pub const ALL: [Self; [$(stringify!($name)),*].len()] = [$(Self::$name),*];

            /// The texts that graduates read.
            pub fn texts(self) -> &'static Texts {
                match self {
                    $(Self::$name => &$texts::TEXTS,)*
                }
            }
        }
    };
}

languages! {
    /// Spanish, the default.
    #[default]
    Es => es,
    /// English.
    En => en,
    /// Portuguese.
    Pt => pt,
}

/// A language of texts for staff: the command line, the console, problems of the API, faults of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaffLang {
    /// Spanish, for whoever reads neither.
    Es,
    /// English.
    En,
}

impl StaffLang {
    /// A day written out.
    pub fn date(self, date: Date) -> String {
        Lang::from(self).date(date)
    }

    /// The tag for `Content-Language`.
    pub fn tag(self) -> &'static str {
        Lang::from(self).tag()
    }
}

impl From<StaffLang> for Lang {
    fn from(lang: StaffLang) -> Self {
        match lang {
            StaffLang::Es => Self::Es,
            StaffLang::En => Self::En,
        }
    }
}

impl Lang {
    /// The language of a tag, exactly as [`Lang::tag`] writes it.
    pub fn of(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.tag() == tag)
    }

    /// Reads a language tag (`es`, `es-CL`, `EN`): only its first part counts.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::of(&tag.split(['-', '_']).next()?.trim().to_ascii_lowercase())
    }

    /// The language of a name in a file (`Português`, `inglés`) in lower case.
    pub fn called(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.texts().called.contains(&name))
    }

    /// Picks the language of an `Accept-Language` header (RFC 9110 §12.5.4): the highest
    /// weight wins, the first of equals. `None` if the header has none of them.
    pub fn from_accept_language(header: Option<&str>) -> Option<Self> {
        let mut best: Option<(Self, f32)> = None;
        for part in header.unwrap_or_default().split(',') {
            let mut pieces = part.split(';');
            let Some(lang) = pieces.next().and_then(Self::from_tag) else {
                continue;
            };
            let weight = pieces
                .find_map(|p| p.trim().strip_prefix("q="))
                .and_then(|q| q.parse::<f32>().ok())
                .unwrap_or(1.0);
            if weight > 0.0 && best.is_none_or(|(_, b)| weight > b) {
                best = Some((lang, weight));
            }
        }
        best.map(|(lang, _)| lang)
    }

    /// The tag for `lang` attributes, `Content-Language` and data.
    pub fn tag(self) -> &'static str {
        self.texts().tag
    }

    /// All tags in a sentence, `last` before the last of them: `es, en o pt`.
    pub fn listed(last: &str) -> String {
        list(&Self::ALL.map(Self::tag), last)
    }

    /// All tags in a sentence, each with the language's own name.
    pub fn explained(last: &str) -> String {
        let named = Self::ALL.map(|lang| format!("{} ({})", lang.tag(), lang.texts().name));
        list(&named.each_ref().map(String::as_str), last)
    }

    /// A day written out: `15 de noviembre de 2026`, `November 15, 2026`.
    pub fn date(self, date: Date) -> String {
        let texts = self.texts();
        let month = usize::try_from(date.month()).unwrap_or(1).saturating_sub(1);
        let month = texts.months.get(month).copied().unwrap_or_default();
        (texts.date)(date.day(), month, date.year())
    }

    /// A decimal number as the language writes it: Spanish with a comma.
    pub fn decimal(self, number: impl std::fmt::Display) -> String {
        number.to_string().replace('.', self.texts().decimal_mark)
    }

    /// Some things in a sentence: `a, b y c`.
    pub fn list(self, things: &[&str]) -> String {
        list(things, self.texts().and)
    }

    /// The language in which staff reads texts.
    pub fn staff(self) -> StaffLang {
        if self == Self::En { StaffLang::En } else { StaffLang::Es }
    }

    /// The text for staff.
    pub fn pick<T>(self, es: T, en: T) -> T {
        match self.staff() {
            StaffLang::Es => es,
            StaffLang::En => en,
        }
    }
}

fn list(things: &[&str], last: &str) -> String {
    match things.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_owned(),
        Some((end, before)) => format!("{} {last} {end}", before.join(", ")),
    }
}

impl Serialize for Lang {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.tag())
    }
}

/// A language that this release does not have is Spanish: what a later release stored stays
/// readable for this one.
impl<'de> Deserialize<'de> for Lang {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tag = String::deserialize(deserializer)?;
        Ok(Self::of(&tag).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_out() {
        for (date, texts) in [
            (
                "2026-11-15",
                ["15 de noviembre de 2026", "November 15, 2026", "15 de novembro de 2026"],
            ),
            ("2026-01-01", ["1 de enero de 2026", "January 1, 2026", "1º de janeiro de 2026"]),
            (
                "2028-02-29",
                ["29 de febrero de 2028", "February 29, 2028", "29 de fevereiro de 2028"],
            ),
            ("2026-03-02", ["2 de marzo de 2026", "March 2, 2026", "2 de março de 2026"]),
        ] {
            let date = date.parse().expect("a date");
            assert_eq!(Lang::ALL.map(|lang| lang.date(date)), texts);
        }
        assert_eq!(Lang::ALL.map(|lang| lang.decimal(7.5)), ["7,5", "7.5", "7,5"]);
    }

    #[test]
    fn lists_end_with_the_word_of_their_language() {
        let lists = |things: &[&str]| Lang::ALL.map(|lang| lang.list(things));
        assert_eq!(lists(&["a", "b", "c"]), ["a, b y c", "a, b and c", "a, b e c"]);
        assert_eq!(lists(&["a"]), ["a", "a", "a"]);
        assert_eq!(lists(&[]), ["", "", ""]);
        assert_eq!(Lang::listed("o"), "es, en o pt");
    }

    #[test]
    fn a_language_has_one_name_everywhere() {
        for (lang, json) in Lang::ALL.into_iter().zip(["\"es\"", "\"en\"", "\"pt\""]) {
            assert_eq!(serde_json::to_string(&lang).expect("JSON"), json);
            assert_eq!(serde_json::from_str::<Lang>(json).expect("a language"), lang);
            assert_eq!(Lang::called(&lang.texts().name.to_lowercase()), Some(lang));
        }
        let later = serde_json::from_str::<Lang>("\"fr\"").expect("what a later release wrote");
        assert_eq!(later, Lang::Es);
        for tag in ["pt", "pt-BR", "PT_pt", "pt-PT"] {
            assert_eq!(Lang::from_tag(tag), Some(Lang::Pt), "{tag}");
        }
    }

    #[test]
    fn the_heaviest_known_language_wins() {
        let cases = [
            (None, None),
            (Some("en"), Some(Lang::En)),
            (Some("fr, en;q=0.5"), Some(Lang::En)),
            (Some("en;q=0.4, es-CL;q=0.9"), Some(Lang::Es)),
            (Some("pt-BR,pt;q=0.9,en;q=0.8"), Some(Lang::Pt)),
            (Some("de"), None),
            (Some("*"), None),
            (Some("en;q=0"), None),
            (Some(";;,q="), None),
        ];
        for (header, lang) in cases {
            assert_eq!(Lang::from_accept_language(header), lang, "{header:?}");
        }
    }
}
