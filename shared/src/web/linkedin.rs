//! The link that adds a credential to a LinkedIn profile.

use jiff::civil::Date;
use url::form_urlencoded::Serializer;

/// A certification, as LinkedIn takes it.
#[derive(Clone, Copy, Debug)]
pub struct Certification<'a> {
    /// Name of the credential.
    pub name: &'a str,
    /// Name of the issuer.
    pub organization: &'a str,
    /// The organization's number at LinkedIn, which replaces its name.
    pub linkedin_id: Option<u64>,
    /// The day of the award, else of issue.
    pub issued_on: Option<Date>,
    /// The last day on which it is valid.
    pub expires_on: Option<Date>,
    /// The credential's page.
    pub url: &'a str,
    /// The credential's id.
    pub id: &'a str,
}

/// Returns the link that adds a certification to a profile ("Add to profile", LinkedIn Learning
/// help).
pub fn linkedin(of: &Certification<'_>) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("startTask", "CERTIFICATION_NAME").append_pair("name", of.name);
    match of.linkedin_id {
        Some(id) => query.append_pair("organizationId", &id.to_string()),
        None => query.append_pair("organizationName", of.organization),
    };
    for (date, year, month) in [
        (of.issued_on, "issueYear", "issueMonth"),
        (of.expires_on, "expirationYear", "expirationMonth"),
    ] {
        if let Some(date) = date {
            query.append_pair(year, &date.year().to_string());
            query.append_pair(month, &date.month().to_string());
        }
    }
    query.append_pair("certUrl", of.url).append_pair("certId", of.id);
    format!("https://www.linkedin.com/profile/add?{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linkedin_is_told_who_what_when_and_where() {
        let of = Certification {
            name: "Diseño & más",
            organization: "Universidad Demo",
            linkedin_id: None,
            issued_on: Some(jiff::civil::date(2026, 11, 15)),
            expires_on: None,
            url: "https://u.example/credential/7a",
            id: "7a",
        };
        assert_eq!(
            linkedin(&of),
            "https://www.linkedin.com/profile/add?startTask=CERTIFICATION_NAME&name=Dise%C3%B1o+%26+m%C3%A1s&organizationName=Universidad+Demo&issueYear=2026&issueMonth=11&certUrl=https%3A%2F%2Fu.example%2Fcredential%2F7a&certId=7a"
        );
        let known = Certification {
            linkedin_id: Some(1337),
            expires_on: Some(jiff::civil::date(2031, 1, 31)),
            ..of
        };
        let link = linkedin(&known);
        assert!(link.contains("&organizationId=1337&"), "{link}");
        assert!(link.contains("&expirationYear=2031&expirationMonth=1&"), "{link}");
        assert!(!link.contains("organizationName"), "{link}");
    }
}
