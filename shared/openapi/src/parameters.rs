//! Parameters of paths and queries, and headers.

use serde_json::{Map, Value, json};
use unicreda::{
    api::{idempotency::MAX_KEY, jobs::UNDELIVERED},
    domain::{email::MAX_ADDRESS, job_result::RowFilter, recipient::MAX_EXTERNAL_ID},
    http::{
        parameters::{self, Parameter},
        routes::{Access, Catalog, Function, Jobs, Route},
        serve::{DEFAULT_LIMIT, MAX_LIMIT},
    },
};

use crate::components::said_encoding;
use crate::schema::{
    about, address, flag, instant, language, like, number, or, some, string, uuid, whole, word,
};

/// The parameters of a route.
pub fn of_route(route: &Route) -> Vec<Value> {
    let of_path = route.path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some(
            json!({ "name": name, "in": "path", "required": true, "schema": in_path(route, name) }),
        )
    });
    let of_query = route.parameters.iter().map(|parameter| {
        let (about, schema) = in_query(route, *parameter);
        json!({ "name": parameter.name, "in": "query", "description": about, "schema": schema })
    });
    of_path.chain(of_query).collect()
}

fn in_path(route: &Route, name: &str) -> Value {
    match (name, route.access) {
        // The public side takes a suffix, and mends what was pasted wrongly.
        ("credential_id" | "template_id", Access::Public) => string(),
        ("credential_id" | "job_id" | "template_id" | "upload_id", Access::Key { .. }) => uuid(),
        ("email", _) => address(),
        ("org", _) => like("demo", string()),
        _ => string(),
    }
}

fn in_query(route: &Route, parameter: Parameter) -> (&'static str, Value) {
    match parameter {
        parameters::DRY_RUN => ("Predicts, and changes nothing.", or(false, flag())),
        parameters::LIMIT => {
            ("Most entries of a page.", or(DEFAULT_LIMIT, whole(1, MAX_LIMIT as u64)))
        }
        parameters::CURSOR => ("`next_cursor` of the page before.", string()),
        parameters::STATUS => ("The state of the entries.", status(route)),
        parameters::Q => (looked_up(route), some(MAX_ADDRESS)),
        parameters::JOB_ID => ("The job that issued the credentials.", uuid()),
        parameters::TEMPLATE_ID => ("The template of the credentials.", uuid()),
        parameters::EMAIL => ("The address of the recipient.", address()),
        parameters::EXTERNAL_ID => ("Your own id of the credential.", some(MAX_EXTERNAL_ID)),
        parameters::ISSUED_AFTER => {
            let day = json!({ "anyOf": [instant(), { "type": "string", "format": "date" }] });
            ("An instant, or a day in UTC.", day)
        }
        parameters::FORMAT => ("The format of the file.", or("csv", word(["csv", "xlsx"]))),
        parameters::LANG if route.access == Access::Public => {
            ("The language; one that is not known is ignored.", like("es", string()))
        }
        parameters::LANG => ("The language.", language()),
        parameters::SAMPLE => {
            ("The length of the sample's texts.", or("longest", word(["longest", "shortest"])))
        }
        parameters::VERSION => ("An earlier version.", number()),
        parameters::INTERACTION => ("The version of interaction URLs (VCALM).", word(["1"])),
        parameters::ENCODING => ("The encoding of the file.", said_encoding()),
        Parameter { .. } => ("", string()),
    }
}

fn looked_up(route: &Route) -> &'static str {
    match route.function {
        Function::Catalog(Catalog::ListCredentials) => {
            "The address of a recipient, else the id of a credential, else your own id of it."
        }
        _ => "A part of the name, whatever its case and accents.",
    }
}

fn status(route: &Route) -> Value {
    match route.function {
        Function::Jobs(Jobs::Results) => word(RowFilter::WORDS.into_iter().chain([UNDELIVERED])),
        Function::Catalog(Catalog::ListCredentials) => {
            word(["issued", "suspended", "revoked", "erased"])
        }
        _ => string(),
    }
}

/// The parameters that operations refer to.
pub fn components() -> Value {
    json!({ "IdempotencyKey": {
        "name": "Idempotency-Key", "in": "header",
        "description": "Kept for 24 hours: the same key and body get the first answer byte for byte. Let it be random, and name no person.",
        "schema": like("7d1c5a0e-2f60-4c0b-9a3e-0f4a7a5b1c11", json!({
            "type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[ -~]+$",
        })),
    } })
}

/// The headers that answers refer to; those that an answer always has are required.
pub fn headers() -> Map<String, Value> {
    let headers = [
        ("X-Request-Id", "The id of the request, for support.", true),
        ("Maybe-X-Request-Id", "The id of the request, if a function answers.", false),
        ("Retry-After", "Seconds after which to ask again.", false),
        ("Location", "What was created.", true),
        ("ETag", "For `If-None-Match`.", true),
        ("Maybe-ETag", "Of a document, not of a page: for `If-None-Match`.", false),
        ("Maybe-Content-Disposition", "Of a file with a suffix: its name.", false),
        ("Cache-Control", "How long it may be kept.", true),
        ("Idempotent-Replayed", "`true`: the first answer to this `Idempotency-Key`.", false),
        ("WWW-Authenticate", "`Bearer`.", true),
        ("X-Next-Cursor", "Of a page in CSV, the cursor of the next one.", false),
        ("Content-Disposition", "The name of the file.", true),
        ("X-Unknown-Letters", "Letters that no font has, by their code points.", false),
    ];
    let header = |(name, text, required): (&str, &str, bool)| {
        let schema = match name {
            "Retry-After" => crate::schema::count(),
            _ => string(),
        };
        (
            name.to_owned(),
            json!({ "description": text, "required": required, "schema": about(text, schema) }),
        )
    };
    headers.into_iter().map(header).collect()
}
