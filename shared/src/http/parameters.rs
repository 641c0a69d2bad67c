//! The query parameters of the routes, and their check before an endpoint reads them.
//!
//! A parameter that is ignored does harm: with `dryRun=true` for `dry_run=true` a script issues
//! for real, with `name=Ana` a list shows everyone. So a route with a key refuses what it does not know.

use std::collections::BTreeMap;

use crate::{
    domain::{fields::FieldError, nearest::nearest},
    http::problem::Problem,
};

/// A query parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its effect.
    pub kind: Kind,
}

/// The effect of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is exactly `true` or `false`.
    Flag,
    /// It decides which entries a list has. Never empty: a script whose variable is empty would
    /// get the entries of everyone.
    Filter,
    /// It decides which part is shown, or how. An empty one counts as absent, except a cursor.
    View,
}

/// Whether to predict and change nothing.
pub const DRY_RUN: Parameter = Parameter { name: "dry_run", kind: Kind::Flag };
/// Most entries of a page.
pub const LIMIT: Parameter = Parameter { name: "limit", kind: Kind::View };
/// Where a page begins.
pub const CURSOR: Parameter = Parameter { name: "cursor", kind: Kind::View };
/// State of the entries.
pub const STATUS: Parameter = Parameter { name: "status", kind: Kind::Filter };
/// Template of the credentials.
pub const TEMPLATE_ID: Parameter = Parameter { name: "template_id", kind: Kind::Filter };
/// What is looked up: an address, an id, or the words of a name.
pub const Q: Parameter = Parameter { name: "q", kind: Kind::Filter };
/// Job that issued the credentials.
pub const JOB_ID: Parameter = Parameter { name: "job_id", kind: Kind::Filter };
/// Address of the recipient.
pub const EMAIL: Parameter = Parameter { name: "email", kind: Kind::Filter };
/// The caller's own id of the credential.
pub const EXTERNAL_ID: Parameter = Parameter { name: "external_id", kind: Kind::Filter };
/// Instant or date after which the credentials were issued.
pub const ISSUED_AFTER: Parameter = Parameter { name: "issued_after", kind: Kind::Filter };
/// Format of a file: `csv` or `xlsx`.
pub const FORMAT: Parameter = Parameter { name: "format", kind: Kind::View };
/// Language of a page or drawing.
pub const LANG: Parameter = Parameter { name: "lang", kind: Kind::View };
/// Length of a sample's texts.
pub const SAMPLE: Parameter = Parameter { name: "sample", kind: Kind::View };
/// An earlier version of a credential.
pub const VERSION: Parameter = Parameter { name: "version", kind: Kind::View };

/// Version of interaction URLs (VCALM); it marks an address that wallets may ask for their protocols.
pub const INTERACTION: Parameter = Parameter { name: "iuv", kind: Kind::View };

/// Encoding of a file.
pub const ENCODING: Parameter = Parameter { name: "encoding", kind: Kind::View };

/// Names that other services have for these parameters.
const ELSEWHERE: &[(&str, Parameter)] = &[
    ("page", CURSOR),
    ("page_token", CURSOR),
    ("offset", CURSOR),
    ("after", CURSOR),
    ("starting_after", CURSOR),
    ("per_page", LIMIT),
    ("page_size", LIMIT),
    ("size", LIMIT),
    ("count", LIMIT),
    ("since", ISSUED_AFTER),
    ("from", ISSUED_AFTER),
    ("state", STATUS),
    ("template", TEMPLATE_ID),
    ("job", JOB_ID),
    ("query", Q),
    ("search", Q),
    ("test", DRY_RUN),
    ("simulate", DRY_RUN),
];

