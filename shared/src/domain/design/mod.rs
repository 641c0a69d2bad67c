//! The design of certificates: parameters of an organization, and of a template in their place.
//!
//! Both are a [`DesignPart`]. [`Design::of`] puts them together when a certificate is drawn: the organization's part that was in
//! force when the credential was accepted, and that of the template's version. Neither changes afterwards, so what was
//! issued keeps its look; without any, that is [`Layout::Classic`].

mod colour;
mod read;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::{
    custom::{CUSTOM, Key},
    field::FieldName,
    image::{Image, ImageInput},
    lang::Lang,
};

pub use colour::{Colour, LEAST_CONTRAST};

/// Most people who sign.
pub const MAX_SIGNATORIES: usize = 5;
/// Longest name of a signatory, and longest office, in characters.
pub const MAX_SIGNATORY: usize = 100;
/// Longest label of a fact, in characters.
pub const MAX_LABEL: usize = 60;
/// Longest place, in characters.
pub const MAX_PLACE: usize = 100;
/// Most legal lines.
pub const MAX_LEGAL: usize = 3;
/// Longest legal line, in characters.
pub const MAX_LEGAL_LINE: usize = 200;

/// Defines an enum of words on the wire.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

words! {
    /// The composition of a certificate.
    Layout {
        /// Centred within a double line: the one without a design.
        #[default]
        Classic = "classic",
        /// A diploma of old.
        Academic = "academic",
        /// Aligned at one side, with a band of the accent.
        Modern = "modern",
        /// Text alone.
        Plain = "plain",
    }
}

words! {
    /// The size of the page.
    Paper {
        /// ISO 216, 210 x 297 mm.
        #[default]
        A4 = "a4",
        /// 8.5 x 11 inches.
        Letter = "letter",
    }
}

words! {
    /// How the page is held.
    Orientation {
        /// The longer side below.
        #[default]
        Landscape = "landscape",
        /// The shorter side below.
        Portrait = "portrait",
    }
}

words! {
    /// How a picture lies behind the texts.
    BackdropKind {
        /// Over the whole page, cut where its shape is another.
        #[default]
        Background = "background",
        /// Stretched to the page's edges: its middle is empty.
        Frame = "frame",
    }
}

words! {
    /// What a template can go without although its organization has it.
    Without {
        /// The background or frame.
        #[default]
        Backdrop = "backdrop",
        /// The second language.
        SecondLanguage = "second_language",
        /// The place.
        Place = "place",
        /// The choice of facts: all of them are shown, in their usual order.
        Facts = "facts",
    }
}

/// A person who signs. Names of them are data of people: `docs/data.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signatory {
    /// The name.
    pub name: String,
    /// The office.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<String>,
    /// The picture of the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Image>,
}

/// A picture behind the texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backdrop {
    /// How it lies.
    pub kind: BackdropKind,
    /// The picture.
    pub image: Image,
}

/// A fact that a certificate can show, by its name on the wire: `result_value`, `custom.hours`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum FactName {
    /// A field of the recipient, one of [`FieldName::FACTS`].
    Field(FieldName),
    /// A public fact of the template's own.
    Custom(Key),
}

impl FactName {
    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        let custom = text.strip_prefix(CUSTOM).and_then(|rest| rest.strip_prefix('.'));
        match custom {
            Some(key) => Key::parse(key).map(Self::Custom),
            None => FieldName::of(text).filter(|f| FieldName::FACTS.contains(f)).map(Self::Field),
        }
    }
}

impl From<FactName> for String {
    fn from(name: FactName) -> Self {
        match name {
            FactName::Field(field) => field.as_str().to_owned(),
            FactName::Custom(key) => key.field(),
        }
    }
}

impl TryFrom<String> for FactName {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a fact")
    }
}

/// A fact that is shown, in its place of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactLine {
    /// The fact.
    pub fact: FactName,
    /// Labels in place of the usual ones, by language tag.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub label: BTreeMap<String, String>,
}

impl FactLine {
    /// The label of a language, if it is another than the usual one.
    pub fn label(&self, lang: Lang) -> Option<&str> {
        self.label.get(lang.tag()).map(String::as_str)
    }
}

/// What an organization or a template says of its certificates. What it does not say is as the organization has it, then as
/// [`Design::default`] has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesignPart {
    /// The composition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// The size of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<Paper>,
    /// How the page is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orientation: Option<Orientation>,
    /// The accent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accent: Option<Colour>,
    /// Whether the organization's logo is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<bool>,
    /// Who signs; none of an empty list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signatories: Option<Vec<Signatory>>,
    /// The picture behind the texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backdrop: Option<Backdrop>,
    /// The facts that are shown, in their order; none of an empty list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Vec<FactLine>>,
    /// The language beside the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_language: Option<Lang>,
    /// The place before the date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The legal lines; none of an empty list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal: Option<Vec<String>>,
    /// What it goes without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Without>,
}

impl DesignPart {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Puts a stored picture in its place.
    pub fn place_image(&mut self, slot: Slot, image: Image) {
        match slot {
            Slot::Backdrop(kind) => self.backdrop = Some(Backdrop { kind, image }),
            Slot::Signature(n) => {
                let signatory = self.signatories.as_mut().and_then(|all| all.get_mut(n));
                if let Some(signatory) = signatory {
                    signatory.signature = Some(image);
                }
            }
        }
    }

