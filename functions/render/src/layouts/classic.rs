//! `classic`: centred within a double line.

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

/// The sides of seal and QR code, and their distance from the page's edges.
const SEAL: f32 = 96.0;
const CODE: f32 = 74.0;
const EDGE: f32 = 60.0;

/// Draws it.
pub fn draw(sheet: &mut Sheet, content: &Content<'_>) {
    let (width, height, accent) = (content.width, content.height, content.accent);
    if !content.framed {
        sheet.frame(24.0, 24.0, width - 48.0, height - 48.0, 1.6, accent);
        sheet.frame(30.0, 30.0, width - 60.0, height - 60.0, 0.5, accent);
    }
    let measure = width - if content.upright() { 2.0 * EDGE } else { 180.0 };
    let (middle, top) = (width / 2.0, 44.0);
    let legal = Legal::set(sheet, content, width - 2.0 * EDGE);
    let bottom = (height - 44.0 - legal.height() - 8.0).min(height - EDGE);
    let proof = Proof::set(sheet, content, width - 2.0 * (EDGE + SEAL + 16.0));
    let signatories = Signatories::set(sheet, content, width - 2.0 * EDGE, Align::Middle, 0.0);
    let foot = bottom - proof.height().max(SEAL) - 6.0;
    let signed = foot - signatories.height();
    let plan = Plan {
        measure,
        align: Align::Middle,
        names,
        above_facts: 14.0,
        facts: GridStyle {
            size: 11.5,
            face: Face::Text,
            narrowest: 90.0,
            columns: 0,
            ruled: false,
        },
    };
    let flow = Flow::fitted(sheet, content, signed - top - 6.0, &plan);
    let above = ((signed - top - 6.0 - flow.height()) / 2.0).max(0.0);
    flow.draw(sheet, content, middle, top + above);
    signatories.draw(sheet, content, middle, signed);
    parts::seal(sheet, content, [EDGE, bottom - SEAL, SEAL]);
    let y = bottom - proof.height();
    proof.draw(sheet, content, (middle, y), Align::Middle, (SOFT, accent));
    parts::code(sheet, content, [width - EDGE - CODE, bottom - CODE, CODE]);
    legal.draw(sheet, middle, height - 44.0 - legal.height(), Align::Middle);
}

fn names(sheet: &mut Sheet, content: &Content<'_>, measure: f32, scale: Scale) -> Pieces {
    let style = |most, least, lines| Style { face: Face::Display, most, least, lines };
    let sizes = Names {
        from: style(22.0, 12.0, 2),
        person: style(46.0, 14.0, 2),
        award: style(30.0, 12.0, 3),
        words: 12.0,
    };
    let NamesSet { from, person, of, award } = sizes.set(sheet, content, measure, scale);
    let space = scale.names * scale.all;
    let mut pieces = Vec::new();
    let mut above_from = 0.0;
    if content.pictures.logo.is_some() {
        pieces.push((0.0, Block::Logo(240.0, 42.0)));
        above_from = 10.0;
    }
    pieces.push((above_from, from));
    if let Some((to, person)) = person {
        pieces.extend([(22.0 * space, to), (4.0 * space, person)]);
    }
    pieces.push((14.0 * space, Block::Rule(90.0, 1.0)));
    pieces.extend([(14.0 * space, of), (4.0 * space, award)]);
    pieces
}
