//! `unicreda admin erasures`: applies erasures again after a restore of the tables.

use anyhow::{Context, bail};
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::json;
use unicreda::{App, jobs::replay};

use super::parse_org;
use crate::printer::{Printer, print_error};

#[derive(Debug, Subcommand)]
pub enum Erasures {
    /// After a restore: erase again what was erased since the point to which the tables were
    /// restored, from the notes in the bucket. What people got after their erasure stays.
    Replay {
        /// The point to which the tables were restored, RFC 3339.
        #[arg(long, value_name = "INSTANT")]
        since: String,
        /// Only of this organization [default: all].
        #[arg(long, value_name = "ID")]
        org: Option<String>,
    },
}

/// Begins a job for each organization; the deployment works on it within a minute.
pub(super) async fn run(app: &App, command: Erasures, printer: Printer) -> anyhow::Result<()> {
    let Erasures::Replay { since, org } = command;
    let now = app.clock.now();
    match since.parse::<Timestamp>() {
        Err(_) => bail!("--since {since}: give an RFC 3339 instant, e.g. 2026-11-24T09:59:59Z"),
        Ok(point) if point > now => {
            bail!(
                "--since {since} is in the future: give the point to which the tables were restored"
            )
        }
        Ok(_) => {}
    }
    let organizations = match org {
        Some(org) => {
            let org = parse_org(&org)?;
            let found = app.catalog.together(&org, None, None, &[]).await;
            let found = found.context("reading the organization")?.organization;
            if found.is_none() {
                bail!("--org {org}: there is no such organization");
            }
            vec![org]
        }
        None => {
            let all = app.catalog.organizations().await.context("reading the organizations")?;
            all.into_iter().map(|organization| organization.org).collect::<Vec<_>>()
        }
    };
    if organizations.is_empty() {
        bail!("there is no organization: is this the stack with the restored tables?");
    }
    for org in organizations {
        let job = replay::begin(app, &org, &since, now).await;
        let job = job.with_context(|| format!("beginning the replay of {org}"))?;
        printer.json(&json!({ "org": org, "job_id": job }))?;
        printer.line(&format!("{org}: job {job}"))?;
    }
    print_error(
        "The sweeper hands the jobs to the function privacy within a minute. GET /api/v1/jobs/{job_id} tells when one has ended, with a key of its organization; each erasure is a job of its own.",
    );
    Ok(())
}
