//! Reports of SES about a mail that changes at the same time.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::steps::{FIRST, issue_one, set_status};
use crate::{crashes::Run, feedback, sim::Sim};

fn delivered(id: &str) -> Value {
    feedback::delivered(id, 0, FIRST)
}

/// A bounce because of the mail's content: the address stays good.
fn refused(id: &str) -> Value {
    feedback::bounced("Transient", "MessageTooLarge", id, 0, FIRST)
}

/// The mail is sent again while a report of the first one is handled.
async fn resend_while_reported(sim: &mut Sim, event: fn(&str) -> Value) -> Result<()> {
    let id = issue_one(sim).await?;
    sim.drain().await?;
    let gate = sim.hold("UpdateItem", "mail_delivery = :state", None);
    let event = event(&id).to_string();
    let reporting = sim.aside(|app| async move { feedback::report(&app, &[event]).await });
    gate.reached.cancelled().await;
    sim.resends = 1;
    let path = format!("/credentials/{id}/resend");
    ensure!(sim.insist("POST", &path, None, None).await?.status == 202);
    gate.open.cancel();
    ensure!(reporting.await?.is_empty(), "the report was taken");
    sim.drain().await?;
    ensure!(sim.world.stack.mail().count() == 2, "the second mail was not sent");
    Ok(())
}

pub(super) fn resent_while_its_delivery_is_reported(sim: &mut Sim) -> Run<'_> {
    Box::pin(resend_while_reported(sim, delivered))
}

pub(super) fn resent_while_a_refusal_is_reported(sim: &mut Sim) -> Run<'_> {
    Box::pin(resend_while_reported(sim, refused))
}

/// Two processes handle two reports of a mail: the slower one must not win.
async fn reported_at_once(
    sim: &mut Sim,
    slower: fn(&str) -> Value,
    faster: impl Fn(&str) -> Value,
    end: &str,
) -> Result<()> {
    let id = issue_one(sim).await?;
    sim.drain().await?;
    let gate = sim.hold("UpdateItem", "mail_delivery = :state", None);
    let event = slower(&id).to_string();
    let reporting = sim.aside(|app| async move { feedback::report(&app, &[event]).await });
    gate.reached.cancelled().await;
    let event = faster(&id).to_string();
    let other = sim.aside(|app| async move { feedback::report(&app, &[event]).await });
    ensure!(other.await?.is_empty(), "the report was taken");
    gate.open.cancel();
    ensure!(reporting.await?.is_empty(), "the report was taken");
    let credential = sim.world.get(&format!("/credentials/{id}")).await;
    ensure!(credential["email_status"] == end, "{credential}");
    Ok(())
}

pub(super) fn delivered_and_bounced_at_once(sim: &mut Sim) -> Run<'_> {
    let bounced = |id: &str| feedback::bounced("Permanent", "General", id, 0, FIRST);
    Box::pin(reported_at_once(sim, delivered, bounced, "bounced"))
}

pub(super) fn refused_and_complained_at_once(sim: &mut Sim) -> Run<'_> {
    let complained = |id: &str| feedback::complained(id, 0, FIRST);
    Box::pin(reported_at_once(sim, refused, complained, "complained"))
}

/// A credential is corrected to the address of a member who gets no mail; then a report comes
/// that the mail to the former address was delivered.
pub(super) fn corrected_before_its_delivery_is_reported(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let silent = json!({ "notify_members": false });
        let answer = sim.world.call("PUT", "/organization", Some(&silent)).await;
        ensure!(answer.status == 200, "{}", answer.text());
        let id = issue_one(sim).await?;
        sim.drain().await?;
        let path = format!("/credentials/{id}");
        let member = json!({ "email": "ana.rojas@demo.example" });
        let corrected = sim.insist("PATCH", &path, Some(&member), None).await?;
        ensure!(corrected.status == 200, "{}", corrected.body);
        sim.expected = [("ana.rojas@demo.example".to_owned(), "A".to_owned())].into();
        let event = delivered(&id).to_string();
        ensure!(feedback::report(&sim.app(), &[event]).await.is_empty(), "the report was taken");
        let credential = sim.world.get(&path).await;
        ensure!(credential["email_status"] == "sent", "{credential}");
        Ok(())
    })
}

