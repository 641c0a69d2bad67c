//! Scenarios of one credential that changes: its status, a correction, a renewal.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jiff::ToSpan;
use serde_json::json;

use super::{Run, issue_one, people};
use crate::{
    bucket::{client, keys},
    export::unzipped,
    sim::Sim,
};

/// A credential is suspended, reinstated and revoked.
pub fn status_changes(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=2);
        let id = issue_one(sim, &people[..1]).await?;
        sim.drain().await?;
        sim.own_part();
        let why = json!({ "reason": "Error de acta" });
        for (action, status) in
            [("suspend", "suspended"), ("reinstate", "issued"), ("revoke", "revoked")]
        {
            let path = format!("/credentials/{id}/{action}");
            let answer = sim.insist("POST", &path, Some(&why), None).await?;
            ensure!(answer.status == 200, "{}", answer.body);
            ensure!(answer.json()["status"] == status, "{}", answer.body);
        }
        let credential = sim.world.get(&format!("/credentials/{id}")).await;
        let history = credential["history"].as_array().context("history")?;
        ensure!(history.len() == 3, "each once, however often it was asked: {credential}");
        Ok(())
    })
}

/// A credential is blocked while its mail waits, corrected, shown again, and mailed.
pub fn blocking(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=1);
        let id = issue_one(sim, &people).await?;
        let path = format!("/credentials/{id}");
        let why = json!({ "reason": "Reclamo de su titular" });
        let mut at = None;
        for _ in 0..2 {
            let answer = sim.insist("POST", &format!("{path}/block"), Some(&why), None).await?;
            ensure!(answer.status == 200, "{}", answer.body);
            let now = answer.json()["blocked_at"].as_str().context("an instant")?.to_owned();
            ensure!(at.get_or_insert(now.clone()) == &now, "another block: {}", answer.body);
        }
        sim.drain().await?;
        ensure!(sim.world.stack.mail().count() == 0, "mail of a blocked credential");
        let change = json!({ "term": "2026-1" });
        let corrected = sim.insist("PATCH", &path, Some(&change), None).await?;
        ensure!(corrected.status == 200, "{}", corrected.body);
        let credential = sim.world.get(&path).await;
        ensure!(credential["status"] == "issued", "{credential}");
        ensure!(credential["email_status"] == "skipped", "{credential}");
        ensure!(credential["blocked_at"].as_str() == at.as_deref(), "{credential}");
        for _ in 0..2 {
            let answer = sim.insist("POST", &format!("{path}/unblock"), None, None).await?;
            ensure!(answer.status == 200, "{}", answer.body);
            ensure!(answer.json()["blocked_at"].is_null(), "{}", answer.body);
        }
        // A repetition of a request whose answer was lost comes too soon.
        let resent = sim.insist("POST", &format!("{path}/resend"), None, None).await?;
        ensure!([202, 409].contains(&resent.status), "{}", resent.body);
        sim.drain().await?;
        ensure!(sim.world.stack.mail().count() >= 1, "its mail was asked for");
        Ok(())
    })
}

/// What is held about a person is put into an archive, and deleted with its time.
pub fn export(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=3);
        let job = sim.job(&people, &people, None).await?;
        sim.drain().await?;
        sim.own_part();
        let path = "/people/persona1@ejemplo.com/export";
        let accepted = sim.insist("GET", path, None, Some("x")).await?;
        ensure!(accepted.status == 202, "{}", accepted.body);
        let id = accepted.json()["job_id"].as_str().context("id")?.to_owned();
        sim.drain().await?;
        let ended = sim.world.get(&format!("/jobs/{id}")).await;
        ensure!(ended["result"]["credentials"] == 1, "{ended}");
        ensure!(ended["result"]["rows"] == 1, "of {job}: {ended}");
        let link = sim.world.get(&format!("/jobs/{id}/results/file")).await;
        let (status, bytes) = sim.world.fetch(link["url"].as_str().context("a URL")?).await;
        ensure!(status == 200 && bytes.starts_with(b"PK"), "{status}");
        Ok(())
    })
}

