//! Uploads: `api::uploads`, `domain::upload`, `domain::column_map`.

use serde_json::{Value, json};
use unicreda::{
    domain::{column_map::MAX_ASSIGNED, encoding::Encoding},
    sheet::MAX_FILE,
};

use crate::schema::{
    Member, about, closed, count, flag, has, instant, like, list, may, null_or, object, of,
    of_members, one_of, only, or, path, sent, short, string, uri, uuid, whole, word,
};

/// The components of this file.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("UploadRequest", upload_request(false)),
        ("MembersUploadRequest", upload_request(true)),
        ("Announced", announced()),
        ("Upload", one_of([of("RecipientsUpload"), of("MembersUpload")])),
        ("RecipientsUpload", upload(false)),
        ("MembersUpload", upload(true)),
        ("ColumnMap", column_map()),
        ("RememberColumns", remember()),
        ("RememberedColumns", remembered()),
    ]
}

/// The encoding as an answer says it.
fn encoding() -> Value {
    word(Encoding::ALL.map(Encoding::as_str))
}

/// The encoding as a request says it.
pub fn said_encoding() -> Value {
    let names = Encoding::ALL.map(|encoding| format!("`{}`", encoding.as_str())).join(", ");
    let description = format!(
        "Names the encoding, in letters of any case; without it, it is found. One of {names}."
    );
    about(&description, short())
}

fn hidden_rows() -> Value {
    word(["skip", "read"])
}

fn upload_request(of_members_alone: bool) -> Value {
    let mut members: Vec<Member> = Vec::new();
    if !of_members_alone {
        members.push(has("template_id", uuid()));
    }
    members.push(has("file_name", like("notas.csv", short())));
    members.push(has("size", about("Bytes; the URL takes exactly so many.", whole(1, MAX_FILE))));
    if !of_members_alone {
        let correct =
            "Whether rows that name a credential correct it; needs the scope `manage` besides.";
        members.push(may("send_email", null_or(or(true, flag()))));
        members.push(may("correct", about(correct, null_or(or(false, flag())))));
        members.push(may("strict", of("Strict")));
        members.push(may("reissue", null_or(or(false, flag()))));
        members.push(may(
            "day_first",
            about("Whether in dates of numbers the day comes first.", null_or(or(false, flag()))),
        ));
    }
    members.push(may("dry_run", null_or(or(false, flag()))));
    members.push(may("encoding", null_or(said_encoding())));
    members.push(may("column_map", null_or(of("ColumnMap"))));
    members.push(may("sheet", about("The sheet to be read.", null_or(short()))));
    members.push(may("hidden_rows", about("What becomes of hidden rows.", null_or(hidden_rows()))));
    let example = match of_members_alone {
        true => json!({ "file_name": "miembros.csv", "size": 20_480 }),
        false => {
            json!({ "template_id": "5f0c6c1e-8e0e-4a63-9d0b-0d6c1f9a2b11", "file_name": "notas.csv", "size": 20_480 })
        }
    };
    like(example, closed(of_members(members)))
}

fn announced() -> Value {
    let headers = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let put = object([
        has("method", only("PUT")),
        has("url", uri()),
        has("headers", about("To be sent with the file.", headers)),
    ]);
    object([
        has("upload_id", uuid()),
        has("upload", put),
        has("expires_at", about("Until then the URL takes the file.", instant())),
        has("status_url", path()),
    ])
}

/// `Upload::answer`.
fn upload(of_members_alone: bool) -> Value {
    let ignored = object([has("at", instant()), has("detail", string())]);
    let ignored = json!({ "anyOf": [ignored, { "type": "null" }] });
    let mut members = vec![
        has("upload_id", uuid()),
        has("status", word(["waiting", "received"])),
        has("job_id", null_or(uuid())),
        has("ignored", about("Other content that came to the address later.", ignored)),
    ];
    match of_members_alone {
        true => members.push(has("kind", only("members"))),
        false => members.push(has("template_id", uuid())),
    }
    members.push(has("file_name", string()));
    members.push(has("size", count()));
    if !of_members_alone {
        members.push(has("send_email", flag()));
    }
    members.push(has("dry_run", flag()));
    if !of_members_alone {
        members.push(has("correct", flag()));
        members.push(has("strict", list(of("WarningKind"))));
        members.push(has("reissue", flag()));
        members.push(has("day_first", flag()));
    }
    members.extend([
        has("encoding", null_or(encoding())),
        has("column_map", of("ColumnMap")),
        has("sheet", null_or(string())),
        has("hidden_rows", null_or(hidden_rows())),
        has("created_at", instant()),
        has("expires_at", instant()),
    ]);
    of_members(members)
}

fn column_map() -> Value {
    let text =
        "What columns are read as, by their names: a field, a fact, a part of a name, `ignore`.";
    let map = json!({
        "type": "object", "additionalProperties": { "type": "string" }, "maxProperties": MAX_ASSIGNED,
    });
    about(text, like(json!({ "Nota final": "result_value", "RUT": "ignore" }), map))
}

fn remember() -> Value {
    let schema = sent([
        has("column_map", of("ColumnMap")),
        may("day_first", null_or(or(false, flag()))),
        may("template_id", about("Of an answer; not read.", json!({}))),
        may("updated_at", about("Of an answer; not read.", json!({}))),
    ]);
    like(json!({ "column_map": { "Nota final": "result_value" } }), schema)
}

fn remembered() -> Value {
    object([
        has("template_id", uuid()),
        has("column_map", of("ColumnMap")),
        has("day_first", flag()),
        has("updated_at", null_or(instant())),
    ])
}
