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
    let path = format!("{}/credential/", root.split_once("://").map_or("", |(_, root)| root));
    if let Some(id) = address_in(&text, &path).or_else(|| address_in(&joined, &path)) {
        return Pasted::Credential(id);
    }
    let alone = joined.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    match id_at(alone).filter(|_| alone.len() == ID) {
        Some(id) => Pasted::Credential(id),
        None if joined.contains("://") || joined.contains("/credential") => Pasted::Foreign,
        None => Pasted::Nothing,
    }
}

/// The credential at the first address with this host and path. What ends in the host's name is another
/// host.
fn address_in(text: &str, path: &str) -> Option<CredentialId> {
    text.match_indices(path).find_map(|(at, _)| {
        let before = text.get(..at)?;
        let begins = before.ends_with("https://")
            || before.ends_with("http://")
            || !before.ends_with(|c: char| c.is_alphanumeric() || "-._~/@:%=&?#+".contains(c));
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
            format!("{site}/wallet/demo.live.x"),
            format!("{site}/credential/nobody"),
            format!("https://credenciales.u.edu.evil.example/C/credential/{id}"),
            format!("https://mis-{}/credential/{id}", &site[8..]),
            format!("https://evil.example/{}/credential/{id}", &site[8..]),
        ] {
            assert_eq!(read(site, &text), Pasted::Foreign, "{text}");
        }
        for text in ["", "hola", "ñ", "7a8b9c0d-1e2f", &"é".repeat(40)] {
            assert_eq!(read(site, text), Pasted::Nothing, "{text}");
        }
    }
}