    /// The part as a client sends it, its pictures by their addresses.
    pub fn answer(&self, site_url: &str) -> Value {
        let mut answer = match json!(self) {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        answer.remove("without");
        if let Some(backdrop) = &self.backdrop {
            answer.remove("backdrop");
            answer.insert(backdrop.kind.as_str().to_owned(), backdrop.image.url(site_url).into());
        }
        if let Some(signatories) = &self.signatories {
            let signatory = |s: &Signatory| {
                let signature = s.signature.as_ref().map(|image| image.url(site_url));
                json!({ "name": s.name, "office": s.office, "signature": signature })
            };
            let all: Vec<Value> = signatories.iter().map(signatory).collect();
            answer.insert("signatories".to_owned(), all.into());
        }
        for without in &self.without {
            let name = match without {
                Without::Backdrop => BackdropKind::Background.as_str(),
                other => other.as_str(),
            };
            answer.insert(name.to_owned(), Value::Null);
        }
        answer.into()
    }
}

/// The place of a picture in a [`DesignPart`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The signature of the nth signatory, from 0.
    Signature(usize),
    /// The picture behind the texts.
    Backdrop(BackdropKind),
}

/// A picture that a body brings for a design.
#[derive(Debug, PartialEq, Eq)]
pub struct SlotImage {
    /// Its place.
    pub slot: Slot,
    /// What the body has for it.
    pub input: ImageInput,
    /// The pointer of its member.
    pub pointer: String,
}

/// The design of a certificate, all of it decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Design {
    /// The composition.
    pub layout: Layout,
    /// The size of the page.
    pub paper: Paper,
    /// How the page is held.
    pub orientation: Orientation,
    /// The colour of titles, rules and frames; read on white.
    pub accent: Colour,
    /// Whether the organization's logo is shown, if it has one.
    pub logo: bool,
    /// Who signs, from left to right; at most [`MAX_SIGNATORIES`].
    pub signatories: Vec<Signatory>,
    /// The picture behind the texts.
    pub backdrop: Option<Backdrop>,
    /// The facts that are shown, in their order; `None`: all, in the usual one.
    pub facts: Option<Vec<FactLine>>,
    /// Whether these are the organization's, which cannot name its templates' own.
    pub facts_of_organization: bool,
    /// The language beside the first one; see [`Design::languages`].
    pub second_language: Option<Lang>,
    /// The place before the date; see [`Design::place_line`].
    pub place: Option<String>,
    /// The legal lines, at most [`MAX_LEGAL`].
    pub legal: Vec<String>,
}

impl Default for Design {
    fn default() -> Self {
        Self {
            layout: Layout::Classic,
            paper: Paper::A4,
            orientation: Orientation::Landscape,
            accent: Colour::CLASSIC,
            logo: true,
            signatories: Vec::new(),
            backdrop: None,
            facts: None,
            facts_of_organization: false,
            second_language: None,
            place: None,
            legal: Vec::new(),
        }
    }
}

impl Design {
    /// Puts an organization's part and a template's together: what the template says counts.
    pub fn of(organization: Option<&DesignPart>, template: Option<&DesignPart>) -> Self {
        let mut design = Self::default();
        for part in [organization, template].into_iter().flatten() {
            design.take(part);
        }
        let of_template = template.is_some_and(|part| part.facts.is_some());
        design.facts_of_organization = design.facts.is_some() && !of_template;
        design
    }

    fn take(&mut self, part: &DesignPart) {
        for without in &part.without {
            match without {
                Without::Backdrop => self.backdrop = None,
                Without::SecondLanguage => self.second_language = None,
                Without::Place => self.place = None,
                Without::Facts => self.facts = None,
            }
        }
        let part = part.clone();
        self.layout = part.layout.unwrap_or(self.layout);
        self.paper = part.paper.unwrap_or(self.paper);
        self.orientation = part.orientation.unwrap_or(self.orientation);
        self.accent = part.accent.unwrap_or(self.accent);
        self.logo = part.logo.unwrap_or(self.logo);
        if let Some(signatories) = part.signatories {
            self.signatories = signatories;
        }
        if let Some(legal) = part.legal {
            self.legal = legal;
        }
        self.backdrop = part.backdrop.or(self.backdrop.take());
        self.facts = part.facts.or(self.facts.take());
        self.second_language = part.second_language.or(self.second_language);
        self.place = part.place.or(self.place.take());
    }

    /// Width and height of the page, in points (1/72 inch).
    pub fn page(&self) -> (f32, f32) {
        let (short, long) = match self.paper {
            Paper::A4 => (595.28, 841.89),
            Paper::Letter => (612.0, 792.0),
        };
        match self.orientation {
            Orientation::Landscape => (long, short),
            Orientation::Portrait => (short, long),
        }
    }

    /// The languages of a certificate, the first one first: the asked one, and beside it the second one of the design, or if that was
    /// asked for the credential's own. `None` where both are one.
    pub fn languages(&self, asked: Lang, own: Lang) -> (Lang, Option<Lang>) {
        let second = self.second_language.map(|second| if second == asked { own } else { second });
        (asked, second.filter(|second| *second != asked))
    }

    /// The line of place and date: `Valdivia, 15 de noviembre de 2026`. `None` without a place.
    pub fn place_line(&self, lang: Lang, date: jiff::civil::Date) -> Option<String> {
        self.place.as_ref().map(|place| format!("{place}, {}", lang.date(date)))
    }

    /// The pictures to be read, the backdrop first.
    pub fn images(&self) -> impl Iterator<Item = &Image> {
        let backdrop = self.backdrop.iter().map(|backdrop| &backdrop.image);
        backdrop.chain(self.signatories.iter().filter_map(|s| s.signature.as_ref()))
    }
}

#[cfg(test)]
mod tests;
