//! What layouts have in common: the grid of facts, the row of signatories, and the foot with seal, address and QR code.

use unicreda::web::{interaction, qr};

use super::Content;
use crate::{
    drawing::{INK, SOFT, WHITE, emblem},
    fonts::Face,
    sheet::{Align, Colour, Fit, Role, Sheet},
    typesetting::{Set, Style},
};

/// Sets texts in one size: the largest in which each fits.
fn uniform(sheet: &mut Sheet, texts: &[&str], style: Style, width: f32) -> Vec<Set> {
    let sets: Vec<Set> = texts.iter().map(|text| sheet.set(text, style, width)).collect();
    let size = sets.iter().map(|set| set.size).fold(style.most, f32::min);
    if sets.iter().all(|set| set.size <= size) {
        return sets;
    }
    let style = Style { most: size, least: size, ..style };
    texts.iter().map(|text| sheet.set(text, style, width)).collect()
}

/// The height of the highest text.
fn highest<'a>(sets: impl IntoIterator<Item = &'a Set>) -> f32 {
    sets.into_iter().map(|set| set.height).fold(0.0, f32::max)
}

/// How facts are set.
#[derive(Clone, Copy)]
pub struct GridStyle {
    /// The largest size of a value.
    pub size: f32,
    /// The face of values.
    pub face: Face,
    /// The narrowest column.
    pub narrowest: f32,
    /// The columns of a single row, however few facts; a centred row has as many as facts.
    pub columns: usize,
    /// Whether each row has a hairline above.
    pub ruled: bool,
}

/// Facts on one grid, in one size.
pub struct Grid {
    rows: Vec<Vec<(Set, Set)>>,
    column: f32,
    measure: f32,
    align: Align,
    ruled: bool,
    scale: f32,
}

/// Space between two columns, and below a row.
const GAP: f32 = 22.0;
const BELOW_ROW: f32 = 7.0;
/// The least part of its largest size in which a value is good to read.
const GOOD: f32 = 0.8;
/// The rows more than needed that are tried: first for values of one line, then for longer ones.
const ROWS: [usize; 3] = [0, 1, 2];

impl Grid {
    /// Sets facts in as few rows as are good to read.
    pub fn set(
        sheet: &mut Sheet,
        facts: &[(String, String)],
        measure: f32,
        align: Align,
        style: GridStyle,
        scale: f32,
    ) -> Self {
        let labels: Vec<&str> = facts.iter().map(|(label, _)| label.as_str()).collect();
        let values: Vec<&str> = facts.iter().map(|(_, value)| value.as_str()).collect();
        let most = (((measure + GAP) / (style.narrowest + GAP)) as usize).clamp(1, 6);
        let fewest = facts.len().div_ceil(most);
        let columns_of = |rows: usize| match align {
            Align::Left if rows == 1 => facts.len().max(style.columns.min(most)),
            Align::Left | Align::Middle => facts.len().div_ceil(rows),
        };
        let column_of = |columns: usize| (measure - GAP * (columns - 1) as f32) / columns as f32;
        let of = |face, most: f32, least: f32, lines| Style {
            face,
            most: most * scale,
            least: least * scale,
            lines,
        };
        let line = of(style.face, style.size, style.size * GOOD, 1);
        let lines = of(style.face, style.size, 6.0_f32.min(style.size * 0.6), 3);
        let mut found = None;
        for (rows, value) in
            ROWS.map(|more| (more, line)).into_iter().chain(ROWS.map(|more| (more, lines)))
        {
            let columns = columns_of((fewest + rows).min(facts.len()));
            let rows = facts.len().div_ceil(columns.max(1));
            let sets = uniform(sheet, &values, value, column_of(columns));
            let good = sets
                .iter()
                .all(|set| set.size >= line.least && set.lines.len() <= value.lines.min(2));
            found = Some((sets, columns, rows));
            if good {
                break;
            }
        }
        let (sets, columns, rows) = found.unwrap_or_default();
        let columns = columns.max(1);
        let column = column_of(columns);
        let size = sets.first().map_or(0.0, |set| set.size);
        let name = of(Face::Text, style.size * 0.72, style.size * 0.45, 2);
        let name = Style { most: name.most.min(size * 0.8), ..name };
        let names = uniform(sheet, &labels, name, column);
        let widest = names.iter().chain(&sets).map(|set| set.width).fold(0.0, f32::max);
        let column = if align == Align::Middle { widest.min(column) } else { column };
        let mut cells = names.into_iter().zip(sets);
        let all = cells.len();
        // Centred rows are as even as they can be; the others fill their columns.
        let length = |row: usize| match align {
            Align::Middle => (all + rows - row - 1) / rows.max(1),
            Align::Left => columns,
        };
        let rows = (0..rows).map(|row| cells.by_ref().take(length(row)).collect()).collect();
        Self { rows, column, measure, align, ruled: style.ruled, scale }
    }

