//! The scenario of a lost link: somebody asks at `/wallet`, and gets one mail.

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use super::{Run, issue_one, people};
use crate::{
    harness::proxy_event,
    sim::{Answer, Sim},
};

/// Whoever has the first person's address asks for the links to their wallets.
async fn ask(sim: &mut Sim) -> Option<Answer> {
    let mut event = proxy_event("", "POST", "", Some(b"email=persona1%40ejemplo.com"), None);
    event["path"] = "/wallet".into();
    event["headers"]["Content-Type"] = "application/x-www-form-urlencoded".into();
    event["requestContext"]["identity"]["sourceIp"] = "203.0.113.7".into();
    let request = lambda_http::request::from_str(&event.to_string()).expect("a proxy event");
    let response = sim.run(|app| async move { claim::handle(&app, request).await }).await;
    response.map(|response| Answer::read(&response))
}

/// Requests whose mail is marked as sent.
async fn marked(sim: &Sim) -> Result<usize> {
    let app = sim.world.stack.app();
    let scan = app.dynamodb.scan().table_name(&app.config.jobs_table).send().await?;
    let sets = scan.items().iter().filter_map(|item| item.get("sent")?.as_ss().ok());
    Ok(sets.map(Vec::len).sum())
}

/// Somebody lost the link to their wallet and asks until there is an answer. Each request is one mail at most.
/// Only one whose process died around the call of SES may have none: its mail is in doubt, and is
/// not sent again.
pub fn lost_link(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        issue_one(sim, &people(1..=1)).await?;
        sim.drain().await?;
        sim.own_part();
        let mut asked = 0;
        loop {
            asked += 1;
            match ask(sim).await {
                Some(answer) if answer.status == 200 => break,
                _ if asked == 60 => bail!("no answer"),
                _ => {}
            }
        }
        sim.drain().await?;
        let (faults, marked) = (sim.faults.injected(), marked(sim).await?);
        let mails = sim.world.mails_now("persona1@ejemplo.com").await;
        let of_site = |mail: &&Value| mail["text"].as_str().is_some_and(|t| t.contains("/wallet/"));
        let mails = mails.iter().filter(of_site).count();
        ensure!((1..=asked).contains(&marked), "{marked} of {asked} requests are marked");
        ensure!(mails <= marked, "{mails} mails of {marked} requests");
        ensure!(marked - mails <= faults, "{mails} mails of {marked} requests, {faults} faults");
        Ok(())
    })
}
