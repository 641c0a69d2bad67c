//! The achievement of a document (Open Badges 3.0 `Achievement`), from a version of a template.
//!
//! Every node that the standard's schema lets have an `id` has one. So no two of them tie, and the time of
//! every verifier's canonicalization grows with the statements alone.

use std::fmt::Display;

use serde_json::{Value, json};

use super::{image, iri, without_nulls};
use crate::domain::{
    achievement::{ALIGNMENT_TYPES, Alignment},
    custom::Key,
    field::FieldName,
    ids::{OrgId, TemplateId},
    lang::Lang,
    template::Definition,
    texts::AchievementTypeTexts,
};

/// Achievement types of Open Badges 3.0 and their names for people; any other is written `ext:…`.
const ACHIEVEMENT_TYPES: [(&str, NameOf); 31] = [
    ("Achievement", |texts| texts.achievement),
    ("ApprenticeshipCertificate", |texts| texts.apprenticeship_certificate),
    ("Assessment", |texts| texts.assessment),
    ("Assignment", |texts| texts.assignment),
    ("AssociateDegree", |texts| texts.associate_degree),
    ("Award", |texts| texts.award),
    ("Badge", |texts| texts.badge),
    ("BachelorDegree", |texts| texts.bachelor_degree),
    ("Certificate", |texts| texts.certificate),
    ("CertificateOfCompletion", |texts| texts.certificate_of_completion),
    ("Certification", |texts| texts.certification),
    ("CommunityService", |texts| texts.community_service),
    ("Competency", |texts| texts.competency),
    ("Course", |texts| texts.course),
    ("CoCurricular", |texts| texts.co_curricular),
    ("Degree", |texts| texts.degree),
    ("Diploma", |texts| texts.diploma),
    ("DoctoralDegree", |texts| texts.doctoral_degree),
    ("Fieldwork", |texts| texts.fieldwork),
    ("GeneralEducationDevelopment", |texts| texts.general_education_development),
    ("JourneymanCertificate", |texts| texts.journeyman_certificate),
    ("LearningProgram", |texts| texts.learning_program),
    ("License", |texts| texts.license),
    ("MasterDegree", |texts| texts.master_degree),
    ("MasterCertificate", |texts| texts.master_certificate),
    ("Membership", |texts| texts.membership),
    ("MicroCredential", |texts| texts.micro_credential),
    ("ProfessionalDoctorate", |texts| texts.professional_doctorate),
    ("QualityAssuranceCredential", |texts| texts.quality_assurance_credential),
    ("ResearchDoctorate", |texts| texts.research_doctorate),
    ("SecondarySchoolDiploma", |texts| texts.secondary_school_diploma),
];
/// Finds the name of a type among the texts of a language.
type NameOf = fn(&AchievementTypeTexts) -> &'static str;

/// The name of an achievement type for people; that of a template's own type is itself.
pub fn type_name(kind: &str, lang: Lang) -> &str {
    let known = ACHIEVEMENT_TYPES.iter().find(|(known, _)| *known == kind);
    match known {
        Some((_, name)) => name(&lang.texts().achievement_types),
        None => kind.strip_prefix("ext:").unwrap_or(kind),
    }
}

/// A version of a template as an achievement.
#[derive(Clone, Copy, Debug)]
pub struct AchievementVersion<'a> {
    /// Root of every link.
    pub site_url: &'a str,
    /// The organization.
    pub org: &'a OrgId,
    /// The template.
    pub template: TemplateId,
    /// Its version, from 1.
    pub version: u32,
    /// Its content.
    pub definition: &'a Definition,
}

