//! The certificate: one page of A4 landscape, as PDF/A-3 with the signed credential attached, so that
//! the printable page and its proof are one file.

use resvg::tiny_skia::Transform;
use unicreda::{
    domain::lang::Lang,
    web::{interaction, pages, qr, view::CredentialView},
};

use crate::{
    drawing::{ACCENT, ALARM, CAREFUL, DrawError, INK, SOFT, WHITE, emblem},
    fonts::Face,
    pdf::{self, About},
    pictures::Picture,
    sheet::{Align, Colour, Role, Sheet},
    typesetting::{Set, Style},
};

/// A4 landscape, in points (ISO 216: 297 x 210 mm).
const WIDTH: f32 = 841.89;
const HEIGHT: f32 = 595.28;
const MIDDLE: f32 = WIDTH / 2.0;
/// Longest line between the frame's sides.
const MEASURE: f32 = 660.0;
/// Position and side of the QR code: x, y, side.
const CODE: [f32; 3] = [WIDTH - 64.0 - 88.0, HEIGHT - 60.0 - 88.0, 88.0];
/// The room of the middle, from above to below.
const ROOM: (f32, f32) = (44.0, CODE[1] - 6.0);

/// The organization's own images, as PNG.
#[derive(Default)]
pub struct Pictures<'a> {
    /// Its logo.
    pub logo: Option<&'a [u8]>,
    /// The achievement's badge.
    pub badge: Option<&'a [u8]>,
    /// The picture behind the texts.
    pub backdrop: Option<&'a Picture>,
}

/// Writes a certificate that is drawn on a sheet. The same arguments make the same bytes.
///
/// # Errors
/// When the drawing does not conform to PDF/A-3 and PDF/UA-1.
pub fn pdf(
    sheet: &Sheet,
    shown: &CredentialView,
    document: &[u8],
    lang: Lang,
) -> Result<Vec<u8>, DrawError> {
    let title = match &shown.recipient_name {
        Some(name) => format!("{} · {name}", shown.name),
        None => shown.name.clone(),
    };
    let words =
        lang.pick("Credencial firmada (Open Badges 3.0)", "Signed credential (Open Badges 3.0)");
    pdf::pdf(
        sheet,
        &About {
            title,
            author: shown.organization.clone(),
            language: lang.tag(),
            date: shown.issued_on.unwrap_or(shown.checked_on),
            id: shown.id.clone(),
            attached: (format!("{}.json", shown.id), "application/ld+json", words, document),
        },
    )
}

/// Draws the certificate.
pub fn sheet(shown: &CredentialView, pictures: &Pictures<'_>, lang: Lang) -> Sheet {
    let person = shown.recipient_name.as_deref().unwrap_or_default();
    let mut sheet = Sheet::new(WIDTH, HEIGHT, &[person, &shown.name, &shown.organization]);
    sheet.rectangle(0.0, 0.0, WIDTH, HEIGHT, WHITE);
    sheet.frame(24.0, 24.0, WIDTH - 48.0, HEIGHT - 48.0, 1.6, ACCENT);
    sheet.frame(30.0, 30.0, WIDTH - 60.0, HEIGHT - 60.0, 0.5, ACCENT);
    if let Some(backdrop) = pictures.backdrop {
        sheet.picture(&backdrop.file, 0.0, 0.0, WIDTH, HEIGHT);
    }
    if let Some(word) = shown.watermark(lang) {
        across(&mut sheet, word, CAREFUL.faint(0.12), 150.0);
    }
    let middle = Middle::fitted(&mut sheet, shown, pictures, lang);
    middle.draw(&mut sheet, shown, pictures, lang);
    foot(&mut sheet, shown, pictures, lang);
    if let Some(word) = pages::stamp(shown.state, lang) {
        sheet.over(|sheet| across(sheet, &word.to_uppercase(), ALARM.faint(0.34), 96.0));
    }
    sheet
}

