//! All faults of a refused recipient at once: those of its form, and of what could be read in spite of
//! them those that its template and the rules for new data find. Whoever mends the first ones does
//! not meet the others afterwards.
//!
//! A recipient that is refused by its form has no identity, so nothing that was issued before is missed.

use std::collections::BTreeSet;

use crate::domain::{
    admission, custom_field,
    fault::{self, Fault},
    field::FieldName,
    recipient::Entry,
    template::Definition,
};

/// Reads the facts of an entry as the template defines them, and adds to the faults of a refused entry those of the fields that could be read. What a member's
/// profile may fill in is not missing, nor what a row leaves out that names its credential.
pub fn complete(entry: &mut Entry, template: &Definition) {
    if let Some(recipient) = entry.read_mut() {
        custom_field::settle(&template.custom_fields, recipient);
    }
    let (Err(faults), Some(rest)) = (&mut entry.recipient, entry.rest.take()) else { return };
    let known: BTreeSet<String> = faults.iter().filter_map(whole_field).collect();
    let named = rest.recipient.recipient_name.is_some();
    let of_correction = |fault: &Fault| matches!(fault, Fault::Correction(_));
    let is_correction = entry.naming.is_some() || faults.iter().any(of_correction);
    let recipient = rest.recipient.cleaned().unwrap_or_else(|| rest.recipient.clone());
    let mut further = template.check(&recipient);
    let unnamed = admission::unnamed(named, &mut further);
    further.extend(admission::judge(&recipient, &entry.email, None));
    further.extend(unnamed);
    further.extend(rest.recipient.damages());
    let may_be_filled = |field: &str| {
        let of_profile = FieldName::of(field).is_some_and(|field| field.spec().from_profile);
        is_correction || (rest.addressed && of_profile)
    };
    further.retain(|fault| match fault {
        Fault::Missing(field) if may_be_filled(field) => false,
        Fault::InvalidEmail(_) if !rest.addressed => false,
        fault => whole_field(fault).is_none_or(|field| !known.contains(&field)),
    });
    let mut all = std::mem::take(faults);
    all.extend(further);
    *faults = fault::listed(all);
}

/// The field at fault; of a part of evidence, `evidence`.
fn whole_field(fault: &Fault) -> Option<String> {
    let field = fault.field()?;
    Some(field.split('[').next().unwrap_or_default().to_owned())
}
