//! Members: list, show, put, delete, import, and their credentials.

use std::collections::{BTreeMap, HashMap};

use http::{Response, StatusCode};
use lambda_http::Body;
use serde_json::{Map, Value, json};

use crate::{
    api::{
        auth,
        credentials::{self, Query},
        lists,
    },
    app::App,
    domain::{
        email::EmailAddress,
        fields::{FieldError, Fields},
        lang::Lang,
        member::{Member, Profile},
        nearest::nearest,
        text::shortened,
        time, wallet_link,
    },
    http::{
        problem::Problem,
        serve::{Call, json as json_answer, no_content, ok},
    },
};

/// Rows of one member import.
const MAX_IMPORT: usize = 20_000;

/// Faults that the answer of an import lists.
const SHOWN_FAULTS: usize = 100;

/// Characters of an address or a text in them.
const SHOWN_TEXT: usize = 1_000;

/// `GET /members`.
pub async fn list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let caller = auth::authenticate(app, call).await?;
    let after = lists::position(app, call, &caller).await?;
    let page = app.catalog.members(&caller.org, after.as_deref(), limit).await?;
    let items = page.items.iter().map(Member::answer).collect();
    lists::page(app, call, &caller, items, page.next).await
}

/// `GET /members/{email}`.
pub async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let email = EmailAddress::parse(&call.parameter).map_err(|_| unknown_member())?;
    let found = app.catalog.member(&caller.org, &email).await?;
    ok(&found.ok_or_else(unknown_member)?.answer())
}

/// `PUT /members/{email}`. Safe to repeat: only `updated_at` changes.
pub async fn put(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let email = member_email(call)?;
    let profile = Profile::read(Fields::of_body(call.expect_json()?)?, &email)?;
    let before = app.catalog.member(&caller.org, &email).await?;
    if before.is_none() && !email.can_be_owned() {
        return Err(invalid_email(&call.parameter));
    }
    let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let now = call.now_text();
    let created_at = before.map_or_else(|| now.clone(), |member| member.created_at);
    let member = Member { v: 1, email, profile, created_at, updated_at: now };
    app.catalog.put_members(&caller.org, std::slice::from_ref(&member)).await?;
    json_answer(status, &member.answer())
}

/// `DELETE /members/{email}`: 204; the second call answers 404. The credentials remain.
pub async fn delete(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let email = EmailAddress::parse(&call.parameter).map_err(|_| unknown_member())?;
    if !app.catalog.delete_member(&caller.org, &email).await? {
        return Err(unknown_member());
    }
    Ok(no_content())
}

/// `GET /members/{email}/credentials`: the credentials of a member in the key's mode, and a link
/// to the wallet page that shows them to the member.
pub async fn list_credentials(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let caller = auth::authenticate(app, call).await?;
    let email = EmailAddress::parse(&call.parameter).map_err(|_| unknown_member())?;
    if app.catalog.member(&caller.org, &email).await?.is_none() {
        return Err(unknown_member());
    }
    let secret = app.catalog.id_secret(&caller.org).await?;
    let site_url = &app.config.site_url;
    let link = wallet_link::link(site_url, &secret, &caller.org, caller.mode, &email, call.now);
    let list = credentials::page(app, call, &caller, &Query::of(email), limit).await?;
    ok(&json!({
        "items": list.items, "next_cursor": list.next_cursor, "wallet_url": link,
        "wallet_url_expires_at": time::seconds(call.now + wallet_link::LIFETIME),
    }))
}

