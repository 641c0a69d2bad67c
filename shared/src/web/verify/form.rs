//! The form of `/verify`, as browsers send it: with a file (`multipart/form-data`, RFC 7578), or without
//! (`application/x-www-form-urlencoded`).

use memchr::memmem;

/// Most parts that are read.
const PARTS: usize = 16;

/// What a form has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form<'a> {
    /// The content of its file; empty if none was chosen.
    pub file: &'a [u8],
    /// Its text.
    pub text: String,
}

impl<'a> Form<'a> {
    /// Reads a body; none if it is of another media type or has no parts.
    pub fn read(media_type: &str, body: &'a [u8]) -> Option<Self> {
        let (kind, parameters) = media_type.split_once(';').unwrap_or((media_type, ""));
        match kind.trim().to_ascii_lowercase().as_str() {
            "multipart/form-data" => Self::of_parts(boundary(parameters)?, body),
            "application/x-www-form-urlencoded" => {
                let mut pairs = url::form_urlencoded::parse(body).take(PARTS);
                let text = pairs.find(|(name, _)| name == "text");
                let text = text.map(|(_, text)| text.into_owned()).unwrap_or_default();
                Some(Self { file: &[], text })
            }
            _ => None,
        }
    }

    fn of_parts(boundary: &str, body: &'a [u8]) -> Option<Self> {
        let first = format!("--{boundary}");
        let next = format!("\r\n--{boundary}");
        let mut form = Self::default();
        let mut rest = body.get(memmem::find(body, first.as_bytes())? + first.len()..)?;
        for _ in 0..PARTS {
            // Of a body that breaks off, the last part is left out.
            let Some(end) = memmem::find(rest, next.as_bytes()) else { break };
            let part = rest.get(..end).unwrap_or_default();
            if let Some(head) = memmem::find(part, b"\r\n\r\n") {
                let content = part.get(head + 4..).unwrap_or_default();
                match name_in(part.get(..head).unwrap_or_default()).as_deref() {
                    Some("file") => form.file = content,
                    Some("text") => form.text = String::from_utf8_lossy(content).into_owned(),
                    _ => {}
                }
            }
            rest = rest.get(end + next.len()..).unwrap_or_default();
        }
        Some(form)
    }
}

/// The parameter `boundary` of a media type.
fn boundary(parameters: &str) -> Option<&str> {
    let named = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let (_, value) =
        named.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))?;
    let value = value.trim().trim_matches('"');
    (1..=70).contains(&value.len()).then_some(value)
}

/// The name of a part, by its headers.
fn name_in(headers: &[u8]) -> Option<String> {
    let headers = String::from_utf8_lossy(headers);
    let line = headers.lines().find(|line| {
        let name = line.split(':').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("content-disposition")
    })?;
    let named = line.split(';').filter_map(|parameter| parameter.trim().split_once('='));
    let (_, value) = named.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("name"))?;
    Some(value.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=----WebKitFormBoundaryAbC";

    fn parts(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (head, content) in parts {
            body.extend_from_slice(b"------WebKitFormBoundaryAbC\r\n");
            body.extend_from_slice(
                format!("Content-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
            );
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"------WebKitFormBoundaryAbC--\r\n");
        body
    }

    #[test]
    fn a_form_is_read_as_browsers_send_it() {
        let file = b"%PDF-1.7\r\n\r\n--\x00\xff\r\n--x\r\n";
        let named =
            "name=\"file\"; filename=\"acta; name=text.pdf\"\r\nContent-Type: application/pdf";
        let body = parts(&[(named, file), ("name=\"text\"", "Ñandú\r\n".as_bytes())]);
        let form = Form::read(KIND, &body).expect("a form");
        assert_eq!((form.file, form.text.as_str()), (&file[..], "Ñandú\r\n"));
        let empty = parts(&[("name=\"file\"; filename=\"\"", b""), ("name=\"text\"", b"x")]);
        assert_eq!(Form::read(KIND, &empty), Some(Form { file: b"", text: "x".to_owned() }));
        let text = "text=https%3A%2F%2Fu.edu%2Fcredential%2Fx+%C3%B1&b=1";
        let form = Form::read("application/x-www-form-urlencoded; charset=UTF-8", text.as_bytes());
        assert_eq!(form.expect("a form").text, "https://u.edu/credential/x ñ");
    }

    #[test]
    fn what_is_no_form_is_told() {
        let body = parts(&[("name=\"text\"", b"x")]);
        for kind in
            ["", "application/json", "multipart/form-data", "multipart/form-data; boundary=\"\""]
        {
            assert_eq!(Form::read(kind, &body), None, "{kind}");
        }
        assert_eq!(Form::read("multipart/form-data; boundary=other", &body), None);
        for end in 0..body.len() {
            // Whatever breaks off is read without its last part, or is no form.
            let form = Form::read(KIND, &body[..end]);
            assert!(form.is_none_or(|form| form.text.is_empty() || form.text == "x"), "{end}");
        }
    }
}
