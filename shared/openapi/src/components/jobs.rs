//! Jobs: `domain::job_view`, `domain::job_result`, `domain::erasure`, `domain::print`.

use serde_json::{Value, json};
use unicreda::domain::{encoding::Encoding, job::SHOWN_ERRORS, lang::Lang};

use super::credentials::{email_error, email_status};
use crate::schema::{
    Member, about, count, flag, has, instant, list, list_of, map, may, null_or, number, object, of,
    of_members, one_of, only, path, string, uri, uuid, word, yes,
};

/// The components of this file.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("Accepted", accepted()),
        ("AnyJob", any_job(["Job", "RevocationJob", "MembersJob", "PrivacyJob"])),
        (
            "AnyJobSummary",
            any_job(["JobSummary", "RevocationJobSummary", "MembersJobSummary", "PrivacyJob"]),
        ),
        ("Job", job(Kind::Issue, true)),
        ("RevocationJob", job(Kind::Revoke, true)),
        ("MembersJob", job(Kind::Members, true)),
        ("JobSummary", job(Kind::Issue, false)),
        ("RevocationJobSummary", job(Kind::Revoke, false)),
        ("MembersJobSummary", job(Kind::Members, false)),
        ("PrivacyJob", privacy_job()),
        ("JobProgress", progress()),
        ("JobResult", result(true)),
        ("JobResultSummary", result(false)),
        ("JobFile", file()),
        ("RowError", row_error()),
        ("ReadColumn", read_column()),
        ("ResultRow", result_row()),
        ("Retried", retried()),
        ("FileLink", file_link()),
        ("PrintOrder", print_order()),
    ]
}

fn accepted() -> Value {
    object([
        has("mode", only("async")),
        has("job_id", uuid()),
        has("message", string()),
        has("total", count()),
        has("status_url", path()),
    ])
}

fn any_job(kinds: [&str; 4]) -> Value {
    one_of(kinds.map(of))
}

/// What a job does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Issue,
    Revoke,
    Members,
}

fn status() -> Value {
    word(["PENDING", "STARTED", "PROGRESS", "SUCCESS", "FAILURE"])
}

/// `Job::answer`; `Job::summary` leaves the errors out.
fn job(kind: Kind, whole: bool) -> Value {
    let mut members = vec![has("job_id", uuid()), has("status", status())];
    if kind == Kind::Issue {
        members.push(has("template_id", uuid()));
    }
    members.extend([
        has("created_at", instant()),
        has("updated_at", instant()),
        has("expires_at", about("When the job is deleted.", instant())),
        has("cancelled_at", null_or(instant())),
        has("progress", of("JobProgress")),
    ]);
    members.extend(match kind {
        Kind::Issue => vec![
            may("dry_run", yes()),
            may("correct", about("Whether rows that name a credential correct it.", yes())),
        ],
        Kind::Revoke => vec![has("kind", only("revoke"))],
        Kind::Members => vec![has("kind", only("members")), may("dry_run", yes())],
    });
    if kind != Kind::Revoke {
        members.extend(of_file());
    }
    members.push(may("warnings", list(of("Warning"))));
    if kind != Kind::Revoke && whole {
        members.push(may("columns", about("How each column was read.", list(of("ReadColumn")))));
    }
    let result = if whole { "JobResult" } else { "JobResultSummary" };
    members.push(may("result", about("Once the job has ended.", of(result))));
    of_members(members)
}

/// Members of a file's job; those of a file that was refused as a whole among them.
fn of_file() -> [Member; 6] {
    let readings = object([has("encoding", encoding()), has("texts", list(string()))]);
    [
        may("file", of("JobFile")),
        may("error", about("Why the file cannot be used, and what to do.", string())),
        may("code", string()),
        may("line", null_or(number())),
        may("column", null_or(number())),
        may("readings", about("The first names as each encoding would read them.", list(readings))),
    ]
}

fn names() -> Value {
    list_of(1, 50, string())
}

fn encoding() -> Value {
    word(Encoding::ALL.map(Encoding::as_str))
}

fn file() -> Value {
    object([
        has("name", string()),
        has("size", about("Bytes.", count())),
        may("sheet", about("Of a spreadsheet, the sheet that was read.", string())),
        may("sheets", list(string())),
        may("hidden_rows", number()),
        may("hidden_columns", about("Hidden columns that are read.", names())),
        may("unread_sheets", about("Other visible sheets with addresses.", names())),
        may("encoding", encoding()),
        may("encoding_guessed", about("Whether it was found by the letters.", flag())),
        may("header_line", number()),
    ])
}

fn progress() -> Value {
    let waiting = "Why mail waits: `throttled`, `quota`, `sending_paused` and others.";
    object([
        has("current", about("Rows whose issuing has ended.", count())),
        has("total", count()),
        has("status", string()),
        has("phase", word(["reading", "issuing", "mailing", "importing"])),
        has("emails_done", count()),
        has("eta_seconds", null_or(count())),
        has("waiting", about(waiting, null_or(string()))),
        may("rows_read", about("Of a file, rows read so far.", count())),
    ])
}

