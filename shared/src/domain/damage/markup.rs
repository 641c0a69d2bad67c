//! Tags of HTML in a text that is shown as it is: `<b>Ana</b>`.

use super::Kind;

/// Elements that programs write into texts. Whatever else stands between `<` and `>` may be meant.
const ELEMENTS: [&str; 32] = [
    "a", "b", "big", "body", "br", "center", "code", "div", "em", "font", "h1", "h2", "h3", "hr",
    "html", "i", "img", "li", "ol", "p", "pre", "s", "script", "small", "span", "strong", "style",
    "sub", "sup", "td", "u", "ul",
];

/// A text without its tags; none if it has none. Prose and codes can speak of them.
pub(super) fn without_tags(text: &str, kind: Kind) -> Option<String> {
    if !matches!(kind, Kind::Name | Kind::Words) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut found = false;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        match after.split_once('>').filter(|(tag, _)| is_tag(tag)) {
            Some((_, behind)) => {
                found = true;
                out.push(' ');
                rest = behind;
            }
            None => {
                out.push('<');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    found.then(|| out.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Whether what stands between `<` and `>` is the name of an element, and perhaps attributes.
fn is_tag(inner: &str) -> bool {
    let inner = inner.strip_prefix('/').unwrap_or(inner);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let (name, attributes) = inner.split_once(' ').unwrap_or((inner, ""));
    ELEMENTS.contains(&name.to_ascii_lowercase().as_str())
        && (attributes.trim().is_empty() || attributes.contains('=') || attributes.trim() == "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_from_other_things_in_angle_brackets() {
        for (text, meant) in [
            ("<b>Ana Pérez</b>", "Ana Pérez"),
            ("Ana<br>Pérez", "Ana Pérez"),
            ("Ana<BR/>Pérez", "Ana Pérez"),
            ("<p class=\"x\">Ana</p>", "Ana"),
            ("<font color=red>Ana</font> <3", "Ana <3"),
            ("<script>alert(1)</script>", "alert(1)"),
        ] {
            assert_eq!(without_tags(text, Kind::Name).as_deref(), Some(meant), "{text}");
        }
        for text in ["Ana <ana@x.cl>", "<NA>", "a < b > c", "<3", "<Ana>", "x<y", "<b", "<b c>"] {
            assert_eq!(without_tags(text, Kind::Name), None, "{text}");
        }
        assert_eq!(without_tags("Uso de <b>", Kind::Prose), None);
    }
}
