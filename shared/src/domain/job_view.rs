//! A job as the API shows it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::{
    erasure::Walk,
    job::{Job, JobKind},
    member_row::MEMBERS,
    spelling::Alike,
    spreadsheet::Workbook,
    time,
    warning::{Place, Warning, WarningKind, with_names},
};

/// Seconds after which the answer no longer shows that mail waits.
const WAIT_SHOWN: i64 = 15 * 60;

/// A job's state on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// Accepted, not all rows queued.
    Pending,
    /// Queued, no row ended.
    Started,
    /// Under way.
    Progress,
    /// Every row and its mail have ended.
    Success,
    /// It failed as a whole.
    Failure,
}

impl JobStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Started => "STARTED",
            Self::Progress => "PROGRESS",
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
        }
    }
}

/// One entry of a result's `errors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// Row, from 1.
    pub row: u32,
    /// The line of the file that it begins in, in a file's job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Address as sent.
    pub email: String,
    /// Text.
    pub error: String,
    /// Stable code.
    pub code: String,
}

impl Job {
    /// Its state.
    pub fn status(&self) -> JobStatus {
        if self.failure.is_some() {
            JobStatus::Failure
        } else if self.closed_at.is_some() {
            JobStatus::Success
        } else if let Some(order) = &self.privacy {
            if order.walk == Walk::default() { JobStatus::Pending } else { JobStatus::Progress }
        } else if !self.fanned_out {
            JobStatus::Pending
        } else if self.tally.current() == 0 {
            JobStatus::Started
        } else {
            JobStatus::Progress
        }
    }

    /// The answer of `GET /jobs/{job_id}`; `errors` are the first failed rows of an ended job.
    /// `alike` are the first rows of a dry run whose people seem to be elsewhere too.
    pub fn answer(
        &self,
        errors: &[RowError],
        alike: &[(Place, Vec<Alike>)],
        now: Timestamp,
    ) -> Value {
        let mut answer = Map::new();
        for (name, value) in [
            ("job_id", json!(self.job_id)),
            ("status", self.status().as_str().into()),
            ("template_id", json!(self.template_id)),
            ("created_at", json!(self.created_at)),
            ("updated_at", json!(self.updated_at)),
            ("expires_at", json!(self.expires_at)),
            ("cancelled_at", json!(self.cancelled_at)),
            ("progress", self.progress(now).into()),
        ] {
            answer.insert(name.to_owned(), value);
        }
        match self.kind() {
            JobKind::Issue(_) => {}
            JobKind::DryRun(_) => {
                answer.insert("dry_run".to_owned(), true.into());
            }
            JobKind::Revoke(_) => {
                answer.remove("template_id");
                answer.insert("kind".to_owned(), "revoke".into());
            }
            JobKind::Members(order) => {
                answer.remove("template_id");
                answer.insert("kind".to_owned(), MEMBERS.into());
                if order.dry_run {
                    answer.insert("dry_run".to_owned(), true.into());
                }
            }
            JobKind::Privacy(order) => {
                answer.remove("template_id");
                answer.insert("kind".to_owned(), order.action.as_str().into());
                answer.insert("reason".to_owned(), order.reason.clone().into());
                answer.insert("progress".to_owned(), order.progress());
                if self.closed_at.is_some() {
                    answer.insert("result".to_owned(), order.result());
                }
                return Value::Object(answer);
            }
        }
        if let Some(file) = &self.file {
            let mut shown = json!({ "name": file.name, "size": file.object.size });
            if let Some(shown) = shown.as_object_mut() {
                self.add_sheets(shown);
            }
            if let (Some(sheet), Some(shown)) = (&self.sheet, shown.as_object_mut()) {
                shown.insert("encoding".to_owned(), sheet.encoding.as_str().into());
                shown.insert("encoding_guessed".to_owned(), sheet.guessed.into());
                if sheet.header_line > 0 {
                    shown.insert("header_line".to_owned(), sheet.header_line.into());
                }
            }
            answer.insert("file".to_owned(), shown);
            if file.corrector.is_some() {
                answer.insert("correct".to_owned(), true.into());
            }
        }
        let warnings = self.all_warnings(alike);
        if !warnings.is_empty() {
            answer.insert("warnings".to_owned(), warnings.into());
        }
        if let Some(failure) = &self.failure {
            answer.insert("error".to_owned(), failure.error.clone().into());
            answer.insert("code".to_owned(), failure.code.clone().into());
            answer.insert("line".to_owned(), failure.line.into());
            answer.insert("column".to_owned(), failure.column.into());
            if !failure.readings.is_empty() {
                answer.insert("readings".to_owned(), json!(failure.readings));
            }
        } else if self.closed_at.is_some() {
            answer.insert("result".to_owned(), self.result(errors));
        }
        Value::Object(answer)
    }

