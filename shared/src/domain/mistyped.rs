//! Addresses that were probably typed wrongly, and what was meant.
//!
//! Only what is almost certainly a slip counts: a name of a very common provider with a letter
//! wrong, an ending under which the provider has no mail, or one that no domain has.

use crate::domain::email::{EmailAddress, MAX_ADDRESS};

/// A provider under whose domains very many people have their address.
struct Provider {
    name: &'static str,
    /// Whether it has mail under the endings of countries too.
    of_countries: bool,
    /// Endings besides `com` under which it has mail, where not of countries.
    endings: &'static [&'static str],
}

const fn provider(name: &'static str, of_countries: bool) -> Provider {
    Provider { name, of_countries, endings: &[] }
}

const PROVIDERS: [Provider; 7] = [
    // Others have mail there under its name.
    Provider { name: "gmail", of_countries: false, endings: &["hu", "pl", "ru"] },
    provider("hotmail", true),
    provider("outlook", true),
    provider("yahoo", true),
    provider("icloud", false),
    Provider { name: "protonmail", of_countries: false, endings: &["ch"] },
    provider("googlemail", false),
];
/// Names with mail of their own, a letter from a provider's.
const NEIGHBOURS: [&str; 9] =
    ["mail", "email", "ymail", "zmail", "fmail", "tmail", "umail", "cloud", "gmailbox"];
/// Endings of countries that are `com` with a letter missing: nobody has such a provider's there.
const NEAR_COM: [&str; 3] = ["co", "cm", "om"];
/// Endings that no domain has, and what is meant (IANA, "Root Zone Database").
const NO_ENDINGS: [(&str, &str); 22] = [
    ("con", "com"),
    ("cmo", "com"),
    ("ocm", "com"),
    ("cim", "com"),
    ("cpm", "com"),
    ("vom", "com"),
    ("xom", "com"),
    ("comm", "com"),
    ("coom", "com"),
    ("ccom", "com"),
    ("copm", "com"),
    ("conm", "com"),
    ("comn", "com"),
    ("nte", "net"),
    ("ner", "net"),
    ("nett", "net"),
    ("ogr", "org"),
    ("rog", "org"),
    ("orgg", "org"),
    ("edi", "edu"),
    ("eud", "edu"),
    ("eduu", "edu"),
];

/// The domain that was probably meant by one that is written in lower case.
pub fn domain_meant(domain: &str) -> Option<String> {
    let mended = with_an_ending(domain);
    let domain = mended.as_deref().unwrap_or(domain);
    provider_meant(domain).or(mended)
}

/// The address that was probably meant by one before whose name a `www.` stands.
pub fn address_meant(address: &str) -> Option<&str> {
    let rest = address.strip_prefix("www.")?;
    // `www.@` and `www.x` of a web site's own box.
    let (local, domain) = rest.split_once('@')?;
    (!local.is_empty() && !domain.starts_with(local)).then_some(rest)
}

/// The address that was probably meant by a text that is none: one sign is wrong, or the ending of a
/// provider is missing.
pub fn repaired(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    if text.len() > MAX_ADDRESS || text.matches('@').count() > 2 {
        return None;
    }
    let without_blanks = text.replace(char::is_whitespace, "");
    let dots = without_blanks.replace([',', ';'], ".").replace("@@", "@").replace("..", ".");
    let dots = dots.replace(".@", "@").replace("@.", "@");
    let dots = dots.trim_matches('.');
    let (local, domain) = dots.split_once('@')?;
    let provider = PROVIDERS.iter().find(|provider| domain.starts_with(provider.name));
    let ending = provider.and_then(|provider| domain.strip_prefix(provider.name));
    let domain = match (provider, ending) {
        (Some(provider), Some("" | "com")) => format!("{}.com", provider.name),
        _ => domain.to_owned(),
    };
    let domain = domain_meant(&domain).unwrap_or(domain);
    let address = EmailAddress::parse(&format!("{local}@{domain}")).ok()?;
    address.can_be_owned().then(|| address.as_str().to_owned())
}

/// A domain with an ending that exists in place of one that does not.
fn with_an_ending(domain: &str) -> Option<String> {
    if let Some(rest) = domain.strip_suffix(".com.com") {
        return Some(format!("{rest}.com"));
    }
    let (rest, ending) = domain.rsplit_once('.')?;
    let (_, meant) = NO_ENDINGS.iter().find(|(wrong, _)| *wrong == ending)?;
    Some(format!("{rest}.{meant}"))
}

fn provider_meant(domain: &str) -> Option<String> {
    let (name, ending) = domain.split_once('.')?;
    // A domain of somebody else's can have such a name before it: `outlook.uni.edu`.
    if ending.contains('.') && country_of(ending).is_none() {
        return None;
    }
    if let Some(provider) = PROVIDERS.iter().find(|provider| provider.name == name) {
        return (!provider.has(ending)).then(|| format!("{name}.com"));
    }
    if NEIGHBOURS.contains(&name) {
        return None;
    }
    let near = |provider: &&Provider| {
        provider.name.len().abs_diff(name.len()) <= 1
            && strsim::osa_distance(provider.name, name) == 1
    };
    let provider = PROVIDERS.iter().find(near)?;
    if provider.has(ending) {
        return Some(format!("{}.{ending}", provider.name));
    }
    NEAR_COM.contains(&ending).then(|| format!("{}.com", provider.name))
}

