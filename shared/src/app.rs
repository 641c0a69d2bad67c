//! Configuration and AWS clients of a function, built once a process.

use std::{sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};

use crate::{
    aws::{
        kms::{Keys, Vault},
        s3::{FileError, Files},
        ses::RateLimiter,
    },
    clock::Clock,
    credentials::status_indexes::Indexes,
    domain::{
        email::EmailAddress, job::SHARD_ROWS, sender::SenderBound, signing_key::KeyError,
        zip::MOST_FILES,
    },
    store::{
        catalog::Catalog, claims::Claims, credentials::Credentials, idempotency::Idempotency,
        jobs::Jobs, status_lists::StatusLists,
    },
};

/// Names of tables, queues and buckets, and settings. A process reads them from its environment,
/// which `template.yaml` and the local stack set alike.
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
    /// Queue of the function `uploads`: notices of files that arrived, and tasks on files
    /// (`UPLOADS_QUEUE_URL`).
    pub uploads_queue_url: String,
    /// Queue of the function `privacy`: jobs about personal data (`PRIVACY_QUEUE_URL`).
    pub privacy_queue_url: String,
    /// Queue of the function `print`: orders of certificates as an archive (`PRINT_QUEUE_URL`).
    pub print_queue_url: String,
    /// Queues of messages that could not be handled and have people in them, for the function
    /// `privacy` (`DEAD_LETTER_QUEUE_URLS`, separated by commas).
    pub dead_letter_queue_urls: Vec<String>,
    /// Bucket of uploaded files and of results (`UPLOADS_BUCKET`); `None` in functions that
    /// touch no file.
    pub uploads_bucket: Option<String>,
    /// Origin at which browsers reach that bucket, for the console's security policy
    /// (`UPLOADS_ORIGIN`); set in the function `page` alone.
    pub uploads_origin: Option<String>,
    /// Whom `security.txt` names, an address of the web or `mailto:` (`SECURITY_CONTACT`); there is no
    /// such file without. Set in the function `page` alone.
    pub security_contact: Option<String>,
    /// Root of every public link, path included, without a trailing slash
    /// (`SITE_URL`). No `Host` header changes it.
    pub site_url: String,
    /// Whether live credentials may link to a host of `execute-api`, which AWS deletes with the API
    /// (`ACCEPT_EXECUTE_API_HOST`).
    pub accept_execute_api_host: bool,
    /// Sending rate of the whole account, in recipients a second (`SES_RATE_PER_SECOND`).
    pub ses_rate_per_second: f64,
    /// The addresses that SES lets the deployment send from (`SENDER_ADDRESSES`); all when it is not
    /// set. The function `catalog` checks an organization's sender against them.
    pub sender_addresses: SenderBound,
    /// The address that mail of the site itself comes from (`SITE_SENDER`): links to wallets for those who lost
    /// theirs. `None`: no such mail is sent.
    pub site_sender: Option<EmailAddress>,
    /// SES configuration set that publishes delivery events, if any
    /// (`SES_CONFIGURATION_SET`).
    pub ses_configuration_set: Option<String>,
    /// Whether SES reports each delivery (`TRACK_DELIVERIES`, true or false). The credential is
    /// then updated once, by that report, instead of by the receipt of its mail.
    pub tracks_deliveries: bool,
    /// The seal of the signing keys; `None` in functions that sign nothing.
    pub sealed_by: Option<SealedBy>,
    /// The consumer's timeout, which sizes the lease of a mail claim
    /// (`CONSUMER_TIMEOUT_SECONDS`).
    pub consumer_timeout: Duration,
}

/// The key that seals the signing keys.
#[derive(Clone, PartialEq, Eq)]
pub enum SealedBy {
    /// ARN of a symmetric KMS key (`KMS_KEY_ID`).
    Kms(String),
    /// A key file of mode 0600 (`SIGNING_KEY_FILE`).
    File(std::path::PathBuf),
    /// The content of a key file (`SIGNING_KEY`), for a container without that file.
    Text(String),
}

impl std::fmt::Debug for SealedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealedBy(…)")
    }
}

/// A setting is missing or cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("environment variable {name}: {problem}")]
pub struct ConfigError {
    name: &'static str,
    problem: String,
}

impl Config {
    /// Whether links of live credentials would stop working with this deployment, without the
    /// operator having accepted that.
    pub fn live_links_end(&self) -> bool {
        let host = self.site_url.split("://").nth(1).unwrap_or_default();
        let host = host.split(['/', ':']).next().unwrap_or_default();
        host.contains(".execute-api.") && !self.accept_execute_api_host
    }

