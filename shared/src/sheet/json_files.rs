//! Files of JSON: an object a line, a list, objects one after another, or a whole request of
//! `POST /credentials/issue`.

use super::{
    fault::SheetFault,
    splitting::Shape,
    terms::{List, Terms},
};
use crate::domain::{
    encoding::Encoding,
    fields::{Fields, InvalidBody},
    ids::TemplateId,
    text::MAX_TEXT,
    upload::Kind,
};

/// A file of JSON, by its first bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Json {
    pub kind: Kind,
    pub shape: Option<Shape>,
    /// Where its first row begins, in bytes.
    pub start: usize,
    /// Whether it is a request, whose list of recipients begins there.
    pub request: bool,
}

/// Tells which it is.
pub(super) fn recognize(text: &[u8]) -> Json {
    let blanks = text.len() - text.trim_ascii_start().len();
    let json = text.get(blanks..).unwrap_or_default();
    if json.starts_with(b"[") {
        let (shape, start) = (Some(Shape::List), blanks + 1);
        return Json { kind: Kind::Json, shape, start, request: false };
    }
    if let Some(list) = list_of_recipients(json) {
        let (shape, start) = (Some(Shape::Request), blanks + list);
        return Json { kind: Kind::Json, shape, start, request: true };
    }
    match one_a_line(json) {
        true => Json { kind: Kind::JsonLines, shape: None, start: 0, request: false },
        false => Json { kind: Kind::Json, shape: Some(Shape::Sequence), start: 0, request: false },
    }
}

/// Whether the first object ends with its line, or another begins in the next.
fn one_a_line(json: &[u8]) -> bool {
    let (line, rest) = json
        .split_at_checked(memchr::memchr2(b'\r', b'\n', json).unwrap_or(json.len()))
        .unwrap_or((json, &[]));
    let mut scan = Scan { rest: line };
    let whole = scan.skip_value().is_some() && scan.peek().is_none();
    whole || rest.is_empty() || rest.trim_ascii_start().starts_with(b"{")
}

/// Where the list `recipients` of an object begins.
fn list_of_recipients(json: &[u8]) -> Option<usize> {
    let mut scan = Scan { rest: json };
    scan.expect(b'{')?;
    loop {
        let name = scan.text()?;
        scan.expect(b':')?;
        if name == b"recipients" {
            scan.expect(b'[')?;
            return Some(json.len() - scan.rest.len());
        }
        scan.skip_value()?;
        scan.expect(b',')?;
    }
}

/// Reads JSON as far as it is needed; none where it ends or is none.
struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.rest = self.rest.get(1..).unwrap_or_default())
    }

    /// A text, as it was written.
    fn text(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let mut escaped = false;
        for (at, byte) in self.rest.iter().enumerate() {
            match (byte, escaped) {
                (b'"', false) => {
                    let (text, rest) = self.rest.split_at_checked(at)?;
                    self.rest = rest.get(1..)?;
                    return Some(text);
                }
                (b'\\', false) => escaped = true,
                _ => escaped = false,
            }
        }
        None
    }

    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0_u32;
        loop {
            match self.peek()? {
                b'"' => {
                    self.text()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.rest = self.rest.get(1..)?;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.rest = self.rest.get(1..)?;
                }
                _ if depth > 0 => self.rest = self.rest.get(1..)?,
                _ => {
                    let ends = |b: &u8| b.is_ascii_whitespace() || b",}]".contains(b);
                    let end = self.rest.iter().position(ends)?;
                    self.rest = self.rest.get(end..)?;
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

/// Checks what a request says besides its recipients: the upload has decided it already.
pub(super) fn check_request(
    before: &[u8],
    after: &[u8],
    encoding: Encoding,
    terms: &Terms<'_>,
) -> Result<(), SheetFault> {
    let broken = |es: String, en: String| SheetFault::new("invalid_request", es, en);
    if terms.list == List::Members {
        return Err(broken(
            "El archivo es una petición de emisión, no una lista de miembros: envía solo la lista, entre [ y ]".to_owned(),
            "The file is a request to issue, not a list of members: send the list alone, between [ and ]".to_owned(),
        ));
    }
    let body = [before, b"]", after].concat();
    let body = encoding.text(&body).unwrap_or_default();
    let mut fields = Fields::of_body(body.as_bytes()).map_err(|_| {
        broken(
            "El archivo es una petición de emisión, pero lo que rodea a recipients no es JSON válido".to_owned(),
            "The file is a request to issue, but what surrounds recipients is no valid JSON".to_owned(),
        )
    })?;
    fields.take("recipients");
    if let Some(named) = fields.text("template_id", MAX_TEXT)
        && TemplateId::parse(&named).ok() != Some(terms.template_id)
    {
        return Err(SheetFault::new(
            "other_template",
            "El archivo nombra otra plantilla (template_id) que la subida: elige esa, o quita template_id del archivo",
            "The file names another template (template_id) than the upload: choose that one, or remove template_id from the file",
        ));
    }
    let send_email = fields.boolean("send_email");
    if send_email.is_some_and(|send_email| send_email != terms.send_email) {
        return Err(broken(
            "El archivo y la subida no dicen lo mismo en send_email: quítalo del archivo, o indícalo en la subida".to_owned(),
            "The file and the upload disagree on send_email: remove it from the file, or give it with the upload".to_owned(),
        ));
    }
    fields.end().map_err(|faults| {
        let first = match &faults {
            InvalidBody::Fields(faults) => faults.listed().first(),
            _ => None,
        };
        let (es, en) = first.map_or((".", "."), |fault| (fault.es.as_str(), fault.en.as_str()));
        broken(
            format!("El archivo es una petición de emisión con un error: {es}"),
            format!("The file is a request to issue with a fault: {en}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_json_are_told_apart() {
        let cases: [(&str, Kind, Option<Shape>, usize, bool); 9] = [
            ("{\"email\":1}\n{\"email\":2}\n", Kind::JsonLines, None, 0, false),
            ("{\"email\":1}", Kind::JsonLines, None, 0, false),
            (" \n[\n{}]", Kind::Json, Some(Shape::List), 3, false),
            ("{\n \"email\": 1\n}\n", Kind::Json, Some(Shape::Sequence), 0, false),
            (
                "{\"template_id\":\"x\",\"recipients\":[{}]}",
                Kind::Json,
                Some(Shape::Request),
                33,
                true,
            ),
            (
                "{\n\"a\": {\"recipients\": [1]}, \"recipients\" : [",
                Kind::Json,
                Some(Shape::Request),
                44,
                true,
            ),
            // A broken line is that row's fault alone.
            ("{\"email\":\"a\n{\"email\":2}\n", Kind::JsonLines, None, 0, false),
            ("{\"email\":{\n{\"email\":2}\n", Kind::JsonLines, None, 0, false),
            ("{\"recipients\":1}\n", Kind::JsonLines, None, 0, false),
        ];
        for (text, kind, shape, start, request) in cases {
            assert_eq!(recognize(text.as_bytes()), Json { kind, shape, start, request }, "{text}");
        }
    }
}
