//! `modern`: aligned at the left, with a band of the accent that bears the organization and the proof.

use super::{
    Content,
    flow::{Block, Flow, Names, NamesSet, Pieces, Plan, Scale, logo},
    parts::{self, GridStyle, Legal, Proof, Signatories},
};
use crate::{
    drawing::{INK, SOFT, WHITE},
    fonts::Face,
    sheet::{Align, Colour, Fit, Role, Sheet},
    typesetting::Style,
};

/// The band at the left of a lying page, and above a standing one.
const BESIDE: f32 = 186.0;
const ABOVE: f32 = 118.0;
/// The space between its edges and what is in it.
const INSET: f32 = 24.0;
/// The same within a frame, which may have 14 mm.
const FRAMED: f32 = 44.0;
const EDGE: f32 = 50.0;
const SEAL: f32 = 88.0;
const CODE: f32 = 78.0;

/// The width of the band at the left.
pub fn panel(content: &Content<'_>) -> f32 {
    if content.upright() || content.framed { 0.0 } else { BESIDE }
}

/// The space before what is in the band, or in its place within a frame.
fn inset(content: &Content<'_>) -> f32 {
    if content.framed { FRAMED } else { INSET }
}

/// Draws it.
pub fn draw(sheet: &mut Sheet, content: &Content<'_>) {
    let lying = !content.upright();
    let band = if lying { [BESIDE, content.height] } else { [content.width, ABOVE] };
    if !content.framed {
        sheet.rectangle(0.0, 0.0, band[0], band[1], content.accent);
    }
    let colours = if content.framed { (INK, SOFT) } else { (WHITE, WHITE) };
    organization(sheet, content, colours.0);
    let left = if lying { BESIDE + 46.0 } else { EDGE };
    let measure = content.width - left - EDGE;
    let top = if lying { 52.0 } else { ABOVE + 34.0 };
    let beside = if lying { SEAL + 24.0 } else { 0.0 };
    let legal = Legal::set(sheet, content, measure - beside);
    let mut bottom = content.height - 46.0;
    let lines = bottom - legal.height();
    if !lying && legal.height() > 0.0 {
        bottom = lines - 10.0;
    }
    let proof = proof(sheet, content, left, bottom);
    let few = lying && content.shown.design.signatories.len() <= 3;
    let wide = if few { measure - beside } else { measure };
    let signatories = Signatories::set(sheet, content, wide, Align::Left, 0.0);
    let foot = match (few, lying) {
        (true, _) if legal.height() > 0.0 => lines - 4.0,
        (true, _) => bottom + 6.0,
        (false, true) => bottom - SEAL.max(legal.height()) - 8.0,
        (false, false) => bottom - SEAL.max(proof.0.height()) - 14.0,
    };
    let signed = foot - signatories.height();
    let end = if lying { signed.min(bottom - SEAL) } else { signed } - 10.0;
    let plan = Plan {
        measure,
        align: Align::Left,
        names,
        above_facts: 22.0,
        facts: GridStyle {
            size: 11.0,
            face: Face::Strong,
            narrowest: 108.0,
            columns: 4,
            ruled: false,
        },
    };
    let flow = Flow::fitted(sheet, content, end - top, &plan);
    let above = ((end - top - flow.height()) * 0.45).max(0.0);
    flow.draw(sheet, content, left, top + above);
    signatories.draw(sheet, content, left, signed);
    let (proof, place, code) = proof;
    let accent = if lying { colours.1 } else { content.accent };
    let soft = if lying { colours.1 } else { SOFT };
    proof.draw(sheet, content, place, Align::Left, (soft, accent));
    parts::code(sheet, content, code);
    parts::seal(sheet, content, [content.width - EDGE - SEAL, bottom - SEAL, SEAL]);
    legal.draw(sheet, left, lines, Align::Left);
}

/// The proof, its place, and that of the QR code: in the band of a lying page, at the foot of a standing one.
fn proof(
    sheet: &mut Sheet,
    content: &Content<'_>,
    left: f32,
    bottom: f32,
) -> (Proof, (f32, f32), [f32; 3]) {
    if content.upright() {
        let room = content.width - 2.0 * EDGE - CODE - SEAL - 40.0;
        let proof = Proof::set(sheet, content, room);
        let place = (left + CODE + 20.0, bottom - proof.height());
        return (proof, place, [left, bottom - CODE, CODE]);
    }
    let inset = inset(content);
    let proof = Proof::set(sheet, content, BESIDE - inset - INSET);
    // On the band the code has a border of white.
    let code = [if content.framed { inset } else { inset + 7.6 }, bottom - CODE, CODE];
    let place = (inset, bottom - CODE - 22.0 - proof.height());
    (proof, place, code)
}

/// The logo and the organization's name, in the band.
fn organization(sheet: &mut Sheet, content: &Content<'_>, colour: Colour) {
    let lying = !content.upright();
    let inset = inset(content);
    let (mut x, mut y) = if lying { (inset, 52.0) } else { (EDGE, 0.0) };
    if content.pictures.logo.is_some() {
        let box_ = if lying {
            [x, y, BESIDE - inset - INSET, 64.0]
        } else {
            [x, (ABOVE - 66.0) / 2.0, 150.0, 66.0]
        };
        let [left, top, width, height] = box_;
        if content.framed {
            logo(sheet, content, box_, Fit::Beginning);
        } else {
            sheet.rectangle(left, top, width, height, WHITE);
            let place = [left + 9.0, top + 8.0, width - 18.0, height - 16.0];
            logo(sheet, content, place, Fit::Inside);
        }
        if lying {
            y += 64.0 + 20.0;
        } else {
            x += 150.0 + 24.0;
        }
    }
    let (measure, lines) =
        if lying { (BESIDE - inset - INSET, 6) } else { (content.width - x - EDGE, 3) };
    let style = Style { face: Face::Strong, most: 19.0, least: 8.0, lines };
    let set = sheet.set(&content.shown.organization, style, measure);
    if !lying {
        y = (ABOVE - set.height) / 2.0;
    }
    sheet.tagged(Role::Paragraph, |sheet| {
        sheet.text(&set, x, y, Align::Left, colour);
    });
}

fn names(sheet: &mut Sheet, content: &Content<'_>, measure: f32, scale: Scale) -> Pieces {
    let style = |face, most, least, lines| Style { face, most, least, lines };
    let sizes = Names {
        from: style(Face::Strong, 8.0, 8.0, 1),
        person: style(Face::Strong, 44.0, 14.0, 3),
        award: style(Face::Display, 31.0, 12.0, 4),
        words: 11.5,
    };
    let NamesSet { person, of, award, .. } = sizes.set(sheet, content, measure, scale);
    let space = scale.names * scale.all;
    let mut pieces = Vec::new();
    if let Some((to, person)) = person {
        pieces.extend([(0.0, to), (5.0 * space, person)]);
    }
    pieces.push((18.0 * space, Block::Rule(64.0, 4.0)));
    pieces.extend([(16.0 * space, of), (4.0 * space, award)]);
    pieces
}
