//! `academic`: a diploma of old, centred in an ornamental frame, its seal at the foot between the signatories.

use resvg::tiny_skia::PathBuilder;

use super::{
    Content,
    flow::{Block, Flow, Names, NamesSet, Pieces, Plan, Scale},
    parts::{self, GridStyle, Legal, Proof, Signatories},
};
use crate::{
    drawing::SOFT,
    fonts::Face,
    sheet::{Align, Sheet},
    typesetting::Style,
};

const EDGE: f32 = 66.0;
const CODE: f32 = 70.0;
/// The side of the seal between signatories, and of one alone.
const SEAL: (f32, f32) = (118.0, 92.0);

/// Draws it.
pub fn draw(sheet: &mut Sheet, content: &Content<'_>) {
    let (width, height, accent) = (content.width, content.height, content.accent);
    if !content.framed {
        frame(sheet, content);
    }
    let even = content.shown.design.signatories.len();
    let between = even > 0 && even.is_multiple_of(2);
    let side = if between { SEAL.0 } else { SEAL.1 };
    let (middle, top) = (width / 2.0, 56.0);
    let measure = width - 2.0 * EDGE;
    let legal = Legal::set(sheet, content, measure);
    let bottom = (height - 52.0 - legal.height() - 6.0).min(height - 64.0);
    let proof = Proof::set(sheet, content, middle - side / 2.0 - 18.0 - EDGE);
    let gap = if between { side + 20.0 } else { 0.0 };
    let signatories = Signatories::set(sheet, content, measure, Align::Middle, gap);
    let low = if between { CODE } else { side };
    let foot = bottom - proof.height().max(low) - 8.0;
    let signed = foot - signatories.height();
    let end = if between { signed.min(bottom - side) } else { signed } - 4.0;
    let plan = Plan {
        measure: measure - 40.0,
        align: Align::Middle,
        names,
        above_facts: 12.0,
        facts: GridStyle {
            size: 11.5,
            face: Face::Text,
            narrowest: 92.0,
            columns: 0,
            ruled: false,
        },
    };
    let flow = Flow::fitted(sheet, content, end - top, &plan);
    let above = ((end - top - flow.height()) / 2.0).max(0.0);
    flow.draw(sheet, content, middle, top + above);
    signatories.draw(sheet, content, middle, signed);
    let y = bottom - proof.height();
    proof.draw(sheet, content, (EDGE, y), Align::Left, (SOFT, accent));
    parts::seal(sheet, content, [middle - side / 2.0, bottom - side, side]);
    parts::code(sheet, content, [width - EDGE - CODE, bottom - CODE, CODE]);
    legal.draw(sheet, middle, height - 52.0 - legal.height(), Align::Middle);
}

fn names(sheet: &mut Sheet, content: &Content<'_>, measure: f32, scale: Scale) -> Pieces {
    let style = |most, least, lines| Style { face: Face::Display, most, least, lines };
    let sizes = Names {
        from: style(30.0, 13.0, 2),
        person: style(44.0, 14.0, 2),
        award: style(30.0, 12.0, 3),
        words: 11.5,
    };
    let NamesSet { from, person, of, award } = sizes.set(sheet, content, measure, scale);
    let space = scale.names * scale.all;
    let mut pieces = Vec::new();
    if content.pictures.logo.is_some() {
        pieces.push((0.0, Block::Logo(220.0, 44.0)));
    }
    pieces.push((8.0 * space, from));
    pieces.push((12.0 * space, Block::Ornament(150.0)));
    if let Some((to, person)) = person {
        pieces.extend([(12.0 * space, to), (3.0 * space, person)]);
    }
    pieces.extend([(13.0 * space, of), (3.0 * space, award)]);
    pieces
}

/// The frame: a strong line, and within it two fine ones whose corners turn in, with a rosette in each.
fn frame(sheet: &mut Sheet, content: &Content<'_>) {
    let (width, height, accent) = (content.width, content.height, content.accent);
    sheet.frame(20.0, 20.0, width - 40.0, height - 40.0, 2.4, accent);
    for (inset, notch, line) in [(27.0, 21.0, 0.5), (36.0, 16.0, 1.1)] {
        let mut path = PathBuilder::new();
        turned_in(&mut path, [inset, inset, width - inset, height - inset], notch);
        sheet.path(path, Some(line), accent);
    }
    for x in [34.0, width - 34.0] {
        for y in [34.0, height - 34.0] {
            rosette(sheet, content, (x, y), 8.5);
        }
    }
}

/// A rectangle whose corners are quarters of circles that open outwards.
fn turned_in(path: &mut PathBuilder, [left, top, right, bottom]: [f32; 4], notch: f32) {
    // The handles of a quarter of a circle.
    let bend = notch * 0.552_285;
    path.move_to(left + notch, top);
    path.line_to(right - notch, top);
    path.cubic_to(right - notch, top + bend, right - bend, top + notch, right, top + notch);
    path.line_to(right, bottom - notch);
    path.cubic_to(
        right - bend,
        bottom - notch,
        right - notch,
        bottom - bend,
        right - notch,
        bottom,
    );
    path.line_to(left + notch, bottom);
    path.cubic_to(left + notch, bottom - bend, left + bend, bottom - notch, left, bottom - notch);
    path.line_to(left, top + notch);
    path.cubic_to(left + bend, top + notch, left + notch, top + bend, left + notch, top);
    path.close();
}

/// Eight petals around a point.
fn rosette(sheet: &mut Sheet, content: &Content<'_>, (x, y): (f32, f32), radius: f32) {
    let mut path = PathBuilder::new();
    for n in 0..8 {
        let angle = std::f32::consts::FRAC_PI_4 * n as f32;
        let at = |turn: f32, far: f32| {
            (x + (angle + turn).cos() * far * radius, y + (angle + turn).sin() * far * radius)
        };
        let ((ax, ay), (bx, by), (cx, cy)) = (at(-0.36, 0.72), at(0.0, 1.0), at(0.36, 0.72));
        path.move_to(x, y);
        path.quad_to(ax, ay, bx, by);
        path.quad_to(cx, cy, x, y);
        path.close();
    }
    sheet.path(path, None, content.accent);
}
