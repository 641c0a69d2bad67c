//! The deployment that `unicreda admin` works on: the local stack of this folder, or a deployed
//! stack.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use clap::Args;
use unicreda::{App, Config, app::SealedBy, domain::sender::SenderBound};
use url::Url;

use crate::{exit::Failure, printer::print_error, settings};

mod parameters;

/// The settings of a local stack that administration needs, in its `demo.env`.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_DYNAMODB";
const KEY_FILE: &str = "SIGNING_KEY_FILE";
/// The stack's parameter `SenderAddresses`, as its functions have it too.
const SENDER_ADDRESSES: &str = "SENDER_ADDRESSES";

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
            (None, data) => LocalStack::find(data)?.app(),
        }
    }

    /// The addresses from which the deployment can send: those that the environment names, else the
    /// stack's own; all where that cannot be read, with a warning, since the functions check too.
    pub async fn sender_bound(&self) -> SenderBound {
        let named = std::env::var(SENDER_ADDRESSES).ok().filter(|patterns| !patterns.is_empty());
        let patterns = match (named, &self.stack) {
            (Some(patterns), _) => Ok(Some(patterns)),
            (None, Some(stack)) => {
                parameters::parameter(&environment().await, stack, "SenderAddresses").await
            }
            (None, None) => Ok(None),
        };
        match patterns {
            Ok(patterns) => {
                patterns.map_or_else(SenderBound::none, |patterns| SenderBound::parse(&patterns))
            }
            Err(error) => {
                print_error(&format!(
                    "Warning: the stack's SenderAddresses could not be read, so senders are not compared with it ({error:#}). Allow cloudformation:DescribeStacks, or set {SENDER_ADDRESSES}."
                ));
                SenderBound::none()
            }
        }
    }
}

/// The environment of AWS: region, credentials, endpoints.
async fn environment() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(unicreda::app::timeouts())
        .load()
        .await
}

/// `template.yaml` derives the names of tables and keys from the stack's name.
async fn deployed(stack: &str) -> anyhow::Result<App> {
    let sdk = environment().await;
    if sdk.region().is_none() {
        bail!("no AWS region is set: export AWS_REGION, e.g. AWS_REGION=us-east-1");
    }
    let sealed_by = SealedBy::Kms(format!("alias/{stack}-signing"));
    App::new(config(stack, sealed_by), &sdk).context("creating the AWS clients")
}

/// How to name a stack that keeps its data in memory.
const OF_MEMORY: &str = "of one with --memory, `source` the demo.env that it prints beside Keys, or name its folder with --data";

/// A running local stack.
struct LocalStack {
    /// The place of its settings, for people.
    named_by: String,
    /// URL of its DynamoDB.
    endpoint: String,
    /// The file of the key that seals its signing keys.
    key_file: PathBuf,
}

impl LocalStack {
    /// Finds the stack of a data folder; without one, that of the `demo.env` that the shell has
    /// read, or that of this folder.
    fn find(data: Option<&Path>) -> anyhow::Result<Self> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (data, variable(ENDPOINT), variable(KEY_FILE)) {
            (None, Some(endpoint), Some(key_file)) => {
                let named_by = format!("{ENDPOINT} in the environment");
                Ok(Self { named_by, endpoint, key_file: key_file.into() })
            }
            (data, ..) => Self::of_folder(data.unwrap_or(Path::new(settings::LOCAL_DATA))),
        }
    }

    fn of_folder(data: &Path) -> anyhow::Result<Self> {
        let environment = data.join("demo.env");
        let text = fs::read_to_string(&environment).with_context(|| {
            format!(
                "{} is not the data folder of a local stack: start one with `cargo run`, or name its folder with --data; {OF_MEMORY}; name a deployed stack with --stack",
                data.display()
            )
        })?;
        let value = |wanted: &str| settings::exported(&text, wanted);
        let named_by = environment.display().to_string();
        let endpoint = value(ENDPOINT).with_context(|| {
            format!("{named_by} does not set {ENDPOINT}: restart the local stack")
        })?;
        // Stacks of before that setting keep the file in their data folder.
        let key_file = value(KEY_FILE).map_or_else(|| data.join("signing.key"), PathBuf::from);
        Ok(Self { named_by, endpoint, key_file })
    }

    fn app(self) -> anyhow::Result<App> {
        let Self { named_by, endpoint, key_file } = self;
        if !answers(&endpoint) {
            bail!(
                "no local stack answers at {endpoint}, which {named_by} names: start it with `cargo run`; {OF_MEMORY}"
            );
        }
        let credentials = Credentials::new("local", "local", None, None, "local");
        let sdk = aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .timeout_config(unicreda::app::timeouts())
            .endpoint_url(endpoint)
            .build();
        App::new(config("unicreda", SealedBy::File(key_file)), &sdk)
            .context("opening the key file of the local stack")
    }
}

/// Whether something listens at a URL of this machine.
fn answers(endpoint: &str) -> bool {
    let addresses = Url::parse(endpoint).ok().and_then(|url| url.socket_addrs(|| None).ok());
    let addresses = addresses.unwrap_or_default();
    addresses.iter().any(|at| TcpStream::connect_timeout(at, Duration::from_secs(2)).is_ok())
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
        privacy_queue_url: String::new(),
        print_queue_url: String::new(),
        dead_letter_queue_urls: Vec::new(),
        uploads_bucket: None,
        uploads_origin: None,
        security_contact: None,
        site_url: String::new(),
        accept_execute_api_host: false,
        ses_rate_per_second: 1.0,
        sender_addresses: SenderBound::none(),
        site_sender: None,
        ses_configuration_set: None,
        tracks_deliveries: false,
        sealed_by: Some(sealed_by),
        consumer_timeout: Duration::ZERO,
    }
}