/// The certificates of a job are put into archives, of two each, and ordered again after one was revoked.
pub fn printing(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=3);
        let job = sim.job(&people, &people, None).await?;
        sim.drain().await?;
        sim.own_part();
        let path = format!("/jobs/{job}/certificates");
        let mut made_at = None;
        for left_out in [0, 0, 1] {
            let ordered = sim.insist("POST", &path, None, None).await?;
            ensure!(ordered.status == 202, "{}", ordered.body);
            while sim.world.get(&path).await["status"] != "SUCCESS" {
                sim.clock.jump(Duration::from_secs(40));
                sim.sweep().await;
                while sim.deliver_file().await {}
            }
            let shown = sim.world.get(&path).await;
            let count = 3 - left_out;
            ensure!(shown["certificates"] == count && shown["left_out"] == left_out, "{shown}");
            let mut names = Vec::new();
            for file in shown["files"].as_array().context("files")? {
                let (status, bytes) = sim.world.fetch(file["url"].as_str().context("a URL")?).await;
                ensure!(status == 200, "{status}");
                names.extend(unzipped(&bytes).into_keys().filter(|name| name.ends_with(".pdf")));
            }
            let numbers: Vec<&str> = names.iter().filter_map(|name| name.get(..4)).collect();
            let every = ["0001", "0002", "0003"];
            ensure!(numbers == every[usize::from(left_out == 1)..], "{names:?}");
            let same = made_at.as_ref() == Some(&shown["made_at"]);
            ensure!(made_at.is_none() || same == (left_out == 0), "{shown}");
            made_at = Some(shown["made_at"].clone());
            if left_out == 0 && same {
                let results = sim.world.get(&format!("/jobs/{job}/results")).await;
                let id = results["items"][0]["credential_id"].as_str().context("id")?;
                let why = json!({ "reason": "Error de acta" });
                let path = format!("/credentials/{id}/revoke");
                ensure!(sim.world.call("POST", &path, Some(&why)).await.status == 200, "revoked");
            }
        }
        let stored = keys(&client(&sim.world.stack)).await;
        let prints = stored.iter().filter(|key| key.starts_with("prints/")).count();
        ensure!(prints <= 5, "two archives, and a piece for each at least: {stored:?}");
        Ok(())
    })
}

/// A credential is corrected: its name, then its address, then back to what it was.
pub fn correction(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=1);
        let id = issue_one(sim, &people).await?;
        sim.drain().await?;
        sim.own_part();
        let path = format!("/credentials/{id}");
        let (old, new) = ("persona1@ejemplo.com", "corregida@ejemplo.com");
        for change in [json!({ "recipient_name": "Persona Corregida" }), json!({ "email": new })] {
            let answer = sim.insist("PATCH", &path, Some(&change), None).await?;
            ensure!(answer.status == 200, "{}", answer.body);
        }
        sim.expected = sim
            .expected
            .iter()
            .map(|(email, result)| {
                let email = if email == old { new } else { email };
                (email.to_owned(), result.clone())
            })
            .collect();
        sim.resends = 1;
        sim.drain().await?;
        // Either list finds the one credential.
        let mut corrected = people[0].clone();
        corrected["email"] = new.into();
        corrected["recipient_name"] = "Persona Corregida".into();
        for content in [people[0].clone(), corrected] {
            let again = sim.issue(&[content], &[], None).await?.json();
            ensure!(again["credentials"][0]["credential_id"] == id.as_str(), "{again}");
        }
        let credential = sim.world.get(&path).await;
        ensure!(credential["version"] == 3, "{credential}");
        ensure!(credential["history"].as_array().is_some_and(|h| h.len() == 2), "{credential}");
        let mails = sim.world.mails_now(new).await;
        ensure!(!mails.is_empty(), "the new address was not mailed");
        Ok(())
    })
}

