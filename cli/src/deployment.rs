//! The deployment that `unicreda admin` works on: the local stack of this folder, or a deployed
//! stack.

use std::{collections::HashMap, fs, path::Path, time::Duration};

use anyhow::{Context, bail};
use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use clap::Args;
use unicreda::{App, Config, app::SealedBy};

use crate::{exit::Failure, settings};

/// Flags that choose the deployment.
#[derive(Debug, Args)]
pub struct Deployment {
    /// Name of a deployed stack. Its region and credentials come from the AWS environment
    /// (AWS_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID …). Without this flag: the local stack.
    #[arg(long, env = "UNICREDA_STACK", value_name = "NAME")]
    stack: Option<String>,
}

impl Deployment {
    /// Clients of the deployed stack, or of the local stack whose data folder is `data`.
    ///
    /// # Errors
    /// When no stack is found; the error names the remedy.
    pub async fn app(&self, data: Option<&Path>) -> anyhow::Result<App> {
        match (&self.stack, data) {
            (Some(_), Some(_)) => {
                bail!(Failure::usage("--stack and --data exclude each other: use one of them"))
            }
            (Some(stack), None) => deployed(stack).await,
            (None, data) => local(data.unwrap_or(Path::new(settings::LOCAL_DATA))),
        }
    }
}

/// `template.yaml` derives the names of tables and keys from the stack's name.
async fn deployed(stack: &str) -> anyhow::Result<App> {
    let sdk = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(unicreda::app::timeouts())
        .load()
        .await;
    if sdk.region().is_none() {
        bail!("no AWS region is set: export AWS_REGION, e.g. AWS_REGION=us-east-1");
    }
    let sealed_by = SealedBy::Kms(format!("alias/{stack}-signing"));
    App::new(config(stack, sealed_by), &sdk).context("creating the AWS clients")
}

fn local(data: &Path) -> anyhow::Result<App> {
    let environment = data.join("demo.env");
    let text = fs::read_to_string(&environment).with_context(|| {
        format!(
            "{} is not the data folder of a local stack: start one with `cargo run`, name its folder with --data, or name a deployed stack with --stack",
            data.display()
        )
    })?;
    let settings = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    let values: HashMap<&str, &str> = settings.collect();
    let endpoint = values.get("AWS_ENDPOINT_URL_DYNAMODB").with_context(|| {
        format!(
            "{} does not set AWS_ENDPOINT_URL_DYNAMODB: restart the local stack",
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

/// The settings that administration needs: tables and the sealing key, but no queues and no mail.
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
