//! `POST /credentials/issue?dry_run=true`.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};
use http::Response;
use lambda_http::Body;
use serde::Serialize;
use serde_json::json;

use crate::{
    app::App,
    credentials::{
        dry_run::{self, Foreseen},
        issue::IssueRequest,
        sign::Issuer,
    },
    domain::{
        credential::{Credential, RecipientType},
        email::EmailAddress,
        fault::MAX_FAULTS,
        fault_report::FaultReport,
        ids::CredentialId,
        lang::Lang,
        recipient::Entry,
        refusal,
        review::{self, Strict},
        spelling::{self, Known, Person},
        template::Template,
        time,
        warning::{Elsewhere, Place, Warning, WarningReport},
    },
    http::{
        problem::Problem,
        serve::{Call, ok},
    },
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
    (strict, reissue, reads): (Strict, bool, bool),
) -> Result<Response<Body>, Problem> {
    let emails: Vec<_> =
        entries.iter().filter_map(|e| e.recipient.as_ref().ok().map(|r| &r.email)).collect();
    let members = app.catalog.together(by.org, None, None, &emails).await?.members;
    let (members, issued_at) = (&members, &time::seconds(call.now));
    let today = review::day_of(issued_at);
    let report = stream::iter(entries)
        .map(|mut entry| async move {
            refusal::complete(&mut entry, &template.definition);
            let recipient = entry.recipient.as_ref().ok();
            let warnings = recipient
                .zip(today)
                .map(|(recipient, today)| review::judge(recipient, today, &template.definition));
            let warnings = warnings.unwrap_or_default();
            // Whether another value is known is told to who may read it.
            let said = entry.recipient.as_ref().ok().filter(|_| reads).cloned();
            let foreseen = match entry.recipient {
                Err(faults) => Foreseen::Refused(faults),
                Ok(recipient) => {
                    let member = members.get(&recipient.email);
                    let request = IssueRequest {
                        template,
                        member,
                        recipient,
                        sent_email: &entry.email,
                        issued_at,
                        strict,
                        reissue,
                    };
                    dry_run::foresee(app, by, request).await?
                }
            };
            let other = match (&foreseen, said) {
                (Foreseen::Duplicate { credential, .. }, Some(said)) => {
                    said.other_private(&credential.recipient)
                }
                _ => Vec::new(),
            };
            let head = Head {
                email: entry.email,
                external_id: entry.external_id,
                warnings,
                private_differs: other,
            };
            Ok::<_, Problem>((head, foreseen))
        })
        .buffered(CONCURRENCY)
        .try_fold(Report::default(), async |mut report, (head, outcome)| {
            report.add(app, call.lang, head, outcome)?;
            Ok(report)
        })
        .await?;
    report.answer()
}

/// Bytes of rows up to which an answer grows: Lambda returns at most 6 MB.
const MAX_ROWS_BYTES: usize = 5_000_000;

/// The extent to which rows are reported: faults, characters of each text, other credentials.
type Extent = (usize, usize, usize);

/// The extents, of which the first is used whose rows fit the answer.
const EXTENTS: [Extent; 6] = [
    (MAX_FAULTS, usize::MAX, dry_run::NAMED),
    (MAX_FAULTS, 100, dry_run::NAMED),
    (5, 100, dry_run::NAMED),
    (1, 100, dry_run::NAMED),
    (1, 40, 1),
    (0, 0, 0),
];

/// What a row says of itself.
struct Head {
    email: String,
    external_id: Option<String>,
    warnings: Vec<Warning>,
    private_differs: Vec<String>,
}

/// A row of the answer.
#[derive(Serialize)]
struct Row {
    row: usize,
    email: String,
    outcome: &'static str,
    #[serde(flatten)]
    found: Option<Found>,
    #[serde(flatten)]
    faults: Option<FaultReport>,
    #[serde(flatten)]
    warnings: Option<WarningReport>,
    /// The private facts that a duplicate says otherwise than its credential.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    private_differs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
}

/// The credential of a row.
#[derive(Serialize)]
struct Found {
    credential_id: CredentialId,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_url: Option<String>,
    recipient_type: RecipientType,
    also_holds: Vec<CredentialId>,
}

impl Row {
    fn shorten(&mut self, (faults, characters, holds): Extent) {
        if let Some(report) = &mut self.faults {
            report.shorten(faults, characters);
        }
        if let Some(found) = &mut self.found {
            found.also_holds.truncate(holds);
        }
        if let Some(warnings) = &mut self.warnings {
            warnings.shorten(characters);
        }
    }

