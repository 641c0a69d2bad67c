//! A sheet as pixels, in a PNG file.

use parley::FontData;
use resvg::tiny_skia::{
    Color, FillRule, FilterQuality, Mask, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Stroke,
    Transform,
};
use skrifa::{
    FontRef, GlyphId, MetadataProvider,
    color::{Brush, ColorPainter, CompositeMode},
    instance::{LocationRef, Size},
    outline::{DrawSettings, OutlinePen},
};
use unicreda::domain::image::ImageKind;

use crate::{
    drawing::{DrawError, picture_tree, tree},
    sheet::{Colour, Fit, Node, Sheet, fitted},
    typesetting::{Piece, Run, Unknown},
};

/// Draws a sheet in the width of so many pixels.
///
/// # Errors
/// When a picture or a drawing on it is broken, or it has no size.
pub fn png(sheet: &Sheet, width: u32) -> Result<Vec<u8>, DrawError> {
    pixels(sheet, width)?.encode_png().map_err(|error| DrawError::Image(error.to_string()))
}

/// Draws a sheet likewise, without a file.
///
/// # Errors
/// Those of [`png`].
pub fn pixels(sheet: &Sheet, width: u32) -> Result<Pixmap, DrawError> {
    let scale = width as f32 / sheet.width;
    let height = (sheet.height * scale).round() as u32;
    let pixels = Pixmap::new(width, height);
    let pixels = pixels.ok_or_else(|| DrawError::Image("no pixels".to_owned()))?;
    let mut painter = Painter { pixels };
    let transform = Transform::from_scale(scale, scale);
    painter.nodes(&sheet.nodes, transform)?;
    painter.nodes(&sheet.above, transform)?;
    Ok(painter.pixels)
}

struct Painter {
    pixels: Pixmap,
}

impl Painter {
    fn nodes(&mut self, nodes: &[Node], to: Transform) -> Result<(), DrawError> {
        nodes.iter().try_for_each(|node| self.node(node, to))
    }

    fn node(&mut self, node: &Node, to: Transform) -> Result<(), DrawError> {
        match node {
            Node::Tagged(_, nodes) => self.nodes(nodes, to)?,
            Node::Moved(transform, nodes) => self.nodes(nodes, to.pre_concat(*transform))?,
            Node::Fill(path, colour) => self.fill(path, *colour, to),
            Node::Stroke(path, colour, width) => {
                let stroke = Stroke { width: *width, ..Stroke::default() };
                self.pixels.stroke_path(path, &paint(*colour), &stroke, to, None);
            }
            Node::Text(line, x, y, colour) => {
                let to = to.pre_translate(*x, *y);
                for piece in &line.pieces {
                    match piece {
                        Piece::Glyphs(run) => self.run(run, to, *colour),
                        Piece::Unknown(unknown) => self.unknown(unknown, to, *colour),
                    }
                }
            }
            Node::Picture(kind, file, place, fit) => self.picture(*kind, file, *place, *fit, to)?,
            Node::Drawing(svg, inner, [x, y, side]) => {
                let to = to.pre_translate(*x, *y).pre_scale(side / inner, side / inner);
                resvg::render(&tree(svg, *inner)?, to, &mut self.pixels.as_mut());
            }
        }
        Ok(())
    }

    fn picture(
        &mut self,
        kind: ImageKind,
        file: &[u8],
        place: [f32; 4],
        fit: Fit,
        to: Transform,
    ) -> Result<(), DrawError> {
        let scaled = |width: f32, height: f32| {
            let [x, y, w, h] = fitted((width, height), place, fit);
            to.pre_translate(x, y).pre_scale(w / width, h / height)
        };
        match kind {
            ImageKind::Png => {
                let broken = |error| DrawError::Image(format!("{error}"));
                let picture = Pixmap::decode_png(file).map_err(broken)?;
                let to = scaled(picture.width() as f32, picture.height() as f32);
                let paint =
                    PixmapPaint { quality: FilterQuality::Bicubic, ..PixmapPaint::default() };
                self.pixels.draw_pixmap(0, 0, picture.as_ref(), &paint, to, None);
            }
            ImageKind::Svg => {
                let tree = picture_tree(file)?;
                let to = scaled(tree.size().width(), tree.size().height());
                resvg::render(&tree, to, &mut self.pixels.as_mut());
            }
        }
        Ok(())
    }

    fn fill(&mut self, path: &Path, colour: Colour, to: Transform) {
        let none: Option<&Mask> = None;
        self.pixels.fill_path(path, &paint(colour), FillRule::Winding, to, none);
    }