    fn row_height(&self, row: &[(Set, Set)]) -> f32 {
        let ruled = if self.ruled { 5.0 * self.scale } else { 0.0 };
        let heights =
            highest(row.iter().map(|(name, _)| name)) + highest(row.iter().map(|(_, v)| v));
        ruled + heights + BELOW_ROW * self.scale
    }

    /// Its height.
    pub fn height(&self) -> f32 {
        self.rows.iter().map(|row| self.row_height(row)).sum()
    }

    /// Draws it; `x` is its left or its middle.
    pub fn draw(&self, sheet: &mut Sheet, x: f32, y: f32) {
        sheet.tagged(Role::List, |sheet| {
            let mut y = y;
            for row in &self.rows {
                self.draw_row(sheet, row, x, y);
                y += self.row_height(row);
            }
        });
    }

    fn draw_row(&self, sheet: &mut Sheet, row: &[(Set, Set)], x: f32, y: f32) {
        let step = self.column + GAP;
        let mut left = match self.align {
            Align::Middle => x - (step * row.len() as f32 - GAP) / 2.0 + self.column / 2.0,
            Align::Left => x,
        };
        let mut y = y;
        if self.ruled {
            sheet.rectangle(x, y, self.measure, 0.4, SOFT.faint(0.6));
            y += 5.0 * self.scale;
        }
        let below = y + highest(row.iter().map(|(name, _)| name));
        for (name, value) in row {
            sheet.tagged(Role::Item, |sheet| {
                sheet.tagged(Role::Label, |sheet| {
                    sheet.text(name, left, below - name.height, self.align, SOFT);
                });
                sheet.tagged(Role::Body, |sheet| {
                    sheet.text(value, left, below, self.align, INK);
                });
            });
            left += step;
        }
    }
}

/// The people who sign, in one row, or in two where columns would be too narrow.
pub struct Signatories {
    cells: Vec<(Set, Option<Set>)>,
    in_row: usize,
    column: f32,
    /// Room in the middle of a row, for a seal.
    middle: f32,
    align: Align,
}

/// Space above the line of a signature, and between two lines.
const INKED: f32 = 34.0;
const BETWEEN: f32 = 20.0;
const NARROWEST: f32 = 92.0;
const WIDEST: f32 = 180.0;

impl Signatories {
    /// Sets them in a row of a width. `middle` is kept free in the middle of it: the signatories are an even number then.
    pub fn set(
        sheet: &mut Sheet,
        content: &Content<'_>,
        measure: f32,
        align: Align,
        middle: f32,
    ) -> Self {
        let people = &content.shown.design.signatories;
        let free = measure - middle;
        let wide = |n: usize| (free - BETWEEN * n.saturating_sub(1) as f32) / n.max(1) as f32;
        let all = people.len();
        let in_row = if wide(all) >= NARROWEST { all } else { all.div_ceil(2) };
        let column = wide(in_row).min(WIDEST);
        let names: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
        let style = |most| Style { face: Face::Text, most, least: 6.0, lines: 2 };
        let names = uniform(sheet, &names, style(9.5), column);
        let offices: Vec<&str> =
            people.iter().map(|person| person.office.as_deref().unwrap_or_default()).collect();
        let offices = uniform(sheet, &offices, style(8.0), column);
        let offices = offices.into_iter().map(|set| (!set.lines.is_empty()).then_some(set));
        Self { cells: names.into_iter().zip(offices).collect(), in_row, column, middle, align }
    }

