//! Files of recipients as spreadsheets.

use anyhow::{Context as _, ensure};

use super::{Run, people};
use crate::{
    sim::Sim,
    spreadsheets::make::{Book, texts},
};

/// A spreadsheet of five rows, one of which is refused. Its copy is whole or not there.
pub fn spreadsheet_of_5(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=4);
        let mut rows = texts(1, &["Acta"]) + &texts(3, &["Correo", "Nombre", "Nota"]);
        for (at, person) in (4..).zip(&people) {
            let text = |name: &str| person[name].as_str().unwrap_or_default();
            rows += &texts(at, &[text("email"), text("recipient_name"), text("result_value")]);
        }
        rows += &texts(9, &["nadie", "Nadie", "A"]);
        let upload = sim.upload(&Book::of(&rows).file(), &people).await?;
        sim.drain().await?;
        let upload = sim.world.get(&format!("/uploads/{upload}")).await;
        let job = upload["job_id"].as_str().context("the file began a job")?;
        let status = sim.world.get(&format!("/jobs/{job}")).await;
        ensure!(status["result"]["successful"] == 4, "{status}");
        ensure!(status["result"]["failed"] == 1, "{status}");
        let results = sim.world.results_file(job).await;
        ensure!(results.matches(";issued;").count() == 4, "{results}");
        ensure!(results.contains("nadie;Nadie;A;5;9;failed;"), "{results}");
        let link = sim.world.get(&format!("/jobs/{job}/results/file?format=xlsx")).await;
        let (code, sheet) = sim.world.fetch(link["url"].as_str().context("url")?).await;
        ensure!(code == 200 && sheet.starts_with(b"PK"), "{link}");
        Ok(())
    })
}