    fn run(&mut self, run: &Run, to: Transform, colour: Colour) {
        for (path, own) in areas(run, to) {
            self.fill(&path, own.unwrap_or(colour), Transform::identity());
        }
    }

    fn unknown(&mut self, unknown: &Unknown, to: Transform, colour: Colour) {
        let to = to.pre_translate(unknown.x, 0.0);
        let stroke = Stroke { width: unknown.line(), ..Stroke::default() };
        if let Some(path) = unknown.outline() {
            self.pixels.stroke_path(&path, &paint(colour), &stroke, to, None);
        }
        for (x, y, run) in &unknown.digits {
            self.run(run, to.pre_translate(*x, *y), colour);
        }
    }
}

fn paint(colour: Colour) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    let alpha = (colour.3.clamp(0.0, 1.0) * 255.0).round() as u8;
    paint.set_color(Color::from_rgba8(colour.0, colour.1, colour.2, alpha));
    paint
}

/// The areas of a run's glyphs: with their own colours, if they have some.
pub fn areas(run: &Run, to: Transform) -> Vec<(Path, Option<Colour>)> {
    let Some(font) = face(&run.font) else { return Vec::new() };
    let em = f32::from(font.metrics(Size::unscaled(), LocationRef::default()).units_per_em);
    let scale = run.size / em;
    let mut x = run.x;
    let mut areas = Vec::new();
    for glyph in &run.glyphs {
        let to = to.pre_translate(x + glyph.dx, -glyph.dy).pre_scale(scale, -scale);
        let placed = |(path, own): (Path, Option<Colour>)| Some((path.transform(to)?, own));
        areas.extend(outlines(&font, glyph.id).into_iter().filter_map(placed));
        x += glyph.advance;
    }
    areas
}

fn face(font: &FontData) -> Option<FontRef<'_>> {
    FontRef::from_index(font.data.data(), font.index).ok()
}

/// The areas of a glyph, in the font's units and upwards: with their own colours, if it has some.
fn outlines(font: &FontRef<'_>, id: u32) -> Vec<(Path, Option<Colour>)> {
    let id = GlyphId::new(id);
    if let Some(coloured) = font.color_glyphs().get(id) {
        let mut layers = Layers { font, found: Vec::new() };
        if coloured.paint(LocationRef::default(), &mut layers).is_ok() {
            return layers.found;
        }
    }
    outline(font, id).map(|path| (path, None)).into_iter().collect()
}

fn outline(font: &FontRef<'_>, id: GlyphId) -> Option<Path> {
    let mut pen = Pen(PathBuilder::new());
    let glyph = font.outline_glyphs().get(id)?;
    let settings = DrawSettings::unhinted(Size::unscaled(), LocationRef::default());
    glyph.draw(settings, &mut pen).ok()?;
    pen.0.finish()
}

struct Pen(PathBuilder);

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to(x, y);
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.0.quad_to(cx, cy, x, y);
    }

    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        self.0.cubic_to(ax, ay, bx, by, x, y);
    }

    fn close(&mut self) {
        self.0.close();
    }
}

/// Takes the layers of a coloured glyph: outlines in plain colours, which is all that the emoji have.
struct Layers<'a> {
    font: &'a FontRef<'a>,
    found: Vec<(Path, Option<Colour>)>,
}

impl ColorPainter for Layers<'_> {
    fn fill_glyph(
        &mut self,
        glyph: GlyphId,
        _transform: Option<skrifa::color::Transform>,
        brush: Brush<'_>,
    ) {
        let Brush::Solid { palette_index, alpha } = brush else { return };
        let palettes = self.font.color_palettes();
        let colours = palettes.get(0);
        let colour =
            colours.as_ref().and_then(|palette| palette.colors().get(usize::from(palette_index)));
        let colour =
            colour.map(|c| Colour(c.red, c.green, c.blue, f32::from(c.alpha) / 255.0 * alpha));
        self.found.extend(outline(self.font, glyph).map(|path| (path, colour)));
    }

    fn push_transform(&mut self, _transform: skrifa::color::Transform) {}

    fn pop_transform(&mut self) {}

    fn push_clip_glyph(&mut self, _glyph: GlyphId) {}

    fn push_clip_box(&mut self, _area: skrifa::metrics::BoundingBox) {}

    fn pop_clip(&mut self) {}

    fn fill(&mut self, _brush: Brush<'_>) {}

    fn push_layer(&mut self, _mode: CompositeMode) {}
}