/// Requires that all parameters of a request are known, occur once, and are no empty filter; and
/// that flags are exactly `true` or `false`.
///
/// # Errors
/// `unknown_parameter`, else `invalid_request`, with every fault.
pub fn check<'a>(
    sent: impl Iterator<Item = (&'a str, &'a str)>,
    known: &[Parameter],
) -> Result<(), Problem> {
    let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in sent {
        values.entry(name).or_default().push(value);
    }
    let mut unknown = false;
    let mut errors = Vec::new();
    for (name, values) in values {
        match known.iter().find(|parameter| parameter.name == name) {
            None => {
                unknown = true;
                errors.push(unknown_parameter(name, known));
            }
            Some(parameter) => errors.extend(fault(*parameter, &values)),
        }
    }
    match (errors.is_empty(), unknown) {
        (true, _) => Ok(()),
        (false, true) => Err(Problem::unknown_parameter(errors)),
        (false, false) => Err(Problem::invalid_request(errors)),
    }
}

fn unknown_parameter(name: &str, known: &[Parameter]) -> FieldError {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    let names: Vec<&str> = known.iter().map(|parameter| parameter.name).collect();
    let (es, en) = match names.as_slice() {
        [] => ("Esta ruta no admite parámetros".into(), "This path takes no parameters".into()),
        names => {
            let list = names.join(", ");
            (format!("Esta ruta admite: {list}"), format!("This path takes: {list}"))
        }
    };
    let elsewhere = ELSEWHERE.iter().filter(|(_, ours)| known.contains(ours));
    let hint = nearest(name, names.iter().copied()).or_else(|| {
        let theirs = nearest(name, elsewhere.clone().map(|(theirs, _)| *theirs))?;
        elsewhere.clone().find(|(name, _)| *name == theirs).map(|(_, ours)| ours.name)
    });
    FieldError::new(
        shown.clone(),
        "unknown_parameter",
        format!("Parámetro desconocido: {shown}. {es}"),
        format!("Unknown parameter: {shown}. {en}"),
    )
    .hint(hint)
}

fn fault(parameter: Parameter, values: &[&str]) -> Option<FieldError> {
    let Parameter { name, kind } = parameter;
    let [value] = values else {
        return Some(FieldError::new(
            name,
            "repeated_parameter",
            format!("El parámetro {name} está repetido"),
            format!("The parameter {name} is given twice"),
        ));
    };
    match kind {
        Kind::Flag if !matches!(*value, "true" | "false") => {
            let hint = nearest(value, ["true", "false"]);
            let fault = FieldError::new(
                name,
                "value_not_allowed",
                format!("El parámetro {name} debe ser true o false"),
                format!("The parameter {name} must be true or false"),
            );
            Some(fault.hint(hint))
        }
        Kind::Filter if value.is_empty() => Some(empty(parameter)),
        _ => None,
    }
}

/// The fault of a filter that says nothing.
pub fn empty(Parameter { name, .. }: Parameter) -> FieldError {
    FieldError::new(
        name,
        "empty_parameter",
        format!("El parámetro {name} está vacío; quítalo o dale un valor"),
        format!("The parameter {name} is empty; leave it out or give it a value"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_gets_the_nearest_known_one() {
        let hint = |name: &str, known: &[Parameter]| unknown_parameter(name, known).hint;
        let list = [STATUS, ISSUED_AFTER, LIMIT, CURSOR];
        for (name, near) in [
            ("dryRun", "dry_run"),
            ("dry-run", "dry_run"),
            ("DRYRUN", "dry_run"),
            ("dry_runn", "dry_run"),
        ] {
            assert_eq!(hint(name, &[DRY_RUN]).as_deref(), Some(near), "{name}");
        }
        for (name, near) in [
            ("Status", "status"),
            ("page", "cursor"),
            ("pageSize", "limit"),
            ("limits", "limit"),
            ("page_limit", "limit"),
            ("issuedAfter", "issued_after"),
            ("nextCursor", "cursor"),
        ] {
            assert_eq!(hint(name, &list).as_deref(), Some(near), "{name}");
        }
        for name in ["q", "utm_source", "", &"x".repeat(100_000)] {
            assert_eq!(hint(name, &list), None, "{name:.20}");
        }
        assert_eq!(hint("dryRun", &[]), None);
        assert_eq!(hint("page", &[DRY_RUN]), None);
    }
}
