//! What a client wants of an address that people and programs share (RFC 9110 §12.5.1).

use http::{HeaderMap, header};

/// The media type of pages, and what a browser names beside it and means the same.
const PAGE: &str = "text/html";
const PAGE_TOO: &str = "application/xhtml+xml";
/// The media types of a signed document; clients also name them with a profile.
const DOCUMENTS: [&str; 4] =
    ["application/json", "application/vc", "application/ld+json", "application/vc+ld+json"];

/// How well a client takes a media type: its weight, whether it is named rather than matched by a
/// wildcard, and how early it is named. More is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
struct Liking {
    weight: f32,
    exactness: u8,
    earliness: f32,
}

/// A range of media types in an `Accept` header.
struct Range {
    kind: String,
    weight: f32,
    earliness: f32,
}

impl Range {
    /// How exactly the range names a type: 0 if it does not hold it.
    fn exactness(&self, kind: &str) -> u8 {
        let class = self.kind.strip_suffix("/*");
        match class {
            _ if self.kind == kind => 3,
            Some("*") => 1,
            Some(class) if kind.split('/').next() == Some(class) => 2,
            _ => 0,
        }
    }
}

fn ranges(headers: &HeaderMap) -> Vec<Range> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut found = Vec::new();
    for part in values.flat_map(|value| value.split(',')) {
        let mut pieces = part.split(';').map(str::trim);
        let kind = pieces.next().unwrap_or_default().to_ascii_lowercase();
        let kind = if kind == PAGE_TOO { PAGE.to_owned() } else { kind };
        let weight = pieces.find_map(|piece| {
            let (name, value) = piece.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<f32>().ok())?
        });
        let weight = weight.filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(1.0);
        found.push(Range { kind, weight, earliness: -(found.len() as f32) });
    }
    found
}

/// How a client likes a type: as the most exact range says that holds it.
fn liking(ranges: &[Range], kind: &str) -> Liking {
    let holding = ranges.iter().filter(|range| range.exactness(kind) > 0);
    let of = |range: &Range| Liking {
        weight: range.weight,
        exactness: range.exactness(kind),
        earliness: range.earliness,
    };
    let best = holding.max_by(|a, b| {
        let key = |range: &Range| (range.exactness(kind), range.weight);
        key(a).partial_cmp(&key(b)).unwrap_or(std::cmp::Ordering::Equal)
    });
    best.map(of).unwrap_or_default()
}

/// The better of two likings, the first where they are equal.
fn best<'a>(ranges: &[Range], kinds: &[&'a str]) -> (Option<&'a str>, Liking) {
    let mut best = (None, Liking::default());
    for kind in kinds.iter().copied() {
        let liking = liking(ranges, kind);
        if liking.weight > 0.0 && (best.0.is_none() || liking > best.1) {
            best = (Some(kind), liking);
        }
    }
    best
}

/// Returns the media type of a document that a client prefers to a page; `None` for a page, also to a
/// client that says nothing or takes neither.
pub fn document(headers: &HeaderMap) -> Option<&'static str> {
    let ranges = ranges(headers);
    let (page, page_liking) = best(&ranges, &[PAGE]);
    let (kind, document_liking) = best(&ranges, &DOCUMENTS);
    kind.filter(|_| page.is_none() || document_liking > page_liking)
}

/// Whether a client prefers pixels to a PDF.
pub fn prefers_png(headers: &HeaderMap) -> bool {
    let (kind, _) = best(&ranges(headers), &["application/pdf", "image/png"]);
    kind == Some("image/png")
}

/// Whether a client asks for a page by its name, as browsers do and programs do not.
pub fn is_browser(headers: &HeaderMap) -> bool {
    let (page, liking) = best(&ranges(headers), &[PAGE]);
    page.is_some() && liking.exactness > 1 && document(headers).is_none()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(accept: &str) -> HeaderMap {
        let value = HeaderValue::from_str(accept).expect("a header");
        HeaderMap::from_iter([(header::ACCEPT, value)])
    }

    #[test]
    fn programs_get_the_document_as_they_ask_for_it() {
        for (accept, kind) in [
            ("application/json", "application/json"),
            ("application/vc", "application/vc"),
            ("application/vc+ld+json", "application/vc+ld+json"),
            ("APPLICATION/LD+JSON", "application/ld+json"),
            ("application/ld+json, */*;q=0.1", "application/ld+json"),
            // What JSON-LD processors send.
            (
                "application/ld+json;profile=\"http://www.w3.org/ns/json-ld#context\", application/ld+json;q=0.9, text/html;q=0.8, application/json;q=0.5",
                "application/ld+json",
            ),
            (
                "application/ld+json, application/json;q=0.9, text/plain;q=0.1",
                "application/ld+json",
            ),
            ("application/n-quads,application/ld+json;q=0.9,*/*;q=0.1", "application/ld+json"),
            // What axios sends.
            ("application/json, text/plain, */*", "application/json"),
            ("text/html;q=0.5, application/vc", "application/vc"),
            ("text/html; q=0.2 , application/json ; q=0.3", "application/json"),
            ("application/json, text/html", "application/json"),
            ("application/*", "application/json"),
            ("application/vc;q=0.8, application/json;q=0.9", "application/json"),
        ] {
            assert_eq!(document(&headers(accept)), Some(kind), "{accept}");
        }
    }

    #[test]
    fn people_get_the_page() {
        let chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7";
        for accept in [
            "",
            "*/*",
            chrome,
            "text/html, application/json",
            "application/json;q=0.9, text/html",
            "application/json;q=0, */*;q=0.1",
            "text/*, application/json;q=0.5",
            "image/png",
            "q=1;;,,/;*",
            "application/json;q=abc;q=0, text/html;q=9",
        ] {
            assert_eq!(document(&headers(accept)), None, "{accept}");
        }
        assert!(document(&HeaderMap::new()).is_none());
        assert!(is_browser(&headers(chrome)) && is_browser(&headers("text/html")));
        for program in ["", "*/*", "application/json", "application/json, text/html;q=0.9"] {
            assert!(!is_browser(&headers(program)), "{program}");
        }
    }

    #[test]
    fn two_lines_of_accept_are_one_list() {
        let mut headers = headers("text/html;q=0.1");
        headers.append(header::ACCEPT, HeaderValue::from_static("application/vc"));
        assert_eq!(document(&headers), Some("application/vc"));
    }
}
