//! A sample of a template's certificates, for whoever designs them: no person, no credential, nothing signed.

use jiff::{Timestamp, civil::Date};

use crate::{
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
        template::{Definition, Template},
    },
    web::{
        certificate_facts, seal,
        view::{CredentialView, Fact, State, host_of},
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
    /// The length of its texts.
    pub length: Length,
    /// The language of its texts.
    pub lang: Lang,
    /// The present instant.
    pub now: Timestamp,
}

impl Sample<'_> {
    /// Makes the view: its address is of no credential.
    pub fn view(self) -> CredentialView {
        let Self { site_url, organization, template, design, length, lang, now } = self;
        let (settings, d) = (&organization.settings, &template.definition);
        let today = organization.date_of(now);
        let id = CredentialId::from(uuid::Uuid::nil());
        let name = match length {
            Length::Longest => LONGEST,
            Length::Shortest => SHORTEST,
        };
        let facts = facts(d, length, lang);
        let own: Facts = d
            .custom_fields
            .iter()
            .filter(|field| !field.private)
            .map(|field| (field.key, custom(field, length, lang)))
            .collect();
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
            recipient_name: Some(name.to_owned()),
            name: d.name.clone(),
            description: d.description.clone(),
            criteria: d.achievement.criteria.clone(),
            custom: d.custom_fields.iter().filter_map(label).collect(),
            facts,
            issued_on: Some(today),
            awarded_on: None,
            expires_on: d.expires_on(today),
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
            hidden: Vec::new(),
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