    fn rows(&self) -> impl Iterator<Item = &[(Set, Option<Set>)]> {
        self.cells.chunks(self.in_row.max(1))
    }

    /// The height of all rows; nothing without signatories.
    pub fn height(&self) -> f32 {
        self.rows().map(row_height).sum()
    }

    /// Draws them; `x` is their left or their middle.
    pub fn draw(&self, sheet: &mut Sheet, content: &Content<'_>, x: f32, y: f32) {
        let mut y = y;
        let people = &content.shown.design.signatories;
        let mut people =
            people.iter().zip(content.pictures.signatures.iter().chain(std::iter::repeat(&None)));
        for row in self.rows() {
            let step = self.column + BETWEEN;
            let width = step * row.len() as f32 - BETWEEN + self.middle;
            let mut left = if self.align == Align::Middle { x - width / 2.0 } else { x };
            for (n, (cell, (person, signature))) in row.iter().zip(people.by_ref()).enumerate() {
                if self.middle > 0.0 && n * 2 == row.len() {
                    left += self.middle;
                }
                if let Some(picture) = signature {
                    let words = (content.lang.texts().certificate.signature)(&person.name);
                    let inset = if self.align == Align::Middle { self.column * 0.1 } else { 4.0 };
                    let place = [left + inset, y, self.column - 2.0 * inset, INKED - 1.0];
                    let fit =
                        if self.align == Align::Middle { Fit::Standing } else { Fit::Beginning };
                    sheet.tagged(Role::Figure(words), |sheet| sheet.image(picture, place, fit));
                }
                sheet.rectangle(left, y + INKED, self.column, 0.6, INK);
                self.person(sheet, cell, left, y + INKED + 3.0);
                left += step;
            }
            y += row_height(row);
        }
    }

    fn person(&self, sheet: &mut Sheet, (name, office): &(Set, Option<Set>), left: f32, y: f32) {
        let x = if self.align == Align::Middle { left + self.column / 2.0 } else { left };
        sheet.tagged(Role::Paragraph, |sheet| {
            let below = sheet.text(name, x, y, self.align, INK);
            if let Some(office) = office {
                sheet.text(office, x, below, self.align, SOFT);
            }
        });
    }
}

fn row_height(row: &[(Set, Option<Set>)]) -> f32 {
    let text = |(name, office): &(Set, Option<Set>)| {
        name.height + office.as_ref().map_or(0.0, |office| office.height)
    };
    INKED + 3.0 + row.iter().map(text).fold(0.0, f32::max) + 6.0
}

/// The legal lines.
pub struct Legal(Vec<Set>);

impl Legal {
    /// Sets them.
    pub fn set(sheet: &mut Sheet, content: &Content<'_>, measure: f32) -> Self {
        let lines: Vec<&str> = content.shown.design.legal.iter().map(String::as_str).collect();
        let style = Style { face: Face::Text, most: 7.0, least: 6.0, lines: 1 };
        Self(uniform(sheet, &lines, style, measure))
    }

    /// Their height.
    pub fn height(&self) -> f32 {
        self.0.iter().map(|set| set.height).sum()
    }

    /// Draws them.
    pub fn draw(&self, sheet: &mut Sheet, x: f32, y: f32, align: Align) {
        let mut y = y;
        for line in &self.0 {
            sheet.tagged(Role::Paragraph, |sheet| {
                y = sheet.text(line, x, y, align, SOFT);
            });
        }
    }
}

/// What is said of the proof: sentences, and the address.
pub struct Proof {
    /// A column a language.
    columns: Vec<(Set, Set)>,
    /// The address, in two lines where it would be small in one: the id stays whole.
    url: Vec<Set>,
    measure: f32,
    stacked: bool,
}

/// The space between two languages.
const COLUMNS: f32 = 16.0;
/// The width below which languages stand below each other.
const STACKED: f32 = 230.0;