    /// What is known of the spreadsheet that its file is, once its sheet was read.
    pub fn workbook(&self) -> Option<&Workbook> {
        self.sheet.as_ref()?.copy.as_ref().map(|copy| &copy.workbook)
    }

    /// Adds what is known of a spreadsheet's sheets.
    fn add_sheets(&self, shown: &mut Map<String, Value>) {
        if let Some(workbook) = self.workbook() {
            shown.insert("sheet".to_owned(), workbook.sheet.clone().into());
            shown.insert("sheets".to_owned(), workbook.sheets.clone().into());
            if workbook.hidden > 0 {
                shown.insert("hidden_rows".to_owned(), workbook.hidden.into());
            }
            for (name, names) in
                [("hidden_columns", &workbook.hidden_columns), ("unread_sheets", &workbook.unread)]
            {
                if !names.is_empty() {
                    shown.insert(name.to_owned(), names.clone().into());
                }
            }
        } else if let Some(failure) = self.failure.as_ref().filter(|it| !it.sheets.is_empty()) {
            shown.insert("sheets".to_owned(), failure.sheets.clone().into());
            if let Some(sheet) = &failure.sheet {
                shown.insert("sheet".to_owned(), sheet.clone().into());
            }
        }
    }

    /// The warnings about its rows, and about its file.
    fn all_warnings(&self, alike: &[(Place, Vec<Alike>)]) -> Vec<Value> {
        let mut known = self.warnings.clone();
        let (mut respelt, mut namesakes) = (self.tally.respelt, self.tally.namesakes);
        for (place, alike) in alike {
            let alike: Vec<Warning> = alike.iter().cloned().map(Warning::from).collect();
            known.note(*place, &alike);
            for warning in alike {
                let left = match warning.kind {
                    WarningKind::SameName => &mut namesakes,
                    _ => &mut respelt,
                };
                *left = left.saturating_sub(1);
            }
        }
        known.count(WarningKind::OtherSpelling, respelt);
        known.count(WarningKind::SameName, namesakes);
        let mut warnings = known.answer(self.lang);
        let guessed = self.sheet.as_ref().filter(|sheet| sheet.guessed);
        let mut of_file: Vec<(WarningKind, &[String])> =
            guessed.iter().map(|_| (WarningKind::GuessedEncoding, &[][..])).collect();
        if let Some(Workbook { unread, hidden_columns, hidden_unknown, .. }) = self.workbook() {
            of_file.extend(hidden_unknown.then_some((WarningKind::HiddenUnknown, &[][..])));
            for (kind, names) in
                [(WarningKind::HiddenColumns, hidden_columns), (WarningKind::UnreadSheets, unread)]
            {
                of_file.extend((!names.is_empty()).then_some((kind, &**names)));
            }
        }
        for (kind, names) in of_file {
            let count = if names.is_empty() { u64::from(self.total) } else { names.len() as u64 };
            warnings.push(json!({
                "kind": kind, "count": count, "rows": [], "examples": [],
                "text": with_names(kind, names, self.lang),
            }));
        }
        warnings
    }