    /// Reads the configuration from the environment.
    ///
    /// # Errors
    /// [`ConfigError`] names a variable that is missing or malformed.
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
            uploads_queue_url: text("UPLOADS_QUEUE_URL")?,
            privacy_queue_url: text("PRIVACY_QUEUE_URL")?,
            print_queue_url: text("PRINT_QUEUE_URL")?,
            dead_letter_queue_urls: text("DEAD_LETTER_QUEUE_URLS")
                .map(|urls| urls.split(',').map(str::to_owned).collect())
                .unwrap_or_default(),
            uploads_bucket: text("UPLOADS_BUCKET").ok(),
            uploads_origin: text("UPLOADS_ORIGIN").ok(),
            security_contact: text("SECURITY_CONTACT").ok(),
            site_url: text("SITE_URL")?.trim_end_matches('/').to_owned(),
            accept_execute_api_host: text("ACCEPT_EXECUTE_API_HOST").is_ok_and(|v| v == "true"),
            ses_rate_per_second: number("SES_RATE_PER_SECOND", 1.0)?,
            sender_addresses: text("SENDER_ADDRESSES")
                .map_or_else(|_| SenderBound::none(), |patterns| SenderBound::parse(&patterns)),
            site_sender: match text("SITE_SENDER") {
                Ok(address) => Some(EmailAddress::parse(&address).map_err(|_| ConfigError {
                    name: "SITE_SENDER",
                    problem: "is not an address".into(),
                })?),
                Err(_) => None,
            },
            ses_configuration_set: text("SES_CONFIGURATION_SET").ok(),
            tracks_deliveries: text("TRACK_DELIVERIES").is_ok_and(|v| v == "true"),
            sealed_by: match (text("SIGNING_KEY").ok(), text("SIGNING_KEY_FILE").ok()) {
                (Some(key), _) => Some(SealedBy::Text(key)),
                (None, Some(file)) => Some(SealedBy::File(file.into())),
                (None, None) => text("KMS_KEY_ID").ok().map(SealedBy::Kms),
            },
            consumer_timeout: Duration::from_secs_f64(number("CONSUMER_TIMEOUT_SECONDS", 60.0)?),
        })
    }
}

/// Configuration and clients of one process, shared by all its requests.
#[derive(Clone, Debug)]
pub struct App {
    /// Names and settings.
    pub config: Config,
    /// Organizations, keys, templates, members.
    pub catalog: Catalog,
    /// Credentials.
    pub credentials: Credentials,
    /// Status lists, histories and signed documents.
    pub status_lists: StatusLists,
    /// Signing keys.
    pub keys: Keys,
    /// Status indexes that this process reserved.
    pub indexes: Indexes,
    /// Jobs.
    pub jobs: Jobs,
    /// Requests with an `Idempotency-Key`.
    pub idempotency: Idempotency,
    /// What anyone asked for without a key.
    pub claims: Claims,
    /// Uploaded files and results. Only the functions `jobs` and `uploads` have them, so that the
    /// others do not carry the S3 client.
    pub files: Option<Files>,
    /// DynamoDB, which the adapters of the tables share.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// SQS.
    pub sqs: aws_sdk_sqs::Client,
    /// SES, without retries: it has no idempotency token, so a transparent retry
    /// could send twice.
    pub ses: aws_sdk_ses::Client,
    /// Limits the rate at which this process hands mail to SES.
    pub rate_limiter: Arc<RateLimiter>,
    /// The present instant.
    pub clock: Clock,
    /// Rows of a new job's shard: [`SHARD_ROWS`], fewer in tests of many shards.
    pub shard_rows: u32,
    /// Certificates of one archive: [`MOST_FILES`], fewer in tests of many archives.
    pub print_files: u32,
    /// Seconds for which a running job's stored totals answer requests before they are counted
    /// again, at least: 2. The local stack, where a read costs nothing, has 0.
    pub totals_serve: i64,
}

impl App {
    /// Builds the clients from one SDK configuration, so that they share one HTTP client.
    ///
    /// # Errors
    /// [`KeyError`] when the key file cannot be used.
    pub fn new(config: Config, sdk: &SdkConfig) -> Result<Self, KeyError> {
        let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
        let vault = match &config.sealed_by {
            Some(SealedBy::Kms(key_id)) => {
                Vault::Kms { client: aws_sdk_kms::Client::new(sdk), key_id: key_id.clone() }
            }
            Some(SealedBy::File(path)) => Vault::of_file(path)?,
            Some(SealedBy::Text(key)) => Vault::of_text(key)?,
            None => Vault::Closed,
        };
        Ok(Self::with_clients(
            config,
            vault,
            dynamodb,
            aws_sdk_sqs::Client::new(sdk),
            aws_sdk_ses::config::Builder::from(sdk),
        ))
    }

    /// Takes clients that the caller built, and turns off the retries of SES.
    pub fn with_clients(
        config: Config,
        vault: Vault,
        dynamodb: aws_sdk_dynamodb::Client,
        sqs: aws_sdk_sqs::Client,
        ses: aws_sdk_ses::config::Builder,
    ) -> Self {
        let no_retries = aws_sdk_ses::config::retry::RetryConfig::disabled();
        Self {
            catalog: Catalog::new(dynamodb.clone(), config.catalog_table.clone()),
            credentials: Credentials::new(dynamodb.clone(), config.credentials_table.clone()),
            status_lists: StatusLists::new(dynamodb.clone(), config.credentials_table.clone()),
            keys: Keys::new(vault),
            indexes: Indexes::default(),
            jobs: Jobs::new(dynamodb.clone(), config.jobs_table.clone()),
            idempotency: Idempotency::new(dynamodb.clone(), config.jobs_table.clone()),
            claims: Claims::new(dynamodb.clone(), config.jobs_table.clone()),
            rate_limiter: Arc::new(RateLimiter::new(config.ses_rate_per_second / 2.0)),
            files: None,
            clock: Clock::default(),
            shard_rows: SHARD_ROWS,
            print_files: MOST_FILES,
            totals_serve: 2,
            config,
            dynamodb,
            sqs,
            ses: aws_sdk_ses::Client::from_conf(ses.retry_config(no_retries).build()),
        }
    }

