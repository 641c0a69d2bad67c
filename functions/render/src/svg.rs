//! A sheet as an SVG file with a signed document baked in (Open Badges 3.0 §5.3.2). Letters are areas: it needs no font.

use std::fmt::Write as _;

use resvg::tiny_skia::{Path, PathSegment, Transform};
use unicreda::domain::image::{ImageKind, data_url, svg_url};

use crate::{
    pixels::areas,
    sheet::{Colour, Fit, Node, Sheet},
    typesetting::{Piece, Run, Unknown},
};

/// The namespace of a baked credential.
const BADGES: &str = "https://purl.imsglobal.org/ob/v3p0";

/// Writes a sheet. The same arguments make the same bytes.
pub fn svg(sheet: &Sheet, title: &str, document: &str) -> String {
    let (width, height) = (sheet.width, sheet.height);
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:openbadges="{BADGES}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"><openbadges:credential><![CDATA["#
    );
    // What would end the section is divided between two.
    out.push_str(&document.replace("]]>", "]]]]><![CDATA[>"));
    out.push_str("]]></openbadges:credential><title>");
    out.push_str(&escaped(title));
    out.push_str("</title>");
    nodes(&mut out, &sheet.nodes);
    nodes(&mut out, &sheet.above);
    out.push_str("</svg>");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn nodes(out: &mut String, all: &[Node]) {
    for node in all {
        match node {
            Node::Tagged(_, inside) => nodes(out, inside),
            Node::Moved(t, inside) => {
                let numbers = [t.sx, t.ky, t.kx, t.sy, t.tx, t.ty].map(|n| format!("{n:.4}"));
                out.push_str(&format!(r#"<g transform="matrix({})">"#, numbers.join(" ")));
                nodes(out, inside);
                out.push_str("</g>");
            }
            Node::Fill(path, colour) => area(out, path, *colour),
            Node::Stroke(path, colour, width) => line(out, path, *colour, *width),
            Node::Text(line, x, y, colour) => {
                let to = Transform::from_translate(*x, *y);
                for piece in &line.pieces {
                    match piece {
                        Piece::Glyphs(run) => letters(out, run, to, *colour),
                        Piece::Unknown(letter) => unknown(out, letter, to, *colour),
                    }
                }
            }
            Node::Picture(kind, file, place, fit) => picture(out, *kind, file, *place, *fit),
            Node::Drawing(inside, inner, [x, y, side]) => out.push_str(&format!(
                r#"<svg x="{x}" y="{y}" width="{side}" height="{side}" viewBox="0 0 {inner} {inner}">{inside}</svg>"#
            )),
        }
    }
}

fn area(out: &mut String, path: &Path, colour: Colour) {
    let Colour(red, green, blue, opacity) = colour;
    out.push_str(&format!(r##"<path d="{}" fill="#{red:02x}{green:02x}{blue:02x}""##, data(path)));
    if opacity < 1.0 {
        out.push_str(&format!(r#" fill-opacity="{opacity:.3}""#));
    }
    out.push_str("/>");
}

fn line(out: &mut String, path: &Path, colour: Colour, width: f32) {
    let Colour(red, green, blue, opacity) = colour;
    out.push_str(&format!(
        r##"<path d="{}" fill="none" stroke="#{red:02x}{green:02x}{blue:02x}" stroke-opacity="{opacity:.3}" stroke-width="{width:.3}"/>"##,
        data(path)
    ));
}

fn letters(out: &mut String, run: &Run, to: Transform, colour: Colour) {
    for (path, own) in areas(run, to) {
        area(out, &path, own.unwrap_or(colour));
    }
}

fn unknown(out: &mut String, letter: &Unknown, to: Transform, colour: Colour) {
    let to = to.pre_translate(letter.x, 0.0);
    if let Some(path) = letter.outline().and_then(|path| path.transform(to)) {
        line(out, &path, colour, letter.line());
    }
    for (x, y, run) in &letter.digits {
        letters(out, run, to.pre_translate(*x, *y), colour);
    }
}

fn picture(out: &mut String, kind: ImageKind, file: &[u8], place: [f32; 4], fit: Fit) {
    let address = match kind {
        ImageKind::Png => data_url(file),
        ImageKind::Svg => svg_url(file),
    };
    let fit = match fit {
        Fit::Inside => "xMidYMid meet",
        Fit::Beginning => "xMinYMid meet",
        Fit::Standing => "xMidYMax meet",
        Fit::Covering => "xMidYMid slice",
        Fit::Stretched => "none",
    };
    let [x, y, width, height] = place;
    out.push_str(&format!(
        r#"<image x="{x}" y="{y}" width="{width}" height="{height}" preserveAspectRatio="{fit}" href="{address}"/>"#
    ));
}

/// A path as an attribute.
fn data(path: &Path) -> String {
    let mut data = String::new();
    for segment in path.segments() {
        // Writing to a text cannot fail.
        let _ = match segment {
            PathSegment::MoveTo(p) => write!(data, "M{:.2} {:.2}", p.x, p.y),
            PathSegment::LineTo(p) => write!(data, "L{:.2} {:.2}", p.x, p.y),
            PathSegment::QuadTo(a, p) => {
                write!(data, "Q{:.2} {:.2} {:.2} {:.2}", a.x, a.y, p.x, p.y)
            }
            PathSegment::CubicTo(a, b, p) => {
                write!(data, "C{:.2} {:.2} {:.2} {:.2} {:.2} {:.2}", a.x, a.y, b.x, b.y, p.x, p.y)
            }
            PathSegment::Close => write!(data, "z"),
        };
    }
    data
}

#[cfg(test)]
mod tests {
    use resvg::tiny_skia::Pixmap;

    use super::*;
    use crate::{
        drawing::{ACCENT, INK, picture_tree},
        fonts::Face,
        sheet::Align,
        typesetting::Style,
    };

    #[test]
    fn the_file_looks_as_the_pixels_do_and_carries_the_document() {
        let mut sheet = Sheet::new(200.0, 100.0, &[]);
        let style = Style { face: Face::Display, most: 40.0, least: 40.0, lines: 1 };
        let set = sheet.set("Añb \u{e000}", style, 200.0);
        sheet.text(&set, 10.0, 10.0, Align::Left, INK);
        sheet.frame(4.0, 4.0, 192.0, 92.0, 2.0, ACCENT);
        sheet.drawing(r#"<circle cx="5" cy="5" r="4"/>"#.to_owned(), 10.0, 150.0, 50.0, 40.0);
        let document = r#"{"name":"]]> & <b>"}"#;
        let file = svg(&sheet, "A & <b>", document);

        let drawn = crate::pixels::png(&sheet, 200).expect("pixels");
        let drawn = Pixmap::decode_png(&drawn).expect("pixels");
        let tree = picture_tree(file.as_bytes()).expect("a drawing");
        let mut again = Pixmap::new(200, 100).expect("pixels");
        resvg::render(&tree, Transform::identity(), &mut again.as_mut());
        let pairs = drawn.data().iter().zip(again.data());
        let far = pairs.filter(|(a, b)| a.abs_diff(**b) > 40).count();
        assert!(far < 40, "{far} bytes differ");
        assert!(drawn.data().iter().filter(|byte| **byte > 200).count() > 1_000);

        let (_, rest) = file.split_once("<openbadges:credential><![CDATA[").expect("its begin");
        let (inside, _) = rest.split_once("]]></openbadges:credential>").expect("its end");
        assert_eq!(inside.replace("]]]]><![CDATA[>", "]]>"), document);
    }
}
