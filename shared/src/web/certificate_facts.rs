//! The facts of a certificate: which, in which order, with which labels. Its design decides.

use std::collections::BTreeMap;

use crate::{
    domain::{
        custom::{CustomValue, Facts, Key},
        custom_field::{CustomField, CustomLabel},
        design::{Design, FactName},
        field::FieldName,
        lang::Lang,
    },
    web::view::Fact,
};

/// A fact of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFact {
    name: Name,
    value: Value,
    /// The design's labels, by language tag.
    label: BTreeMap<String, String>,
}

/// What names a fact where its design does not.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Field(FieldName),
    Custom(CustomLabel),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Field(Fact),
    Custom(CustomValue),
}

impl CertificateFact {
    /// The label in a language: the design's, else the usual one.
    pub fn label(&self, lang: Lang) -> &str {
        match (self.label.get(lang.tag()), &self.name) {
            (Some(label), _) => label,
            (None, Name::Field(field)) => field.short(lang),
            (None, Name::Custom(label)) => label.text(lang),
        }
    }

    /// The value in a language.
    pub fn value(&self, lang: Lang) -> String {
        match &self.value {
            Value::Field(fact) => fact.text(lang),
            Value::Custom(value) => value.text(lang),
        }
    }
}

/// The facts of a certificate that a credential has: those of its design in their order, or all.
pub(super) fn of(
    design: &Design,
    facts: &[(FieldName, Fact)],
    defined: &[CustomField],
    custom: &Facts,
) -> Vec<CertificateFact> {
    let no_label = BTreeMap::new;
    let field = |wanted: FieldName, label| {
        let (_, fact) = facts.iter().find(|(field, _)| *field == wanted)?;
        let (name, value) = (Name::Field(wanted), Value::Field(fact.clone()));
        Some(CertificateFact { name, value, label })
    };
    let own = |key: Key, label| {
        let field = defined.iter().find(|field| field.key == key)?;
        let value = Value::Custom(custom.get(&key)?.clone());
        Some(CertificateFact { name: Name::Custom(field.label.clone()), value, label })
    };
    match &design.facts {
        Some(lines) => {
            let named = lines.iter().filter_map(|line| match line.fact {
                FactName::Field(name) => field(name, line.label.clone()),
                FactName::Custom(key) => own(key, line.label.clone()),
            });
            // An organization's list cannot name the facts of its templates: they follow it.
            let others = defined.iter().filter(|_| design.facts_of_organization);
            named.chain(others.filter_map(|defined| own(defined.key, no_label()))).collect()
        }
        None => {
            let fields = facts.iter().filter_map(|(name, _)| field(*name, no_label()));
            let own = defined.iter().filter_map(|defined| own(defined.key, no_label()));
            fields.chain(own).collect()
        }
    }
}
