//! The rows of a file that name their credential: each is that credential, and none is issued
//! beside it. With other content it corrects the credential where its upload asked for that, and
//! fails where not.
//!
//! Safe to repeat: the history of a credential names the row that corrected it, see
//! [`crate::credentials::correct`].

use std::{
    collections::{BTreeSet, HashMap},
    panic::AssertUnwindSafe,
    time::Instant,
};

use futures::FutureExt;
use jiff::Timestamp;

use crate::{
    app::App,
    credentials::{
        correct::{self, Change, CorrectError, CorrectRequest},
        dry_run::Foreseen,
        found,
        issue::Outcome,
    },
    domain::{
        correction::{Corrector, Named, fields_of},
        correction_fault::CorrectionFault,
        credential::{Credential, Origin},
        fault::Fault,
        history::Who,
        identity,
        ids::CredentialId,
        template::Template,
        tenant::Tenant,
    },
    jobs::{
        JobError,
        messages::{RowJob, RowMessage},
        worked_rows::{ReceivedRow, RowOutcome, WorkedRow},
    },
    store::job_rows::FirstRow,
};

/// The rows of a batch that name their credential, after the work on them.
#[derive(Default)]
pub(super) struct NamedRows {
    /// Rows that have ended, or come back.
    pub(super) worked: Vec<WorkedRow>,
    /// Rows whose credential is the one that they are yet to be issued as: those of a dry run.
    pub(super) new: Vec<ReceivedRow>,
}

/// Ends rows that name their credential, one after the other: corrections of an organization
/// change the same status list.
pub(super) async fn named_rows(
    app: &App,
    rows: Vec<ReceivedRow>,
    now: Timestamp,
    stop: Instant,
) -> NamedRows {
    let mut ended = NamedRows::default();
    let ids: BTreeSet<CredentialId> =
        rows.iter().filter_map(|row| Some(row.message.row.named.as_ref()?.credential_id)).collect();
    let ids: Vec<CredentialId> = ids.into_iter().collect();
    let found = match app.credentials.get_all(&ids).await {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(%error, "named credentials not read");
            ended.worked.extend(rows.into_iter().map(|row| row.ended(None)));
            return ended;
        }
    };
    let found: HashMap<CredentialId, Credential> =
        found.into_iter().map(|credential| (credential.id, credential)).collect();
    for mut row in rows {
        let Some(named) = row.message.row.named.clone().filter(|_| Instant::now() < stop) else {
            ended.worked.push(row.ended(None));
            continue;
        };
        let asked = Asked { message: &row.message, named: &named, now };
        let work = asked.end(app, found.get(&named.credential_id));
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(Ok(Some(outcome))) => ended.worked.push(row.ended(Some(outcome))),
            Ok(Ok(None)) => {
                row.message.row.recipient = Some(named.recipient);
                ended.new.push(row);
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, message_id = row.id, "named row comes back");
                ended.worked.push(row.ended(None));
            }
            Err(_) => {
                tracing::error!(message_id = row.id, "row panicked");
                ended.worked.push(row.ended(None));
            }
        }
    }
    ended
}

fn refused(faults: Vec<Fault>) -> RowOutcome {
    RowOutcome::Ended(Outcome::Refused(faults))
}

fn conflict(fault: CorrectionFault) -> RowOutcome {
    refused(vec![Fault::Correction(fault)])
}

/// A row and the credential that it names.
struct Asked<'a> {
    message: &'a RowMessage,
    named: &'a Named,
    now: Timestamp,
}

