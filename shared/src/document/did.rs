//! The signer: a `did:web` identifier per organization and mode, and the document with its
//! keys.
//!
//! `did:web:{host}:orgs:{org}` resolves to `{site}/orgs/{org}/did.json` (did:web method
//! specification). The site's address is part of every identifier, and so of every signed
//! document.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use crate::domain::ids::{Mode, OrgId};

/// Characters that a segment of a `did:web` encodes, such as the colon of a port.
const SEGMENT: &AsciiSet = &CONTROLS.add(b':').add(b'%').add(b'/').add(b'?').add(b'#').add(b' ');

/// The identifier of the site itself.
pub fn of_site(site_url: &str) -> String {
    let (_, rest) = site_url.split_once("://").unwrap_or(("", site_url));
    let parts: Vec<String> =
        rest.split('/').map(|part| utf8_percent_encode(part, SEGMENT).to_string()).collect();
    format!("did:web:{}", parts.join(":"))
}

/// The identifier under which an organization signs. Test credentials have another one: they
/// verify, but never as the organization's.
pub fn of(site_url: &str, org: &OrgId, mode: Mode) -> String {
    let site = of_site(site_url);
    match mode {
        Mode::Live => format!("{site}:orgs:{org}"),
        Mode::Test => format!("{site}:orgs:{org}:test"),
    }
}

/// Parses a DID of this site into organization and mode.
pub fn owner(site_url: &str, did: &str) -> Option<(OrgId, Mode)> {
    let rest = did.strip_prefix(&of_site(site_url))?.strip_prefix(":orgs:")?;
    let (org, mode) = match rest.strip_suffix(":test") {
        Some(org) => (org, Mode::Test),
        None => (rest, Mode::Live),
    };
    Some((OrgId::parse(org).ok()?, mode))
}

/// The id of a key: the identifier, and the key itself as fragment.
pub fn key_id(did: &str, multikey: &str) -> String {
    format!("{did}#{multikey}")
}

/// The DID document of an identifier with these keys, newest first. A retired key stays in it
/// for ever, because no document of the key verifies without it.
pub fn document(did: &str, multikeys: &[String]) -> Value {
    let ids: Vec<String> = multikeys.iter().map(|key| key_id(did, key)).collect();
    let methods: Vec<Value> = multikeys
        .iter()
        .zip(&ids)
        .map(|(key, id)| {
            json!({ "id": id, "type": "Multikey", "controller": did, "publicKeyMultibase": key })
        })
        .collect();
    json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": ids,
    })
}

/// The DID document of the site, which signs nothing itself.
pub fn site_document(site_url: &str) -> Value {
    let did = of_site(site_url);
    json!({
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": did,
        "alsoKnownAs": [site_url],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signing_key::{multikey, public_key};

    #[test]
    fn an_identifier_follows_from_the_site_and_leads_back_to_its_owner() {
        let org = OrgId::parse("u-andina").expect("org");
        for (site, did) in [
            ("https://u.edu", "did:web:u.edu:orgs:u-andina"),
            ("https://u.edu/creds", "did:web:u.edu:creds:orgs:u-andina"),
            ("http://localhost:3000", "did:web:localhost%3A3000:orgs:u-andina"),
        ] {
            assert_eq!(of(site, &org, Mode::Live), did);
            assert_eq!(owner(site, did), Some((org.clone(), Mode::Live)));
            let test = of(site, &org, Mode::Test);
            assert_eq!(test, format!("{did}:test"));
            assert_eq!(owner(site, &test), Some((org.clone(), Mode::Test)));
        }
        for foreign in ["did:web:v.edu:orgs:a1", "did:web:u.edu:orgs:", "did:key:z6Mk", ""] {
            assert_eq!(owner("https://u.edu", foreign), None, "{foreign}");
        }
    }

    /// The public key of RFC 8032 §7.1, test 1, in the form of did:key.
    #[test]
    fn a_multikey_is_the_key_in_base58() {
        let public: [u8; 32] = [
            0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64,
            0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68,
            0xf7, 0x07, 0x51, 0x1a,
        ];
        let key = multikey(&public);
        assert!(key.starts_with("z6Mk"), "{key}");
        assert_eq!(public_key(&key), Some(public));
        for bad in ["", "z", "6Mk", "z6Mk", "zO0"] {
            assert_eq!(public_key(bad), None, "{bad}");
        }
    }
}
