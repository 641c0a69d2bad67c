//! What deserves a look: `domain::warning`, `domain::review`.

use serde_json::{Value, json};
use unicreda::domain::warning::WarningKind;

use crate::schema::{about, count, has, list, may, number, object, one_of, string, uuid, word};

/// The components of this file.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("WarningKind", word(WarningKind::ALL.map(WarningKind::as_str))),
        ("Warning", warning()),
        ("WarningExample", example()),
        ("Strict", strict()),
    ]
}

fn warning() -> Value {
    object([
        has("kind", crate::schema::of("WarningKind")),
        has("count", count()),
        has("rows", about("The first 100 rows of all kinds together.", list(number()))),
        may("lines", about("Of a file, the lines of these rows.", list(number()))),
        has("examples", about("The first five values.", list(crate::schema::of("WarningExample")))),
        has("text", about("The warning, for people.", string())),
    ])
}

fn example() -> Value {
    object([
        has("row", number()),
        may("line", number()),
        has("value", string()),
        may("meant", about("What may be meant, or what the other one says.", string())),
        may(
            "at",
            about(
                "Where the other one is.",
                one_of([object([has("row", number())]), object([has("credential", uuid())])]),
            ),
        ),
        may("at_line", number()),
    ])
}

fn strict() -> Value {
    let kinds = word(WarningKind::refusing().map(WarningKind::as_str));
    one_of([json!({ "type": ["boolean", "null"] }), list(kinds)])
}
