//! Our spreadsheets in LibreOffice: opened, saved and uploaded again. Where it is not installed nothing is
//! tested, unless `OFFICE_REQUIRED` is set, as `.ci/run` does.

use std::{path::Path, process::Command};

use serde_json::json;

use super::{acta, reviewed};
use crate::harness::World;

/// Opens a file in LibreOffice and saves it in a format; none where there is no LibreOffice.
fn saved(file: &[u8], extension: &str) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = format!("-env:UserInstallation=file://{}/profile", folder.path().display());
    let from = folder.path().join("acta.xlsx");
    std::fs::write(&from, file).expect("written");
    let out = folder.path().join("out");
    let arguments = ["--headless", "--norestore", "--convert-to", extension, "--outdir"];
    let run = Command::new("soffice").arg(profile).args(arguments).arg(&out).arg(&from).output();
    match run {
        Err(_) if std::env::var_os("OFFICE_REQUIRED").is_none() => {
            eprintln!("no LibreOffice here: nothing was opened and saved");
            None
        }
        Err(error) => panic!("soffice: {error}"),
        Ok(run) => {
            let written = out.join(Path::new("acta").with_extension(extension));
            Some(std::fs::read(written).unwrap_or_else(|error| panic!("{error}: {run:?}")))
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_libreoffice_opens_and_saves_issues_nothing_twice() {
    let world = World::new().await;
    let job = world.upload("acta.xlsx", &acta().file(), &json!({})).await;
    assert_eq!(world.file_job(&job).await["result"]["successful"], 2);
    let link = world.get(&format!("/jobs/{job}/results/file?format=xlsx")).await;
    let (_, results) = world.fetch(link["url"].as_str().expect("url")).await;
    for extension in ["xlsx", "ods", "xls"] {
        let Some(again) = saved(&results, extension) else { return };
        let job = world.upload(&format!("acta.{extension}"), &again, &json!({})).await;
        let status = world.file_job(&job).await;
        let result = &status["result"];
        assert_eq!(
            (&result["successful"], &result["duplicates"]),
            (&json!(2), &json!(2)),
            "{extension}: {status}"
        );
        let kinds: Vec<_> = status["warnings"].as_array().into_iter().flatten().collect();
        assert_eq!(
            kinds.iter().any(|of| of["kind"] == "hidden_unknown"),
            extension == "xls",
            "{status}"
        );
    }
    let path = format!("/templates/{}/csv?format=xlsx", world.demo.template_id);
    let example = world.call("GET", &path, None).await.expect(200).body;
    for extension in ["xlsx", "ods", "xls"] {
        let Some(again) = saved(&example, extension) else { return };
        let (status, rows) = reviewed(&world, &again, json!({})).await;
        assert_eq!(rows.len(), 2, "{extension}: {status}");
        assert!(rows.iter().all(|row| row["status"] == "new"), "{extension}: {rows:?}");
    }
    world.stop().await;
}
