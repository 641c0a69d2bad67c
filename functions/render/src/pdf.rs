//! A sheet as one page of PDF: PDF/A-3 for archives and PDF/UA-1 for people who hear it, with a file attached.

use std::collections::HashMap;

use jiff::civil::Date;
use krilla::{
    Document, SerializeSettings,
    action::{Action, LinkAction},
    annotation::{Annotation, LinkAnnotation, Target},
    color::rgb,
    configure::{Accessibility, Archival, ConfigurationBuilder},
    destination::XyzDestination,
    embed::{AssociationKind, EmbeddedFile, MimeType},
    error::KrillaError,
    geom::{PathBuilder, Point, Rect, Size, Transform},
    image::Image,
    metadata::{DateTime, Metadata},
    num::NormalizedF32,
    outline::{Outline, OutlineNode},
    page::{Page, PageSettings},
    paint::{Fill, FillRule, Stroke},
    surface::Surface,
    tagging::{
        Artifact, ContentTag, Identifier, ListNumbering, SpanTag, Tag, TagGroup, TagKind, TagTree,
    },
    text::{Font, GlyphId, KrillaGlyph},
};
use krilla_svg::{SurfaceExt, SvgSettings};
use resvg::tiny_skia::{Path, PathSegment, Transform as SkiaTransform};

use crate::{
    drawing::{DrawError, tree},
    sheet::{Colour, Node, Role, Sheet, fitted},
    typesetting::{Line, Piece, Run, Unknown},
};

/// What a document says of itself, and carries.
pub struct About<'a> {
    /// Its title.
    pub title: String,
    /// Who stands behind it.
    pub author: String,
    /// Its language, as a tag.
    pub language: &'a str,
    /// Its day.
    pub date: Date,
    /// Its id.
    pub id: String,
    /// The attached file: name, media type, words about it, bytes.
    pub attached: (String, &'static str, &'static str, &'a [u8]),
}