/// Gives the credentials of the demo's template an end, after a month.
pub async fn ends_after_a_month(sim: &Sim) -> Result<()> {
    let path = format!("/templates/{}", sim.world.demo.template_id);
    let mut template = sim.world.get(&path).await;
    template["validity_months"] = 1.into();
    let answer = sim.world.call("PUT", &path, Some(&template)).await;
    ensure!(answer.status == 200, "{}", answer.text());
    Ok(())
}

/// A credential has ended, its row is refused, and it is renewed.
pub fn renewal(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        ends_after_a_month(sim).await?;
        let people = people(1..=1);
        let id = issue_one(sim, &people).await?;
        sim.drain().await?;
        sim.clock.jump(Duration::from_secs(40 * 24 * 3_600));
        sim.own_part();
        let again = sim.issue(&people, &[], None).await?.json();
        ensure!(again["credentials"][0]["status"] == "error", "{again}");
        sim.resends = 1;
        let path = format!("/credentials/{id}/renew");
        for _ in 0..2 {
            let answer = sim.insist("POST", &path, None, None).await?;
            ensure!(answer.status == 200, "{}", answer.body);
            ensure!(answer.json()["version"] == 2, "{}", answer.body);
        }
        sim.drain().await?;
        let again = sim.issue(&people, &[], None).await?.json();
        ensure!(again["credentials"][0]["credential_id"] == id.as_str(), "{again}");
        let credential = sim.world.get(&format!("/credentials/{id}")).await;
        ensure!(credential["history"].as_array().is_some_and(|h| h.len() == 1), "{credential}");
        let mails = sim.world.mails_now("persona1@ejemplo.com").await;
        ensure!(mails.len() >= 2, "its holder was not mailed");
        Ok(())
    })
}

/// Gives the template of the run facts of its own: hours, and a number that is private.
pub async fn with_facts(sim: &Sim) -> Result<()> {
    let path = format!("/templates/{}", sim.world.demo.template_id);
    let mut template = sim.world.get(&path).await;
    template["custom_fields"] = json!([
        { "key": "hours", "label": "Horas", "type": "number" },
        { "key": "rut", "label": "RUT", "type": "text", "private": true },
        { "key": "roll", "label": "Matrícula", "type": "text", "private": true },
    ]);
    let answer = sim.world.call("PUT", &path, Some(&template)).await;
    ensure!(answer.status == 200, "{}", answer.text());
    Ok(())
}

/// A job of recipients with days and facts of their own: a private fact is corrected, which signs nothing,
/// and the credential is renewed.
pub fn days_and_facts(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        with_facts(sim).await?;
        let zone = jiff::tz::TimeZone::get("America/Santiago")?;
        let today = sim.clock.now().to_zoned_datetime(zone).date();
        let (soon, later) = (today.saturating_add(20.days()), today.saturating_add(400.days()));
        let mut people = people(1..=2);
        for person in &mut people {
            person["awarded_on"] = "1998-12-18".into();
            person["valid_until"] = soon.to_string().into();
            person["custom"] = json!({ "hours": 120, "rut": "1-9" });
            person["metadata"] = json!({ "acta": "1998/12" });
        }
        sim.own_part();
        let job = sim.job(&people, &people, None).await?;
        sim.drain().await?;
        let rows = sim.world.get(&format!("/jobs/{job}/results")).await;
        let id = rows["items"][0]["credential_id"].as_str().context("an id")?.to_owned();
        let document = format!("/credential/{id}.json");
        let before = sim.world.send("GET", &document, &[], "").await.body;
        let path = format!("/credentials/{id}");
        let change = json!({ "custom": { "rut": "12.345.678-5" } });
        for _ in 0..2 {
            let answer = sim.insist("PATCH", &path, Some(&change), None).await?;
            ensure!(answer.status == 200, "{}", answer.body);
            ensure!(answer.json()["version"] == 1, "{}", answer.body);
        }
        ensure!(sim.world.send("GET", &document, &[], "").await.body == before, "signed again");
        sim.resends = 1;
        let until = json!({ "until": later.to_string() });
        let answer = sim.insist("POST", &format!("{path}/renew"), Some(&until), None).await?;
        ensure!(answer.status == 200, "{}", answer.body);
        sim.drain().await?;
        let credential = sim.world.get(&path).await;
        ensure!(credential["history"].as_array().is_some_and(|h| h.len() == 2), "{credential}");
        ensure!(credential["version"] == 2, "{credential}");
        ensure!(credential["awarded_on"] == "1998-12-18", "{credential}");
        ensure!(credential["expires_on"] == later.to_string(), "{credential}");
        ensure!(
            credential["custom"] == json!({ "hours": 120, "rut": "12.345.678-5" }),
            "{credential}"
        );
        ensure!(credential["metadata"] == people[0]["metadata"], "{credential}");
        let again = sim.issue(&people[..1], &[], None).await?.json();
        ensure!(again["credentials"][0]["credential_id"] == id.as_str(), "{again}");
        Ok(())
    })
}

