//! Two years of an organization by the test's clock: it issues every month, one at once and a job; mail
//! bounces, absence notes come, names and addresses are corrected, what ends is renewed, and time zone and
//! name of the organization change. Nothing waits.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::{
    crashes::seed,
    feedback::{bounced, delivered},
    harness::person,
    oracle,
    sim::Sim,
};

const MONTH: Duration = Duration::from_secs(30 * 24 * 3_600);
const ZONES: [&str; 4] =
    ["Pacific/Pago_Pago", "America/Santiago", "Europe/Madrid", "Pacific/Kiritimati"];

/// A credential as it must be.
struct Known {
    recipient: Value,
    issued_on: Value,
    expires_on: Value,
    versions: u64,
}

/// The organization, and what it has issued.
struct Years {
    sim: Sim,
    rng: fastrand::Rng,
    known: BTreeMap<String, Known>,
    /// Addresses whose mail came back for good.
    suppressed: Vec<String>,
    people: u32,
}

impl Years {
    async fn get(&mut self, path: &str) -> Result<Value> {
        let answer = self.sim.insist("GET", path, None, None).await?;
        ensure!(answer.status == 200, "{path}: {}", answer.body);
        Ok(answer.json())
    }

    async fn change(&mut self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let answer = self.sim.insist(method, path, Some(body), None).await?;
        ensure!(answer.status == 200, "{method} {path}: {}", answer.body);
        Ok(answer.json())
    }

    /// Notes a credential as it was issued, or as it was changed in a way that moves its end.
    async fn note(&mut self, id: &str, recipient: Value) -> Result<()> {
        let shown = self.get(&format!("/credentials/{id}")).await?;
        let days = (shown["issued_on"].clone(), shown["expires_on"].clone());
        ensure!(days.0.is_string() && days.1.is_string(), "{shown}");
        let known = Known { recipient, issued_on: days.0, expires_on: days.1, versions: 1 };
        ensure!(self.known.insert(id.to_owned(), known).is_none(), "{id} was there");
        Ok(())
    }

    /// Issues to one person at once and to two in a job.
    async fn issue(&mut self) -> Result<Vec<String>> {
        let first = self.people + 1;
        self.people += 3;
        let people: Vec<Value> = (first..=self.people).map(person).collect();
        let one = self.sim.issue(&people[..1], &people[..1], None).await?.json();
        let mut ids = vec![one["credentials"][0]["credential_id"].clone()];
        let job = self.sim.job(&people[1..], &people[1..], None).await?;
        self.sim.drain().await?;
        let rows = self.get(&format!("/jobs/{job}/results")).await?;
        ids.extend((0..2).map(|row| rows["items"][row]["credential_id"].clone()));
        let ids: Vec<String> = ids.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        ensure!(ids.len() == 3, "{one} {rows}");
        for (id, recipient) in ids.iter().zip(people) {
            self.note(id, recipient).await?;
        }
        Ok(ids)
    }

    /// SES reports: the first is delivered and answered by an absence note, the second bounces and its
    /// address is mended.
    async fn report(&mut self, ids: &[String]) -> Result<()> {
        let email = |years: &Self, id: &String| -> Result<String> {
            let known = years.known.get(id).context("known")?;
            Ok(known.recipient["email"].as_str().unwrap_or_default().to_owned())
        };
        let (first, second) = (&ids[0], &ids[1]);
        let to = email(self, first)?;
        let mut notices =
            vec![delivered(first, 0, &to), bounced("Transient", "General", first, 0, &to)];
        self.rng.shuffle(&mut notices);
        self.sim.report(&notices).await?;
        let shown = self.get(&format!("/credentials/{first}")).await?;
        ensure!(shown["email_status"] == "delivered", "a note changes nothing: {shown}");

        let to = email(self, second)?;
        self.sim.report(&[bounced("Permanent", "General", second, 0, &to)]).await?;
        let shown = self.get(&format!("/credentials/{second}")).await?;
        ensure!(
            shown["email_status"] != "delivered" && shown["email_error"].is_string(),
            "{shown}"
        );
        let right = format!("corregida{}@ejemplo.com", self.people);
        let path = format!("/credentials/{second}");
        self.change("PATCH", &path, &json!({ "email": right })).await?;
        let known = self.known.get_mut(second).context("known")?;
        known.versions += 1;
        known.recipient["email"] = right.clone().into();
        self.suppressed.push(to);
        self.sim.drain().await?;
        ensure!(!self.sim.world.mails_now(&right).await.is_empty(), "{right} was not mailed");
        Ok(())
    }

    /// Corrects the name of one that holds.
    async fn correct(&mut self) -> Result<()> {
        let ids: Vec<String> = self.known.keys().cloned().collect();
        let id = ids[self.rng.usize(0..ids.len())].clone();
        let name = format!("Persona Zorrilla Corregida {}", self.rng.u32(..));
        let path = format!("/credentials/{id}");
        self.change("PATCH", &path, &json!({ "recipient_name": name })).await?;
        let known = self.known.get_mut(&id).context("known")?;
        known.versions += 1;
        known.recipient["recipient_name"] = name.into();
        Ok(())
    }

