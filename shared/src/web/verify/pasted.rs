//! The address of a credential in a text that somebody pasted.

use crate::domain::ids::CredentialId;

/// Length of a credential's id.
const ID: usize = 36;

/// What a text says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pasted {
    /// The address or the id of a credential of this site.
    Credential(CredentialId),
    /// An address of another site.
    Foreign,
    /// An address of this site that is no credential's, or was cut off.
    NoCredential,
    /// Nothing of the kind.
    Nothing,
}

/// Looks for an address of this site, with words around it, in capitals, cut into lines, or without its
/// scheme; or for an id alone.
pub(super) fn read(site_url: &str, text: &str) -> Pasted {
    let text = text.to_ascii_lowercase();
    // Mail programs and paper break addresses into lines.
    let joined: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let root = site_url.to_ascii_lowercase();
    let root = root.split_once("://").map_or("", |(_, root)| root);
    let path = format!("{root}/credential/");
    if let Some(id) = address_in(&text, &path).or_else(|| address_in(&joined, &path)) {
        return Pasted::Credential(id);
    }
    let alone = joined.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    match id_at(alone).filter(|_| alone.len() == ID) {
        Some(id) => Pasted::Credential(id),
        None if begins_with(alone, root) => Pasted::NoCredential,
        None if joined.contains("://") || joined.contains("/credential") => Pasted::Foreign,
        None => Pasted::Nothing,
    }
}

/// Whether a text is an address of this host, or the beginning of one.
fn begins_with(text: &str, root: &str) -> bool {
    let address = text.split_once("://").map_or(text, |(_, address)| address);
    let rest = address.strip_prefix(root);
    !root.is_empty()
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// The credential at the first address with this host and path. What ends in the host's name is another
/// host.
fn address_in(text: &str, path: &str) -> Option<CredentialId> {
    text.match_indices(path).find_map(|(at, _)| {
        let before = text.get(..at)?;
        let begins = before.ends_with("https://")
            || before.ends_with("http://")
            || !before.ends_with(|c: char| c.is_alphanumeric() || "-._~/@:%=&?#+".contains(c));
        // An address inside another one is a part of that: `https://evil.example/?u=https://…`.
        let scheme = before.trim_end_matches("https://").trim_end_matches("http://");
        let begins = begins && !scheme.ends_with(|c: char| "-._~/@%=&?#+".contains(c));
        begins.then(|| id_at(text.get(at + path.len()..)?)).flatten()
    })
}

/// The id at the beginning of a text.
fn id_at(text: &str) -> Option<CredentialId> {
    CredentialId::parse(text.get(..ID)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_as_people_paste_it() {
        let id = "7a8b9c0d-1e2f-8a4b-8c6d-7e8f9a0b1c2d";
        let site = "https://credenciales.u.edu:8443/C";
        let known = Pasted::Credential(CredentialId::parse(id).expect("an id"));
        for text in [
            format!("{site}/credential/{id}"),
            format!("  {site}/credential/{id}.json\n"),
            format!("{site}/credential/{id}/certificate.pdf?lang=en#x"),
            format!("{site}/credential/{id}."),
            format!("Mira: <{site}/credential/{id}>, ¿es verdadera?"),
            format!("{site}/CREDENTIAL/{}/", id.to_uppercase()),
            format!("Ver credenciales.u.edu:8443/c/credential/{id}"),
            format!("{site}/credential/{}\r\n{}", &id[..20], &id[20..]),
            format!("https://otra.edu/x {site}/credential/{id}"),
            id.to_owned(),
            format!("«{id}»"),
        ] {
            assert_eq!(read(site, &text), known, "{text}");
        }
        for text in [
            format!("https://otra.edu/credential/{id}"),
            format!("https://evil.example/credential?u={site}/credential/{id}"),
            format!("https://evil.example/{site}/credential/{id}"),
            format!("https://credenciales.u.edu.evil.example/C/credential/{id}"),
            format!("https://mis-{}/credential/{id}", &site[8..]),
            format!("https://evil.example/{}/credential/{id}", &site[8..]),
        ] {
            assert_eq!(read(site, &text), Pasted::Foreign, "{text}");
        }
        for text in [
            format!("{site}/wallet/demo.live.x"),
            format!("{site}/credential/nobody"),
            format!("{site}/credential/{}…", &id[..20]),
            format!("<{site}/>"),
        ] {
            assert_eq!(read(site, &text), Pasted::NoCredential, "{text}");
        }
        for text in ["", "hola", "ñ", "7a8b9c0d-1e2f", &"é".repeat(40)] {
            assert_eq!(read(site, text), Pasted::Nothing, "{text}");
        }
    }
}
