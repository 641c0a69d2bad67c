use super::*;

/// A drawing of these elements.
fn drawing(inside: &str) -> String {
    format!(r#"<svg xmlns="{NAMESPACE}" viewBox="0 0 300 100">{inside}</svg>"#)
}

fn kept(inside: &str) -> String {
    let svg = Svg::read(drawing(inside).as_bytes()).expect("a drawing");
    let again = Svg::read(svg.bytes()).expect("a drawing");
    assert_eq!(again, svg, "the same when it is read again");
    let text = String::from_utf8(svg.bytes().to_vec()).expect("UTF-8");
    let (_, inside) = text.split_once('>').expect("a root");
    inside.strip_suffix("</svg>").expect("its end").to_owned()
}

#[test]
fn what_draws_is_written_anew_and_nothing_else() {
    for (sent, written) in [
        (r#"<path d='M0 0h9' onclick="x" class="a"/>"#, r#"<path d="M0 0h9"/>"#),
        (
            r#"<g><!-- a --><title>b</title> <rect width="9" height="9"/></g>"#,
            r#"<g><rect width="9" height="9"/></g>"#,
        ),
        (r#"<script>x</script><line x1="1"/>"#, r#"<line x1="1"/>"#),
        (
            r#"<path style="fill: #fff; d: x; font: y; stroke-width:2" stroke-width="1" d="M0 0"/>"#,
            r##"<path d="M0 0" fill="#fff" stroke-width="2"/>"##,
        ),
        (
            r#"<linearGradient id="a"/><path fill="url( '#a' )"/>"#,
            r##"<linearGradient id="a"/><path fill="url(#a)"/>"##,
        ),
        (
            r##"<radialGradient xmlns:xlink="l" id="b" xlink:href="#a"/><linearGradient id="a"/><path/>"##,
            r##"<radialGradient id="b" href="#a"/><linearGradient id="a"/><path/>"##,
        ),
        (r#"<path id="ñ" filter="none"/>"#, "<path/>"),
        (r#"<path d="M1e-9 0"/>"#, r#"<path d="M1e-9 0"/>"#),
    ] {
        assert_eq!(kept(sent), written, "{sent}");
    }
}

#[test]
fn the_size_is_that_of_the_view_box_or_of_the_sides() {
    let of = |root: &str| {
        let svg = format!(r#"<svg xmlns="{NAMESPACE}" {root}><path/></svg>"#);
        Svg::read(svg.as_bytes()).map(|svg| svg.size())
    };
    for (root, size) in [
        (r#"viewBox="0,0 80.5 30" width="80mm""#, Some((81, 30))),
        (r#"viewBox="-40 -15 80 30""#, Some((80, 30))),
        (r#"width="300px" height="100""#, Some((300, 100))),
        (r#"width="80mm" height="30mm""#, None),
        (r#"viewBox="0 0 80""#, None),
        (r#"viewBox="0 0 0.5 30""#, None),
        (r#"viewBox="0 0 10001 30""#, None),
        (r#"viewBox="1e9 0 80 30""#, None),
        ("", None),
    ] {
        assert_eq!(of(root), size.ok_or(SvgFault::Size), "{root}");
    }
}

#[test]
fn the_number_of_elements_is_bounded_at_its_limit() {
    let of = |count: usize| Svg::read(drawing(&"<path/>".repeat(count)).as_bytes());
    assert!(of(MAX_ELEMENTS - 1).is_ok());
    assert_eq!(of(MAX_ELEMENTS), Err(SvgFault::TooComplex("elements")));
    let deep = |levels: usize| {
        let inside = format!("{}<path/>{}", "<g>".repeat(levels), "</g>".repeat(levels));
        Svg::read(drawing(&inside).as_bytes())
    };
    assert!(deep(MAX_DEPTH - 2).is_ok());
    assert_eq!(deep(MAX_DEPTH), Err(SvgFault::TooComplex("depth")));
    let large = format!("<path d=\"M{}\"/>", "0 0 ".repeat(MAX_SVG / 4));
    assert_eq!(Svg::read(drawing(&large).as_bytes()), Err(SvgFault::TooLarge));
}
