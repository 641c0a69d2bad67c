//! The image with which chat programs preview a link: 1,200 x 630 pixels (the usual size of the Open
//! Graph protocol).

use unicreda::{domain::lang::Lang, web::view::CredentialView};

use crate::{
    drawing::{self, ACCENT, INK, SOFT, WHITE, emblem},
    fonts::Face,
    sheet::{Align, Colour, Sheet},
    typesetting::Style,
};

/// Width and height, in pixels.
const SIZE: (f32, f32) = (1_200.0, 630.0);
/// Left edge and longest line of texts.
const LEFT: f32 = 84.0;
const MEASURE: f32 = 700.0;
/// The texts' room, from above to below.
const ROOM: (f32, f32) = (36.0, 524.0);
const PAPER: Colour = Colour(0xfb, 0xfa, 0xf7, 1.0);

/// Draws the preview.
pub fn sheet(shown: &CredentialView, badge: Option<&[u8]>, lang: Lang) -> Sheet {
    let person = shown.recipient_name.as_deref().unwrap_or_default();
    let mut sheet = Sheet::new(SIZE.0, SIZE.1, &[&shown.name, person, &shown.organization]);
    let mark = drawing::mark(shown, lang);
    let band = mark.as_ref().map_or(ACCENT, |(_, colour)| *colour);
    sheet.rectangle(0.0, 0.0, SIZE.0, SIZE.1, PAPER);
    sheet.rectangle(0.0, 0.0, SIZE.0, 18.0, band);
    sheet.rectangle(0.0, 618.0, SIZE.0, 12.0, band);
    texts(&mut sheet, shown, lang);
    emblem(&mut sheet, shown, badge, [846.0, 142.0, 290.0], lang);
    let foot = lang.pick(
        "Credencial digital con firma verificable",
        "Digital credential with a verifiable signature",
    );
    match &mark {
        Some((word, colour)) => {
            sheet.rectangle(0.0, 530.0, SIZE.0, 100.0, *colour);
            let style = Style { face: Face::Strong, most: 50.0, least: 20.0, lines: 1 };
            let word = sheet.set(word, style, SIZE.0 - 2.0 * LEFT);
            sheet.text(&word, LEFT, 580.0 - word.height / 2.0, Align::Left, WHITE);
        }
        None => {
            let style = Style { face: Face::Text, most: 24.0, least: 24.0, lines: 1 };
            let foot = sheet.set(foot, style, MEASURE);
            sheet.text(&foot, LEFT, 553.0, Align::Left, SOFT);
        }
    }
    sheet
}

/// Draws organization, award and person, smaller if they would not fit.
fn texts(sheet: &mut Sheet, shown: &CredentialView, lang: Lang) {
    let mut scale = 1.0;
    loop {
        let style = |face, most: f32, least: f32, lines| Style {
            face,
            most: most * scale,
            least: least * scale,
            lines,
        };
        let from = sheet.set(&shown.organization, style(Face::Text, 30.0, 18.0, 2), MEASURE);
        let title = sheet.set(&shown.name, style(Face::Display, 66.0, 30.0, 3), MEASURE);
        let to = sheet.set(
            lang.pick("Otorgada a", "Awarded to"),
            style(Face::Text, 24.0, 24.0, 1),
            MEASURE,
        );
        let person = shown.recipient_name.as_deref();
        let person =
            person.map(|name| sheet.set(name, style(Face::Display, 44.0, 20.0, 3), MEASURE));
        let (gap, above) = (26.0 * scale, 22.0 * scale);
        let named = person.as_ref().map_or(0.0, |person| above + to.height + person.height);
        let height = from.height + gap + title.height + named;
        let room = ROOM.1 - ROOM.0;
        if height > room && scale > 0.2 {
            scale *= 0.94;
            continue;
        }
        let y = ROOM.0 + ((room - height) / 2.0).max(0.0);
        let y = sheet.text(&from, LEFT, y, Align::Left, SOFT) + gap;
        let y = sheet.text(&title, LEFT, y, Align::Left, INK);
        if let Some(person) = &person {
            let y = sheet.text(&to, LEFT, y + above, Align::Left, SOFT);
            sheet.text(person, LEFT, y, Align::Left, INK);
        }
        return;
    }
}
