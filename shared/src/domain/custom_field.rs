//! The facts that a template defines: reading the definitions, and checking a recipient against them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::{
    credits::Credits,
    custom::{CUSTOM, CustomValue, Key, MAX_KEY},
    expected::Expected,
    fault::Fault,
    field::FieldName,
    fields::Fields,
    lang::Lang,
    recipient::{MAX_CUSTOM, Recipient},
    text::{MAX_TEXT, TextFault, cleaned, normal_text, plain},
    unlisted::Unlisted,
};

/// Longest label, in characters.
pub const MAX_LABEL: usize = 60;
/// Most values of a list.
pub const MAX_VALUES: usize = 100;

/// The kind of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CustomKind {
    /// A text of at most [`MAX_TEXT`] characters; a number sent for it is that text.
    Text,
    /// A number from 0 to 1,000,000 with at most 3 decimals; a text of its digits is that number.
    Number,
    /// One of the template's values.
    List,
}

/// The name of a fact for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomLabel {
    /// In Spanish.
    pub es: String,
    /// In English.
    pub en: String,
    /// In further languages, by their tags.
    #[serde(flatten)]
    pub more: BTreeMap<String, String>,
}

impl CustomLabel {
    /// The label of a language; in Spanish where the template has no other.
    pub fn text(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            lang => self.more.get(lang.tag()).unwrap_or(&self.es),
        }
    }

    /// The labels in all languages.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        [&self.es, &self.en].into_iter().chain(self.more.values()).map(String::as_str)
    }

    /// The same label in all languages.
    fn same(text: &str) -> Self {
        Self { es: text.to_owned(), en: text.to_owned(), more: BTreeMap::new() }
    }

    /// The label without what nobody sees.
    fn cleaned(self) -> Self {
        let clean = |text: String| cleaned(&text).into_owned();
        let more = self.more.into_iter().map(|(tag, text)| (tag, clean(text))).collect();
        Self { es: clean(self.es), en: clean(self.en), more }
    }
}

/// A fact that a template defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomField {
    /// Its key.
    pub key: Key,
    /// Its name for people.
    pub label: CustomLabel,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: CustomKind,
    /// The values of a list, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Whether each recipient must have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Whether it is kept for the organization alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

impl CustomField {
    /// Takes the member `custom_fields` of a template's body.
    pub(super) fn take(body: &mut Fields) -> Vec<Self> {
        let Some(values) = body.list("custom_fields") else {
            return Vec::new();
        };
        if values.len() > MAX_CUSTOM {
            body.fault(
                "custom_fields",
                "too_many",
                format!("El campo custom_fields admite {MAX_CUSTOM} elementos como máximo"),
                format!("The field custom_fields takes at most {MAX_CUSTOM} entries"),
            );
            return Vec::new();
        }
        let mut read: Vec<Self> = Vec::new();
        for (n, value) in values.into_iter().enumerate() {
            let path = format!("{}/{n}", body.pointer("custom_fields"));
            let Some(mut inner) = body.inner(path, value) else { continue };
            let field = Self::read(&mut inner, &read);
            body.absorb(inner);
            read.extend(field);
        }
        read
    }

    fn read(inner: &mut Fields, before: &[Self]) -> Option<Self> {
        let key = inner.required_text("key", MAX_KEY);
        let label = label(inner);
        let kind = kind(inner);
        let required = inner.boolean("required").unwrap_or(false);
        let private = inner.boolean("private").unwrap_or(false);
        let values = values(inner, kind);
        let key = key.and_then(|text| {
            let known = ["email", "external_id", "language", CUSTOM];
            let taken = FieldName::of(&text).is_some() || known.contains(&text.as_str());
            let key = Key::parse(&text).filter(|_| !taken);
            if key.is_none() {
                inner.fault(
                    "key",
                    "invalid_key",
                    format!("El campo key admite hasta {MAX_KEY} letras minúsculas sin acento, cifras y _, empieza por una letra y no es el nombre de otro campo"),
                    format!("The field key takes up to {MAX_KEY} of a-z, 0-9 and _, begins with a letter and is no other field's name"),
                );
            }
            key
        });
        if let Some(key) = key
            && before.iter().any(|other| other.key == key)
        {
            inner.fault("key", "repeated_field", "La clave está repetida", "The key is repeated");
        }
        Some(Self { key: key?, label: label?, kind: kind?, values, required, private })
    }

