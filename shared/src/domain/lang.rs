//! The two languages of texts for people: Spanish, the default, and English.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A language of texts for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Spanish, the default.
    #[default]
    Es,
    /// English.
    En,
}

impl Lang {
    /// Reads a language tag (`es`, `es-CL`, `EN`): only its first part counts.
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag.split(['-', '_']).next()?.trim().to_ascii_lowercase().as_str() {
            "es" => Some(Self::Es),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// Picks the language of an `Accept-Language` header (RFC 9110 §12.5.4): the highest
    /// weight wins, the first of equals; Spanish if the header has neither.
    pub fn from_accept_language(header: Option<&str>) -> Self {
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
        best.map_or(Self::Es, |(lang, _)| lang)
    }

    /// The tag for `lang` attributes and `Content-Language`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Es => "es",
            Self::En => "en",
        }
    }

    /// A day written out: `15 de noviembre de 2026`, `November 15, 2026`.
    pub fn date(self, date: Date) -> String {
        const ES: [&str; 12] = [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ];
        const EN: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let month = usize::try_from(date.month()).unwrap_or(1).saturating_sub(1);
        let month = self.pick(ES, EN).get(month).copied().unwrap_or_default();
        match self {
            Self::Es => format!("{} de {month} de {}", date.day(), date.year()),
            Self::En => format!("{month} {}, {}", date.day(), date.year()),
        }
    }

    /// A decimal number as the language writes it: Spanish with a comma.
    pub fn decimal(self, number: impl std::fmt::Display) -> String {
        let text = number.to_string();
        self.pick(text.replace('.', ","), text)
    }

    /// The text of this language.
    pub fn pick<T>(self, es: T, en: T) -> T {
        match self {
            Self::Es => es,
            Self::En => en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_out() {
        for (date, es, en) in [
            ("2026-11-15", "15 de noviembre de 2026", "November 15, 2026"),
            ("2026-01-01", "1 de enero de 2026", "January 1, 2026"),
            ("2028-02-29", "29 de febrero de 2028", "February 29, 2028"),
        ] {
            let date = date.parse().expect("a date");
            assert_eq!((Lang::Es.date(date), Lang::En.date(date)), (es.to_owned(), en.to_owned()));
        }
        assert_eq!((Lang::Es.decimal(7.5), Lang::En.decimal(7.5)), ("7,5".into(), "7.5".into()));
    }

    #[test]
    fn the_heaviest_known_language_wins_and_spanish_is_the_default() {
        let cases = [
            (None, Lang::Es),
            (Some("en"), Lang::En),
            (Some("fr, en;q=0.5"), Lang::En),
            (Some("en;q=0.4, es-CL;q=0.9"), Lang::Es),
            (Some("de"), Lang::Es),
            (Some("en;q=0"), Lang::Es),
            (Some(";;,q="), Lang::Es),
        ];
        for (header, lang) in cases {
            assert_eq!(Lang::from_accept_language(header), lang, "{header:?}");
        }
    }
}
