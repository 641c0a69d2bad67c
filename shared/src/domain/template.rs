//! Templates: the text of a credential, the fields of its recipients, and the check of a
//! recipient against them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{
    achievement::Achievement,
    credits::Credits,
    custom::Key,
    custom_field::{self, CustomField},
    design::{DesignPart, SlotImage},
    email::MAX_ADDRESS,
    fault::Fault,
    field::{FieldName, Kind},
    fields::{FieldError, Fields, InvalidBody},
    ids::TemplateId,
    image::ImageInput,
    lang::Lang,
    nearest::nearest,
    recipient::{MAX_EVIDENCE, Recipient},
    text::{MAX_TEXT, TextFault, cleaned, normal_text},
    unlisted::Unlisted,
};

/// Most values that a field can allow.
pub const MAX_ALLOWED_VALUES: usize = 200;
/// Characters of all allowed values of a field together: five such fields fit one item.
pub const MAX_ALLOWED_TEXT: usize = 10_000;
/// Longest description and criteria of a template, in characters.
pub const MAX_PROSE: usize = 10_000;
/// Most facts of all versions of a template together.
const MAX_FACTS: usize = 500;
/// Largest achievement, name and description included, in bytes of its JSON.
pub const MAX_ACHIEVEMENT: usize = 20 * 1024;

/// A field that a template lists, and its bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The field.
    pub name: FieldName,
    /// Whether each recipient, or a member's profile, must have it.
    pub required: bool,
    /// The allowed values, in their order; empty means any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_values: Vec<String>,
    /// Fewest credits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Credits>,
    /// Most credits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Credits>,
}

/// The content of a template. A version of it never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Name of the achievement.
    pub name: String,
    /// Description.
    pub description: String,
    /// Language of the credential and, unless the recipient names one, of its mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Lang>,
    /// The achievement.
    pub achievement: Achievement,
    /// Fields of its recipients.
    pub fields: Vec<Field>,
    /// Facts of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_fields: Vec<CustomField>,
    /// Months until a credential expires; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity_months: Option<u32>,
    /// What it says of its certificates in place of its organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<DesignPart>,
}

/// The images that a definition's body brings. The caller stores them and puts them into the definition.
#[derive(Debug, PartialEq, Eq)]
pub struct DefinitionImages {
    /// The badge.
    pub badge: ImageInput,
    /// The pictures of the design.
    pub design: Vec<SlotImage>,
}

/// A version of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Version of this item's format.
    pub v: u32,
    /// Id, the same in all versions.
    pub id: TemplateId,
    /// Version, from 1.
    pub version: u32,
    /// Archived templates issue nothing new.
    pub archived: bool,
    /// Instant of this version, RFC 3339.
    pub updated_at: String,
    /// Instant of the first version, RFC 3339.
    pub created_at: String,
    /// Its content.
    pub definition: Definition,
    /// The facts that earlier versions defined, and whether each is private: a version that defines one again keeps that.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<Key, bool>,
}

impl Definition {
    /// Reads the body of `POST` and `PUT /templates`: a definition, and its images, which the
    /// caller puts into it.
    ///
    /// # Errors
    /// [`InvalidBody::Fields`] with every fault.
    pub fn read(mut body: Fields) -> Result<(Self, DefinitionImages), InvalidBody> {
        body.ignore(&["id", "version", "archived", "created_at", "updated_at", "write_units"]);
        let name = body.required_name("name");
        let description = body.required_prose("description", MAX_PROSE);
        let language = body.language("language");
        let (achievement, badge) = Achievement::take(&mut body);
        let validity_months =
            body.whole("validity_months", 1, 1200).and_then(|n| u32::try_from(n).ok());
        let fields = match body.list("fields") {
            Some(values) => read_fields(&mut body, values),
            None => Vec::new(),
        };
        let custom_fields = CustomField::take(&mut body);
        let (design, pictures) = DesignPart::take(&mut body, &custom_fields);
        body.end()?;
        match (name, description) {
            (Some(name), Some(description)) => {
                let definition = Self {
                    name,
                    description,
                    language,
                    achievement,
                    fields,
                    custom_fields,
                    validity_months,
                    design,
                };
                definition.refuse_large()?;
                Ok((definition, DefinitionImages { badge, design: pictures }))
            }
            _ => Err(InvalidBody::fields(Vec::new())),
        }
    }

    /// Refuses an achievement that is too large: each credential has it whole.
    fn refuse_large(&self) -> Result<(), InvalidBody> {
        let Self { name, description, achievement, .. } = self;
        let size =
            serde_json::to_vec(&(name, description, achievement)).map_or(0, |json| json.len());
        if size <= MAX_ACHIEVEMENT {
            return Ok(());
        }
        Err(InvalidBody::fields(vec![FieldError::new(
            "/achievement",
            "too_large",
            format!(
                "El logro (name, description y achievement) ocupa {size} bytes y admite {MAX_ACHIEVEMENT} como máximo: acorta los textos o quita alineaciones"
            ),
            format!(
                "The achievement (name, description and achievement) has {size} bytes of at most {MAX_ACHIEVEMENT}: shorten its texts or remove alignments"
            ),
        )]))
    }