/// `POST /members/import`: CSV with the columns `email, name, role, license_number, term,
/// language` in any order. Good rows are stored, faulty ones reported. Safe to repeat.
pub async fn import(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let body = call.expect_body(&["text/csv"])?;
    let mut import = Import::read(body, call.lang, &call.now_text())?;
    let emails: Vec<&EmailAddress> = import.members.keys().collect();
    let before = app.catalog.together(&caller.org, None, None, &emails).await?.members;
    import.meet(&before);
    let Import { rows, members, faults, .. } = import;
    let members: Vec<Member> = members.into_values().collect();
    app.catalog.put_members(&caller.org, &members).await?;
    let shown: Vec<Value> = faults
        .iter()
        .take(SHOWN_FAULTS)
        .map(|RowFault { row, line, email, error }| {
            json!({ "row": row, "line": line, "email": email, "error": error })
        })
        .collect();
    ok(&json!({
        "total": rows, "imported": rows - faults.len(), "failed": faults.len(),
        "errors": shown, "errors_truncated": faults.len() > SHOWN_FAULTS,
    }))
}

/// A fault of a row.
struct RowFault {
    /// The row's number, from 1; the line of headers has none.
    row: u32,
    /// The line of the file on which it begins.
    line: u64,
    /// The address, as sent.
    email: String,
    error: String,
}

/// The rows of a file of members.
struct Import {
    rows: usize,
    members: BTreeMap<EmailAddress, Member>,
    /// Rows whose address nobody can own, which only members of before may have.
    doubts: BTreeMap<EmailAddress, Vec<RowFault>>,
    faults: Vec<RowFault>,
}

impl Import {
    /// Compares the rows with the members that exist: these keep the instant of their creation,
    /// and an address that nobody can own.
    fn meet(&mut self, before: &HashMap<EmailAddress, Member>) {
        for (email, member) in &mut self.members {
            if let Some(before) = before.get(email) {
                member.created_at.clone_from(&before.created_at);
            }
        }
        for (email, faults) in std::mem::take(&mut self.doubts) {
            if !before.contains_key(&email) {
                self.members.remove(&email);
                self.faults.extend(faults);
            }
        }
        self.faults.sort_by_key(|fault| fault.row);
    }

    fn read(body: &[u8], lang: Lang, now: &str) -> Result<Self, Problem> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let text = std::str::from_utf8(body).map_err(|_| {
            Problem::invalid_field(
                "",
                "not_utf8",
                "El archivo no está en UTF-8; expórtalo como «CSV UTF-8»",
                "The file is not in UTF-8; export it as \"CSV UTF-8\"",
            )
        })?;
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .trim(csv::Trim::All)
            .delimiter(delimiter(text))
            .from_reader(text.as_bytes());
        let headers = reader.headers().map_err(|e| unreadable(&e))?;
        let headers: Vec<String> = headers.iter().map(str::to_ascii_lowercase).collect();
        check_columns(&headers)?;
        let mut import =
            Self { rows: 0, members: BTreeMap::new(), doubts: BTreeMap::new(), faults: Vec::new() };
        for (row, record) in (1_u32..).zip(reader.records()) {
            let record = record.map_err(|e| unreadable(&e))?;
            if record.iter().all(str::is_empty) {
                continue;
            }
            import.rows += 1;
            if import.rows > MAX_IMPORT {
                return Err(Problem::too_many_recipients(MAX_IMPORT, import.rows));
            }
            let line = record.position().map_or(0, csv::Position::line);
            match read_row(&headers, &record, now) {
                Ok((sent, member)) => {
                    if !member.email.can_be_owned() {
                        let error = format!("Invalid email: {sent}");
                        let fault = RowFault { row, line, email: sent, error };
                        import.doubts.entry(member.email.clone()).or_default().push(fault);
                    }
                    import.members.insert(member.email.clone(), member);
                }
                Err((email, Texts { es, en })) => {
                    let email = shortened(&email, SHOWN_TEXT);
                    let error = shortened(&lang.pick(es, en), SHOWN_TEXT);
                    import.faults.push(RowFault { row, line, email, error });
                }
            }
        }
        Ok(import)
    }
}

/// The texts of a fault.
struct Texts {
    es: String,
    en: String,
}

