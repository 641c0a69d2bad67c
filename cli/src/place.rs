//! Where a command works: on the local stack of this folder, or on a deployed one.

use std::{collections::HashMap, fs, path::Path, time::Duration};

use anyhow::{Context, bail};
use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use clap::Args;
use unicreda::{App, Config, app::SealedBy};

use crate::{exit::Failure, settings};

/// Which deployment.
#[derive(Debug, Args)]
pub struct Place {
    /// Name of a deployed stack, in the region and with the credentials that the AWS
    /// environment says (AWS_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID …). Without it: the local
    /// stack.
    #[arg(long, env = "UNICREDA_STACK", value_name = "NAME")]
    stack: Option<String>,
}

impl Place {
    /// The clients of that deployment, or of the local stack with this data folder.
    ///
    /// # Errors
    /// When there is nothing there; the error says what to do.
    pub async fn app(&self, data: Option<&Path>) -> anyhow::Result<App> {
        match (&self.stack, data) {
            (Some(_), Some(_)) => {
                bail!(Failure::usage("--stack and --data name two places: give one of them"))
            }
            (Some(stack), None) => deployed(stack).await,
            (None, data) => local(data.unwrap_or(Path::new(settings::LOCAL_DATA))),
        }
    }
}

/// Names follow from the stack's, as `template.yaml` gives them.
async fn deployed(stack: &str) -> anyhow::Result<App> {
    let sdk = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(unicreda::app::timeouts())
        .load()
        .await;
    if sdk.region().is_none() {
        bail!("no AWS region is set: export AWS_REGION, e.g. AWS_REGION=us-east-1");
    }
    let sealed_by = SealedBy::Kms(format!("alias/{stack}-signing"));
    App::new(config(stack, sealed_by), &sdk).context("building the AWS clients")
}

fn local(data: &Path) -> anyhow::Result<App> {
    let environment = data.join("demo.env");
    let text = fs::read_to_string(&environment).with_context(|| {
        format!(
            "no local stack has its data in {}: start one with `cargo run`, name its folder with --data, or a deployed stack with --stack",
            data.display()
        )
    })?;
    let settings = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    let values: HashMap<&str, &str> = settings.collect();
    let endpoint = values.get("AWS_ENDPOINT_URL_DYNAMODB").with_context(|| {
        format!(
            "{} names no AWS_ENDPOINT_URL_DYNAMODB: start the stack anew",
            environment.display()
        )
    })?;
    let credentials = Credentials::new("local", "local", None, None, "local");
    let sdk = aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .timeout_config(unicreda::app::timeouts())
        .endpoint_url(endpoint.trim_matches('\''))
        .build();
    let sealed_by = SealedBy::File(data.join("signing.key"));
    App::new(config("unicreda", sealed_by), &sdk).context("opening the key file of the local stack")
}

/// What administration needs: tables and what seals keys, neither queues nor mail.
fn config(stack: &str, sealed_by: SealedBy) -> Config {
    Config {
        catalog_table: format!("{stack}-catalog"),
        credentials_table: format!("{stack}-credentials"),
        jobs_table: format!("{stack}-jobs"),
        issue_queue_url: String::new(),
        mail_queue_url: String::new(),
        uploads_queue_url: String::new(),
        uploads_bucket: None,
        uploads_origin: None,
        site_url: String::new(),
        accept_execute_api_host: false,
        ses_rate_per_second: 1.0,
        ses_configuration_set: None,
        tracks_deliveries: false,
        sealed_by: Some(sealed_by),
        consumer_timeout: Duration::ZERO,
    }
}