    /// Whether a name of a column means this fact: its key or a label, in any case, without accents.
    pub fn is_named(&self, name: &str) -> bool {
        let name = plain(name);
        self.label.all().chain([self.key.as_str()]).any(|own| plain(own) == name)
    }

    /// A value of its kind, as short as can be.
    pub fn example(&self) -> CustomValue {
        match (self.kind, self.values.first()) {
            (CustomKind::List, Some(value)) => CustomValue::Text(value.clone()),
            (CustomKind::Number, _) => CustomValue::Number(Credits::ZERO),
            (CustomKind::Text | CustomKind::List, _) => CustomValue::Text("a".to_owned()),
        }
    }

    /// A value of its kind, of a usual length.
    pub fn usual(&self, lang: Lang) -> CustomValue {
        match self.kind {
            CustomKind::Text => {
                CustomValue::Text(lang.pick("Texto de ejemplo", "A sample text").to_owned())
            }
            CustomKind::Number => Credits::parse("40").map_or(self.example(), CustomValue::Number),
            CustomKind::List => self.example(),
        }
    }

    /// The value of its kind that another one says; none if it is of its kind, or says none.
    fn meant(&self, value: &CustomValue) -> Option<CustomValue> {
        match (self.kind, value) {
            (CustomKind::Number, CustomValue::Text(text)) => {
                let text = cleaned(text);
                let digits = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
                Credits::parse(&text).filter(|_| digits).map(CustomValue::Number)
            }
            (CustomKind::Text | CustomKind::List, CustomValue::Number(number)) => {
                Some(CustomValue::Text(number.to_string()))
            }
            (CustomKind::Number, CustomValue::Number(_))
            | (CustomKind::Text | CustomKind::List, CustomValue::Text(_)) => None,
        }
    }

    /// The fault of a value, if it has one.
    fn fault(&self, value: &CustomValue) -> Option<Fault> {
        match (self.kind, value) {
            (CustomKind::Number, CustomValue::Number(_))
            | (CustomKind::Text, CustomValue::Text(_)) => None,
            (CustomKind::Number, CustomValue::Text(_)) => {
                Some(Fault::WrongType(self.key.field(), Expected::Number))
            }
            (CustomKind::Text | CustomKind::List, CustomValue::Number(_)) => {
                Some(Fault::WrongType(self.key.field(), Expected::Text))
            }
            (CustomKind::List, CustomValue::Text(text)) => {
                let is_it = |value: &String| value == text || cleaned(value) == *text;
                let listed = self.values.iter().any(is_it);
                let unlisted = || Unlisted::of_custom(self.key, text, &self.values);
                (!listed).then(|| Fault::NotAllowed(unlisted()))
            }
        }
    }

    /// The answer of the API.
    pub fn answer(&self) -> Value {
        let mut answer = json!({
            "key": self.key, "label": self.label, "type": self.kind, "required": self.required,
            "private": self.private,
        });
        if self.kind == CustomKind::List
            && let Some(members) = answer.as_object_mut()
        {
            members.insert("values".to_owned(), json!(self.values));
        }
        answer
    }
}

