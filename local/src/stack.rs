//! Starts and ends the stack.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, bail};
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider, SharedHttpClient};
use tokio::net::TcpListener;
use tokio_util::sync::DropGuard;
use unicreda::{
    App, Config,
    app::SealedBy,
    aws::{kms::Vault, s3::Files},
};

use crate::bucket::{BUCKET, Bucket};
use crate::folder::{Data, Folder};
use crate::forward;
use crate::gateway::Gateway;
use crate::inbox::{Overview, Showcase};
use crate::mail::MailStore;
use crate::polling::{self, Handler, Mapping};
use crate::schedule;
use crate::serve::{Tasks, serve};
use crate::services::{self, DynamoDb};
use crate::simulator::SesEvents;

/// How long a shutdown waits for running work.
const PATIENCE: Duration = Duration::from_millis(1_400);

/// How the stack is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Port of the API on loopback; 0 takes any free one.
    pub port: u16,
    /// Where the data is.
    pub data: Data,
    /// Removes the data of an earlier start first.
    pub fresh: bool,
    /// Ports of the embedded services.
    pub service_ports: ServicePorts,
    /// A further address at which containers reach the embedded services.
    pub containers: Option<IpAddr>,
    /// Recipients a second that the consumer may mail.
    pub ses_rate_per_second: f64,
    /// Whether the functions count on an event of each mail that was delivered. The embedded SES has
    /// none, but for the addresses of its simulator: receipts are written instead.
    pub tracks_deliveries: bool,
    /// The consumer's timeout; shorter than the queues' visibility.
    pub consumer_timeout: Duration,
    /// How long a taken message stays hidden.
    pub visibility: Duration,
    /// The timeout of the function `uploads`; its messages stay hidden for a minute more.
    pub uploads_timeout: Duration,
    /// Messages an issue batch holds at most.
    pub issue_batch: usize,
    /// Messages a mail batch holds at most.
    pub mail_batch: usize,
    /// Deliveries of an issue message before it is put aside.
    pub issue_max_receives: u32,
    /// Deliveries of a mail message before it is put aside.
    pub mail_max_receives: u32,
    /// Invocations of the consumer at a time, a queue; 0 leaves the queues unread.
    pub concurrency: usize,
    /// How often the sweeper runs after its first run; `None` never.
    pub sweep_every: Option<Duration>,
    /// HTTP client of the functions' SDK clients, where tests inject faults; the stack's own
    /// calls do not use it.
    pub http_client: Option<SharedHttpClient>,
}

impl Default for Options {
    /// As `cargo run` starts it.
    fn default() -> Self {
        Self {
            port: 3000,
            data: Data::Dir(".local".into()),
            fresh: false,
            service_ports: ServicePorts::BesideApi,
            containers: None,
            // No account stands behind the embedded SES: the machine alone sets the pace.
            ses_rate_per_second: 1e6,
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
    /// In memory, on free ports: any number of stacks run side by side.
    pub fn in_memory() -> Self {
        Self { port: 0, data: Data::Memory, service_ports: ServicePorts::Free, ..Self::default() }
    }
}

/// Which ports the embedded services take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServicePorts {
    /// The four after the API's: DynamoDB, SQS, SES, S3; a taken one is replaced by a free one.
    BesideApi,
    /// Any free ones.
    Free,
}

/// Where the embedded services are.
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

/// The running stack. [`Stack::shutdown`] ends it in good order, dropping it at once.
#[derive(Debug)]
pub struct Stack {
    port: u16,
    endpoints: Endpoints,
    app: Arc<App>,
    vault: Vault,
    mail: Arc<MailStore>,
    page: Arc<Overview>,
    notices: Vec<String>,
    new: bool,
    work: Tasks,
    services: Tasks,
    dynamodb: DynamoDb,
    _kill: DropGuard,
    // Last, so that the lock is held until everything else has ended.
    folder: Folder,
}

impl Stack {
    /// Starts everything; when it returns, the API answers.
    ///
    /// # Errors
    /// When a port is taken, the data folder cannot be used or is in use, or an embedded
    /// service fails; the error is one sentence that says what to do.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        // The port first: a start that fails must not have removed anything.
        let (listeners, port) = bind_api(options.port)?;
        let folder = Folder::open(&options.data, options.fresh)?;
        let current = format!("http://localhost:{port}");
        let site_url = folder.site_url(&current)?;
        let mut notices = Vec::new();
        if site_url != current {
            notices.push(format!(
                "links of credentials point to {site_url}, where this data folder was first started, not to {current}: start with that port, or with --fresh to begin anew"
            ));
        }
        let signing_key = folder.signing_key()?;
        let vault = Vault::of_file(&signing_key)?;
        let mail = MailStore::open(folder.path()).with_context(|| {
            format!("opening {}", folder.path().join(crate::mail::FILE).display())
        })?;
        let mail = Arc::new(mail);

