//! The labels of a template's own facts as the names of columns: each must mean one fact, and nothing else.

use super::{
    column::Column,
    columns::{column, is_ours, is_result},
    names::plain,
    offered,
};
use crate::domain::{
    custom_field::CustomField, field_error::FieldError, lang::Lang, template::Definition,
};

/// The faults of labels that no column of a file can have: the name of a standard column that the template takes, of a
/// column of results, of another fact, or nothing that a name is compared by.
pub fn faults(definition: &Definition) -> Vec<FieldError> {
    let own = &definition.custom_fields;
    let mut faults = Vec::new();
    for (n, field) in own.iter().enumerate() {
        let fault = field
            .label
            .all()
            .find_map(|label| fault(label, n, own, definition).map(|(es, en)| (label, es, en)));
        if let Some((label, es, en)) = fault {
            let pointer = format!("/custom_fields/{n}/label");
            faults.push(FieldError::new(
                pointer,
                "label_taken",
                format!("La etiqueta «{label}» {es}: elige otra"),
                format!("The label \"{label}\" {en}: choose another one"),
            ));
        }
        let key = field.key.as_str();
        let known = column(key);
        let taken = match (known, known.field()) {
            (Column::Unknown, _) => is_ours(key, false),
            (_, Some(of)) => definition.takes(of),
            (_, None) => true,
        };
        if taken {
            faults.push(FieldError::new(
                format!("/custom_fields/{n}/key"),
                "key_taken",
                format!("Una columna «{key}» de un archivo es otra cosa, no este dato: elige otra clave"),
                format!("A column \"{key}\" of a file is something else, not this fact: choose another key"),
            ));
        }
    }
    faults
}

/// Why a label names no column of its own.
fn fault(
    label: &str,
    at: usize,
    own: &[CustomField],
    definition: &Definition,
) -> Option<(String, String)> {
    if plain(label).is_empty() {
        return Some((
            "no tiene letras ni cifras, y un archivo no podría nombrarla".to_owned(),
            "has no letters or digits, so that no file could name it".to_owned(),
        ));
    }
    let mut others = own.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, field)| field);
    if let Some(other) = others.find(|other| other.is_named(label)) {
        let key = other.key;
        return Some((
            format!("nombra también el dato {key}"),
            format!("also names the fact {key}"),
        ));
    }
    let known = column(label);
    let of_field = known.field();
    let standard = match (known, of_field) {
        (Column::Unknown, _) => is_result(label),
        (_, Some(field)) => definition.takes(field),
        (_, None) => true,
    };
    standard.then(|| {
        let name = |lang| match (known, of_field) {
            (Column::Email, _) => offered::name("email", lang),
            (_, Some(field)) => offered::name(field.as_str(), lang),
            (_, None) => label,
        };
        (
            format!("es el nombre de la columna «{}», que no es de este dato", name(Lang::Es)),
            format!("is the name of the column \"{}\", which is not this fact's", name(Lang::En)),
        )
    })
}
