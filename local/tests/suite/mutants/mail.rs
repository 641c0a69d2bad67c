//! Mail: claims, leases, ledgers, resends.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::steps::{answer_of, inherit, issue_job, issue_one, resend, set_status};
use crate::{
    crashes::{self, Run},
    faults::Fault,
    harness::person,
    sim::{Delivery, Sim, handle},
};

/// The visibility of a message ends while it is being sent: another consumer gets it too.
pub(super) fn two_consumers(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        issue_one(sim).await?;
        let gate = sim.hold("SendRawEmail", "", None);
        let first = sim.deliver_aside().await;
        gate.reached.cancelled().await;
        sim.clock.jump(Duration::from_secs(2));
        sim.make_visible();
        sim.deliver(100).await;
        gate.open.cancel();
        first.await?;
        sim.drain().await?;
        ensure!(sim.world.stack.mail().count() == 1, "one mail");
        Ok(())
    })
}

pub(super) fn one_delivered_twice(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        sim.delivery = Delivery::Twice;
        crashes::one(sim).await
    })
}

/// A credential is revoked, or blocked, while its mail waits.
async fn changed_before_its_mail(sim: &mut Sim, status: &str) -> Result<()> {
    let id = issue_one(sim).await?;
    set_status(sim, &id, status).await?;
    sim.drain().await?;
    ensure!(sim.world.stack.mail().count() == 0, "mail of a credential that is {status}");
    Ok(())
}

pub(super) fn revoked_before_its_mail(sim: &mut Sim) -> Run<'_> {
    Box::pin(changed_before_its_mail(sim, "revoked"))
}

pub(super) fn blocked_before_its_mail(sim: &mut Sim) -> Run<'_> {
    Box::pin(changed_before_its_mail(sim, "blocked"))
}

/// Two consumers find the same ended lease; the second one is late with its claim.
pub(super) fn a_late_heir(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        issue_one(sim).await?;
        sim.faults.on("SendRawEmail", 0..1, Fault::Gone { done: true });
        sim.deliver(1).await;
        sim.clock.jump(Duration::from_secs(400));
        let gate = sim.hold("UpdateItem", "mail_lease = :lease", None);
        let late = sim.deliver_aside().await;
        gate.reached.cancelled().await;
        sim.make_visible();
        sim.deliver(1).await;
        gate.open.cancel();
        late.await?;
        ensure!(sim.world.stack.mail().count() == 2, "one lost receipt, one mail more");
        Ok(())
    })
}

/// An attempt outlives its lease; SES refuses it after its heir has sent the mail.
pub(super) fn a_zombie_is_refused_by_ses(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        issue_one(sim).await?;
        let gate = sim.hold("SendRawEmail", "", Some(Fault::Throttled));
        let zombie = sim.deliver_aside().await;
        gate.reached.cancelled().await;
        sim.clock.jump(Duration::from_secs(400));
        sim.deliver(1).await;
        gate.open.cancel();
        zombie.await?;
        sim.make_visible();
        sim.drain().await?;
        ensure!(sim.world.stack.mail().count() == 1, "the heir's mail alone");
        Ok(())
    })
}

/// Mail that is not due becomes due again just before it is skipped.
async fn due_in_time(
    sim: &mut Sim,
    id: &str,
    [before, after]: [&str; 2],
    mails: usize,
) -> Result<()> {
    set_status(sim, id, before).await?;
    let gate = sim.hold("UpdateItem", "mail = :was", None);
    let skipping = sim.deliver_aside().await;
    gate.reached.cancelled().await;
    set_status(sim, id, after).await?;
    gate.open.cancel();
    skipping.await?;
    sim.drain().await?;
    ensure!(sim.world.stack.mail().count() == mails, "the mail is due again");
    Ok(())
}

pub(super) fn reinstated_in_time(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_one(sim).await?;
        due_in_time(sim, &id, ["suspended", "issued"], 1).await
    })
}

pub(super) fn reinstated_in_time_on_a_ledger(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_job(sim).await?;
        due_in_time(sim, &id, ["suspended", "issued"], 2).await
    })
}

pub(super) fn shown_in_time(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_one(sim).await?;
        due_in_time(sim, &id, ["blocked", "unblocked"], 1).await
    })
}

pub(super) fn shown_in_time_on_a_ledger(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_job(sim).await?;
        due_in_time(sim, &id, ["blocked", "unblocked"], 2).await
    })
}

/// The visibility of a job's mails ends while they are being sent.
pub(super) fn two_consumers_of_a_job(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        issue_job(sim).await?;
        let gate = sim.hold("SendRawEmail", "", None);
        let first = sim.deliver_aside().await;
        gate.reached.cancelled().await;
        sim.clock.jump(Duration::from_secs(2));
        sim.make_visible();
        sim.deliver(100).await;
        gate.open.cancel();
        first.await?;
        sim.drain().await?;
        ensure!(sim.world.stack.mail().count() == 2, "two mails");
        Ok(())
    })
}

