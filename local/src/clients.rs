//! SDK clients of the embedded services.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider, SharedHttpClient};
use unicreda::{
    App, Config,
    aws::{kms::Vault, s3::Files},
    domain::sender::SenderBound,
};

/// URLs of the embedded services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// `AWS_ENDPOINT_URL_DYNAMODB`.
    pub dynamodb: String,
    /// `AWS_ENDPOINT_URL_SQS`.
    pub sqs: String,
    /// `AWS_ENDPOINT_URL_SES`.
    pub ses: String,
    /// `AWS_ENDPOINT_URL_S3`.
    pub s3: String,
}

/// Settings of the SDK; `None` is the SDK's default.
#[derive(Clone, Debug, Default)]
pub(crate) struct SdkSettings {
    pub http_client: Option<SharedHttpClient>,
    pub retry: Option<RetryConfig>,
    pub timeouts: Option<TimeoutConfig>,
}

/// Builds clients of the embedded services as [`App::new`] builds those of AWS.
pub(crate) fn clients(
    endpoints: &Endpoints,
    sdk: SdkSettings,
    config: Config,
    vault: Vault,
) -> App {
    let http_client = sdk.http_client.unwrap_or_else(|| {
        // Plain HTTP: no TLS setup, no root certificates.
        aws_smithy_http_client::Builder::new().build_http()
    });
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "local", "local", None, None, "local",
        )))
        .http_client(http_client);
    builder.set_timeout_config(sdk.timeouts).set_retry_config(sdk.retry);
    let sdk = builder.build();
    let dynamodb = aws_sdk_dynamodb::config::Builder::from(&sdk);
    let sqs = aws_sdk_sqs::config::Builder::from(&sdk);
    let files = config
        .uploads_bucket
        .clone()
        .map(|bucket| Files::new(&sdk.to_builder().endpoint_url(&endpoints.s3).build(), bucket));
    let app = App::with_clients(
        config,
        vault,
        aws_sdk_dynamodb::Client::from_conf(dynamodb.endpoint_url(&endpoints.dynamodb).build()),
        aws_sdk_sqs::Client::from_conf(sqs.endpoint_url(&endpoints.sqs).build()),
        aws_sdk_ses::config::Builder::from(&sdk).endpoint_url(&endpoints.ses),
    );
    App { files, ..app }
}

/// The configuration of the stack's own clients, which use none of it.
pub(crate) fn no_config() -> Config {
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
        site_url: String::new(),
        accept_execute_api_host: false,
        ses_rate_per_second: 1.0,
        sender_addresses: SenderBound::none(),
        site_sender: None,
        ses_configuration_set: None,
        tracks_deliveries: false,
        sealed_by: None,
        consumer_timeout: Duration::ZERO,
    }
}