/// The country of `com.ar` and `co.uk`.
fn country_of(ending: &str) -> Option<&str> {
    ending.strip_prefix("com.").or_else(|| ending.strip_prefix("co."))
}

impl Provider {
    /// Whether it has mail under an ending.
    fn has(&self, ending: &str) -> bool {
        if ending == "com" || self.endings.contains(&ending) {
            return true;
        }
        let is_country = |text: &str| text.len() == 2 && !NEAR_COM.contains(&text);
        self.of_countries
            && match country_of(ending) {
                // Colombia's is not `com` with a letter missing here.
                Some(country) => country.len() == 2,
                None => is_country(ending),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_said() {
        for (typed, meant) in [
            ("gmial.com", "gmail.com"),
            ("gmai.com", "gmail.com"),
            ("gmaill.com", "gmail.com"),
            ("gnail.com", "gmail.com"),
            ("gamil.com", "gmail.com"),
            ("gmail.con", "gmail.com"),
            ("gmail.co", "gmail.com"),
            ("gmail.cm", "gmail.com"),
            ("gmail.om", "gmail.com"),
            ("gmail.cok", "gmail.com"),
            ("gmaila.com", "gmail.com"),
            ("gmail.cl", "gmail.com"),
            ("gmail.es", "gmail.com"),
            ("gmail.com.co", "gmail.com"),
            ("gmail.com.com", "gmail.com"),
            ("gmail.comm", "gmail.com"),
            ("gmial.con", "gmail.com"),
            ("gmial.co", "gmail.com"),
            ("hotmial.com", "hotmail.com"),
            ("hotmai.com", "hotmail.com"),
            ("hotmail.co", "hotmail.com"),
            ("hotmil.es", "hotmail.es"),
            ("hotmial.com.ar", "hotmail.com.ar"),
            ("outlok.com", "outlook.com"),
            ("outllook.cl", "outlook.cl"),
            ("outlook.con", "outlook.com"),
            ("yaho.com", "yahoo.com"),
            ("yahoo.con", "yahoo.com"),
            ("yahoo.cm", "yahoo.com"),
            ("yahooo.com.mx", "yahoo.com.mx"),
            ("icloud.co", "icloud.com"),
            ("iclod.com", "icloud.com"),
            ("protonmai.com", "protonmail.com"),
            ("ejemplo.con", "ejemplo.com"),
            ("uni.edi", "uni.edu"),
            ("correo.uni.comm", "correo.uni.com"),
        ] {
            assert_eq!(domain_meant(typed).as_deref(), Some(meant), "{typed}");
        }
        assert_eq!(address_meant("www.ana@gmail.com"), Some("ana@gmail.com"));
        assert_eq!(address_meant("ana@gmail.com"), None);
        assert_eq!(address_meant("www.uni@uni.cl"), None);
    }

    #[test]
    fn what_was_meant_by_a_text_that_is_no_address_is_said() {
        for (typed, meant) in [
            ("ana@gmail,com", "ana@gmail.com"),
            ("ana@gmail..com", "ana@gmail.com"),
            ("ana@gmail.com.", "ana@gmail.com"),
            ("ana@@gmail.com", "ana@gmail.com"),
            ("ana@ gmail.com", "ana@gmail.com"),
            ("ana.@gmail.com", "ana@gmail.com"),
            ("ana@gmailcom", "ana@gmail.com"),
            ("ana@gmail", "ana@gmail.com"),
            ("ana@hotmail,con", "ana@hotmail.com"),
            ("Ana@Ejemplo,com", "ana@ejemplo.com"),
        ] {
            assert_eq!(repaired(typed).as_deref(), Some(meant), "{typed}");
        }
        for typed in
            ["ana", "ana@", "invalido@test", "ana@x", "josé@ejemplo.com", "a@b@c@d.com", "", "@"]
        {
            assert_eq!(repaired(typed), None, "{typed}");
        }
        assert_eq!(repaired(&"a@".repeat(100_000)), None);
    }

    #[test]
    fn domains_that_only_look_like_a_slip_are_left_alone() {
        for real in [
            "gmail.com",
            "gmail.hu",
            "mailo.com",
            "googlemail.com",
            "hotmail.cl",
            "hotmail.co.uk",
            "hotmail.com.mx",
            "outlook.es",
            "outlook.com.br",
            "outlook.cz",
            "yahoo.com.ar",
            "yahoo.com.co",
            "yahoo.ca",
            "yahoo.co.jp",
            "ymail.com",
            "mail.com",
            "email.com",
            "email.cz",
            "gmx.com",
            "gmx.de",
            "live.com",
            "life.com",
            "msn.com",
            "aol.com",
            "cloud.com",
            "icloud.com",
            "me.com",
            "protonmail.ch",
            "proton.me",
            "uc.cl",
            "unal.edu.co",
            "uni.co",
            "uniandes.edu.co",
            "uni.cm",
            "uni.om",
            "mail.uni.edu",
            "gmail.uni.edu",
            "hotmail.uni.edu",
            "com.co",
            "xn--and-6ma2c.cl",
        ] {
            assert_eq!(domain_meant(real), None, "{real}");
        }
    }
}