/// A word diagonally across the page.
fn across(sheet: &mut Sheet, word: &str, colour: Colour, most: f32) {
    let style = Style { face: Face::Strong, most, least: 20.0, lines: 1 };
    let word = sheet.set(word, style, 640.0);
    let turned = Transform::from_rotate_at(-20.0, MIDDLE, HEIGHT / 2.0);
    sheet.tagged(Role::Paragraph, |sheet| {
        sheet.moved(turned, |sheet| {
            sheet.text(&word, MIDDLE, (HEIGHT - word.height) / 2.0, Align::Middle, colour);
        });
    });
}

/// What a text of the middle is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Words,
    Person,
    Award,
}

/// A piece of the middle's upper part, and the space above it.
enum Piece {
    Text(f32, Set, Colour, Kind),
    Rule(f32),
}

impl Piece {
    fn height(&self) -> f32 {
        match self {
            Self::Text(above, set, ..) => above + set.height,
            Self::Rule(above) => above + 1.0,
        }
    }
}

/// The middle: names, facts and skills, set.
struct Middle {
    pieces: Vec<Piece>,
    rows: Vec<Vec<Placed>>,
    skills: Option<Set>,
    logo: f32,
}

/// Space above the facts, above the skills, between two facts, and below a row of them.
const ABOVE_FACTS: f32 = 14.0;
const ABOVE_SKILLS: f32 = 6.0;
const GAP: f32 = 24.0;
const BELOW_ROW: f32 = 6.0;
const FACTS_A_ROW: usize = 6;
/// Longest line of a fact: two of them are a row.
const FACT: f32 = (MEASURE - GAP) / 2.0;

impl Middle {
    /// Sets it in the largest sizes in which it fits: first names become smaller, down to a half, then all.
    fn fitted(
        sheet: &mut Sheet,
        shown: &CredentialView,
        pictures: &Pictures<'_>,
        lang: Lang,
    ) -> Self {
        let (mut names, mut all) = (1.0_f32, 1.0_f32);
        loop {
            let middle = Self::set(sheet, shown, pictures, lang, (names, all));
            if middle.height() <= ROOM.1 - ROOM.0 || all < 0.15 {
                return middle;
            }
            if names > 0.48 {
                names *= 0.93;
            } else {
                all *= 0.93;
            }
        }
    }

    fn set(
        sheet: &mut Sheet,
        shown: &CredentialView,
        pictures: &Pictures<'_>,
        lang: Lang,
        (names, all): (f32, f32),
    ) -> Self {
        let rows = rows_of(sheet, &facts(shown, lang), all);
        let style = Style { face: Face::Text, most: 9.0 * all, least: 6.0 * all, lines: 3 };
        let skills = shown.skills_line(lang);
        let skills = skills.map(|line| sheet.set(&line, style, MEASURE - 160.0));
        let pieces = names_of(sheet, shown, lang, (names * all, all));
        let logo = if pictures.logo.is_some() { 52.0 } else { 0.0 };
        Self { pieces, rows, skills, logo }
    }

    fn height(&self) -> f32 {
        let skills = self.skills.as_ref().map_or(0.0, |skills| skills.height + ABOVE_SKILLS);
        let rows: f32 = self.rows.iter().map(|row| row_height(row)).sum();
        self.logo + self.pieces.iter().map(Piece::height).sum::<f32>() + ABOVE_FACTS + rows + skills
    }

