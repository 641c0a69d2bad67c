//! The options of a stack.

use std::net::IpAddr;
use std::time::Duration;

use aws_sdk_dynamodb::config::SharedHttpClient;

use crate::folder::Data;

/// Options of a start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Port of the API on loopback; 0 takes any free one.
    pub port: u16,
    /// The storage of the data.
    pub data: Data,
    /// Whether to remove the data of earlier starts first.
    pub fresh: bool,
    /// Ports of the embedded services.
    pub service_ports: ServicePorts,
    /// A further address at which containers reach the embedded services.
    pub containers: Option<IpAddr>,
    /// Sending rate of SES, in recipients per second.
    pub ses_rate_per_second: f64,
    /// The addresses that an organization's sender must be like, as `SenderAddresses` of a deployment;
    /// the embedded SES itself takes all.
    pub sender_addresses: String,
    /// The address that mail of the site comes from; empty for none.
    pub site_sender: String,
    /// Whether the functions rely on SES's delivery events. The embedded SES publishes events only for
    /// the addresses of its simulator, so by default the functions write receipts instead.
    pub tracks_deliveries: bool,
    /// The consumer's timeout; shorter than `visibility`.
    pub consumer_timeout: Duration,
    /// Visibility timeout of received messages.
    pub visibility: Duration,
    /// The timeout of the function `uploads`; its messages are hidden for a minute more.
    pub uploads_timeout: Duration,
    /// Most messages of an issue batch.
    pub issue_batch: usize,
    /// Most messages of a mail batch.
    pub mail_batch: usize,
    /// Receives of an issue message before it moves to the dead-letter queue.
    pub issue_max_receives: u32,
    /// Receives of a mail message before it moves to the dead-letter queue.
    pub mail_max_receives: u32,
    /// Concurrent invocations per queue; 0 leaves the queues unread.
    pub concurrency: usize,
    /// Period of the sweeper after its first run; `None` for no further run.
    pub sweep_every: Option<Duration>,
    /// HTTP client of the functions' SDK clients, with which tests inject faults. The stack's own calls
    /// do not use it.
    pub http_client: Option<SharedHttpClient>,
}

impl Default for Options {
    /// The options of `cargo run`.
    fn default() -> Self {
        Self {
            port: 3000,
            data: Data::Dir(".local".into()),
            fresh: false,
            service_ports: ServicePorts::BesideApi,
            containers: None,
            // The embedded SES has no account rate: the machine alone sets the pace.
            ses_rate_per_second: 1e6,
            sender_addresses: "*".to_owned(),
            site_sender: "sitio@credenciales.example".to_owned(),
            tracks_deliveries: false,
            consumer_timeout: Duration::from_secs(30),
            visibility: Duration::from_secs(60),
            uploads_timeout: Duration::from_secs(900),
            issue_batch: 100,
            mail_batch: 100,
            issue_max_receives: 5,
            mail_max_receives: 1_000,
            concurrency: 2,
            sweep_every: Some(Duration::from_secs(60)),
            http_client: None,
        }
    }
}

impl Options {
    /// Options of a stack in memory on free ports, so that any number of stacks run side by side.
    pub fn in_memory() -> Self {
        Self { port: 0, data: Data::Memory, service_ports: ServicePorts::Free, ..Self::default() }
    }
}

/// The ports of the embedded services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServicePorts {
    /// The four ports after the API's, for DynamoDB, SQS, SES and S3; any free one replaces a port that
    /// is in use.
    BesideApi,
    /// Any free ports.
    Free,
}
