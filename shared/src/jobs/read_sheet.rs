//! Unpacking a spreadsheet into its copy in the bucket, from which its rows are read as those of any
//! other file.
//!
//! Safe to repeat: the copy has one key a job and follows from the file and its upload, so whoever
//! unpacks the file again writes the same bytes. It is whole or not there.

use std::time::Instant;

use crate::{
    domain::{
        job::{Job, JobFile},
        spreadsheet::SheetCopy,
        upload::Object,
    },
    jobs::read_file::{Broken, RENEW_EVERY, Reader},
    sheet::{
        SheetFault, Terms,
        workbook::{Ask, Spreadsheet, Unpacking, too_large},
    },
};

/// Bytes of one read.
const PIECE: u64 = 8 * 1024 * 1024;

/// The key of the copy of a job's spreadsheet.
pub(super) fn copy_key(job: &Job) -> String {
    format!("sheets/{}/{}/{}.jsonl", job.mode, job.org, job.job_id)
}

impl Reader<'_> {
    /// Unpacks a job's spreadsheet, whose first bytes are given.
    pub(super) async fn unpack(
        &self,
        job: &Job,
        file: &JobFile,
        first: &[u8],
        terms: Terms<'_>,
        ask: Ask<'_>,
    ) -> Result<Result<SheetCopy, SheetFault>, Broken> {
        if let Some(fault) = too_large(first, file.object.size) {
            return Ok(Err(fault));
        }
        let bytes = self.whole(file, job).await?;
        let spreadsheet = match Spreadsheet::open(&bytes) {
            Ok(spreadsheet) => spreadsheet,
            Err(fault) => return Ok(Err(fault)),
        };
        let mut unpacking = match spreadsheet.unpack(terms, ask) {
            Ok(unpacking) => unpacking,
            Err(fault) => return Ok(Err(fault)),
        };
        match self.write(job, &mut unpacking).await? {
            Ok(object) => Ok(Ok(SheetCopy { object, workbook: unpacking.workbook() })),
            Err(fault) => Ok(Err(fault)),
        }
    }

    /// Reads the whole file.
    async fn whole(&self, file: &JobFile, job: &Job) -> Result<Vec<u8>, Broken> {
        let mut all = Vec::with_capacity(usize::try_from(file.object.size).unwrap_or_default());
        loop {
            let bytes = self.bytes(&file.object, all.len() as u64, PIECE, job.lang).await?;
            if bytes.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(&bytes);
        }
    }

    /// Writes the copy.
    async fn write(
        &self,
        job: &Job,
        unpacking: &mut Unpacking<'_>,
    ) -> Result<Result<Object, SheetFault>, Broken> {
        let mut out = self.app.files()?.writer(copy_key(job), "application/jsonl");
        let mut renewed = Instant::now();
        loop {
            match unpacking.piece() {
                Ok(Some(piece)) => out.write(&piece).await?,
                Ok(None) => return Ok(Ok(out.finish().await?)),
                Err(fault) => return Ok(Err(fault)),
            }
            if renewed.elapsed() > RENEW_EVERY {
                self.app.jobs.keep_file(self.lease()).await?.ok_or(Broken::Lost)?;
                renewed = Instant::now();
            }
        }
    }
}