impl Asked<'_> {
    fn job(&self) -> &RowJob {
        &self.message.job
    }

    fn tenant(&self) -> Tenant<'_> {
        Tenant { org: &self.job().org, mode: self.job().mode }
    }

    /// Ends the row; none when it is to be issued as any other, under the id that it names.
    async fn end(
        &self,
        app: &App,
        found: Option<&Credential>,
    ) -> Result<Option<RowOutcome>, JobError> {
        let (job, named) = (self.job(), self.named);
        let id = named.credential_id;
        let own = found.filter(|found| self.tenant().owns(&found.org, found.mode));
        let Some(found) = own else {
            let secret = app.catalog.id_secret(&job.org).await?;
            let recipient = named.recipient.clone();
            let (_, identities) =
                identity::cleaned(&secret, &job.org, job.mode, job.template_id, recipient);
            if identities.all().any(|identity| identity.id == id) {
                return Ok(None);
            }
            return Ok(Some(conflict(CorrectionFault::Unknown(id.to_string()))));
        };
        if found.template_id != job.template_id {
            return Ok(Some(conflict(CorrectionFault::OtherTemplate(id))));
        }
        let external_id = named.recipient.external_id.as_ref();
        if external_id.is_some() && external_id != found.recipient.external_id.as_ref() {
            return Ok(Some(conflict(CorrectionFault::OtherExternalId(id))));
        }
        if let Some(fault) = found::other_end(app, named.recipient.valid_until, found).await? {
            return Ok(Some(refused(vec![fault])));
        }
        let public = job.blind.then(|| named.without_private(&found.recipient));
        let named = public.as_ref().unwrap_or(named);
        let changes = named.changes(&found.recipient, &found.filled).map_err(JobError::broken)?;
        let outcome = match &job.corrector {
            Some(corrector) if !changes.is_empty() || found.revision > 0 => {
                self.correct(app, corrector, found).await?
            }
            _ if changes.is_empty() => self.same(app, found).await?,
            _ => {
                let fields = fields_of(&changes).collect();
                conflict(CorrectionFault::OtherContent(id, fields))
            }
        };
        Ok(Some(outcome))
    }

    /// The outcome of a row that says what its credential says.
    async fn same(&self, app: &App, found: &Credential) -> Result<RowOutcome, JobError> {
        let row = self.message.id();
        let origin = Origin::Job { job: row.shard.job, shard: row.shard.number, row: row.row };
        let duplicate = found.origin != origin;
        if duplicate {
            let organization = app.catalog.organization(&found.org).await?;
            let accepted = self.job().issued_at.parse().ok();
            let today = accepted.map(|at| organization.date_of(at));
            if let Err(fault) = found::in_force(app, today, found).await? {
                return Ok(refused(vec![fault]));
            }
        }
        let credential = Box::new(found.clone());
        if self.job().dry_run {
            let (also_holds, person) = (Vec::new(), None);
            return Ok(RowOutcome::Foreseen(Foreseen::Duplicate {
                credential,
                alias: false,
                also_holds,
                person,
                alike: Vec::new(),
            }));
        }
        Ok(RowOutcome::Ended(Outcome::Issued { credential, duplicate, alias: false }))
    }

    /// Corrects the credential, or in a dry run foresees it.
    async fn correct(
        &self,
        app: &App,
        corrector: &Corrector,
        found: &Credential,
    ) -> Result<RowOutcome, JobError> {
        let job = self.job();
        let template = match job.strict.is_empty() {
            true => None,
            false => {
                app.catalog
                    .template_version(&job.org, job.template_id, job.template_version)
                    .await?
            }
        };
        let judged = |template: &Template| {
            job.strict.refused(&self.named.recipient, &job.issued_at, &template.definition)
        };
        let strict = template.as_deref().map(judged).unwrap_or_default();
        if !strict.is_empty() {
            let faults: Vec<Fault> = strict.into_iter().map(Fault::Strict).collect();
            return Ok(refused(faults));
        }
        let request = CorrectRequest {
            tenant: self.tenant(),
            id: found.id,
            change: Change::Row(self.named),
            reason: None,
            by: Who {
                key_id: corrector.key_id.clone(),
                key_name: corrector.key_name.clone(),
                job_id: Some(self.job().job_id),
                row: Some(self.message.row.number),
            },
            now: self.now,
        };
        if self.job().dry_run {
            return match correct::foresee(app, &request, found).await {
                Ok(None) => self.same(app, found).await,
                Ok(Some(changes)) => match self.repeated(app, found).await? {
                    None => {
                        let credential = Box::new(found.clone());
                        Ok(RowOutcome::Corrected { credential, changes })
                    }
                    Some(repeated) => Ok(repeated),
                },
                Err(error) => self.failed(error),
            };
        }
        match correct::correct(app, &request).await {
            Ok(corrected) if corrected.changed => {
                let credential = Box::new(corrected.credential.into_written());
                Ok(RowOutcome::Corrected { credential, changes: Vec::new() })
            }
            Ok(unchanged) => self.same(app, &unchanged.credential).await,
            Err(error) => self.failed(error),
        }
    }

    /// The outcome of a row whose correction is refused; an error when the row comes back.
    fn failed(&self, error: CorrectError) -> Result<RowOutcome, JobError> {
        let faults = error.into_faults(self.named.credential_id).map_err(JobError::broken)?;
        Ok(refused(faults))
    }

    /// In a dry run, the outcome of a row whose credential another row corrects: it says the same,
    /// since a file of rows that contradict each other is refused, unless a former release surveyed
    /// it. None if this row is the one that corrects.
    async fn repeated(
        &self,
        app: &App,
        found: &Credential,
    ) -> Result<Option<RowOutcome>, JobError> {
        let (job, named, place) = (self.job(), self.named, self.message.row.place());
        let secret = app.catalog.id_secret(&job.org).await?;
        let recipient = named.recipient.clone();
        let (_, identities) =
            identity::cleaned(&secret, &job.org, job.mode, job.template_id, recipient);
        let content = identities.own.content;
        let this = FirstRow { place, content };
        let id = named.credential_id;
        let first = app.jobs.first_of(job.job_id, &id.to_string(), &this, job.ttl).await?;
        Ok(match (first.place.row == place.row, first.content == this.content) {
            (true, _) => None,
            (false, true) => Some(self.same(app, found).await?),
            (false, false) => Some(conflict(CorrectionFault::AnotherRow(id, first.place))),
        })
    }
}
