//! The schemas that requests and answers share, each under the name that `$ref` has.

mod credentials;
mod designs;
mod jobs;
mod organizations;
mod people;
mod templates;
mod uploads;
mod verification;
mod warnings;

use serde_json::{Map, Value};
use unicreda::domain::field_error::MAX_ERRORS;

pub use self::uploads::said_encoding;
use crate::schema::{about, count, has, like, list_of, may, object, of, string, uri, whole};

/// All components, by name.
pub fn schemas() -> Map<String, Value> {
    let parts = [
        vec![("Problem", problem()), ("ProblemField", problem_field())],
        credentials::schemas(),
        jobs::schemas(),
        uploads::schemas(),
        templates::schemas(),
        designs::schemas(),
        organizations::schemas(),
        people::schemas(),
        verification::schemas(),
        warnings::schemas(),
    ];
    let all = parts.into_iter().flatten();
    all.map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// `http::problem`.
fn problem() -> Value {
    let errors = list_of(1, MAX_ERRORS, of("ProblemField"));
    about(
        "An answer other than success (RFC 9457).",
        object([
            has("type", like("urn:unicreda:problem:invalid_request", uri())),
            has("title", about("What kind of problem it is, for people.", string())),
            has("status", about("The status of the answer.", whole(400, 599))),
            has(
                "detail",
                about("What happened, for people; Spanish, or English if preferred.", string()),
            ),
            has("code", about("Stable, for programs.", like("invalid_request", string()))),
            has("request_id", about("As in the header `X-Request-Id`.", string())),
            may("errors", about("The first 100 faults.", errors)),
            may("errors_omitted", about("How many more faults there are.", count())),
        ]),
    )
}

fn problem_field() -> Value {
    let pointer = "A JSON Pointer into the body, or the name of a parameter, header or CSV column.";
    object([
        has("pointer", about(pointer, like("/recipients", string()))),
        has("code", about("Stable, for programs.", like("missing_field", string()))),
        has("message", about("The fault, for people.", string())),
        may("hint", about("The known name or value that is nearest to an unknown one.", string())),
    ])
}