    /// The listed field of this name.
    pub fn field(&self, name: FieldName) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Every fault of a recipient, profile filled in, under this template.
    pub fn check(&self, recipient: &Recipient) -> Vec<Fault> {
        let mut faults = Vec::new();
        for name in FieldName::ALL {
            let wire = || name.as_str().to_owned();
            match (self.field(name), recipient.value(name).is_some()) {
                (None, true) if name.spec().of_template => {
                    faults.push(Fault::NotInTemplate(wire()));
                }
                (Some(field), false) if field.required => faults.push(Fault::Missing(wire())),
                (Some(field), true) => faults.extend(field.check(recipient)),
                _ => {}
            }
        }
        faults.extend(custom_field::check(&self.custom_fields, recipient));
        faults
    }

    /// The fact of this key.
    pub fn fact(&self, key: Key) -> Option<&CustomField> {
        self.custom_fields.iter().find(|field| field.key == key)
    }

    /// Whether recipients can have a field.
    pub fn takes(&self, name: FieldName) -> bool {
        !name.spec().of_template || self.field(name).is_some()
    }

    /// The last day of validity for a credential awarded on a day.
    pub fn expires_on(&self, awarded: Date) -> Option<Date> {
        let months = self.validity_months?;
        awarded.checked_add(jiff::Span::new().months(months)).ok()
    }
}

impl Field {
    fn check(&self, recipient: &Recipient) -> Option<Fault> {
        if let Some(text) = recipient.text(self.name) {
            let is_it = |value: &String| value == text || cleaned(value) == text;
            let allowed = self.allowed_values.is_empty() || self.allowed_values.iter().any(is_it);
            let unlisted = || Unlisted::of(self.name, text, &self.allowed_values);
            return (!allowed).then(|| Fault::NotAllowed(unlisted()));
        }
        let credits = recipient.credits_earned.filter(|_| self.name == FieldName::CreditsEarned)?;
        let outside =
            self.min.is_some_and(|min| credits < min) || self.max.is_some_and(|max| credits > max);
        outside.then(|| {
            Fault::CreditsOutOfRange(
                self.min.map(|c| c.to_string()),
                self.max.map(|c| c.to_string()),
            )
        })
    }
}

pub(super) fn credits(fields: &mut Fields, name: &str) -> Option<Credits> {
    let value = fields.take(name)?;
    let credits = match &value {
        Value::Number(number) => Credits::parse(&number.to_string()),
        _ => None,
    };
    if credits.is_none() {
        fields.fault(
            name,
            "invalid_credits",
            format!(
                "El campo {name} debe ser un número entre 0 y 1000000 con 3 decimales como máximo"
            ),
            format!("The field {name} must be a number from 0 to 1000000 with at most 3 decimals"),
        );
    }
    credits
}

fn read_fields(body: &mut Fields, values: Vec<Value>) -> Vec<Field> {
    let mut read: Vec<Field> = Vec::new();
    for (n, value) in values.into_iter().enumerate() {
        let Some(mut inner) = body.inner(format!("/fields/{n}"), value) else {
            continue;
        };
        // Members of our own answer: a template that was read can be sent back.
        inner.ignore(&["type", "format", "max_length", "max_items"]);
        let name = inner.required_text("name", 60);
        let required = inner.boolean("required").unwrap_or(false);
        if name.as_deref() == Some("email") {
            body.absorb(inner);
            continue;
        }
        let known = name.as_deref().and_then(FieldName::of);
        if let (None, Some(name)) = (known, name.as_deref()) {
            inner.fault_near(
                "name",
                "unknown_field_name",
                format!("El campo name debe ser uno de: {}", FieldName::list()),
                format!("The field name must be one of: {}", FieldName::list()),
                nearest(name, FieldName::ALL.map(FieldName::as_str)),
            );
        }
        let allowed_values = read_allowed_values(&mut inner, known);
        let min = credits(&mut inner, "min");
        let max = credits(&mut inner, "max");
        if (min.is_some() || max.is_some()) && known.is_some_and(|f| f != FieldName::CreditsEarned)
        {
            inner.fault(
                "min",
                "not_a_number_field",
                "min y max solo se admiten en credits_earned",
                "min and max are for credits_earned only",
            );
        }
        if let (Some(low), Some(high)) = (min, max)
            && high < low
        {
            inner.fault("max", "out_of_range", "max es menor que min", "max is less than min");
        }
        if known.is_some_and(|f| read.iter().any(|other| other.name == f)) {
            inner.fault(
                "name",
                "repeated_field",
                "El campo está repetido en fields",
                "The field is repeated in fields",
            );
        }
        body.absorb(inner);
        if let Some(name) = known {
            read.push(Field { name, required, allowed_values, min, max });
        }
    }
    read
}