/// Reads a member from a row, with its address as sent.
///
/// # Errors
/// The address as sent, and the fault.
fn read_row(
    headers: &[String],
    record: &csv::StringRecord,
    now: &str,
) -> Result<(String, Member), (String, Texts)> {
    let cells = headers
        .iter()
        .zip(record.iter())
        .filter(|(_, cell)| !cell.is_empty())
        .map(|(column, cell)| (column.clone(), Value::from(cell)))
        .collect::<Map<_, _>>();
    if record.iter().skip(headers.len()).any(|cell| !cell.is_empty()) {
        // An unquoted delimiter has moved the cells: none of them is trusted.
        let email = cells.get("email").and_then(Value::as_str).unwrap_or_default().to_owned();
        let (have, want) = (record.len(), headers.len());
        let texts = Texts {
            es: format!("La fila tiene {have} celdas y la primera línea {want}"),
            en: format!("The row has {have} cells and the first line {want}"),
        };
        return Err((email, texts));
    }
    read_member(cells, now)
}

fn read_member(
    mut cells: Map<String, Value>,
    now: &str,
) -> Result<(String, Member), (String, Texts)> {
    let sent = cells.remove("email").and_then(|v| v.as_str().map(str::to_owned));
    let sent = sent.unwrap_or_default();
    let Ok(email) = EmailAddress::parse(&sent) else {
        let text = format!("Invalid email: {sent}");
        return Err((sent, Texts { es: text.clone(), en: text }));
    };
    let body = serde_json::to_vec(&Value::Object(cells)).unwrap_or_default();
    match Fields::of_body(&body).and_then(|fields| Profile::read(fields, &email)) {
        Ok(profile) => {
            let (created_at, updated_at) = (now.to_owned(), now.to_owned());
            Ok((sent, Member { v: 1, email, profile, created_at, updated_at }))
        }
        Err(invalid) => {
            let (es, en) = Problem::from(invalid).texts();
            Err((sent, Texts { es, en }))
        }
    }
}

/// Guesses the delimiter: the one that the header line has most of.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |d: u8| header.bytes().filter(|b| *b == d).count();
    [b',', b';', b'\t'].into_iter().max_by_key(|d| (count(*d), *d == b',')).unwrap_or(b',')
}

fn unreadable(error: &csv::Error) -> Problem {
    let line = error.position().map_or(0, csv::Position::line);
    Problem::invalid_field(
        "",
        "unreadable_csv",
        format!("El archivo CSV no se puede leer (línea {line})"),
        format!("The CSV file cannot be read (line {line})"),
    )
}

fn check_columns(headers: &[String]) -> Result<(), Problem> {
    const KNOWN: [&str; 6] = ["email", "name", "role", "license_number", "term", "language"];
    let list = KNOWN.join(", ");
    if !headers.iter().any(|header| header == "email") {
        return Err(Problem::invalid_field(
            "email",
            "missing_column",
            format!("Falta la columna email en la primera línea. Columnas: {list}"),
            format!("The column email is missing in the first line. Columns: {list}"),
        ));
    }
    let unknown: Vec<FieldError> = headers
        .iter()
        .filter(|header| !KNOWN.contains(&header.as_str()))
        .map(|header| {
            let name: String = header.chars().filter(|c| !c.is_control()).take(60).collect();
            let fault = FieldError::new(
                name.clone(),
                "unknown_column",
                format!("Columna desconocida: {name}. Columnas: {list}"),
                format!("Unknown column: {name}. Columns: {list}"),
            );
            fault.hint(nearest(&name, KNOWN))
        })
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(Problem::invalid_request(unknown)) }
}

fn unknown_member() -> Problem {
    Problem::not_found("El miembro no existe", "The member does not exist")
}

fn member_email(call: &Call) -> Result<EmailAddress, Problem> {
    EmailAddress::parse(&call.parameter).map_err(|_| invalid_email(&call.parameter))
}

fn invalid_email(sent: &str) -> Problem {
    let text = format!("Invalid email: {sent}");
    Problem::invalid_field("email", "invalid_email", text.clone(), text)
}