/// A file of facts is issued, and another one corrects them: a private one, a public one, both, and none.
pub fn facts_by_file(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        with_facts(sim).await?;
        let people = people(1..=4);
        let file = |said: [(u32, &str); 4], ids: Option<&[String]>| {
            let mut file = "email,name,grade,Horas,RUT,credential_id\n".to_owned();
            for (n, (person, (hours, rut))) in people.iter().zip(said).enumerate() {
                let [email, name] =
                    ["email", "recipient_name"].map(|of| person[of].as_str().unwrap_or_default());
                let id = ids.and_then(|ids| ids.get(n)).map_or("", String::as_str);
                file += &format!("{email},{name},A,{hours},{rut},{id}\n");
            }
            file
        };
        let first = [
            (120, "10.111.111-9"),
            (120, "10.222.222-7"),
            (120, "10.333.333-5"),
            (120, "10.444.444-3"),
        ];
        let upload = sim.upload(file(first, None).as_bytes(), &people).await?;
        sim.drain().await?;
        let job = job_of(sim, &upload).await?;
        let rows = sim.world.get(&format!("/jobs/{job}/results")).await;
        let rows = rows["items"].as_array().context("rows")?;
        let ids = rows.iter().map(|row| row["credential_id"].as_str().map(str::to_owned));
        let ids = ids.collect::<Option<Vec<_>>>().context("each row is issued")?;
        sim.own_part();

        let second = [
            (120, "20.111.111-1"),
            (130, "10.222.222-7"),
            (140, "20.333.333-3"),
            (120, "10.444.444-3"),
        ];
        let upload = sim.correct(file(second, Some(&ids)).as_bytes()).await?;
        sim.drain().await?;
        let job = job_of(sim, &upload).await?;
        let result = sim.world.get(&format!("/jobs/{job}")).await["result"].clone();
        ensure!(result["corrected"] == 3 && result["duplicates"] == 1, "{result}");
        for ((id, (hours, rut)), (version, events)) in
            ids.iter().zip(second).zip([(1, 1), (2, 1), (2, 1), (1, 0)])
        {
            let credential = sim.world.get(&format!("/credentials/{id}")).await;
            ensure!(credential["version"] == version, "{credential}");
            ensure!(credential["custom"] == json!({ "hours": hours, "rut": rut }), "{credential}");
            let history = credential["history"].as_array().map_or(0, Vec::len);
            ensure!(history == events, "{credential}");
            let document = sim.world.send("GET", &format!("/credential/{id}.json"), &[], "").await;
            let (text, hours) = (document.text(), format!("\"value\":\"{hours}\""));
            ensure!(!text.contains(rut) && text.contains(&hours), "{text}");
        }
        Ok(())
    })
}

/// The job of an upload.
async fn job_of(sim: &Sim, upload: &str) -> Result<String> {
    let upload = sim.world.get(&format!("/uploads/{upload}")).await;
    upload["job_id"].as_str().map(str::to_owned).context("the file began a job")
}
