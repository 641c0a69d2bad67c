//! A sample of a template's certificates: of nobody, for whoever designs them, or of a recipient, as its certificate will be. No
//! credential, nothing signed.

use jiff::{Timestamp, civil::Date};

use crate::{
    credentials::days::Days,
    document::achievement::AchievementVersion,
    domain::{
        credential::Credential,
        credits::Credits,
        custom::{CustomValue, Facts},
        custom_field::{CustomField, CustomKind},
        design::Design,
        field::{FieldName, Kind},
        ids::CredentialId,
        lang::Lang,
        organization::Organization,
        public_hides::Hidden,
        recipient::Recipient,
        template::{Definition, Template},
        time,
    },
    web::{
        certificate_facts, seal,
        view::{CredentialView, Fact, State, host_of, publicly},
    },
};

/// The longest name that a recipient can have: 200 characters.
const LONGEST: &str = "María Fernanda de los Ángeles Guadalupe Villavicencio Etcheverrigaray y Fernández de Córdoba y Juana Inés Ñusta Purificación Ximénez-Quiñones Wladimirsky von Schwarzenberg Aguirrezabalaga de la Fuente";
/// A name as short as people have.
const SHORTEST: &str = "Li";

/// The length of a sample's texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// The longest name, and the longest of each field's allowed values.
    Longest,
    /// The shortest ones.
    Shortest,
}

impl Length {
    /// Reads the parameter `sample`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "longest" => Some(Self::Longest),
            "shortest" => Some(Self::Shortest),
            _ => None,
        }
    }

    fn of<'a>(self, values: &'a [String]) -> Option<&'a String> {
        let length = |value: &&'a String| value.chars().count();
        match self {
            Self::Longest => values.iter().max_by_key(length),
            Self::Shortest => values.iter().min_by_key(length),
        }
    }
}

/// Whose texts a sample has.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// Nobody's, of this length.
    Nobody(Length),
    /// A recipient's, as issuing would sign them now.
    Recipient(&'a Recipient),
}

/// What a subject has on a certificate.
struct Shown {
    name: Option<String>,
    facts: Vec<(FieldName, Fact)>,
    own: Facts,
    days: Days,
    hidden: Vec<Hidden>,
}

impl Shown {
    fn of(sample: &Sample<'_>) -> Self {
        let Sample { organization, template, lang, now, .. } = *sample;
        let (settings, d) = (&organization.settings, &template.definition);
        match sample.subject {
            Subject::Nobody(length) => {
                let name = match length {
                    Length::Longest => LONGEST,
                    Length::Shortest => SHORTEST,
                };
                let public = d.custom_fields.iter().filter(|field| !field.private);
                let today = organization.date_of(now);
                Self {
                    name: Some(name.to_owned()),
                    facts: facts(d, length, lang),
                    own: public.map(|field| (field.key, custom(field, length, lang))).collect(),
                    days: Days {
                        issued_on: Some(today),
                        awarded_on: None,
                        expires_on: d.expires_on(today),
                    },
                    hidden: Vec::new(),
                }
            }
            Subject::Recipient(recipient) => {
                let days = Days::at(&time::seconds(now), settings, d, recipient);
                let (shown, hidden) = publicly(recipient, &settings.public_hides);
                let facts = FieldName::FACTS.into_iter();
                let facts = facts.filter_map(|field| Fact::of(&shown, field)).collect();
                Self { name: shown.recipient_name, facts, own: shown.custom, days, hidden }
            }
        }
    }
}

/// What a sample is drawn of.
#[derive(Debug)]
pub struct Sample<'a> {
    /// The root of the site.
    pub site_url: &'a str,
    /// The organization as it is now.
    pub organization: &'a Organization,
    /// The template.
    pub template: &'a Template,
    /// The design to be seen.
    pub design: Design,
    /// Whose texts it has.
    pub subject: Subject<'a>,
    /// The language of its texts.
    pub lang: Lang,
    /// The present instant.
    pub now: Timestamp,
}

impl Sample<'_> {
    /// Makes the view: its address is of no credential.
    pub fn view(self) -> CredentialView {
        let Shown { name, facts, own, days, hidden } = Shown::of(&self);
        let Self { site_url, organization, template, design, now, .. } = self;
        let (settings, d) = (&organization.settings, &template.definition);
        let today = organization.date_of(now);
        let id = CredentialId::from(uuid::Uuid::nil());
        let certificate_facts = certificate_facts::of(&design, &facts, &d.custom_fields, &own);
        let label = |field: &CustomField| Some((field.label.clone(), own.get(&field.key)?.clone()));
        CredentialView {
            id: id.to_string(),
            url: Credential::url(site_url, id),
            state: State::Issued,
            status_on: None,
            test: false,
            sample: true,
            organization: settings.name.clone(),
            initials: seal::initials(&settings.name),
            logo: settings.logo.clone(),
            host: host_of(site_url),
            website: settings.website.clone(),
            contact: settings.contact.clone(),
            linkedin_id: settings.linkedin_id,
            template: template.id,
            badge: d.achievement.image.clone(),
            recipient_name: name,
            name: d.name.clone(),
            description: d.description.clone(),
            criteria: d.achievement.criteria.clone(),
            custom: d.custom_fields.iter().filter_map(label).collect(),
            facts,
            issued_on: days.issued_on,
            awarded_on: days.awarded_on,
            expires_on: days.expires_on,
            skills: d.achievement.alignments.clone(),
            achievement_url: AchievementVersion {
                site_url,
                org: &organization.org,
                template: template.id,
                version: template.version,
                definition: d,
            }
            .url(),
            evidence: Vec::new(),
            hidden,
            corrected_on: None,
            checks: Vec::new(),
            checked_on: today,
            lang: d.language.unwrap_or(settings.language),
            design,
            certificate_facts,
        }
    }
}

/// A value of each fact that the template lists.
fn facts(definition: &Definition, length: Length, lang: Lang) -> Vec<(FieldName, Fact)> {
    let of = |name: FieldName| {
        let field = definition.field(name)?;
        let example = name.spec().examples.first().map_or("", |label| label.text(lang));
        let fact = match name.kind() {
            Kind::Text => {
                let value = length.of(&field.allowed_values).map_or(example, String::as_str);
                Fact::Text(value.to_owned())
            }
            Kind::Number => Fact::Credits(field.max.or_else(|| Credits::parse(example))?),
            Kind::Date => Fact::Date(example.parse::<Date>().ok()?),
            Kind::Array => return None,
        };
        Some((name, fact))
    };
    FieldName::FACTS.into_iter().filter_map(of).collect()
}

/// A value of a fact of the template's own.
fn custom(field: &CustomField, length: Length, lang: Lang) -> CustomValue {
    match (field.kind, length.of(&field.values)) {
        (CustomKind::List, Some(value)) => CustomValue::Text(value.clone()),
        _ => field.usual(lang),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::MAX_TEXT;

    #[test]
    fn the_longest_sample_name_is_the_longest_that_a_recipient_can_have() {
        assert_eq!(LONGEST.chars().count(), MAX_TEXT);
    }
}