/// An attempt to send a job's mail outlives its lease; SES refuses it for good after its heir
/// has sent the mail.
async fn refuse_a_zombie_of_a_job(sim: &mut Sim, again: bool) -> Result<()> {
    let id = issue_job(sim).await?;
    let refused = Fault::SesError(400, "MessageRejected", "Address is on the list");
    let gate = sim.hold("SendRawEmail", &id, Some(refused));
    let zombie = sim.deliver_aside().await;
    gate.reached.cancelled().await;
    inherit(sim).await;
    if again {
        resend(sim, &id).await?;
    }
    gate.open.cancel();
    zombie.await?;
    sim.make_visible();
    sim.drain().await?;
    // The zombie's other mail was not recorded yet: its heir sent that again.
    let mails = 3 + usize::from(again);
    ensure!(sim.world.stack.mail().count() == mails, "another number of mails");
    Ok(())
}

pub(super) fn a_zombie_of_a_job_is_refused_by_ses(sim: &mut Sim) -> Run<'_> {
    Box::pin(refuse_a_zombie_of_a_job(sim, false))
}

pub(super) fn asked_again_while_a_zombie_is_refused(sim: &mut Sim) -> Run<'_> {
    Box::pin(refuse_a_zombie_of_a_job(sim, true))
}

/// The receipts of a job's mails are written after their heir has sent them, and after a request
/// to send the first one again.
pub(super) fn asked_again_while_its_receipt_is_written(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        sim.with_receipts();
        let id = issue_job(sim).await?;
        let gate = sim.hold("BatchExecuteStatement", "UPDATE", None);
        let zombie = sim.deliver_aside().await;
        gate.reached.cancelled().await;
        inherit(sim).await;
        resend(sim, &id).await?;
        gate.open.cancel();
        zombie.await?;
        sim.make_visible();
        sim.drain().await?;
        // Two, their repetition, and the requested one.
        ensure!(sim.world.stack.mail().count() == 5, "another number of mails");
        Ok(())
    })
}

pub(super) fn asked_before_its_mail(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_one(sim).await?;
        let answer = sim.insist("POST", &format!("/credentials/{id}/resend"), None, None).await?;
        ensure!(answer.status == 409, "{}", answer.body);
        Ok(())
    })
}

/// A credential is revoked, or blocked, while its mail is asked for again.
async fn changed_before_the_resend(sim: &mut Sim, status: &str) -> Result<()> {
    let id = issue_one(sim).await?;
    sim.drain().await?;
    let gate = sim.hold("UpdateItem", "resent_at", None);
    let request = sim.request("POST", &format!("/credentials/{id}/resend"), None, None);
    let asking = sim.aside(|app| handle(app, request));
    gate.reached.cancelled().await;
    set_status(sim, &id, status).await?;
    gate.open.cancel();
    ensure!(answer_of(asking).await?.status == 409, "mail of a credential that is {status}");
    Ok(())
}

pub(super) fn revoked_before_the_resend(sim: &mut Sim) -> Run<'_> {
    Box::pin(changed_before_the_resend(sim, "revoked"))
}

pub(super) fn blocked_before_the_resend(sim: &mut Sim) -> Run<'_> {
    Box::pin(changed_before_the_resend(sim, "blocked"))
}

pub(super) fn asked_too_soon(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_one(sim).await?;
        sim.drain().await?;
        let path = format!("/credentials/{id}/resend");
        sim.resends = 1;
        ensure!(sim.insist("POST", &path, None, None).await?.status == 202);
        while sim.deliver(100).await {}
        ensure!(sim.world.stack.mail().count() == 2, "it was sent again");
        ensure!(sim.insist("POST", &path, None, None).await?.status == 409);
        Ok(())
    })
}

/// SES is paused for hours: pending mail waits and is not multiplied.
pub(super) fn ses_is_paused(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let paused = Fault::SesError(400, "AccountSendingPausedException", "Sending is paused");
        sim.faults.on("SendRawEmail", 0..1_000_000, paused);
        for n in 1..=3 {
            let people = [person(n)];
            sim.issue(&people, &people, None).await?;
        }
        let people: Vec<Value> = (4..=8).map(person).collect();
        sim.job(&people, &people, None).await?;
        for _ in 0..6 * 60 {
            while sim.deliver(100).await {}
            sim.clock.jump(Duration::from_secs(60));
            sim.sweep().await;
        }
        let (_, held) = sim.messages().await;
        ensure!(held == 8, "{held} messages wait for 8 mails");
        sim.faults.heal_plan();
        sim.drain().await?;
        ensure!(sim.world.stack.mail().count() == 8, "each is sent once");
        Ok(())
    })
}