fn read_allowed_values(inner: &mut Fields, name: Option<FieldName>) -> Vec<String> {
    let Some(values) = inner.list("allowed_values") else {
        return Vec::new();
    };
    if name.is_some_and(|f| !f.is_text()) {
        inner.fault(
            "allowed_values",
            "not_a_text_field",
            "allowed_values solo se admite en campos de texto",
            "allowed_values is for text fields only",
        );
        return Vec::new();
    }
    let mut allowed: Vec<String> = Vec::new();
    let size: usize = values.iter().filter_map(|v| v.as_str()).map(|v| v.chars().count()).sum();
    let mut wrong = values.len() > MAX_ALLOWED_VALUES || size > MAX_ALLOWED_TEXT;
    for value in values.iter().take(MAX_ALLOWED_VALUES) {
        match value.as_str().map(|text| normal_text(text, MAX_TEXT)) {
            Some(Ok(Some(text))) if !allowed.contains(&text) => allowed.push(text),
            Some(Ok(None) | Ok(Some(_)) | Err(TextFault::TooLong | TextFault::Forbidden))
            | None => wrong = true,
        }
    }
    if wrong {
        inner.fault(
            "allowed_values",
            "invalid_values",
            format!("allowed_values debe ser una lista de hasta {MAX_ALLOWED_VALUES} textos distintos de 1 a {MAX_TEXT} caracteres, {MAX_ALLOWED_TEXT} en total"),
            format!("allowed_values must be a list of up to {MAX_ALLOWED_VALUES} different texts of 1 to {MAX_TEXT} characters, {MAX_ALLOWED_TEXT} in all"),
        );
    }
    allowed
}

impl Template {
    /// The facts that any version defined until this one, and whether each is private.
    pub fn all_facts(&self) -> BTreeMap<Key, bool> {
        let own = self.definition.custom_fields.iter().map(|field| (field.key, field.private));
        self.facts.iter().map(|(key, private)| (*key, *private)).chain(own).collect()
    }

    /// The faults of the definition of a next version: facts that were public and would be private, or the
    /// other way round. What identifies a credential would change, and a list that comes again would issue its credentials twice.
    pub fn refuses(&self, next: &Definition) -> Vec<FieldError> {
        let known = self.all_facts();
        let mut faults = Vec::new();
        for (n, field) in next.custom_fields.iter().enumerate() {
            if known.get(&field.key).is_some_and(|private| *private != field.private) {
                let key = field.key;
                faults.push(FieldError::new(
                    format!("/custom_fields/{n}/private"),
                    "not_changeable",
                    format!("private de {key} ya no cambia: sus credenciales se distinguen por él. Define otro dato, con otra clave"),
                    format!("private of {key} does not change any more: its credentials are told apart by it. Define another fact, with another key"),
                ));
            }
        }
        if known.len() + next.custom_fields.len() > MAX_FACTS {
            faults.push(FieldError::new(
                "/custom_fields",
                "too_many",
                format!("Las versiones de una plantilla admiten {MAX_FACTS} datos propios en total: crea otra plantilla"),
                format!("The versions of a template take {MAX_FACTS} facts of their own in all: create another template"),
            ));
        }
        faults
    }

    /// The answer of `GET /templates/{id}`; `fields` lists all that a client must send.
    pub fn answer(&self, site_url: &str) -> Value {
        let d = &self.definition;
        let mut achievement = serde_json::json!(d.achievement);
        if let (Some(image), Some(members)) = (&d.achievement.image, achievement.as_object_mut()) {
            members.insert("image".to_owned(), image.id.url(site_url).into());
        }
        let mut fields = vec![serde_json::json!({
            "name": "email", "type": "string", "required": true, "format": "email",
            "max_length": MAX_ADDRESS,
        })];
        for field in &d.fields {
            let mut answer = serde_json::json!({
                "name": field.name, "type": field.name.kind().as_str(), "required": field.required,
            });
            if let Some(members) = answer.as_object_mut() {
                let limit = match field.name.kind() {
                    Kind::Text => Some(("max_length", MAX_TEXT.into())),
                    Kind::Number => None,
                    Kind::Date => Some(("format", "YYYY-MM-DD".into())),
                    Kind::Array => Some(("max_items", MAX_EVIDENCE.into())),
                };
                if let Some((name, limit)) = limit {
                    members.insert(name.to_owned(), limit);
                }
                if !field.allowed_values.is_empty() {
                    members.insert("allowed_values".into(), field.allowed_values.clone().into());
                }
                for (name, bound) in [("min", field.min), ("max", field.max)] {
                    if let Some(value) = bound.and_then(|b| serde_json::to_value(b).ok()) {
                        members.insert(name.into(), value);
                    }
                }
            }
            fields.push(answer);
        }
        serde_json::json!({
            "id": self.id, "name": d.name, "description": d.description, "language": d.language,
            "version": self.version, "archived": self.archived, "achievement": achievement,
            "fields": fields, "validity_months": d.validity_months,
            "custom_fields": d.custom_fields.iter().map(CustomField::answer).collect::<Vec<_>>(),
            "design": d.design.as_ref().map(|design| design.answer(site_url)),
            "created_at": self.created_at, "updated_at": self.updated_at,
        })
    }
}
