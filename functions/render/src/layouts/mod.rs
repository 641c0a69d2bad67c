//! The compositions of certificates. Each draws the same content on the paper of its design; what they have in common is in
//! [`flow`] and [`parts`].

mod academic;
mod classic;
mod flow;
mod modern;
mod parts;
mod plain;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use unicreda::{
    domain::{
        design::{BackdropKind, Layout},
        lang::Lang,
    },
    web::view::CredentialView,
};

use crate::{
    certificate::Pictures,
    drawing::WHITE,
    ground::Ground,
    sheet::{Colour, Fit, Sheet},
};

/// What a layout draws, and on what.
pub struct Content<'a> {
    /// The credential.
    pub shown: &'a CredentialView,
    /// Its pictures.
    pub pictures: &'a Pictures<'a>,
    /// The first language.
    pub lang: Lang,
    /// The language beside it.
    pub second: Option<Lang>,
    /// The accent of its design.
    pub accent: Colour,
    /// Width of the page, in points.
    pub width: f32,
    /// Height of the page.
    pub height: f32,
    /// How much white covers the background, 0 to 1, so that texts are read on it.
    pub veil: f32,
    /// Whether a picture is the frame, so that the layout draws none.
    pub framed: bool,
}

impl<'a> Content<'a> {
    /// The content of a credential's certificate.
    pub fn new(shown: &'a CredentialView, pictures: &'a Pictures<'a>, lang: Lang) -> Self {
        let design = &shown.design;
        let (lang, second) = design.languages(lang, shown.lang);
        let (width, height) = design.page();
        let [red, green, blue] = design.accent.rgb;
        let framed = design.backdrop.as_ref().is_some_and(|b| b.kind == BackdropKind::Frame)
            && pictures.backdrop.is_some();
        let mut accent = Colour(red, green, blue, 1.0);
        let background = pictures.backdrop.filter(|_| !framed && design.backdrop.is_some());
        // A picture that cannot be drawn fails with the certificate, which then goes without it.
        let ground = background.and_then(|picture| Ground::of(picture, width, height).ok());
        if let Some(ground) = &ground {
            accent = ground.readable(accent);
        }
        let veil = ground.map_or(0.0, |ground| ground.veil);
        Self { veil, shown, pictures, lang, second, accent, width, height, framed }
    }

    /// Whether the page stands.
    pub fn upright(&self) -> bool {
        self.height > self.width
    }

    /// The languages, the first one first.
    fn languages(&self) -> impl Iterator<Item = Lang> {
        std::iter::once(self.lang).chain(self.second)
    }

    /// A text in both languages, once where they say the same.
    fn both(&self, text: impl Fn(Lang) -> String) -> String {
        let mut texts: Vec<String> = self.languages().map(text).collect();
        texts.dedup();
        // The word joiner keeps the point at the end of a line.
        texts.join(" \u{2060}· ")
    }

    /// A day. Beside another language's it breaks between the two alone.
    fn date(&self, lang: Lang, on: Date) -> String {
        let date = lang.date(on);
        match self.second {
            Some(_) => date.replace(' ', "\u{a0}"),
            None => date,
        }
    }

    /// The facts of the achievement: label and value.
    fn facts(&self) -> Vec<(String, String)> {
        let days = (0..self.shown.days(self.lang).len()).map(|n| {
            let of = |lang| self.shown.days(lang).into_iter().nth(n);
            let label = self.both(|lang| of(lang).map_or("", |(label, _)| label).to_owned());
            (
                label,
                self.both(|lang| of(lang).map_or_else(String::new, |(_, on)| self.date(lang, on))),
            )
        });
        let facts = self.shown.certificate_facts.iter().map(|fact| {
            (self.both(|lang| fact.label(lang).to_owned()), self.both(|lang| fact.value(lang)))
        });
        days.chain(facts).collect()
    }

    /// The line of place and date.
    fn place(&self) -> Option<String> {
        let date = self.shown.awarded_on.or(self.shown.issued_on)?;
        let of = |lang| self.shown.design.place_line(lang, date);
        of(self.lang)?;
        Some(self.both(|lang| of(lang).unwrap_or_default()))
    }
}

/// Draws the picture behind the texts.
pub fn backdrop(sheet: &mut Sheet, content: &Content<'_>) {
    if let (Some(picture), Some(backdrop)) =
        (content.pictures.backdrop, &content.shown.design.backdrop)
    {
        let fit = match backdrop.kind {
            BackdropKind::Background => Fit::Covering,
            BackdropKind::Frame => Fit::Stretched,
        };
        sheet.image(picture, [0.0, 0.0, content.width, content.height], fit);
        if content.veil > 0.0 {
            sheet.rectangle(0.0, 0.0, content.width, content.height, WHITE.faint(content.veil));
        }
    }
}

/// The part of the page on which no panel lies: where it begins and its width.
pub fn free(content: &Content<'_>) -> (f32, f32) {
    let panel = match content.shown.design.layout {
        Layout::Modern => modern::panel(content),
        Layout::Classic | Layout::Academic | Layout::Plain => 0.0,
    };
    (panel, content.width - panel)
}

/// Draws the composition.
pub fn draw(sheet: &mut Sheet, content: &Content<'_>) {
    match content.shown.design.layout {
        Layout::Classic => classic::draw(sheet, content),
        Layout::Academic => academic::draw(sheet, content),
        Layout::Modern => modern::draw(sheet, content),
        Layout::Plain => plain::draw(sheet, content),
    }
}