    fn draw(&self, sheet: &mut Sheet, shown: &CredentialView, pictures: &Pictures<'_>, lang: Lang) {
        let mut y = ROOM.0 + ((ROOM.1 - ROOM.0 - self.height()) / 2.0).max(0.0);
        if let Some(logo) = pictures.logo {
            let words = lang.pick(
                format!("Logotipo de {}", shown.organization),
                format!("Logo of {}", shown.organization),
            );
            sheet.tagged(Role::Figure(words), |sheet| {
                sheet.picture(logo, MIDDLE - 120.0, y, 240.0, self.logo - 10.0);
            });
            y += self.logo;
        }
        for piece in &self.pieces {
            match piece {
                Piece::Text(above, set, colour, kind) => {
                    let role = role(*kind, shown);
                    sheet.tagged(role, |sheet| {
                        sheet.text(set, MIDDLE, y + above, Align::Middle, *colour);
                    });
                }
                Piece::Rule(above) => {
                    let at = y + above;
                    sheet.line((MIDDLE - 45.0, at), (MIDDLE + 45.0, at), 1.0, ACCENT);
                }
            }
            y += piece.height();
        }
        let mut below = y + ABOVE_FACTS;
        sheet.tagged(Role::List, |sheet| below = draw_facts(sheet, &self.rows, below));
        if let Some(skills) = &self.skills {
            sheet.tagged(Role::Paragraph, |sheet| {
                sheet.text(skills, MIDDLE, below, Align::Middle, SOFT);
            });
        }
    }
}

/// The role of a text: the person is the first heading, the award the next.
fn role(kind: Kind, shown: &CredentialView) -> Role {
    match (kind, &shown.recipient_name) {
        (Kind::Words, _) => Role::Paragraph,
        (Kind::Person, Some(name)) => Role::Heading(1, name.clone()),
        (Kind::Award, Some(_)) => Role::Heading(2, shown.name.clone()),
        (Kind::Award | Kind::Person, None) => Role::Heading(1, shown.name.clone()),
    }
}

/// The organization, the recipient and the award.
fn names_of(
    sheet: &mut Sheet,
    shown: &CredentialView,
    lang: Lang,
    (names, all): (f32, f32),
) -> Vec<Piece> {
    let (to, of) = match (shown.recipient_name.is_some(), lang) {
        (true, Lang::Es) => ("otorga a", "la credencial"),
        (true, Lang::En) => ("awards to", "the credential"),
        (false, Lang::Es) => ("", "otorga la credencial"),
        (false, Lang::En) => ("", "awards the credential"),
    };
    let style = |most: f32, least: f32, lines| Style {
        face: Face::Display,
        most: most * names,
        least: (least * all).min(most * names),
        lines,
    };
    let small = Style { face: Face::Text, most: 12.0 * all, least: 12.0 * all, lines: 1 };
    let from = sheet.set(&shown.organization, style(22.0, 12.0, 2), MEASURE);
    let mut pieces = vec![Piece::Text(0.0, from, INK, Kind::Words)];
    if let Some(name) = &shown.recipient_name {
        let to = sheet.set(to, small, MEASURE);
        let name = sheet.set(name, style(46.0, 14.0, 2), MEASURE);
        pieces.push(Piece::Text(22.0 * names, to, SOFT, Kind::Words));
        pieces.push(Piece::Text(4.0 * names, name, INK, Kind::Person));
    }
    let of = sheet.set(of, small, MEASURE);
    let title = sheet.set(&shown.name, style(30.0, 12.0, 3), MEASURE);
    pieces.push(Piece::Rule(14.0 * names));
    pieces.push(Piece::Text(14.0 * names, of, SOFT, Kind::Words));
    pieces.push(Piece::Text(4.0 * names, title, ACCENT, Kind::Award));
    pieces
}

/// The facts of the achievement: name and value.
fn facts(shown: &CredentialView, lang: Lang) -> Vec<(&str, String)> {
    let days = shown.days(lang).into_iter().map(|(name, on)| (name, lang.date(on)));
    let facts = shown.certificate_facts.iter().map(|fact| (fact.label(lang), fact.value(lang)));
    days.chain(facts).collect()
}

/// A fact, set.
struct Placed {
    name: Set,
    value: Set,
    width: f32,
}