        let wanted = |offset| match options.service_ports {
            ServicePorts::BesideApi => port.checked_add(offset),
            ServicePorts::Free => None,
        };
        let (dynamodb_listener, dynamodb_port) = services::bind(wanted(1))?;
        let (sqs_listener, sqs_port) = services::bind(wanted(2))?;
        let (ses_listener, ses_port) = services::bind(wanted(3))?;
        let (s3_listener, s3_port) = services::bind(wanted(4))?;
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let endpoints = Endpoints {
            dynamodb: url(dynamodb_port),
            sqs: url(sqs_port),
            ses: url(ses_port),
            s3: url(s3_port),
        };

        let work = Tasks::default();
        let services = work.sibling();
        if let Some(address) = options.containers {
            forward::start(address, [dynamodb_port, sqs_port, ses_port, s3_port], &services)?;
        }
        let kill = work.kill.clone().drop_guard();
        let tables = match options.data {
            Data::Dir(_) => Some(folder.tables().context("making the file of the tables")?),
            Data::Memory => None,
        };
        let dynamodb = DynamoDb::start(dynamodb_listener, tables.as_deref())?;
        services::start_sqs(sqs_listener, sqs_port, &services)?;
        let events = SesEvents::default();
        services::start_ses(
            ses_listener,
            Arc::clone(&mail),
            events.clone(),
            options.ses_rate_per_second,
            &services,
        )?;
        let origins = vec![current.clone(), url(port)];
        let bucket = Bucket::start(s3_listener, folder.path(), origins, &services)?;

        let own = clients(&endpoints, None, None, None, placeholder_config(), Vault::Closed);
        let new = services::create_tables(&own.dynamodb).await?;
        let queue = |name, max| services::create_queue(&own.sqs, name, options.visibility, max);
        let issue_queue_url = queue("issue", options.issue_max_receives).await?;
        let mail_queue_url = queue("mail", options.mail_max_receives).await?;
        let feedback_queue_url = queue("feedback", options.issue_max_receives).await?;
        events.to(own.sqs.clone(), feedback_queue_url.clone());
        let hidden = options.uploads_timeout + Duration::from_secs(60);
        let uploads_queue_url =
            services::create_queue(&own.sqs, "uploads", hidden, options.issue_max_receives).await?;
        bucket.tell(own.sqs.clone(), uploads_queue_url.clone()).await?;

        let config = Config {
            catalog_table: services::table_name("CATALOG_TABLE"),
            credentials_table: services::table_name("CREDENTIALS_TABLE"),
            jobs_table: services::table_name("JOBS_TABLE"),
            issue_queue_url: issue_queue_url.clone(),
            mail_queue_url: mail_queue_url.clone(),
            uploads_queue_url: uploads_queue_url.clone(),
            uploads_bucket: Some(BUCKET.to_owned()),
            uploads_origin: Some(endpoints.s3.clone()),
            site_url,
            accept_execute_api_host: false,
            ses_rate_per_second: options.ses_rate_per_second,
            ses_configuration_set: None,
            tracks_deliveries: options.tracks_deliveries,
            sealed_by: Some(SealedBy::File(signing_key)),
            consumer_timeout: options.consumer_timeout,
        };
        let timeouts = Some(unicreda::app::timeouts());
        let app = clients(&endpoints, options.http_client, None, timeouts, config, vault.clone());
        let app = Arc::new(App { totals_serve: 0, ..app });

        let resumed = schedule::sweep(&app, true).await;
        if let Some(period) = options.sweep_every {
            schedule::start(Arc::clone(&app), &work, period, resumed);
        }
        let short = options.consumer_timeout;
        for (queue, function, url, batch, timeout) in [
            ("issue", Handler::Consumer, issue_queue_url, options.issue_batch, short),
            ("mail", Handler::Consumer, mail_queue_url, options.mail_batch, short),
            ("feedback", Handler::Feedback, feedback_queue_url, options.mail_batch, short),
            ("uploads", Handler::Uploads, uploads_queue_url, 1, options.uploads_timeout),
        ] {
            let mapping = Mapping {
                queue,
                function,
                url,
                batch: batch.max(1),
                concurrency: options.concurrency,
                timeout,
                wait_seconds: 10,
            };
            polling::start(&mapping, &app, &own.sqs, &work);
        }
        let gateway = Gateway {
            app: Arc::clone(&app),
            mail: Arc::clone(&mail),
            tasks: work.clone(),
            page: Arc::new(Overview {
                base_url: current,
                endpoints: endpoints.clone(),
                data: folder.path().display().to_string(),
                showcase: OnceLock::new(),
            }),
        };
        let page = Arc::clone(&gateway.page);
        for listener in listeners {
            let gateway = gateway.clone();
            serve(TcpListener::from_std(listener)?, &work, move |request, peer| {
                Box::pin(gateway.clone().answer(request, peer))
            });
        }
        Ok(Self {
            port,
            endpoints,
            app,
            vault,
            mail,
            page,
            notices,
            new,
            work,
            services,
            dynamodb,
            _kill: kill,
            folder,
        })
    }