/// A credential is revoked while a soft bounce of its mail is handled.
pub(super) fn revoked_while_its_bounce_is_reported(sim: &mut Sim) -> Run<'_> {
    Box::pin(changed_while_its_bounce_is_reported(sim, "revoked"))
}

pub(super) fn blocked_while_its_bounce_is_reported(sim: &mut Sim) -> Run<'_> {
    Box::pin(changed_while_its_bounce_is_reported(sim, "blocked"))
}

async fn changed_while_its_bounce_is_reported(sim: &mut Sim, status: &str) -> Result<()> {
    let id = issue_one(sim).await?;
    sim.drain().await?;
    let gate = sim.hold("UpdateItem", "mail_soft_bounces", None);
    let event = feedback::bounced("Transient", "MailboxFull", &id, 0, FIRST).to_string();
    let reporting = sim.aside(|app| async move { feedback::report(&app, &[event]).await });
    gate.reached.cancelled().await;
    set_status(sim, &id, status).await?;
    gate.open.cancel();
    ensure!(reporting.await?.is_empty(), "the report was taken");
    let credential = sim.world.get(&format!("/credentials/{id}")).await;
    ensure!(credential["email_status"] == "bounced", "{credential}");
    Ok(())
}

/// A complaint about an address is reported before a bounce: the list keeps the graver reason.
pub(super) fn complained_and_then_bounced(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_one(sim).await?;
        sim.drain().await?;
        let bounced = feedback::bounced("Permanent", "General", &id, 0, FIRST);
        for event in [feedback::complained(&id, 0, FIRST), bounced] {
            sim.report(&[event]).await?;
        }
        let list = sim.world.get("/suppressions").await;
        ensure!(list["items"][0]["reason"] == "complained", "{list}");
        Ok(())
    })
}

/// A mail that bounced softly for the last time is reported as delivered, and as refused for good at
/// the same time.
pub(super) fn returned_while_its_delivery_is_reported(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_one(sim).await?;
        sim.drain().await?;
        // What is not in force is not sent again.
        set_status(sim, &id, "suspended").await?;
        sim.report(&[feedback::bounced("Transient", "MailboxFull", &id, 0, FIRST)]).await?;
        let gate = sim.hold("UpdateItem", "mail_delivery = :heard", None);
        let event = delivered(&id).to_string();
        let reporting = sim.aside(|app| async move { feedback::report(&app, &[event]).await });
        gate.reached.cancelled().await;
        sim.report(&[feedback::bounced("Permanent", "General", &id, 0, FIRST)]).await?;
        gate.open.cancel();
        ensure!(reporting.await?.is_empty(), "the report was taken");
        let credential = sim.world.get(&format!("/credentials/{id}")).await;
        ensure!(credential["email_error"] == "hard_bounce", "{credential}");
        Ok(())
    })
}

/// An address is corrected while its mail waits to be sent again, and while the report is handled that
/// the mail arrived at the former address: the new one is mailed all the same, and at once.
pub(super) fn corrected_while_an_earlier_mail_is_reported(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_one(sim).await?;
        sim.drain().await?;
        sim.report(&[feedback::bounced("Transient", "MailboxFull", &id, 0, FIRST)]).await?;
        let pending = "mail_round = :round AND attribute_not_exists(mail_delivery)";
        let gate = sim.hold("UpdateItem", pending, None);
        let event = delivered(&id).to_string();
        let reporting = sim.aside(|app| async move { feedback::report(&app, &[event]).await });
        gate.reached.cancelled().await;
        let new = "corregida@ejemplo.com";
        let change = json!({ "email": new });
        let path = format!("/credentials/{id}");
        let corrected = sim.insist("PATCH", &path, Some(&change), None).await?;
        ensure!(corrected.status == 200, "{}", corrected.body);
        sim.expected = [(new.to_owned(), "A".to_owned())].into();
        sim.resends = 1;
        gate.open.cancel();
        ensure!(reporting.await?.is_empty(), "the report was taken");
        let began = sim.clock.now();
        sim.drain().await?;
        ensure!(sim.world.mails_now(new).await.len() == 1, "the new address was not mailed");
        let waited = sim.clock.now().duration_since(began).as_hours();
        ensure!(waited < 1, "it waited {waited} hours for the former mailbox");
        Ok(())
    })
}