/// Sets facts in rows that are as wide as their contents.
fn rows_of(sheet: &mut Sheet, facts: &[(&str, String)], scale: f32) -> Vec<Vec<Placed>> {
    let style = |most: f32, lines| Style {
        face: Face::Text,
        most: most * scale,
        least: 6.0 * scale,
        lines,
    };
    let mut rows: Vec<Vec<Placed>> = Vec::new();
    let mut left = 0.0;
    for (name, value) in facts {
        let name = sheet.set(name, style(8.5, 2), FACT);
        let value = sheet.set(value, style(11.5, 3), FACT);
        let width = name.width.max(value.width);
        let placed = Placed { name, value, width };
        match rows.last_mut().filter(|row| row.len() < FACTS_A_ROW && width + GAP <= left) {
            Some(row) => {
                left -= width + GAP;
                row.push(placed);
            }
            None => {
                left = MEASURE - width;
                rows.push(vec![placed]);
            }
        }
    }
    rows
}

fn row_height(row: &[Placed]) -> f32 {
    name_height(row) + row.iter().map(|fact| fact.value.height).fold(0.0, f32::max) + BELOW_ROW
}

fn name_height(row: &[Placed]) -> f32 {
    row.iter().map(|fact| fact.name.height).fold(0.0, f32::max)
}

fn draw_facts(sheet: &mut Sheet, rows: &[Vec<Placed>], top: f32) -> f32 {
    let mut y = top;
    for row in rows {
        let width: f32 = row.iter().map(|fact| fact.width + GAP).sum::<f32>() - GAP;
        let mut left = MIDDLE - width / 2.0;
        for Placed { name, value, width } in row {
            let x = left + width / 2.0;
            sheet.tagged(Role::Item, |sheet| {
                sheet.tagged(Role::Label, |sheet| {
                    sheet.text(name, x, y, Align::Middle, SOFT);
                });
                sheet.tagged(Role::Body, |sheet| {
                    sheet.text(value, x, y + name_height(row), Align::Middle, INK);
                });
            });
            left += width + GAP;
        }
        y += row_height(row);
    }
    y
}

/// The foot: seal, verification text and QR code.
fn foot(sheet: &mut Sheet, shown: &CredentialView, pictures: &Pictures<'_>, lang: Lang) {
    let [x, y, side] = CODE;
    emblem(sheet, shown, pictures.badge, [60.0, y - 8.0, side + 12.0], lang);
    let small = Style { face: Face::Text, most: 9.0, least: 6.0, lines: 2 };
    let sentence = lang.pick(
        "Credencial digital con firma electrónica.",
        "A digital credential with an electronic signature.",
    );
    let state = lang.pick("Su estado actual se comprueba en", "Its current state is checked at");
    let (sentence, state) = (sheet.set(sentence, small, 440.0), sheet.set(state, small, 440.0));
    sheet.tagged(Role::Paragraph, |sheet| {
        let below = sheet.text(&sentence, MIDDLE, y + side - 38.0, Align::Middle, SOFT);
        sheet.text(&state, MIDDLE, below + 2.0, Align::Middle, SOFT);
    });
    let words = lang.pick("Página de la credencial", "The credential's page");
    let url = sheet.set(&shown.url, small, 440.0);
    let top = y + side - 11.0;
    let place = [MIDDLE - url.width / 2.0, top, url.width, url.height];
    let page = format!("{words}: {}", shown.url);
    sheet.tagged(Role::Link(shown.url.clone(), page.clone(), place), |sheet| {
        sheet.text(&url, MIDDLE, top, Align::Middle, ACCENT);
    });
    if let Some(code) = qr::code(&interaction::interaction_url(&shown.url)) {
        let path = format!(r##"<path d="{}" fill="#000"/>"##, code.path);
        let words = lang
            .pick("Código QR de la página de la credencial", "QR code of the credential's page");
        let place = [x, y, side, side];
        sheet.tagged(Role::Link(shown.url.clone(), page, place), |sheet| {
            sheet.tagged(Role::Figure(words.to_owned()), |sheet| {
                sheet.drawing(path, code.side as f32, x, y, side);
            });
        });
    }
}
