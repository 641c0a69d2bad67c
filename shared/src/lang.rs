//! The two languages that people read: Spanish first, English second.

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

    /// Picks the language of an `Accept-Language` header (RFC 9110 §12.5.4): the
    /// one with the highest weight, the first of equals; Spanish when it names neither.
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
