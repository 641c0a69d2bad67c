//! The attributes that a read asks for: those that the type of its item knows, and no others.
//!
//! A role of IAM can be kept from attributes, such as secrets, only if reads name those that they
//! want ("Using IAM policy conditions for fine-grained access control", `dynamodb:Attributes`).

use std::{collections::HashMap, fmt};

use serde::{
    Deserializer,
    de::{self, DeserializeOwned, Visitor},
    forward_to_deserialize_any,
};

/// A projection expression and the names that it stands for. Both are `None` for a type that is no
/// struct, whose items are read whole.
pub(super) struct Projection {
    pub expression: Option<String>,
    pub names: Option<HashMap<String, String>>,
}

impl Projection {
    /// Makes the projection of a type.
    pub(super) fn of<T: DeserializeOwned>() -> Self {
        let attributes = attributes::<T>();
        if attributes.is_empty() {
            return Self { expression: None, names: None };
        }
        // Through placeholders, as many names are reserved words of DynamoDB.
        let placeholders: Vec<String> = (0..attributes.len()).map(|n| format!("#p{n}")).collect();
        let expression = Some(placeholders.join(", "));
        let names = placeholders.into_iter().zip(attributes.iter().map(|&name| name.to_owned()));
        Self { expression, names: Some(names.collect()) }
    }
}

/// Returns the fields of a struct by their names in items; none for another type.
pub(super) fn attributes<T: DeserializeOwned>() -> &'static [&'static str] {
    match T::deserialize(Asked) {
        Err(Fields(fields)) => fields,
        Ok(_) => &[],
    }
}

/// A deserializer that answers with the fields that it is asked for.
struct Asked;

/// That answer, which serde carries as an error.
#[derive(Debug)]
struct Fields(&'static [&'static str]);

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of fields")
    }
}

impl std::error::Error for Fields {}

impl de::Error for Fields {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for Asked {
    type Error = Fields;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fields> {
        Err(Fields(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fields> {
        Err(Fields(fields))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        domain::{
            api_key::ApiKey,
            organization::Organization,
            signing_key::{PublicKey, SealedKey},
            template::Template,
        },
        store::{catalog::SecretItem, designs::OrganizationDesign, images::ImageItem},
    };

    /// The attributes of the catalog that a statement of the role of `render` lets it read.
    fn granted(sid: &str) -> BTreeSet<&'static str> {
        let template = include_str!("../../../template.yaml");
        let (_, role) = template.split_once("\n  RenderRole:\n").expect("a role");
        let (role, _) = role.split_once("\n  RenderLogGroup:\n").expect("its end");
        let (_, statement) = role.split_once(&format!("- Sid: {sid}\n")).expect("a statement");
        let (_, list) = statement.split_once("'dynamodb:Attributes':\n").expect("a condition");
        list.lines().map_while(|line| line.trim().strip_prefix("- ")).collect()
    }

    #[test]
    fn render_may_read_what_it_shows_and_no_secret() {
        let shown: BTreeSet<&str> = [
            attributes::<Organization>(),
            attributes::<Template>(),
            attributes::<ImageItem>(),
            attributes::<PublicKey>(),
            attributes::<OrganizationDesign>(),
        ]
        .into_iter()
        .flat_map(|attributes| attributes.iter().copied())
        .collect();
        let keys = BTreeSet::from(["pk", "sk"]);
        assert_eq!(granted("Catalog"), &shown | &keys);
        // One API key at a time, by its id, to compare its hash: no list of keys has hashes.
        let of_keys: BTreeSet<&str> = attributes::<ApiKey>().iter().copied().collect();
        assert_eq!(granted("ApiKey"), &of_keys | &keys);
        for (secret, item, sids) in [
            ("secret", attributes::<SecretItem>(), &["Catalog", "ApiKey"][..]),
            ("sealed", attributes::<SealedKey>(), &["Catalog", "ApiKey"]),
            ("hash", attributes::<ApiKey>(), &["Catalog"]),
        ] {
            assert!(item.contains(&secret), "{secret}: {item:?}");
            assert!(sids.iter().all(|sid| !granted(sid).contains(secret)), "{secret}");
        }
    }

    #[test]
    fn what_is_no_struct_is_read_whole() {
        assert_eq!(attributes::<HashMap<String, String>>(), [""; 0]);
        assert!(Projection::of::<serde_json::Value>().expression.is_none());
    }

    #[test]
    fn a_projection_names_every_attribute_once() {
        let projection = Projection::of::<SecretItem>();
        assert_eq!(projection.expression.as_deref(), Some("#p0, #p1"));
        let names = projection.names.expect("names");
        assert_eq!((names["#p0"].as_str(), names["#p1"].as_str()), ("v", "secret"));
    }
}
