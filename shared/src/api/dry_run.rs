//! `POST /credentials/issue?dry_run=true`.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};
use http::Response;
use lambda_http::Body;
use serde_json::{Value, json};

use crate::{
    app::App,
    credentials::{
        dry_run::{self, Foreseen},
        issue::IssueRequest,
        sign::Issuer,
    },
    domain::{
        credential::Credential, fault::Fault, ids::CredentialId, lang::Lang, recipient::Entry,
        template::Template, time,
    },
    http::{
        problem::Problem,
        serve::{Call, ok},
    },
    store::StoreError,
};

/// Recipients foreseen at once.
const CONCURRENCY: usize = 16;

/// Answers the outcome that each recipient would have. A recipient that repeats an earlier one
/// of the request would be its duplicate.
///
/// # Errors
/// Those of the store.
pub(super) async fn answer(
    app: &App,
    call: &Call,
    by: Issuer<'_>,
    template: &Template,
    entries: Vec<Entry>,
) -> Result<Response<Body>, Problem> {
    let emails: Vec<_> =
        entries.iter().filter_map(|e| e.recipient.as_ref().ok().map(|r| &r.email)).collect();
    let members = app.catalog.together(by.org, None, None, &emails).await?.members;
    let (members, issued_at) = (&members, &time::seconds(call.now));
    let foreseen: Vec<(String, Option<String>, Foreseen)> = stream::iter(entries)
        .map(|entry| async move {
            let foreseen = match entry.recipient {
                Err(faults) => Foreseen::Refused(faults),
                Ok(recipient) => {
                    let member = members.get(&recipient.email);
                    let request = IssueRequest { template, member, recipient, issued_at };
                    dry_run::foresee(app, by, request).await?
                }
            };
            Ok::<_, StoreError>((entry.email, entry.external_id, foreseen))
        })
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;
    let mut report = Report::default();
    for (email, external_id, outcome) in foreseen {
        report.add(app, call.lang, email, external_id, outcome);
    }
    ok(&json!({
        "mode": "dry_run", "total": report.rows.len(), "new": report.new,
        "duplicates": report.duplicates, "invalid": report.invalid, "recipients": report.rows,
    }))
}

/// The outcomes so far.
#[derive(Default)]
struct Report {
    /// Contents of the new credentials.
    seen: HashMap<CredentialId, String>,
    new: u32,
    duplicates: u32,
    invalid: u32,
    rows: Vec<Value>,
}

impl Report {
    fn add(
        &mut self,
        app: &App,
        lang: Lang,
        email: String,
        external_id: Option<String>,
        mut foreseen: Foreseen,
    ) {
        if let Foreseen::New { id, .. } = &foreseen
            && let Some(first) = self.seen.get(id)
        {
            foreseen = foreseen.after(first);
        }
        let outcome = match foreseen {
            Foreseen::New { id, internal, also_holds, content, repeats } => {
                self.seen.entry(id).or_insert(content);
                if repeats {
                    self.duplicates += 1;
                } else {
                    self.new += 1;
                }
                json!({
                    "outcome": if repeats { "duplicate" } else { "new" },
                    "credential_id": id,
                    "recipient_type": if internal { "internal" } else { "external" },
                    "also_holds": also_holds,
                })
            }
            Foreseen::Duplicate { credential, also_holds, .. } => {
                self.duplicates += 1;
                json!({
                    "outcome": "duplicate",
                    "credential_id": credential.id,
                    "credential_url": Credential::url(&app.config.site_url, credential.id),
                    "recipient_type": credential.recipient_type,
                    "also_holds": also_holds,
                })
            }
            Foreseen::Refused(faults) => {
                self.invalid += 1;
                json!({
                    "outcome": "invalid",
                    "errors": faults.iter().map(|f| f.text(lang)).collect::<Vec<_>>(),
                    "error_codes": faults.iter().map(Fault::code).collect::<Vec<_>>(),
                })
            }
        };
        let mut row = json!({ "row": self.rows.len() + 1, "email": email });
        if let (Some(row), Value::Object(outcome)) = (row.as_object_mut(), outcome) {
            row.extend(outcome);
            if let Some(external_id) = external_id {
                row.insert("external_id".to_owned(), external_id.into());
            }
        }
        self.rows.push(row);
    }
}