    /// The member `progress` of the answer.
    fn progress(&self, now: Timestamp) -> Map<String, Value> {
        let (current, total) = (self.tally.current(), self.total);
        let waiting = self.mail_wait.as_deref().filter(|_| {
            let at = self.mail_wait_at.as_deref();
            self.closed_at.is_none() && at.is_some_and(|at| time::elapsed(at, now) < WAIT_SHOWN)
        });
        let mut progress = Map::new();
        for (name, value) in [
            ("current", json!(current)),
            ("total", json!(total)),
            // The contract has this text in one language: programs know it.
            ("status", format!("Procesando fila {current} de {total}").into()),
            (
                "phase",
                match (self.is_reading(), current < total) {
                    (true, _) => "reading",
                    (false, _) if self.members.is_some() => "importing",
                    (false, true) => "issuing",
                    (false, false) => "mailing",
                }
                .into(),
            ),
            // Members are not mailed.
            (
                "emails_done",
                json!(if self.members.is_some() { 0 } else { self.tally.emails_done() }),
            ),
            ("eta_seconds", json!(self.eta(now))),
            ("waiting", json!(waiting)),
        ] {
            progress.insert(name.to_owned(), value);
        }
        if self.file.is_some() {
            let read = self.read_to.map_or(0, |at| at.row);
            progress.insert("rows_read".to_owned(), read.into());
        }
        progress
    }

    /// Estimated seconds to the end, from the mean rate so far; none once it has ended or
    /// before anything has.
    fn eta(&self, now: Timestamp) -> Option<i64> {
        let elapsed = time::elapsed(&self.created_at, now);
        let done = f64::from(self.tally.current() + self.tally.emails_done());
        let left = f64::from(2 * self.total) - done - f64::from(self.tally.failed);
        #[expect(clippy::cast_possible_truncation, reason = "an estimate in whole seconds")]
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let eta = (self.closed_at.is_none() && done > 0.0 && elapsed > 0)
            .then(|| (left.max(0.0) / (done / elapsed as f64)).ceil() as i64);
        eta
    }

    /// The member `result` of an ended job's answer.
    fn result(&self, errors: &[RowError]) -> Value {
        let t = &self.tally;
        let mut result = json!({
            "total": self.total, "successful": t.issued, "failed": t.failed,
            "errors": errors,
            "errors_truncated": usize::try_from(t.failed).is_ok_and(|n| n > errors.len()),
            "emails_sent": t.emails_sent, "emails_failed": t.emails_failed,
            "emails_skipped": t.emails_skipped,
            "internal_count": t.internal, "external_count": t.issued - t.internal,
            "duplicates": t.duplicates,
            "results_url": format!("/api/v1/jobs/{}/results", self.job_id),
        });
        if self.file.is_some()
            && !self.results_lost
            && let Some(members) = result.as_object_mut()
        {
            let file = format!("/api/v1/jobs/{}/results/file", self.job_id);
            let file = (self.results_at.is_some() && self.files_gone_at.is_none()).then_some(file);
            members.insert("results_file".to_owned(), file.into());
        }
        if let Some(order) = &self.members
            && let Some(members) = result.as_object_mut()
        {
            members.insert("imported".to_owned(), (t.issued - t.duplicates).into());
            if order.dry_run {
                members.insert("cleared".to_owned(), order.cleared.answer());
            }
        }
        if self.corrector().is_some()
            && let Some(members) = result.as_object_mut()
        {
            members.insert("corrected".to_owned(), t.corrected.into());
        }
        result
    }

    /// The entry of a job in a list: its answer without the errors.
    pub fn summary(&self, now: Timestamp) -> Value {
        let mut answer = self.answer(&[], &[], now);
        if let Some(result) = answer.get_mut("result").and_then(Value::as_object_mut) {
            result.remove("errors");
            result.remove("errors_truncated");
        }
        answer
    }
}
