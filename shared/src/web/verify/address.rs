//! The address of a credential in a text that somebody pasted.

use crate::domain::ids::CredentialId;

/// Length of a credential's id.
const ID: usize = 36;

/// What a text says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// The address or the id of a credential of this site.
    Credential(CredentialId),
    /// An address of another site.
    Foreign,
    /// An address of this site that is no credential's, or was cut off.
    NoCredential,
    /// Several addresses, not all of one credential.
    Several,
    /// Nothing of the kind.
    Nothing,
}

/// Looks for an address of this site, with words around it, in capitals, cut into lines, or without its
/// scheme; or for an id alone. What stands in an unbroken run of characters is one address, whose beginning
/// decides; of several addresses none is chosen.
pub(super) fn read(site_url: &str, text: &str) -> Address {
    let text = text.to_ascii_lowercase();
    // Mail programs and paper break addresses into lines.
    let joined: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let root = site_url.to_ascii_lowercase();
    let root = root.split_once("://").map_or("", |(_, root)| root);
    let path = format!("{root}/credential/");
    let runs: Vec<Run> = text.split_whitespace().filter_map(|run| Run::read(run, &path)).collect();
    let mut named = runs.iter().map(|run| run.credential);
    match (named.next(), named.all(|other| Some(other) == runs.first().map(|run| run.credential))) {
        (Some(_), false) => return Address::Several,
        (Some(Some(id)), true) => return Address::Credential(id),
        _ => {}
    }
    if let Some(id) = Run::read(&joined, &path).and_then(|run| run.credential) {
        return Address::Credential(id);
    }
    let alone = joined.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    match id_at(alone).filter(|_| alone.len() == ID) {
        Some(id) => Address::Credential(id),
        None if begins_with(alone, root) => Address::NoCredential,
        None if joined.contains("://") || joined.contains("/credential") => Address::Foreign,
        None => Address::Nothing,
    }
}

/// An address in a text: a run of characters without white space.
struct Run {
    /// The credential of this site that it names.
    credential: Option<CredentialId>,
}

impl Run {
    /// Reads a run that has a scheme, or begins with the path of this site's credentials.
    fn read(run: &str, path: &str) -> Option<Self> {
        let Some((before, address)) = run.split_once("://") else {
            let address = run.trim_start_matches(|c: char| !c.is_alphanumeric());
            let credential = address.strip_prefix(path).and_then(id_at);
            return credential.map(|id| Self { credential: Some(id) });
        };
        let around = before.strip_suffix("https").or_else(|| before.strip_suffix("http"));
        // Signs of an address before the scheme make it a part of another one.
        let begins = around.is_some_and(|around| !around.contains(['/', '\\', '?', '#', '@', '%']));
        let credential = address.strip_prefix(path).filter(|_| begins).and_then(id_at);
        Some(Self { credential })
    }
}

/// Whether a text is an address of this host, or the beginning of one.
fn begins_with(text: &str, root: &str) -> bool {
    let scheme = ["https://", "http://"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
    let rest = scheme.unwrap_or(text).strip_prefix(root);
    !root.is_empty()
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// The id at the beginning of a text, unless more letters follow.
fn id_at(text: &str) -> Option<CredentialId> {
    let (id, rest) = (text.get(..ID)?, text.get(ID..)?);
    let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || "-_%".contains(c));
    CredentialId::parse(id).ok().filter(|_| ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_as_people_paste_it() {
        let id = "7a8b9c0d-1e2f-8a4b-8c6d-7e8f9a0b1c2d";
        let site = "https://credenciales.u.edu:8443/C";
        let known = Address::Credential(CredentialId::parse(id).expect("an id"));
        for text in [
            format!("{site}/credential/{id}"),
            format!("  {site}/credential/{id}.json\n"),
            format!("{site}/credential/{id}/certificate.pdf?lang=en#x"),
            format!("{site}/credential/{id}."),
            format!("Mira: <{site}/credential/{id}>, ¿es verdadera?"),
            format!("{site}/CREDENTIAL/{}/", id.to_uppercase()),
            format!("Ver credenciales.u.edu:8443/c/credential/{id}"),
            format!("{site}/credential/{}\r\n{}", &id[..20], &id[20..]),
            format!("[ver]({site}/credential/{id})"),
            format!("<a href=\"{site}/credential/{id}\">{site}/credential/{id}</a>"),
            format!("{site}/credential/{id}?iuv=1 {site}/credential/{id}.json"),
            id.to_owned(),
            format!("«{id}»"),
        ] {
            assert_eq!(read(site, &text), known, "{text}");
        }
        for text in [
            format!("https://otra.edu/credential/{id}"),
            format!("https://evil.example/credential?u={site}/credential/{id}"),
            format!("https://evil.example/{site}/credential/{id}"),
            format!("http://evil.example\\{}/credential/{id}", &site[8..]),
            format!("https://evil.example;{}/credential/{id}", &site[8..]),
            format!("https://evil.example/,{}/credential/{id}", &site[8..]),
            format!("https://evil.example/?u=({site}/credential/{id})"),
            format!("javascript:alert(1)//{site}/credential/{id}"),
            format!("https://{}@evil.example/credential/{id}", &site[8..]),
            format!("https://credenciales.u.edu.evil.example/C/credential/{id}"),
            format!("https://mis-{}/credential/{id}", &site[8..]),
            format!("https://evil.example/{}/credential/{id}", &site[8..]),
        ] {
            assert_eq!(read(site, &text), Address::Foreign, "{text}");
        }
        for text in [
            format!("{site}/wallet/demo.live.x"),
            format!("{site}/credential/nobody"),
            format!("{site}/credential/{}…", &id[..20]),
            format!("<{site}/>"),
            format!("{site}/credential/{id}deadbeef"),
        ] {
            assert_eq!(read(site, &text), Address::NoCredential, "{text}");
        }
        for text in [
            format!("https://otra.edu/x {site}/credential/{id}"),
            format!("{site}/credential/{id} {site}/credential/8{}", &id[1..]),
        ] {
            assert_eq!(read(site, &text), Address::Several, "{text}");
        }
        for text in ["", "hola", "ñ", "7a8b9c0d-1e2f", &"é".repeat(40)] {
            assert_eq!(read(site, text), Address::Nothing, "{text}");
        }
    }
}