impl Proof {
    /// Sets it.
    pub fn set(sheet: &mut Sheet, content: &Content<'_>, measure: f32) -> Self {
        let small = Style { face: Face::Text, most: 8.5, least: 6.0, lines: 2 };
        let stacked = measure < STACKED || content.second.is_none();
        let width = if stacked { measure } else { (measure - COLUMNS) / 2.0 };
        let texts: Vec<&str> = content
            .languages()
            .flat_map(|lang| [lang.texts().certificate.signed, lang.texts().certificate.checked_at])
            .collect();
        let mut sets = uniform(sheet, &texts, small, width).into_iter();
        let mut columns = Vec::new();
        while let (Some(signed), Some(state)) = (sets.next(), sets.next()) {
            columns.push((signed, state));
        }
        let url = short(&content.shown.url);
        let line = Style { least: 5.0, lines: 1, ..small };
        let mut url_sets = uniform(sheet, &[url], line, measure);
        if url_sets.iter().any(|set| set.size < 7.5)
            && let Some((host, id)) = url.rsplit_once('/')
        {
            url_sets = uniform(sheet, &[&format!("{host}/"), id], line, measure);
        }
        let url = url_sets;
        Self { columns, url, measure, stacked }
    }

    /// Its height.
    pub fn height(&self) -> f32 {
        let heights = self.columns.iter().map(|(signed, state)| signed.height + state.height);
        let sentences: f32 = if self.stacked { heights.sum() } else { heights.fold(0.0, f32::max) };
        sentences + 2.0 + self.url.iter().map(|set| set.height).sum::<f32>()
    }

    /// Draws it; `x` is its left or its middle.
    pub fn draw(
        &self,
        sheet: &mut Sheet,
        content: &Content<'_>,
        (x, y): (f32, f32),
        align: Align,
        (soft, accent): (Colour, Colour),
    ) {
        let width = (self.measure - COLUMNS) / 2.0;
        let mut top = y;
        let mut bottom = y;
        for (n, (signed, state)) in self.columns.iter().enumerate() {
            let n = n as f32;
            let x = match (self.stacked, align) {
                (true, _) => x,
                (false, Align::Middle) => x + (n - 0.5) * (width + COLUMNS),
                (false, Align::Left) => x + n * (width + COLUMNS),
            };
            sheet.tagged(Role::Paragraph, |sheet| {
                let below = sheet.text(signed, x, top, align, soft);
                bottom = sheet.text(state, x, below, align, soft).max(bottom);
            });
            if self.stacked {
                top = bottom;
            }
        }
        let top = bottom + 2.0;
        let height: f32 = self.url.iter().map(|set| set.height).sum();
        let width = self.url.iter().map(|set| set.width).fold(0.0, f32::max);
        let left = match align {
            Align::Left => x,
            Align::Middle => x - width / 2.0,
        };
        sheet.tagged(link(content, [left, top, width, height]), |sheet| {
            let mut y = top;
            for line in &self.url {
                y = sheet.text(line, x, y, align, accent);
            }
        });
    }
}

/// An address as people write it. A browser adds the scheme; the rest is needed to arrive.
fn short(url: &str) -> &str {
    url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url)
}

fn link(content: &Content<'_>, place: [f32; 4]) -> Role {
    let url = &content.shown.url;
    Role::Link(url.clone(), format!("{}: {url}", content.lang.texts().certificate.page), place)
}

/// Draws the QR code on a white ground; its dark part is in the square.
pub fn code(sheet: &mut Sheet, content: &Content<'_>, [x, y, side]: [f32; 3]) {
    let Some(code) = qr::code(&interaction::interaction_url(&content.shown.url)) else { return };
    let quiet = side * qr::QUIET as f32 / (code.side - 2 * qr::QUIET) as f32;
    let (x, y, side) = (x - quiet, y - quiet, side + 2.0 * quiet);
    let path = format!(r##"<path d="{}" fill="#000"/>"##, code.path);
    sheet.rectangle(x, y, side, side, WHITE);
    sheet.tagged(link(content, [x, y, side, side]), |sheet| {
        sheet.tagged(Role::Figure(content.lang.texts().certificate.qr.to_owned()), |sheet| {
            sheet.drawing(path, code.side as f32, x, y, side);
        });
    });
}

/// Draws the seal, or the achievement's own badge.
pub fn seal(sheet: &mut Sheet, content: &Content<'_>, place: [f32; 3]) {
    emblem(sheet, content.shown, content.pictures.badge, place, content.lang);
}
