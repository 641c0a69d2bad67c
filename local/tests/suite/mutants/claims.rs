//! Requests at `/wallet`.

use anyhow::{Result, ensure};
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};

use super::steps::issue_one;
use crate::{
    crashes::Run,
    queues::record,
    sim::{Sim, context},
};

/// A request for the wallets of the first person.
fn asked(sim: &Sim) -> Value {
    let body = json!({
        "kind": "wallets", "v": 1, "id": uuid::Uuid::new_v4(), "email": "persona1@ejemplo.com",
        "lang": "es", "asked_at": sim.world.stack.app().clock.now().as_second(),
    });
    record(&body.to_string())
}

/// Hands a message to a consumer.
async fn consume(sim: &Sim, message: &Value) -> Result<()> {
    let event = serde_json::from_value(json!({ "Records": [message] }))?;
    let event = LambdaEvent::new(event, context());
    Ok(sim.aside(|app| async move { drop(consumer::handle(&app, event).await) }).await?)
}

/// The mails with links that the first person has.
async fn mails(sim: &Sim) -> usize {
    let mails = sim.world.mails_now("persona1@ejemplo.com").await;
    let of_site = |mail: &&Value| mail["text"].as_str().is_some_and(|t| t.contains("/wallet/"));
    mails.iter().filter(of_site).count()
}

/// The message of a request comes twice.
pub(super) fn wallets_delivered_twice(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        issue_one(sim).await?;
        sim.drain().await?;
        let message = asked(sim);
        for _ in 0..2 {
            consume(sim, &message).await?;
        }
        let mails: usize = mails(sim).await;
        ensure!(mails == 1, "{mails} mails");
        Ok(())
    })
}

/// Somebody asks more often than an address may.
pub(super) fn wallets_asked_too_often(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        issue_one(sim).await?;
        sim.drain().await?;
        for _ in 0..5 {
            consume(sim, &asked(sim)).await?;
        }
        let mails: usize = mails(sim).await;
        ensure!(mails == 3, "{mails} mails");
        Ok(())
    })
}
