//! Achievements: what a credential is given for, and where it stands in the frameworks that
//! employers and schools know.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{
    credits::Credits,
    fields::Fields,
    image::{Image, ImageInput},
    recipient::{MAX_URL, normal_url},
    template::{MAX_PROSE, credits},
    text::{MAX_TEXT, normal_text},
};

/// Most alignments of an achievement.
pub const MAX_ALIGNMENTS: usize = 50;
/// Most tags of an achievement.
pub const MAX_TAGS: usize = 50;
/// Longest tag, in characters.
pub const MAX_TAG: usize = 100;
/// Longest description of an alignment, in characters.
pub const MAX_ALIGNMENT_DESCRIPTION: usize = 500;

/// The achievement (Open Badges 3.0 `Achievement`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Achievement {
    /// Open Badges achievement type, such as `Course`, `Certificate`, `Degree`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The criteria, in paragraphs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria: Option<String>,
    /// The address of a page about the criteria.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria_url: Option<String>,
    /// Credits that can be earned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits_available: Option<Credits>,
    /// The area of knowledge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_of_study: Option<String>,
    /// The focus within the area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specialization: Option<String>,
    /// The code by which people know it, such as that of a course.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub human_code: Option<String>,
    /// Words under which it is found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The skills and standards that it covers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alignments: Vec<Alignment>,
    /// Its badge, if the organization gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
}

/// A skill or standard of a framework (Open Badges 3.0 `Alignment`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alignment {
    /// Its name.
    pub name: String,
    /// The address of its description.
    pub url: String,
    /// Its code in the framework.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The name of the framework, such as ESCO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framework: Option<String>,
    /// Its kind in the framework: [`ALIGNMENT_TYPES`], or any other word.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Kinds of alignments that Open Badges 3.0 names (`AlignmentTargetType`).
pub const ALIGNMENT_TYPES: [&str; 7] = [
    "ceasn:Competency",
    "ceterms:Credential",
    "CFItem",
    "CFRubric",
    "CFRubricCriterion",
    "CFRubricCriterionLevel",
    "CTDL",
];

impl Achievement {
    /// Takes the member `achievement` of a template's body, and its badge apart.
    pub(super) fn take(body: &mut Fields) -> (Self, ImageInput) {
        let Some(value) = body.take("achievement") else {
            return (Self::default(), ImageInput::Absent);
        };
        let Some(mut inner) = body.inner("/achievement".to_owned(), value) else {
            return (Self::default(), ImageInput::Absent);
        };
        let achievement = Self {
            kind: inner.text("type", 60),
            criteria: inner.prose("criteria", MAX_PROSE),
            criteria_url: url(&mut inner, "criteria_url"),
            credits_available: credits(&mut inner, "credits_available"),
            field_of_study: inner.text("field_of_study", MAX_TEXT),
            specialization: inner.text("specialization", MAX_TEXT),
            human_code: inner.text("human_code", MAX_TEXT),
            tags: tags(&mut inner),
            alignments: alignments(&mut inner),
            image: None,
        };
        let image = ImageInput::take(&mut inner, "image");
        body.absorb(inner);
        (achievement, image)
    }
}

/// Takes an absolute address of the web, as the URL standard writes it.
fn url(fields: &mut Fields, name: &str) -> Option<String> {
    let text = fields.text(name, MAX_URL)?;
    let url = normal_url(&text).filter(|url| url.len() <= MAX_URL);
    if url.is_none() {
        fields.fault(
            name,
            "invalid_url",
            format!("El campo {name} debe ser una URL absoluta que empiece por http:// o https://"),
            format!(
                "The field {name} must be an absolute URL that begins with http:// or https://"
            ),
        );
    }
    url
}

fn tags(fields: &mut Fields) -> Vec<String> {
    let Some(values) = fields.list("tags") else {
        return Vec::new();
    };
    let mut tags: Vec<String> = Vec::new();
    let mut wrong = values.len() > MAX_TAGS;
    for value in values.iter().take(MAX_TAGS) {
        match value.as_str().map(|text| normal_text(text, MAX_TAG)) {
            Some(Ok(Some(tag))) if !tags.contains(&tag) => tags.push(tag),
            // The same word again says nothing more.
            Some(Ok(Some(_))) => {}
            Some(Ok(None) | Err(_)) | None => wrong = true,
        }
    }
    if wrong {
        fields.fault(
            "tags",
            "invalid_values",
            format!(
                "tags debe ser una lista de hasta {MAX_TAGS} textos de 1 a {MAX_TAG} caracteres"
            ),
            format!("tags must be a list of up to {MAX_TAGS} texts of 1 to {MAX_TAG} characters"),
        );
    }
    tags
}

fn alignments(fields: &mut Fields) -> Vec<Alignment> {
    let Some(values) = fields.list("alignments") else {
        return Vec::new();
    };
    if values.len() > MAX_ALIGNMENTS {
        fields.fault(
            "alignments",
            "too_many",
            format!("El campo alignments admite {MAX_ALIGNMENTS} elementos como máximo"),
            format!("The field alignments takes at most {MAX_ALIGNMENTS} entries"),
        );
        return Vec::new();
    }
    let mut read: Vec<Alignment> = Vec::with_capacity(values.len());
    for (n, value) in values.into_iter().enumerate() {
        let Some(alignment) = alignment(fields, n, value) else { continue };
        if read.contains(&alignment) {
            fields.fault(
                "alignments",
                "repeated",
                format!("La alineación número {} está repetida: deja una", n + 1),
                format!("Alignment number {} is given twice: leave one", n + 1),
            );
        } else {
            read.push(alignment);
        }
    }
    read
}

fn alignment(fields: &mut Fields, n: usize, value: Value) -> Option<Alignment> {
    let path = format!("{}/{n}", fields.pointer("alignments"));
    let mut inner = fields.inner(path, value)?;
    let name = inner.required_name("name");
    let before = inner.faults();
    let url = url(&mut inner, "url");
    if url.is_none() && inner.faults() == before {
        inner.missing("url");
    }
    let code = inner.text("code", MAX_TEXT);
    let framework = inner.text("framework", MAX_TEXT);
    let kind = inner.text("type", 60);
    let description = inner.text("description", MAX_ALIGNMENT_DESCRIPTION);
    fields.absorb(inner);
    Some(Alignment { name: name?, url: url?, code, framework, kind, description })
}