    fn bytes(&self) -> Result<usize, Problem> {
        Ok(serde_json::to_string(self).map_err(Problem::internal)?.len() + 1)
    }
}

/// The people of the rows so far: the first of each address and of each name.
#[derive(Default)]
struct People {
    by_address: HashMap<EmailAddress, (u32, String)>,
    by_name: HashMap<String, (u32, Person)>,
}

impl People {
    /// Compares the person of a row with those before, and notes what seems to be the same person.
    fn compare(&mut self, row: usize, foreseen: &mut Foreseen) {
        let Some(person) = foreseen.person().cloned() else { return };
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        let address = person.address.clone();
        let first = self.by_address.entry(address).or_insert((row, person.name.clone()));
        let known = Known { at: Elsewhere::Row(first.0), at_line: None, name: &first.1 };
        person.beside(&known).into_iter().for_each(|(alike, _)| foreseen.note(alike));
        let Some(key) = spelling::key(&person.name) else { return };
        let (row, first) = self.by_name.entry(key).or_insert_with(|| (row, person.clone()));
        let id = first.external_id.as_deref();
        let namesake = person.namesake(Place { row: *row, line: None }, first.address.as_str(), id);
        namesake.into_iter().for_each(|alike| foreseen.note(alike));
    }
}

/// The outcomes so far.
#[derive(Default)]
struct Report {
    /// Contents of the new credentials.
    seen: HashMap<CredentialId, String>,
    /// The people of the rows so far.
    people: People,
    new: u32,
    duplicates: u32,
    invalid: u32,
    rows: Vec<Row>,
    /// Their bytes in the answer.
    bytes: usize,
    /// Which of [`EXTENTS`] they have.
    extent: usize,
}

impl Report {
    fn add(
        &mut self,
        app: &App,
        lang: Lang,
        Head { email, external_id, mut warnings, private_differs }: Head,
        mut foreseen: Foreseen,
    ) -> Result<(), Problem> {
        if let Foreseen::New { id, .. } = &foreseen
            && let Some(first) = self.seen.get(id)
        {
            foreseen = foreseen.after(first);
        }
        let row = self.rows.len() + 1;
        self.people.compare(row, &mut foreseen);
        warnings.extend(foreseen.alike().iter().cloned().map(Warning::from));
        let warnings = WarningReport::of(&warnings, lang);
        let (mut found, mut faults) = (None, None);
        let outcome = match foreseen {
            Foreseen::New { id, internal, also_holds, content, repeats, .. } => {
                self.seen.entry(id).or_insert(content);
                let recipient_type =
                    if internal { RecipientType::Internal } else { RecipientType::External };
                found = Some(Found {
                    credential_id: id,
                    credential_url: None,
                    recipient_type,
                    also_holds,
                });
                if repeats {
                    self.duplicates += 1;
                    "duplicate"
                } else {
                    self.new += 1;
                    "new"
                }
            }
            Foreseen::Duplicate { credential, also_holds, .. } => {
                self.duplicates += 1;
                found = Some(Found {
                    credential_id: credential.id,
                    credential_url: Some(Credential::url(&app.config.site_url, credential.id)),
                    recipient_type: credential.recipient_type,
                    also_holds,
                });
                "duplicate"
            }
            Foreseen::Refused(refused) => {
                self.invalid += 1;
                faults = Some(FaultReport::of(refused, lang));
                "invalid"
            }
        };
        self.push(Row {
            row,
            email,
            outcome,
            found,
            faults,
            warnings,
            private_differs,
            external_id,
        })
    }

    /// Takes a row. When the rows pass what an answer holds, all of them get shorter at once: so
    /// no more than an answer is in memory either.
    fn push(&mut self, mut row: Row) -> Result<(), Problem> {
        if let Some(extent) = EXTENTS.get(self.extent) {
            row.shorten(*extent);
        }
        self.bytes += row.bytes()?;
        self.rows.push(row);
        while self.bytes > MAX_ROWS_BYTES
            && let Some(extent) = EXTENTS.get(self.extent + 1)
        {
            self.extent += 1;
            self.bytes = 0;
            for row in &mut self.rows {
                row.shorten(*extent);
                self.bytes += row.bytes()?;
            }
        }
        Ok(())
    }

    fn answer(self) -> Result<Response<Body>, Problem> {
        if self.bytes > MAX_ROWS_BYTES {
            return Err(Problem::answer_too_large());
        }
        ok(&json!({
            "mode": "dry_run", "total": self.rows.len(), "new": self.new,
            "duplicates": self.duplicates, "invalid": self.invalid,
            "errors_truncated": self.extent > 0, "recipients": self.rows,
        }))
    }
}