/// Writes a sheet. The same arguments make the same bytes.
///
/// # Errors
/// When it does not conform to its standards, which is a fault of the service.
pub fn pdf(sheet: &Sheet, about: &About<'_>) -> Result<Vec<u8>, DrawError> {
    let failed = |error: KrillaError| DrawError::Pdf(format!("{error:?}"));
    match write(sheet, about, false)? {
        Ok(bytes) => Ok(bytes),
        // Glyphs for which the standards find no letters. As outlines, the line says its letters.
        Err(KrillaError::Validation(errors)) => {
            let first = errors.first().map(|error| format!("{error:?}"));
            tracing::warn!(?first, "text drawn as outlines");
            write(sheet, about, true)?.map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}

fn write(
    sheet: &Sheet,
    about: &About<'_>,
    outlined: bool,
) -> Result<Result<Vec<u8>, KrillaError>, DrawError> {
    let broken = |what: &str| DrawError::Pdf(what.to_owned());
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A3_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| DrawError::Pdf(format!("{error:?}")))?;
    let settings =
        SerializeSettings { configuration, enable_tagging: true, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    let size = Size::from_wh(sheet.width, sheet.height).ok_or_else(|| broken("size"))?;
    let mut page = document.start_page_with(PageSettings::new(size));
    let mut writer = Writer { fonts: HashMap::new(), outlined };
    let mut surface = page.surface();
    let nodes = writer.nodes(&sheet.nodes, &mut surface, false)?;
    let mut parts = writer.nodes(&sheet.above, &mut surface, false)?;
    surface.finish();
    parts.extend(nodes);
    let mut tags = TagTree::new().with_lang(Some(about.language.to_owned()));
    for part in parts {
        match part {
            Part::Content(id) => tags.push(id),
            part => tags.push(group(part, &mut page)?),
        }
    }
    page.finish();
    document.set_tag_tree(tags);
    let mut outline = Outline::new();
    let top = XyzDestination::new(0, Point::from_xy(0.0, 0.0));
    outline.push_child(OutlineNode::new(about.title.clone(), top));
    document.set_outline(outline);
    describe(&mut document, about).ok_or_else(|| broken("attachment"))?;
    Ok(document.finish())
}

fn describe(document: &mut Document, about: &About<'_>) -> Option<()> {
    let date = date_time(about.date);
    document.set_metadata(
        Metadata::new()
            .title(about.title.clone())
            .authors(vec![about.author.clone()])
            .language(about.language.to_owned())
            .creation_date(date)
            .document_id(about.id.clone()),
    );
    let (name, media_type, words, data) = &about.attached;
    document.embed_file(EmbeddedFile {
        path: name.clone(),
        mime_type: MimeType::new(media_type),
        description: Some((*words).to_owned()),
        association_kind: AssociationKind::Source,
        data: data.to_vec().into(),
        modification_date: Some(date),
        compress: None,
        location: None,
    })
}

fn date_time(date: Date) -> DateTime {
    let of = |n: i8| u8::try_from(n).unwrap_or(1);
    DateTime::new(u16::try_from(date.year()).unwrap_or(1970))
        .month(of(date.month()))
        .day(of(date.day()))
        .hour(0)
        .minute(0)
        .second(0)
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

/// A part of the tree of roles. Links are put on a page when its drawing is finished.
enum Part {
    Content(Identifier),
    Group(TagKind, Vec<Part>),
    Link(String, String, [f32; 4], Vec<Part>),
}

fn group(part: Part, page: &mut Page<'_>) -> Result<TagGroup, DrawError> {
    let (mut group, parts) = match part {
        // Only the parts of a group are content.
        Part::Content(id) => return Ok(TagGroup::with_children(Tag::P, vec![id.into()])),
        Part::Group(kind, parts) => (TagGroup::new(kind), parts),
        Part::Link(url, words, [x, y, width, height], parts) => {
            let place = Rect::from_xywh(x, y, width, height);
            let place = place.ok_or_else(|| DrawError::Pdf("place of a link".to_owned()))?;
            let target = Target::Action(Action::Link(LinkAction::new(url)));
            let link = Annotation::new_link(LinkAnnotation::new(place, target), Some(words));
            let mut group = TagGroup::new(Tag::Link);
            group.push(page.add_tagged_annotation(link));
            (group, parts)
        }
    };
    for part in parts {
        match part {
            Part::Content(id) => group.push(id),
            part => group.push(self::group(part, page)?),
        }
    }
    Ok(group)
}

struct Writer {
    fonts: HashMap<(u64, u32), Option<Font>>,
    /// Whether glyphs are drawn as areas.
    outlined: bool,
}

impl Writer {
    fn nodes(
        &mut self,
        nodes: &[Node],
        surface: &mut Surface<'_>,
        tagged: bool,
    ) -> Result<Vec<Part>, DrawError> {
        let mut parts = Vec::new();
        for node in nodes {
            match node {
                Node::Tagged(role, nodes) => {
                    let inside = self.nodes(nodes, surface, true)?;
                    parts.push(part(role, inside));
                }
                Node::Moved(transform, nodes) => {
                    surface.push_transform(&transformed(*transform));
                    let inside = self.nodes(nodes, surface, tagged);
                    surface.pop();
                    parts.extend(inside?);
                }
                Node::Text(line, x, y, colour) => {
                    surface.push_transform(&Transform::from_translate(*x, *y));
                    self.line(line, *colour, surface, tagged, &mut parts);
                    surface.pop();
                }
                shape => {
                    let content = if tagged {
                        ContentTag::Other
                    } else {
                        ContentTag::Artifact(Artifact::default())
                    };
                    let id = surface.start_tagged(content);
                    let drawn = shape_of(shape, surface);
                    surface.end_tagged();
                    drawn?;
                    if tagged {
                        parts.push(Part::Content(id));
                    }
                }
            }
        }
        Ok(parts)
    }

    /// Draws a line of text.
    fn line(
        &mut self,
        line: &Line,
        colour: Colour,
        surface: &mut Surface<'_>,
        tagged: bool,
        parts: &mut Vec<Part>,
    ) {
        surface.set_stroke(None);
        surface.set_fill(Some(fill(colour)));
        let words = line.text.get(line.range.clone()).unwrap_or_default();
        for piece in &line.pieces {
            let letter;
            let span = match piece {
                Piece::Glyphs(_) if self.outlined => SpanTag::empty().with_actual_text(Some(words)),
                Piece::Glyphs(_) => SpanTag::empty(),
                Piece::Unknown(unknown) => {
                    letter = unknown.letter.to_string();
                    SpanTag::empty().with_actual_text(Some(&letter))
                }
            };
            let content = if tagged {
                ContentTag::Span(span)
            } else {
                ContentTag::Artifact(Artifact::default())
            };
            let id = surface.start_tagged(content);
            match piece {
                Piece::Glyphs(run) => self.run(run, &line.text, self.outlined, surface),
                Piece::Unknown(unknown) => self.unknown(unknown, colour, surface),
            }
            surface.end_tagged();
            if tagged {
                parts.push(Part::Content(id));
            }
        }
    }

    fn run(&mut self, run: &Run, text: &str, outlined: bool, surface: &mut Surface<'_>) {
        let (data, id) = run.font.data.clone().into_raw_parts();
        let font = self.fonts.entry((id, run.font.index));
        let font = font.or_insert_with(|| Font::new(data.into(), run.font.index));
        let Some(font) = font.clone() else { return };
        let size = run.size;
        let glyphs: Vec<KrillaGlyph> = run
            .glyphs
            .iter()
            .map(|glyph| {
                let (advance, dx, dy) = (glyph.advance / size, glyph.dx / size, glyph.dy / size);
                KrillaGlyph::new(
                    GlyphId::new(glyph.id),
                    advance,
                    dx,
                    dy,
                    0.0,
                    glyph.range.clone(),
                    None,
                )
            })
            .collect();
        surface.draw_glyphs(Point::from_xy(run.x, 0.0), &glyphs, font, text, size, outlined);
    }

    fn unknown(&mut self, unknown: &Unknown, colour: Colour, surface: &mut Surface<'_>) {
        surface.push_transform(&Transform::from_translate(unknown.x, 0.0));
        if let Some(path) = unknown.outline().and_then(|path| path_of(&path)) {
            surface.set_fill(None);
            surface.set_stroke(Some(stroke(colour, unknown.line())));
            surface.draw_path(&path);
            surface.set_stroke(None);
            surface.set_fill(Some(fill(colour)));
        }
        for (x, y, run) in &unknown.digits {
            surface.push_transform(&Transform::from_translate(*x, *y));
            self.run(run, "", true, surface);
            surface.pop();
        }
        surface.pop();
    }
}

/// The role of parts, as PDF names it.
fn part(role: &Role, parts: Vec<Part>) -> Part {
    let kind = match role {
        Role::Heading(level, words) => {
            let level = std::num::NonZeroU16::new(*level).unwrap_or(std::num::NonZeroU16::MIN);
            Tag::Hn(level, Some(words.clone())).into()
        }
        Role::Paragraph => Tag::P.into(),
        Role::List => Tag::L(ListNumbering::None).into(),
        Role::Item => Tag::LI.into(),
        Role::Label => Tag::Lbl.into(),
        Role::Body => Tag::LBody.into(),
        Role::Figure(words) => Tag::Figure(Some(words.clone())).into(),
        Role::Link(url, words, place) => {
            return Part::Link(url.clone(), words.clone(), *place, parts);
        }
    };
    Part::Group(kind, parts)
}

/// Draws what is no text.
fn shape_of(node: &Node, surface: &mut Surface<'_>) -> Result<(), DrawError> {
    match node {
        Node::Fill(path, colour) => {
            if let Some(path) = path_of(path) {
                surface.set_stroke(None);
                surface.set_fill(Some(fill(*colour)));
                surface.draw_path(&path);
            }
        }
        Node::Stroke(path, colour, width) => {
            if let Some(path) = path_of(path) {
                surface.set_fill(None);
                surface.set_stroke(Some(stroke(*colour, *width)));
                surface.draw_path(&path);
            }
        }
        Node::Picture(png, place) => {
            let image = Image::from_png(png.to_vec().into(), false).map_err(DrawError::Image)?;
            let [x, y, width, height] = fitted(image.size(), *place);
            let size = Size::from_wh(width, height);
            surface.push_transform(&Transform::from_translate(x, y));
            if let Some(size) = size {
                surface.draw_image(image, size);
            }
            surface.pop();
        }
        Node::Drawing(svg, inner, [x, y, side]) => {
            let tree = tree(svg, *inner)?;
            surface.push_transform(&Transform::from_translate(*x, *y));
            if let Some(size) = Size::from_wh(*side, *side) {
                surface.draw_svg(&tree, size, SvgSettings::default());
            }
            surface.pop();
        }
        Node::Tagged(..) | Node::Moved(..) | Node::Text(..) => {}
    }
    Ok(())
}

fn transformed(t: SkiaTransform) -> Transform {
    Transform::from_row(t.sx, t.ky, t.kx, t.sy, t.tx, t.ty)
}

fn opacity(colour: Colour) -> NormalizedF32 {
    NormalizedF32::new(colour.3.clamp(0.0, 1.0)).unwrap_or(NormalizedF32::ONE)
}

fn fill(colour: Colour) -> Fill {
    let paint = rgb::Color::new(colour.0, colour.1, colour.2).into();
    Fill { paint, opacity: opacity(colour), rule: FillRule::NonZero }
}

fn stroke(colour: Colour, width: f32) -> Stroke {
    let paint = rgb::Color::new(colour.0, colour.1, colour.2).into();
    Stroke { paint, opacity: opacity(colour), width, ..Stroke::default() }
}

fn path_of(path: &Path) -> Option<krilla::geom::Path> {
    let mut built = PathBuilder::new();
    for segment in path.segments() {
        match segment {
            PathSegment::MoveTo(p) => built.move_to(p.x, p.y),
            PathSegment::LineTo(p) => built.line_to(p.x, p.y),
            PathSegment::QuadTo(a, p) => built.quad_to(a.x, a.y, p.x, p.y),
            PathSegment::CubicTo(a, b, p) => built.cubic_to(a.x, a.y, b.x, b.y, p.x, p.y),
            PathSegment::Close => built.close(),
        }
    }
    built.finish()
}
