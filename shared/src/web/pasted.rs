//! Addresses as people paste them: with the full stop of the sentence, the bracket or the quotation
//! mark behind them, with a slash at the end, in capitals.

use crate::{
    domain::ids::CredentialId,
    http::routes::{Access, ROUTES},
};

/// The length of a credential's id.
const ID: usize = 36;

/// The credential that a text names with something around its id; `None` if the text is an id, or
/// names none.
pub fn credential(text: &str) -> Option<CredentialId> {
    let text = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    let (id, rest) = (text.get(..ID)?, text.get(ID..)?);
    let apart = rest.chars().next().is_some_and(|c| !c.is_alphanumeric() && !"-_".contains(c));
    CredentialId::parse(id).ok().filter(|_| apart)
}

/// A text without the signs at its end that no id and no token has.
pub fn trimmed(text: &str) -> &str {
    text.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)))
}

/// The public path that an unknown path means: without slashes too many and signs at its end, its words
/// in their own letters. `None` if it means none, or is that path.
pub fn path(path: &str) -> Option<String> {
    let mut segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    while let Some(last) = segments.pop() {
        let last = without_signs(last);
        if !last.is_empty() {
            segments.push(last);
            break;
        }
    }
    if segments.is_empty() {
        return (path.len() > 1 && path.bytes().all(|byte| byte == b'/')).then(|| "/".to_owned());
    }
    let public = ROUTES.iter().filter(|r| r.access == Access::Public && r.method == "GET");
    let meant = public.filter_map(|route| {
        let wanted: Vec<&str> = route.path.split('/').skip(1).collect();
        let parameters = wanted.iter().filter(|segment| segment.starts_with('{')).count();
        let same = wanted.len() == segments.len()
            && wanted
                .iter()
                .zip(&segments)
                .all(|(wanted, have)| wanted.starts_with('{') || wanted.eq_ignore_ascii_case(have));
        let written = wanted.iter().zip(&segments).map(|(wanted, have)| {
            let value = if wanted.starts_with('{') { have } else { wanted };
            format!("/{value}")
        });
        same.then(|| (parameters, written.collect::<String>()))
    });
    let (_, meant) = meant.min_by_key(|(parameters, _)| *parameters)?;
    (meant != path).then_some(meant)
}

/// A segment of a path without signs at its end, encoded ones too.
fn without_signs(segment: &str) -> &str {
    let mut rest = segment;
    loop {
        let bare = trimmed(rest);
        let sign = bare.len().checked_sub(3).and_then(|at| bare.split_at_checked(at));
        let byte = sign.and_then(|(_, end)| u8::from_str_radix(end.strip_prefix('%')?, 16).ok());
        match (sign, byte) {
            (Some((before, _)), Some(byte)) if !byte.is_ascii_alphanumeric() => rest = before,
            _ => return bare,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "7a8b9c0d-1e2f-8a4b-8c6d-7e8f9a0b1c2d";

    #[test]
    fn what_stands_around_an_id_is_no_part_of_it() {
        let id = CredentialId::parse(TEXT).expect("an id");
        for end in [".", ",", ")", ">", "”", "».", "\u{200b}", "…", " ", "?lang=es", "*", "'"]
        {
            assert_eq!(credential(&format!("{TEXT}{end}")), Some(id), "{end}");
        }
        assert_eq!(credential(&format!("<{TEXT}>")), Some(id));
        let (longer, short) = (format!("{TEXT}x"), &TEXT[..30]);
        for other in [TEXT, longer.as_str(), short, "", "ñ", "no-id", &"é".repeat(40)] {
            assert_eq!(credential(other), None, "{other}");
        }
    }

    #[test]
    fn a_path_leads_to_the_one_that_it_means() {
        let page = format!("/credential/{TEXT}");
        for wrong in [
            format!("{page}/"),
            format!("/{page}//"),
            format!("/CREDENTIAL/{TEXT}"),
            format!("/Credential/{TEXT}/."),
            format!("{page}/%20"),
            format!("{page}/%E2%80%9D"),
        ] {
            assert_eq!(path(&wrong).as_deref(), Some(page.as_str()), "{wrong}");
        }
        let pdf = format!("{page}/certificate.pdf");
        assert_eq!(path(&format!("{page}/Certificate.PDF).")), Some(pdf.clone()));
        assert_eq!(path("/Console/").as_deref(), Some("/console"));
        assert_eq!(path("/wallet/demo.live.aB/").as_deref(), Some("/wallet/demo.live.aB"));
        assert_eq!(path("//").as_deref(), Some("/"));
        for same in
            ["/", "/nada", "/api/v1/jobs/", "/credential", &page, &pdf, "/%", "/%00", "/é/%zz"]
        {
            assert_eq!(path(same), None, "{same}");
        }
    }
}