/// Takes `label`: a text for all languages, or one for each.
fn label(inner: &mut Fields) -> Option<CustomLabel> {
    match inner.take("label") {
        Some(Value::Object(members)) => {
            let path = inner.pointer("label");
            let mut texts = inner.inner(path, Value::Object(members))?;
            let mut more: BTreeMap<String, String> = Lang::ALL
                .into_iter()
                .filter_map(|lang| {
                    Some((lang.tag().to_owned(), texts.text(lang.tag(), MAX_LABEL)?))
                })
                .collect();
            let (es, en) = (more.remove(Lang::Es.tag()), more.remove(Lang::En.tag()));
            if es.is_none() && en.is_none() {
                texts.missing("es");
            }
            inner.absorb(texts);
            let (es, en) = (es.clone().or_else(|| en.clone())?, en.or(es)?);
            Some(CustomLabel { es, en, more }.cleaned())
        }
        Some(Value::String(text)) => {
            match normal_text(&text, MAX_LABEL) {
                Ok(Some(text)) => Some(CustomLabel::same(&text).cleaned()),
                Ok(None) => {
                    inner.missing("label");
                    None
                }
                Err(TextFault::TooLong | TextFault::Forbidden) => {
                    inner.fault(
                    "label",
                    "invalid_values",
                    format!("El campo label admite hasta {MAX_LABEL} caracteres, sin los de control"),
                    format!("The field label takes up to {MAX_LABEL} characters, no control characters"),
                );
                    None
                }
            }
        }
        Some(_) => {
            inner.wrong_type(
                "label",
                &format!("un texto, o un objeto con {}", Lang::listed("y")),
                &format!("a text, or an object with {}", Lang::listed("and")),
            );
            None
        }
        None => {
            inner.missing("label");
            None
        }
    }
}

fn kind(inner: &mut Fields) -> Option<CustomKind> {
    let text = inner.required_text("type", 20)?;
    let kind = serde_json::from_value(Value::from(text)).ok();
    if kind.is_none() {
        inner.fault(
            "type",
            "invalid_values",
            "El campo type debe ser text, number o list",
            "The field type must be text, number or list",
        );
    }
    kind
}

fn values(inner: &mut Fields, kind: Option<CustomKind>) -> Vec<String> {
    let given = inner.list("values");
    if kind.is_some_and(|kind| kind != CustomKind::List) {
        if given.is_some_and(|values| !values.is_empty()) {
            inner.fault(
                "values",
                "not_a_list_field",
                "values solo se admite con type list",
                "values is for type list only",
            );
        }
        return Vec::new();
    }
    let given = given.unwrap_or_default();
    let mut values: Vec<String> = Vec::new();
    let mut wrong = given.is_empty() || given.len() > MAX_VALUES;
    for value in given.iter().take(MAX_VALUES) {
        match value.as_str().map(|text| normal_text(text, MAX_TEXT)) {
            Some(Ok(Some(text))) if !values.contains(&text) => values.push(text),
            Some(Ok(_) | Err(_)) | None => wrong = true,
        }
    }
    if wrong && kind.is_some() {
        inner.fault(
            "values",
            "invalid_values",
            format!("values debe ser una lista de 1 a {MAX_VALUES} textos distintos de 1 a {MAX_TEXT} caracteres"),
            format!("values must be a list of 1 to {MAX_VALUES} different texts of 1 to {MAX_TEXT} characters"),
        );
    }
    values
}

/// Every fault of a recipient's facts under a template's definitions.
pub(super) fn check(defined: &[CustomField], recipient: &Recipient) -> Vec<Fault> {
    let facts = || recipient.custom.iter().chain(&recipient.private);
    let known = |key: &Key| defined.iter().any(|field| field.key == *key);
    let mut faults: Vec<Fault> = facts()
        .filter(|(key, _)| !known(key))
        .map(|(key, _)| Fault::NotInTemplate(key.field()))
        .collect();
    for field in defined {
        match facts().find(|(key, _)| **key == field.key) {
            Some((_, value)) => faults.extend(field.fault(value)),
            None if field.required => faults.push(Fault::Missing(field.key.field())),
            None => {}
        }
    }
    faults
}

/// Reads the facts of a recipient as their definitions say: a number that is sent for a text is that text, digits that
/// are sent for a number are that number, and private facts are set apart from public ones.
pub fn settle(defined: &[CustomField], recipient: &mut Recipient) {
    for field in defined {
        if let Some(value) = recipient.custom.get_mut(&field.key)
            && let Some(meant) = field.meant(value)
        {
            *value = meant;
        }
    }
    let private = |key: &Key| defined.iter().any(|field| field.private && field.key == *key);
    let keys: Vec<Key> = recipient.custom.keys().copied().filter(private).collect();
    for key in keys {
        if let Some(value) = recipient.custom.remove(&key) {
            recipient.private.insert(key, value);
        }
    }
}
