//! What an erasure takes out of the names of a job's file and of its sheets. Safe to repeat.

use super::{
    Item, StoreError,
    credential_mail::held,
    job_files::upload_pk,
    jobs::{Jobs, Only, job_pk},
    key, text,
};
use crate::domain::{
    job::{Job, JobFile},
    upload_path::UploadPath,
};

impl Jobs {
    /// Gives a job's file, which is deleted, another name, on the job and on its upload.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_file_name(
        &self,
        job: &Job,
        file: &JobFile,
        name: &str,
    ) -> Result<(), StoreError> {
        let mut hidden = file.clone();
        hidden.name = name.to_owned();
        hidden.object.key = String::new();
        let hidden = serde_dynamo::to_attribute_value(hidden);
        let hidden = hidden.map_err(|e| StoreError::Broken(e.to_string()))?;
        let upload = upload_of(file).map(|upload| (upload, "file_name", text(name)));
        let of_job = (key(job_pk(job.job_id), "JOB"), "file", hidden);
        for (key, attribute, value) in upload.into_iter().chain([of_job]) {
            let update = self.client.update_item().table_name(&self.table);
            let update = update
                .set_key(Some(key))
                .update_expression("SET #name = :value")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_names("#name", attribute)
                .expression_attribute_values(":value", value);
            held(update.send().await.map_err(StoreError::from))?;
        }
        Ok(())
    }

    /// Takes the names of the sheets of a job's file out of it; gives the one that was read another `name`,
    /// if there is one, and takes it out of its upload.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_sheets(
        &self,
        job: &Job,
        file: &JobFile,
        name: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut format = job.sheet.clone();
        if let Some(copy) = format.as_mut().and_then(|format| format.copy.as_mut()) {
            copy.workbook.sheets.clear();
            copy.workbook.unread.clear();
            copy.workbook.hidden_columns.clear();
            if let Some(name) = name {
                name.clone_into(&mut copy.workbook.sheet);
            }
            let format = serde_dynamo::to_attribute_value(&format);
            let format = format.map_err(|e| StoreError::Broken(e.to_string()))?;
            self.update(job.job_id, "SET sheet = :sheet", vec![(":sheet", format)], Only::Closed)
                .await?;
        }
        let Some(upload) = name.and_then(|_| upload_of(file)) else { return Ok(()) };
        let update = self.client.update_item().table_name(&self.table);
        let update = update
            .set_key(Some(upload))
            .update_expression("REMOVE sheet")
            .condition_expression("attribute_exists(sheet)");
        held(update.send().await.map_err(StoreError::from)).map(drop)
    }
}

/// The key of the upload that announced a file, if one did.
fn upload_of(file: &JobFile) -> Option<Item> {
    let upload = UploadPath::parse(&file.object.key)?.upload_id?;
    Some(key(upload_pk(upload), "UPLOAD"))
}