    /// Reads configuration and credentials as Lambda provides them.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub async fn from_env() -> Result<Self, ConfigError> {
        Self::of(Config::from_env()?, &sdk_from_env().await?)
    }

    /// Does as [`App::from_env`], with the bucket of files.
    ///
    /// # Errors
    /// [`ConfigError`], also without a bucket.
    pub async fn from_env_with_files() -> Result<Self, ConfigError> {
        let config = Config::from_env()?;
        let bucket = config
            .uploads_bucket
            .clone()
            .ok_or(ConfigError { name: "UPLOADS_BUCKET", problem: "is not set".into() })?;
        let sdk = sdk_from_env().await?;
        let files = Files::new(&sdk, bucket);
        Ok(Self { files: Some(files), ..Self::of(config, &sdk)? })
    }

    fn of(config: Config, sdk: &SdkConfig) -> Result<Self, ConfigError> {
        Self::new(config, sdk)
            .map_err(|error| ConfigError { name: "SIGNING_KEY_FILE", problem: error.to_string() })
    }

    /// Returns the bucket of files.
    ///
    /// # Errors
    /// [`FileError::NoBucket`] in a function without one.
    pub fn files(&self) -> Result<&Files, FileError> {
        self.files.as_ref().ok_or(FileError::NoBucket)
    }
}

async fn sdk_from_env() -> Result<SdkConfig, ConfigError> {
    let named = |name| std::env::var_os(name).is_some();
    let roots = if named("SSL_CERT_FILE") || named("SSL_CERT_DIR") {
        TrustStore::default()
    } else {
        amazon_roots()
    };
    Ok(aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(https(roots)?)
        .timeout_config(timeouts())
        .load()
        .await)
}

fn https(roots: TrustStore) -> Result<SharedHttpClient, ConfigError> {
    let tls = TlsContext::builder()
        .with_trust_store(roots)
        .build()
        .map_err(|error| ConfigError { name: "SSL_CERT_FILE", problem: error.to_string() })?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::rustls(CryptoMode::AwsLc))
        .tls_context(tls)
        .build_https())
}

/// The five roots of Amazon Trust Services that [its repository](https://www.amazontrust.com/repository/)
/// asks a trust store to hold. They certify every endpoint of AWS. Each cold start would parse
/// the 140 roots of a system (docs/decisions/0021-cold-start.md).
fn amazon_roots() -> TrustStore {
    TrustStore::empty().with_pem_certificate(include_bytes!("amazon-roots.pem"))
}

/// Time limits of one AWS call: short enough that a retry fits inside API Gateway's 29 s.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(15))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_of_amazon_are_five_and_can_be_read() {
        let bundle = include_str!("amazon-roots.pem");
        assert_eq!(bundle.matches("-----BEGIN CERTIFICATE-----").count(), 5);
        // A client reads its roots when it is built, and panics at one that it cannot read.
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(https(amazon_roots()).unwrap())
            .build();
        aws_sdk_dynamodb::Client::new(&sdk);
    }

    #[test]
    fn only_links_to_an_execute_api_host_end_with_the_deployment() {
        let ends = |site_url: &str, accepted: bool| {
            Config {
                catalog_table: String::new(),
                credentials_table: String::new(),
                jobs_table: String::new(),
                issue_queue_url: String::new(),
                mail_queue_url: String::new(),
                uploads_queue_url: String::new(),
                privacy_queue_url: String::new(),
                print_queue_url: String::new(),
                dead_letter_queue_urls: Vec::new(),
                uploads_bucket: None,
                uploads_origin: None,
                security_contact: None,
                site_url: site_url.to_owned(),
                accept_execute_api_host: accepted,
                ses_rate_per_second: 1.0,
                sender_addresses: SenderBound::none(),
                site_sender: None,
                ses_configuration_set: None,
                tracks_deliveries: false,
                sealed_by: None,
                consumer_timeout: Duration::from_secs(60),
            }
            .live_links_end()
        };
        assert!(ends("https://ab12cd34ef.execute-api.us-east-1.amazonaws.com/main", false));
        assert!(!ends("https://ab12cd34ef.execute-api.us-east-1.amazonaws.com/main", true));
        assert!(!ends("https://credenciales.ejemplo.edu", false));
        assert!(!ends("https://ejemplo.edu/x.execute-api.y", false));
        assert!(!ends("http://localhost:3000", false));
    }
}
