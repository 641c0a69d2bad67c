//! Files that were refused as a whole: their lines that name the person. None of their rows was stored, so
//! the file itself is read, as long as it is kept.

use serde_json::Value;

use crate::{
    aws::s3::FileError,
    domain::{
        erasure::{About, Subject},
        export::{RefusedLine, others_left_out},
        identity::IdSecret,
        job::{Job, JobFile},
    },
    jobs::{JobError, private_work::Work},
    sheet::workbook::{MAX_SPREADSHEET, Spreadsheet, is_spreadsheet, number_of},
};

/// Bytes of one read.
const PIECE: u64 = 1024 * 1024;
/// Bytes of a line that is shown: a recipient has 16 KiB at most.
const LONGEST: usize = 32 * 1024;
/// Bytes of a longer line that are searched together with what follows: more than an address has.
const OVERLAP: usize = 1_024;

/// The lines of a refused file that name the person.
///
/// # Errors
/// [`JobError`].
pub(super) async fn lines_of(
    work: &Work<'_>,
    job: &Job,
    secret: &IdSecret,
) -> Result<Vec<Value>, JobError> {
    let About::Person(subject) = &work.order.about else { return Ok(Vec::new()) };
    let refused = job.failure.is_some() && job.files_gone_at.is_none();
    let Some(file) = job.file.as_ref().filter(|_| refused) else { return Ok(Vec::new()) };
    let mut lines =
        Lines { job, secret, subject, number: 1, line: Vec::new(), long: false, found: Vec::new() };
    let mut offset = 0;
    while offset < file.object.size {
        let bytes = match work.app.files()?.read(&file.object, offset, PIECE).await {
            Ok(bytes) if !bytes.is_empty() => bytes,
            // It was deleted or replaced meanwhile.
            Ok(_) | Err(FileError::Gone) => break,
            Err(error) => return Err(error.into()),
        };
        let is_first = offset == 0;
        offset += bytes.len() as u64;
        if is_first
            && is_spreadsheet(&bytes)
            && lines.spreadsheet(work, file, bytes.clone()).await?
        {
            break;
        }
        lines.take(&bytes);
    }
    lines.end_line();
    let file = others_left_out(subject, secret, &job.org, &file.name);
    Ok(lines.found.into_iter().map(|line| line.answer(job, file.as_deref())).collect())
}

/// The lines of a file, as they come.
struct Lines<'a> {
    job: &'a Job,
    secret: &'a IdSecret,
    subject: &'a Subject,
    /// The line that is read, from 1.
    number: u64,
    line: Vec<u8>,
    /// Whether its beginning was left out.
    long: bool,
    found: Vec<RefusedLine>,
}

impl Lines<'_> {
    /// Searches the rows of all sheets of a spreadsheet, hidden ones too, whose first bytes are given;
    /// false if it cannot be read.
    async fn spreadsheet(
        &mut self,
        work: &Work<'_>,
        file: &JobFile,
        mut bytes: Vec<u8>,
    ) -> Result<bool, JobError> {
        let most = file.object.size.min(MAX_SPREADSHEET);
        while (bytes.len() as u64) < most {
            match work.app.files()?.read(&file.object, bytes.len() as u64, PIECE).await {
                Ok(piece) if piece.is_empty() => break,
                Ok(piece) => bytes.extend_from_slice(&piece),
                Err(FileError::Gone) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        let Ok(spreadsheet) = Spreadsheet::open(&bytes) else { return Ok(false) };
        for mut sheet in spreadsheet.all() {
            while let Ok(Some(piece)) = sheet.piece() {
                for line in piece.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    self.number = number_of(line).unwrap_or(self.number);
                    self.line.extend_from_slice(line);
                    self.end_line();
                }
            }
        }
        Ok(true)
    }

    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' => {
                    self.end_line();
                    self.number += 1;
                }
                // Of UTF-16, whose Latin letters are left.
                0 => {}
                other => self.line.push(*other),
            }
            if self.line.len() > LONGEST {
                self.search();
                self.line.drain(..LONGEST - OVERLAP);
                self.long = true;
            }
        }
    }

    fn end_line(&mut self) {
        self.search();
        self.line.clear();
        self.long = false;
    }

    /// Notes the line if it names the person, without its text if that is not theirs alone.
    fn search(&mut self) {
        let text = match std::str::from_utf8(&self.line) {
            Ok(text) => text.to_owned(),
            Err(_) => self.line.iter().map(|byte| char::from(*byte)).collect(),
        };
        let known = self.found.last().is_some_and(|line| line.number == self.number);
        if known || !self.subject.is_in(self.secret, &self.job.org, &text) {
            return;
        }
        let whole = !self.long && self.line.len() <= LONGEST;
        let text = text.trim_end_matches('\r');
        let own = others_left_out(self.subject, self.secret, &self.job.org, text);
        self.found.push(RefusedLine { number: self.number, text: own.filter(|_| whole) });
    }
}
