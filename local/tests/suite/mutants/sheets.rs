//! Scenarios of spreadsheets, and guards whose calls go to the bucket.

use anyhow::{Context as _, Result, anyhow, ensure};
use aws_smithy_runtime_api::{
    client::orchestrator::{HttpRequest, HttpResponse},
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use unicreda::{domain::ids::JobId, jobs::results_file};

use crate::{
    bucket::{client, keys},
    crashes::Run,
    harness::person,
    sim::Sim,
    spreadsheets::make::{Book, texts},
};

/// A change to the calls of the bucket.
#[derive(Debug)]
pub enum OfBucket {
    /// A request of this method whose address holds a text is answered, and does not arrive.
    Lost(&'static str, &'static str),
    /// The body of a request of this method names other objects: a text is another one of its length.
    Other(&'static str, [&'static str; 2]),
}

impl OfBucket {
    /// Changes a request, and whether it did; an answer where it does not arrive.
    pub fn change(
        &self,
        operation: &str,
        request: &mut HttpRequest,
    ) -> (bool, Option<HttpResponse>) {
        match *self {
            Self::Lost(method, text) if operation == method && request.uri().contains(text) => {
                let done = StatusCode::try_from(200_u16).expect("a status");
                let mut answer = HttpResponse::new(done, SdkBody::empty());
                answer.headers_mut().insert("etag", "\"lost\"");
                (true, Some(answer))
            }
            Self::Other(method, [text, other]) if operation == method => {
                let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default());
                if !body.contains(text) {
                    return (false, None);
                }
                let body = body.replace(text, other);
                let sums = request.headers().iter().map(|(name, _)| name.to_owned());
                let sums = sums.filter(|name| name == "content-md5" || name.contains("checksum"));
                for sum in sums.collect::<Vec<_>>() {
                    request.headers_mut().remove(sum);
                }
                *request.body_mut() = SdkBody::from(body);
                (true, None)
            }
            _ => (false, None),
        }
    }
}

fn sheet(people: &[Value]) -> Vec<u8> {
    let mut rows = texts(1, &["Correo", "Nombre", "Nota"]);
    for (at, person) in (2..).zip(people) {
        let text = |name: &str| person[name].as_str().unwrap_or_default();
        rows += &texts(at, &[text("email"), text("recipient_name"), text("result_value")]);
    }
    Book::of(&rows).file()
}

/// The status of the job that an upload began.
async fn status(sim: &Sim, upload: &str) -> Result<Value> {
    let upload = sim.world.get(&format!("/uploads/{upload}")).await;
    let job = upload["job_id"].as_str().context("the file began a job")?;
    Ok(sim.world.get(&format!("/jobs/{job}")).await)
}

/// The copies in the bucket.
async fn copies(sim: &Sim) -> Vec<String> {
    let all = keys(&client(&sim.world.stack)).await;
    all.into_iter().filter(|key| key.starts_with("sheets/")).collect()
}

/// A spreadsheet is read and issued.
pub(super) fn a_sheet_of_two(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = [person(1), person(2)];
        let upload = sim.upload(&sheet(&people), &people).await?;
        sim.drain().await?;
        let status = status(sim, &upload).await?;
        ensure!(status["result"]["successful"] == 2, "{status}");
        Ok(())
    })
}

/// The files of a job that has ended are deleted.
pub(super) fn a_sheet_that_is_deleted(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = [person(1)];
        let upload = sim.upload(&sheet(&people), &people).await?;
        sim.drain().await?;
        let job = status(sim, &upload).await?["job_id"].as_str().map(JobId::parse);
        let job = job.context("an id")?.map_err(|_| anyhow!("no id"))?;
        ensure!(copies(sim).await.len() == 1, "one copy");
        let forgotten = sim.run(|app| async move { results_file::forget(&app, job).await }).await;
        forgotten.context("the process lives")?.map_err(|error| anyhow!("{error:?}"))?;
        ensure!(copies(sim).await.is_empty(), "the copy stays");
        Ok(())
    })
}
