//! What a function needs to do its work: configuration and AWS clients, built once a process.

use std::{sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig, timeout::TimeoutConfig};

use crate::{
    delivery::Pace,
    job::SHARD_ROWS,
    store::{catalog::Catalog, credentials::Credentials, idempotency::Idempotency, jobs::Jobs},
    time::Clock,
};

/// Where everything is. Read from the environment, which `template.yaml` and the
/// local stack set alike.
#[derive(Clone, Debug)]
pub struct Config {
    /// Table of organizations, keys, templates and members (`CATALOG_TABLE`).
    pub catalog_table: String,
    /// Table of credentials (`CREDENTIALS_TABLE`).
    pub credentials_table: String,
    /// Table of jobs, their inputs and outcomes (`JOBS_TABLE`).
    pub jobs_table: String,
    /// Queue of recipients to issue (`ISSUE_QUEUE_URL`).
    pub issue_queue_url: String,
    /// Queue of mail to send (`MAIL_QUEUE_URL`).
    pub mail_queue_url: String,
    /// Root of every public link, path included, without a trailing slash
    /// (`SITE_URL`). Never taken from a `Host` header.
    pub site_url: String,
    /// Recipients a second that the whole account may mail (`SES_RATE_PER_SECOND`).
    pub ses_rate_per_second: f64,
    /// SES configuration set that publishes delivery events, when there is one
    /// (`SES_CONFIGURATION_SET`).
    pub ses_configuration_set: Option<String>,
    /// The consumer's timeout, which sizes the lease of a mail claim
    /// (`CONSUMER_TIMEOUT_SECONDS`).
    pub consumer_timeout: Duration,
}

/// A setting is missing or cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("environment variable {name}: {problem}")]
pub struct ConfigError {
    name: &'static str,
    problem: String,
}

impl Config {
    /// Reads the configuration from the environment.
    ///
    /// # Errors
    /// When a variable is missing or malformed; the error names it.
    pub fn from_env() -> Result<Self, ConfigError> {
        fn text(name: &'static str) -> Result<String, ConfigError> {
            std::env::var(name)
                .ok()
                .filter(|v| !v.is_empty())
                .ok_or(ConfigError { name, problem: "is not set".into() })
        }
        fn number(name: &'static str, default: f64) -> Result<f64, ConfigError> {
            match std::env::var(name) {
                Ok(v) => match v.parse::<f64>() {
                    Ok(n) if n > 0.0 && n.is_finite() => Ok(n),
                    _ => Err(ConfigError { name, problem: "is not a positive number".into() }),
                },
                Err(_) => Ok(default),
            }
        }
        Ok(Self {
            catalog_table: text("CATALOG_TABLE")?,
            credentials_table: text("CREDENTIALS_TABLE")?,
            jobs_table: text("JOBS_TABLE")?,
            issue_queue_url: text("ISSUE_QUEUE_URL")?,
            mail_queue_url: text("MAIL_QUEUE_URL")?,
            site_url: text("SITE_URL")?.trim_end_matches('/').to_owned(),
            ses_rate_per_second: number("SES_RATE_PER_SECOND", 1.0)?,
            ses_configuration_set: text("SES_CONFIGURATION_SET").ok(),
            consumer_timeout: Duration::from_secs_f64(number("CONSUMER_TIMEOUT_SECONDS", 60.0)?),
        })
    }
}

/// Configuration and clients of one process, shared by all its requests.
#[derive(Clone, Debug)]
pub struct App {
    /// Where everything is.
    pub config: Config,
    /// Organizations, keys, templates, members.
    pub catalog: Catalog,
    /// Credentials.
    pub credentials: Credentials,
    /// Jobs.
    pub jobs: Jobs,
    /// Requests with an `Idempotency-Key`.
    pub idempotency: Idempotency,
    /// DynamoDB itself, which the three before speak to.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// SQS.
    pub sqs: aws_sdk_sqs::Client,
    /// SES, without retries: it has no idempotency token, so a transparent retry
    /// could send twice.
    pub ses: aws_sdk_ses::Client,
    /// The pace at which this process hands mail to SES.
    pub pace: Arc<Pace>,
    /// The present instant.
    pub clock: Clock,
    /// Rows of a new job's shard: [`SHARD_ROWS`], less in tests of many shards.
    pub shard_rows: u32,
}

impl App {
    /// Builds the clients from one SDK configuration, so that they share one HTTP client.
    pub fn new(config: Config, sdk: &SdkConfig) -> Self {
        let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
        Self::with_clients(
            config,
            dynamodb,
            aws_sdk_sqs::Client::new(sdk),
            aws_sdk_ses::config::Builder::from(sdk),
        )
    }

    /// Takes clients that were built elsewhere; SES retries are turned off all the same.
    pub fn with_clients(
        config: Config,
        dynamodb: aws_sdk_dynamodb::Client,
        sqs: aws_sdk_sqs::Client,
        ses: aws_sdk_ses::config::Builder,
    ) -> Self {
        let no_retries = aws_sdk_ses::config::retry::RetryConfig::disabled();
        Self {
            catalog: Catalog::new(dynamodb.clone(), config.catalog_table.clone()),
            credentials: Credentials::new(dynamodb.clone(), config.credentials_table.clone()),
            jobs: Jobs::new(dynamodb.clone(), config.jobs_table.clone()),
            idempotency: Idempotency::new(dynamodb.clone(), config.jobs_table.clone()),
            pace: Arc::new(Pace::new(config.ses_rate_per_second / 2.0)),
            clock: Clock::default(),
            shard_rows: SHARD_ROWS,
            config,
            dynamodb,
            sqs,
            ses: aws_sdk_ses::Client::from_conf(ses.retry_config(no_retries).build()),
        }
    }

    /// Reads configuration and credentials as Lambda provides them.
    ///
    /// # Errors
    /// When the configuration is incomplete.
    pub async fn from_env() -> Result<Self, ConfigError> {
        let config = Config::from_env()?;
        let sdk = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .timeout_config(timeouts())
            .load()
            .await;
        Ok(Self::new(config, &sdk))
    }
}

/// Time limits of one AWS call: short enough that a retry fits inside API Gateway's 29 s.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(15))
        .build()
}