impl AchievementVersion<'_> {
    /// The id of the achievement, the same in all versions: the address of its page.
    pub fn id(&self) -> String {
        format!("{}/orgs/{}/achievements/{}", self.site_url, self.org, self.template)
    }

    /// The address of this version's page.
    pub fn url(&self) -> String {
        format!("{}?version={}", self.id(), self.version)
    }

    /// The address of its seal, the same for all who have it.
    pub fn seal_url(&self) -> String {
        format!("{}/seal.png", self.id())
    }

    /// The id of the description of the grades, if the template lists them.
    pub fn grades_id(&self) -> Option<String> {
        self.grades().map(|_| format!("{}#result", self.id()))
    }

    /// The id of the description of a fact of the template's own.
    pub fn fact_id(&self, key: Key) -> String {
        format!("{}#custom-{key}", self.url())
    }

    /// The id of an alignment by its number, from 1.
    pub(super) fn alignment_id(&self, number: impl Display) -> String {
        format!("{}#alignment-{number}", self.url())
    }

    /// Its alignments.
    pub(super) fn alignments(&self) -> Vec<Value> {
        let alignments = self.definition.achievement.alignments.iter().zip(1..);
        alignments.map(|(one, number)| aligned(one, &self.alignment_id(number))).collect()
    }

    fn grades(&self) -> Option<&[String]> {
        let field = self.definition.field(FieldName::ResultValue)?;
        Some(field.allowed_values.as_slice()).filter(|values| !values.is_empty())
    }

    /// Builds the achievement.
    pub fn build(&self) -> Value {
        self.build_with(self.alignments())
    }

    /// Builds the achievement without its alignments.
    pub(super) fn build_without_alignments(&self) -> Value {
        self.build_with(Vec::new())
    }

    fn build_with(&self, alignments: Vec<Value>) -> Value {
        let d = self.definition;
        let a = &d.achievement;
        let url = self.url();
        let lang = d.language.unwrap_or_default();
        let grades = self.grades().zip(self.grades_id()).map(|(values, id)| {
            json!({
                "id": id, "type": ["ResultDescription"], "name": FieldName::ResultValue.short(lang),
                "resultType": "Result", "allowedValue": values,
            })
        });
        // Without their values: `allowedValue` is a list, whose links have no id, and the lists of two
        // facts that end alike (`Sí`, `No`) would tie.
        let facts = d.custom_fields.iter().filter(|field| !field.private).map(|field| {
            json!({
                "id": self.fact_id(field.key), "type": ["ResultDescription"],
                "name": field.label.text(lang), "resultType": "Result",
            })
        });
        let results: Vec<Value> = grades.into_iter().chain(facts).collect();
        let own_criteria = || format!("{url}#criteria");
        let mut achievement = json!({
            "id": self.id(),
            "type": ["Achievement"],
            "name": d.name,
            "description": d.description,
            // The standard asks for criteria; the description serves a template without them.
            "criteria": {
                "id": a.criteria_url.as_deref().map_or_else(own_criteria, iri),
                "narrative": a.criteria.as_ref().unwrap_or(&d.description),
            },
            "achievementType": a.kind.as_deref().map(achievement_type),
            "image": a.image.as_ref().map(|badge| image(badge, self.site_url)),
            "creditsAvailable": a.credits_available,
            "fieldOfStudy": a.field_of_study,
            "specialization": a.specialization,
            "humanCode": a.human_code,
            "tag": some(&a.tags),
            "alignment": null,
            "version": self.version.to_string(),
            "resultDescription": some(&results),
        });
        if let Some(members) = achievement.as_object_mut()
            && !alignments.is_empty()
        {
            // Moved: `json!` would copy them.
            members.insert("alignment".to_owned(), alignments.into());
        }
        without_nulls(&mut achievement);
        achievement
    }
}

/// A list, or null if it is empty.
fn some<T: serde::Serialize>(values: &[T]) -> Value {
    if values.is_empty() { Value::Null } else { json!(values) }
}

fn aligned(alignment: &Alignment, id: &str) -> Value {
    let mut aligned = json!({
        "id": id,
        "type": ["Alignment"],
        "targetName": alignment.name,
        "targetUrl": iri(&alignment.url),
        "targetCode": alignment.code,
        "targetFramework": alignment.framework,
        "targetType": alignment.kind.as_deref().map(alignment_type),
        "targetDescription": alignment.description,
    });
    without_nulls(&mut aligned);
    aligned
}

/// A type in the standard's terms: its own name, or `ext:…`.
fn achievement_type(kind: &str) -> String {
    if ACHIEVEMENT_TYPES.iter().any(|(known, _)| *known == kind) {
        kind.to_owned()
    } else {
        extension(kind)
    }
}

/// A kind of alignment in the standard's terms, likewise.
fn alignment_type(kind: &str) -> String {
    if ALIGNMENT_TYPES.contains(&kind) { kind.to_owned() } else { extension(kind) }
}

/// A word that the standard does not have.
fn extension(kind: &str) -> String {
    let plain: String = kind
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' })
        .collect();
    format!("ext:{}", plain.strip_prefix("ext-").unwrap_or(&plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_achievement_type_is_the_standards_or_an_extension() {
        assert_eq!(achievement_type("Course"), "Course");
        assert_eq!(achievement_type("Curso de verano"), "ext:Curso-de-verano");
        assert_eq!(achievement_type("ext:Taller"), "ext:Taller");
    }
}