    /// Port of the API.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where clients connect, without a path: an address, so that no name is looked up.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where the embedded services are.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The functions' configuration and SDK clients.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Clients of one more process of the functions, with nothing read yet: tests start and
    /// lose such processes. `retry` sets how long the SDK waits before it repeats a call.
    pub fn process(&self, http_client: SharedHttpClient, retry: RetryConfig) -> App {
        let timeouts = Some(unicreda::app::timeouts());
        let config = self.app.config.clone();
        let (endpoints, vault) = (&self.endpoints, self.vault.clone());
        clients(endpoints, Some(http_client), Some(retry), timeouts, config, vault)
    }

    /// Tells the page at `/` what there is to try.
    pub fn show(&self, showcase: Showcase) {
        // Told once; a second word changes nothing.
        let _ = self.page.showcase.set(showcase);
    }

    /// The mail that was sent.
    pub fn mail(&self) -> &Arc<MailStore> {
        &self.mail
    }

    /// The data folder; a temporary one for a stack in memory.
    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Whether this start made the tables, so that nothing is in them yet.
    pub fn is_new(&self) -> bool {
        self.new
    }

    /// What the person who started it should know, a sentence each.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Ends it within 2 s: takes nothing new, lets running work finish for 1.4 s, then ends
    /// what still runs, the services last. What was cut off goes on at the next start.
    pub async fn shutdown(self) {
        self.work.finish(PATIENCE).await;
        self.work.kill.cancel();
        self.services.finish(Duration::from_millis(50)).await;
        self.dynamodb.stop().await;
    }
}

/// Binds the API's port on both loopback addresses: `localhost` may mean either.
fn bind_api(port: u16) -> anyhow::Result<(Vec<StdListener>, u16)> {
    let taken = |address: SocketAddr, error: io::Error| {
        if error.kind() == io::ErrorKind::AddrInUse {
            anyhow::anyhow!(
                "port {} on {} is in use by another program: stop it, or choose another port with --port",
                address.port(),
                address.ip()
            )
        } else {
            anyhow::anyhow!("cannot listen on {address}: {error}; choose another port with --port")
        }
    };
    for _ in 0..16 {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let first = StdListener::bind(address).map_err(|e| taken(address, e))?;
        let bound = first.local_addr()?.port();
        let address = SocketAddr::from((Ipv6Addr::LOCALHOST, bound));
        let second = match StdListener::bind(address) {
            Ok(second) => Some(second),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && port == 0 => continue,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(taken(address, error));
            }
            // A machine without IPv6.
            Err(_) => None,
        };
        let listeners: Vec<StdListener> = [Some(first), second].into_iter().flatten().collect();
        for listener in &listeners {
            listener.set_nonblocking(true)?;
        }
        return Ok((listeners, bound));
    }
    bail!("found no port that is free on both 127.0.0.1 and [::1]: choose one with --port")
}

/// SDK clients of the embedded services, with the settings that [`App::new`] gives them.
fn clients(
    endpoints: &Endpoints,
    http_client: Option<SharedHttpClient>,
    retry: Option<RetryConfig>,
    timeouts: Option<TimeoutConfig>,
    config: Config,
    vault: Vault,
) -> App {
    let http_client = http_client.unwrap_or_else(|| {
        // Plain HTTP: no TLS setup, no root certificates.
        aws_smithy_http_client::Builder::new().build_http()
    });
    let mut sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "local", "local", None, None, "local",
        )))
        .http_client(http_client);
    sdk.set_timeout_config(timeouts).set_retry_config(retry);
    let sdk = sdk.build();
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

/// The stack's own clients take no configuration.
fn placeholder_config() -> Config {
    Config {
        catalog_table: String::new(),
        credentials_table: String::new(),
        jobs_table: String::new(),
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
        sealed_by: None,
        consumer_timeout: Duration::ZERO,
    }
}