    /// Renews what ends within two months, or has ended, which its row says before; how many.
    async fn renew(&mut self) -> Result<usize> {
        let today = self.sim.clock.now().to_string();
        let (today, mut renewed) = (today.get(..10).context("a day")?.to_owned(), 0);
        let later = (self.sim.clock.now() + Duration::from_secs(58 * 24 * 3_600)).to_string();
        let due: Vec<String> = self
            .known
            .iter()
            .filter(|(_, known)| known.expires_on.as_str().is_some_and(|end| *end < later[..10]))
            .map(|(id, _)| id.clone())
            .collect();
        for id in due {
            // Some are left until they have ended.
            let known = self.known.get(&id).context("known")?;
            let end = known.expires_on.as_str().unwrap_or_default().to_owned();
            let ended = *end < *today;
            if !ended && self.rng.bool() {
                continue;
            }
            // A zone can be a day ahead: what ended yesterday may end today.
            if ended && self.rng.bool() {
                let people = [known.recipient.clone()];
                let again = self.sim.issue(&people, &[], None).await?.json();
                let told = again["credentials"][0]["errors"][0].as_str().unwrap_or_default();
                let known = again["credentials"][0]["credential_id"] == id.as_str();
                ensure!(known || told.contains("venció el"), "{again}");
            }
            let path = format!("/credentials/{id}/renew");
            let answer = self.change("POST", &path, &json!({})).await?;
            let same =
                self.change("POST", &path, &json!({ "until": answer["expires_on"] })).await?;
            ensure!(same["version"] == answer["version"], "{same}");
            ensure!(answer["expires_on"].as_str() > Some(end.as_str()), "{answer}");
            let known = self.known.get_mut(&id).context("known")?;
            known.versions += 1;
            known.expires_on = answer["expires_on"].clone();
            renewed += 1;
        }
        self.sim.drain().await?;
        Ok(renewed)
    }

    /// Nothing that was issued has moved.
    async fn nothing_moved(&mut self) -> Result<()> {
        let ids: Vec<String> = self.known.keys().cloned().collect();
        for id in ids {
            let shown = self.get(&format!("/credentials/{id}")).await?;
            let known = self.known.get(&id).context("known")?;
            ensure!(shown["issued_on"] == known.issued_on, "{shown}");
            ensure!(shown["expires_on"] == known.expires_on, "{shown}");
            ensure!(shown["version"] == known.versions, "{} versions: {shown}", known.versions);
            ensure!(shown["email"] == known.recipient["email"], "{shown}");
        }
        Ok(())
    }
}

async fn two_years(seed: u64) -> Result<()> {
    let sim = Sim::new(seed).await;
    let rng = fastrand::Rng::with_seed(seed);
    let mut years = Years { sim, rng, known: BTreeMap::new(), suppressed: Vec::new(), people: 0 };
    let path = format!("/templates/{}", years.sim.world.demo.template_id);
    let mut template = years.get(&path).await?;
    template["validity_months"] = 5.into();
    years.change("PUT", &path, &template).await?;
    let mut renewed = 0;
    for month in 0..24 {
        if month % 5 == 3 {
            let zone = ZONES[years.rng.usize(0..ZONES.len())];
            years.change("PUT", "/organization", &json!({ "time_zone": zone })).await?;
        }
        if month == 12 {
            let name = json!({ "name": "Universidad Renombrada" });
            years.change("PUT", "/organization", &name).await?;
        }
        let ids = years.issue().await?;
        years.report(&ids).await?;
        years.correct().await?;
        renewed += years.renew().await?;
        if month % 4 == 3 {
            years.nothing_moved().await?;
        }
        years.sim.clock.jump(MONTH);
    }
    ensure!(renewed > 30, "{renewed} renewals in two years");
    years.sim.drain().await?;
    years.nothing_moved().await?;

    let app = years.sim.world.stack.app().clone();
    ensure!(oracle::unfinished(&years.sim.world).await?.is_empty(), "work is left");
    oracle::always(&app, years.sim.world.stack.mail()).await?;
    let held = oracle::credentials(&app).await?;
    ensure!(held.len() == years.known.len(), "{} of {}", held.len(), years.known.len());
    oracle::check_status_lists(&app, held.iter()).await?;
    let listed = years.get("/suppressions").await?;
    let listed = listed["items"].as_array().context("a list")?;
    let mut listed: Vec<&str> = listed.iter().filter_map(|entry| entry["email"].as_str()).collect();
    listed.sort_unstable();
    years.suppressed.sort_unstable();
    ensure!(listed == years.suppressed, "{listed:?} are suppressed, not {:?}", years.suppressed);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_years_of_an_organization_end_as_they_should() {
    two_years(seed("two years")).await.expect("every month as it should be");
}