fn result(whole: bool) -> Value {
    let mut members =
        vec![has("total", count()), has("successful", count()), has("failed", count())];
    if whole {
        members.push(has("errors", list_of(0, SHOWN_ERRORS, of("RowError"))));
        members.push(has("errors_truncated", flag()));
    }
    members.extend([
        has("emails_sent", count()),
        has("emails_failed", count()),
        has("emails_skipped", count()),
        has("internal_count", count()),
        has("external_count", count()),
        has("duplicates", count()),
        has("results_url", path()),
        may("results_file", about("Of a file; null until it is written.", null_or(path()))),
        may("corrected", count()),
        may("imported", about("Of members: people.", count())),
        may("cleared", about("In a dry run, values that the file clears, by field.", map(count()))),
    ]);
    of_members(members)
}

fn row_error() -> Value {
    object([
        has("row", number()),
        may("line", number()),
        has("email", string()),
        has("error", string()),
        has("code", string()),
    ])
}

/// `PrivacyOrder`: an erasure, its repetition, an export.
fn privacy_job() -> Value {
    let progress = object([
        has("current", count()),
        has("total", count()),
        has("status", string()),
        has("phase", string()),
        has("jobs_walked", count()),
        has("waiting", null_or(only("open_jobs"))),
    ]);
    let result = object([
        may("credentials", count()),
        may("members", count()),
        may("rows", count()),
        may("jobs_walked", count()),
        may("files", about("Of an export, files in the archive.", count())),
        may("files_deleted", count()),
        may("dead_letters", count()),
        may("keep_valid", flag()),
        may("replayed", count()),
    ]);
    object([
        has("job_id", uuid()),
        has("status", status()),
        has("created_at", instant()),
        has("updated_at", instant()),
        has("expires_at", instant()),
        has("cancelled_at", null_or(instant())),
        has("progress", progress),
        has("kind", word(["erase", "replay", "retain", "export"])),
        has("reason", null_or(string())),
        may("result", result),
    ])
}

/// `ReadColumn::answer`.
fn read_column() -> Value {
    object([
        has("column", number()),
        has("name", string()),
        has("read_as", null_or(string())),
        has("decided_by", word(["given", "remembered", "name", "open"])),
        has("suggestion", null_or(string())),
        has("values", list(string())),
    ])
}

/// `ResultRow::answer`.
fn result_row() -> Value {
    let states = [
        "pending",
        "issued",
        "failed",
        "new",
        "duplicate",
        "corrected",
        "invalid",
        "revoked",
        "imported",
        "existing",
        "repeated",
        "erased",
    ];
    object([
        has("row", number()),
        has("email", null_or(string())),
        has("external_id", null_or(string())),
        has("status", word(states)),
        has("credential_id", null_or(uuid())),
        has("credential_url", null_or(uri())),
        has("recipient_type", null_or(word(["internal", "external"]))),
        has("duplicate", null_or(flag())),
        has("email_status", null_or(email_status())),
        has("error", null_or(string())),
        has("email_error", email_error()),
        has("email_detail", null_or(string())),
        has("credential_version", null_or(number())),
        may("line", number()),
        may("also_holds", list(uuid())),
        may("changes", about("In a dry run, what the row corrects.", list(of("FieldChange")))),
        may("repeated_by", about("Of members, the row that counts instead.", number())),
        may("warnings", list(string())),
        may("warning_kinds", list(of("WarningKind"))),
        may("private_differs", list(string())),
        may("blocked_at", instant()),
        may("metadata", of("Metadata")),
        may("recipient", of("SignedRecipient")),
    ])
}

fn retried() -> Value {
    object([
        has("job_id", uuid()),
        has("retried_rows", count()),
        has("retried_emails", count()),
        has("status_url", path()),
    ])
}

fn file_link() -> Value {
    object([
        has("url", about("Works for 15 minutes.", uri())),
        has("expires_at", instant()),
        has("file_name", string()),
    ])
}

/// `PrintOrder::answer`, with links.
fn print_order() -> Value {
    let failure =
        object([has("code", word(["person_erased", "not_made"])), has("error", string())]);
    let file = object([
        has("url", uri()),
        has("expires_at", instant()),
        has("file_name", string()),
        has("certificates", count()),
        has("bytes", count()),
    ]);
    object([
        has("job_id", uuid()),
        has("lang", word(Lang::ALL.map(Lang::tag))),
        has("status", word(["PENDING", "STARTED", "SUCCESS", "FAILURE"])),
        has("ordered_at", instant()),
        has("progress", object([has("current", count()), has("total", count())])),
        has("certificates", count()),
        has("left_out", count()),
        has("made_at", null_or(instant())),
        has("deleted_at", about("When the archive is deleted.", null_or(instant()))),
        has("failure", json!({ "anyOf": [failure, { "type": "null" }] })),
        has("files", list(file)),
    ])
}
