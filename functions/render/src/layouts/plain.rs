//! `plain`: text and hairlines on white, with wide margins.

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

const SEAL: f32 = 72.0;
const CODE: f32 = 68.0;
const BETWEEN: f32 = 22.0;

/// Draws it.
pub fn draw(sheet: &mut Sheet, content: &Content<'_>) {
    let (width, height) = (content.width, content.height);
    let edge = if content.upright() { 64.0 } else { 84.0 };
    let (measure, top) = (width - 2.0 * edge, 62.0);
    let legal = Legal::set(sheet, content, measure);
    let mut bottom = height - 56.0;
    let lines = bottom - legal.height();
    if legal.height() > 0.0 {
        bottom = lines - 12.0;
    }
    let proof = Proof::set(sheet, content, measure - SEAL - CODE - 2.0 * BETWEEN);
    let signatories = Signatories::set(sheet, content, measure, Align::Left, 0.0);
    let foot = bottom - proof.height().max(SEAL) - 14.0;
    let signed = foot - signatories.height() - 8.0;
    let plan = Plan {
        measure,
        align: Align::Left,
        names,
        above_facts: 26.0,
        facts: GridStyle {
            size: 11.0,
            face: Face::Text,
            narrowest: 112.0,
            columns: 4,
            ruled: true,
        },
    };
    let flow = Flow::fitted(sheet, content, signed - top - 6.0, &plan);
    let above = ((signed - top - 6.0 - flow.height()) * 0.3).max(0.0);
    flow.draw(sheet, content, edge, top + above);
    signatories.draw(sheet, content, edge, signed);
    sheet.rectangle(edge, foot, measure, 0.4, SOFT.faint(0.6));
    let y = bottom - proof.height();
    proof.draw(sheet, content, (edge, y), Align::Left, (SOFT, content.accent));
    let right = width - edge - CODE;
    parts::seal(sheet, content, [right - BETWEEN - SEAL, bottom - SEAL, SEAL]);
    parts::code(sheet, content, [right, bottom - CODE, CODE]);
    legal.draw(sheet, edge, lines, Align::Left);
}

fn names(sheet: &mut Sheet, content: &Content<'_>, measure: f32, scale: Scale) -> Pieces {
    let style = |face, most, least, lines| Style { face, most, least, lines };
    let sizes = Names {
        from: style(Face::Text, 14.0, 9.0, 2),
        person: style(Face::Display, 50.0, 14.0, 3),
        award: style(Face::Display, 28.0, 12.0, 4),
        words: 11.0,
    };
    let NamesSet { from, person, of, award } = sizes.set(sheet, content, measure, scale);
    let space = scale.names * scale.all;
    let mut pieces = Vec::new();
    let mut above_from = 0.0;
    if content.pictures.logo.is_some() {
        pieces.push((0.0, Block::Logo(200.0, 40.0)));
        above_from = 12.0;
    }
    pieces.extend([(above_from, from), (12.0 * space, Block::Rule(measure, 0.6))]);
    if let Some((to, person)) = person {
        pieces.extend([(30.0 * space, to), (4.0 * space, person)]);
    }
    pieces.extend([(20.0 * space, of), (4.0 * space, award)]);
    pieces
}
