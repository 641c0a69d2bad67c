//! Starts and stops the stack.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, bail};
use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::config::SharedHttpClient;
use tokio::net::TcpListener;
use tokio_util::sync::DropGuard;
use unicreda::{
    App, Config,
    app::SealedBy,
    aws::kms::Vault,
    domain::{email::EmailAddress, sender::SenderBound},
};

use crate::bucket::{BUCKET, Bucket};
use crate::clients::{Endpoints, SdkSettings, clients, no_config};
use crate::folder::{Data, Folder};
use crate::forward;
use crate::gateway::Gateway;
use crate::inbox::{Overview, Showcase};
use crate::mail::MailStore;
use crate::options::{Options, ServicePorts};
use crate::polling::{self, Handler, Mapping};
use crate::schedule;
use crate::serve::{Tasks, serve};
use crate::services::{self, DynamoDb};
use crate::simulator::SesEvents;

/// Longest wait of a shutdown for running work.
const PATIENCE: Duration = Duration::from_millis(1_400);

/// A running stack. [`Stack::shutdown`] ends it in order; dropping it ends it at once.
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
    // The last field: the folder is locked until everything else has ended.
    folder: Folder,
}

impl Stack {
    /// Starts everything; when it returns, the API answers.
    ///
    /// # Errors
    /// When a port is in use, the data folder is unusable or in use, or an embedded service fails.
    /// The error is one sentence that names the remedy.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        // Binds the port first: a start that fails must not have removed anything.
        let (listeners, port) = bind_api(options.port)?;
        let folder = Folder::open(&options.data, options.fresh)?;
        let current = format!("http://localhost:{port}");
        let site_url = folder.site_url(&current)?;
        let mut notices = Vec::new();
        if site_url != current {
            notices.push(format!(
                "links in credentials point to {site_url}, the address of this data folder's first start, not to {current}: start with that port, or with --fresh to start over"
            ));
        }
        let signing_key = folder.signing_key()?;
        let vault = Vault::of_file(&signing_key)?;
        let mail = MailStore::open(folder.path()).with_context(|| {
            format!("opening {}", folder.path().join(crate::mail::FILE).display())
        })?;
        let mail = Arc::new(mail);

        let work = Tasks::default();
        let services = work.sibling();
        let kill = work.kill.clone().drop_guard();
        let embedded = Embedded::start(&options, port, &folder, &mail, &services)?;
        let endpoints = embedded.endpoints.clone();
        let own = clients(&endpoints, SdkSettings::default(), no_config(), Vault::Closed);
        let new = services::create_tables(&own.dynamodb).await?;
        let queues = Queues::create(&options, &own.sqs, &embedded).await?;

        let config = config(&options, &endpoints, &queues, site_url, signing_key);
        let timeouts = Some(unicreda::app::timeouts());
        let sdk = SdkSettings { http_client: options.http_client.clone(), timeouts, retry: None };
        let app = clients(&endpoints, sdk, config, vault.clone());
        let app = Arc::new(App { totals_serve: 0, ..app });
        let resumed = schedule::sweep(&app, true).await;
        if let Some(period) = options.sweep_every {
            schedule::start(Arc::clone(&app), &work, period, resumed);
        }
        for mapping in queues.mappings(&options) {
            polling::start(&mapping, &app, &own.sqs, &work);
        }
        let page = Arc::new(Overview {
            base_url: current,
            endpoints: endpoints.clone(),
            data: folder.path().display().to_string(),
            showcase: OnceLock::new(),
        });
        let gateway = Gateway {
            app: Arc::clone(&app),
            mail: Arc::clone(&mail),
            tasks: work.clone(),
            page: Arc::clone(&page),
        };
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
            dynamodb: embedded.dynamodb,
            _kill: kill,
            folder,
        })
    }

    /// Port of the API.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// URL of the API for clients, without a path; an address, so that clients resolve no name.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// URLs of the embedded services.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The functions' configuration and SDK clients.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Clients of another process of the functions, with empty caches: tests start and kill such
    /// processes. `retry` sets how long the SDK waits before it repeats a call.
    pub fn process(&self, http_client: SharedHttpClient, retry: RetryConfig) -> App {
        let sdk = SdkSettings {
            http_client: Some(http_client),
            retry: Some(retry),
            timeouts: Some(unicreda::app::timeouts()),
        };
        clients(&self.endpoints, sdk, self.app.config.clone(), self.vault.clone())
    }

    /// Sets what the page at `/` offers to try.
    pub fn show(&self, showcase: Showcase) {
        // Only the first call has an effect.
        let _ = self.page.showcase.set(showcase);
    }

    /// The sent mail.
    pub fn mail(&self) -> &Arc<MailStore> {
        &self.mail
    }

    /// The data folder; a temporary one for a stack in memory.
    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Whether this start created the tables, so that they are empty.
    pub fn is_new(&self) -> bool {
        self.new
    }

    /// Notices for the person who started it, one sentence each.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Ends the stack within 2 s: it accepts nothing new, waits 1.4 s for running work, then ends it,
    /// the services last. The next start continues the work that was cut off.
    pub async fn shutdown(self) {
        self.work.finish(PATIENCE).await;
        self.work.kill.cancel();
        self.services.finish(Duration::from_millis(50)).await;
        self.dynamodb.stop().await;
    }
}

/// The embedded services.
struct Embedded {
    endpoints: Endpoints,
    dynamodb: DynamoDb,
    ses_events: SesEvents,
    bucket: Bucket,
}

impl Embedded {
    fn start(
        options: &Options,
        api_port: u16,
        folder: &Folder,
        mail: &Arc<MailStore>,
        tasks: &Tasks,
    ) -> anyhow::Result<Self> {
        let wanted = |offset| match options.service_ports {
            ServicePorts::BesideApi => api_port.checked_add(offset),
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
        if let Some(address) = options.containers {
            forward::start(address, [dynamodb_port, sqs_port, ses_port, s3_port], tasks)?;
        }
        let tables = match options.data {
            Data::Dir(_) => Some(folder.tables().context("creating the file of the tables")?),
            Data::Memory => None,
        };
        let dynamodb = DynamoDb::start(dynamodb_listener, tables.as_deref())?;
        services::start_sqs(sqs_listener, sqs_port, tasks)?;
        let ses_events = SesEvents::default();
        let rate = options.ses_rate_per_second;
        services::start_ses(ses_listener, Arc::clone(mail), ses_events.clone(), rate, tasks)?;
        let origins = vec![format!("http://localhost:{api_port}"), url(api_port)];
        let bucket = Bucket::start(s3_listener, folder.path(), origins, tasks)?;
        Ok(Self { endpoints, dynamodb, ses_events, bucket })
    }
}

/// URLs of the queues.
struct Queues {
    issue: String,
    mail: String,
    feedback: String,
    privacy: String,
    print: String,
    uploads: String,
}

impl Queues {
    /// Creates the queues, and connects SES's and the bucket's events to theirs.
    async fn create(
        options: &Options,
        sqs: &aws_sdk_sqs::Client,
        embedded: &Embedded,
    ) -> anyhow::Result<Self> {
        let queue = |name, max| services::create_queue(sqs, name, options.visibility, max);
        let issue = queue("issue", options.issue_max_receives).await?;
        let mail = queue("mail", options.mail_max_receives).await?;
        let feedback = queue("feedback", options.issue_max_receives).await?;
        embedded.ses_events.send_to(sqs.clone(), feedback.clone());
        let hidden = options.uploads_timeout + Duration::from_secs(60);
        let uploads =
            services::create_queue(sqs, "uploads", hidden, options.issue_max_receives).await?;
        let privacy =
            services::create_queue(sqs, "privacy", hidden, options.issue_max_receives).await?;
        let print =
            services::create_queue(sqs, "print", hidden, options.issue_max_receives).await?;
        embedded.bucket.send_events_to(sqs.clone(), uploads.clone()).await?;
        Ok(Self { issue, mail, feedback, privacy, print, uploads })
    }

    /// The event source mappings of `template.yaml`.
    fn mappings(self, options: &Options) -> [Mapping; 6] {
        let consumer = Mapping {
            queue: "issue",
            function: Handler::Consumer,
            url: self.issue,
            batch: options.issue_batch.max(1),
            concurrency: options.concurrency,
            timeout: options.consumer_timeout,
            wait_seconds: 10,
        };
        let mail = Mapping {
            queue: "mail",
            url: self.mail,
            batch: options.mail_batch.max(1),
            ..consumer.clone()
        };
        let feedback = Mapping {
            queue: "feedback",
            function: Handler::Feedback,
            url: self.feedback,
            ..mail.clone()
        };
        let privacy = Mapping {
            queue: "privacy",
            function: Handler::Privacy,
            url: self.privacy,
            batch: 1,
            timeout: options.uploads_timeout,
            ..consumer.clone()
        };
        let print = Mapping {
            queue: "print",
            function: Handler::Print,
            url: self.print,
            ..privacy.clone()
        };
        let uploads = Mapping {
            queue: "uploads",
            function: Handler::Uploads,
            url: self.uploads,
            batch: 1,
            timeout: options.uploads_timeout,
            ..consumer.clone()
        };
        [consumer, mail, feedback, privacy, print, uploads]
    }
}

/// The functions' configuration.
fn config(
    options: &Options,
    endpoints: &Endpoints,
    queues: &Queues,
    site_url: String,
    signing_key: PathBuf,
) -> Config {
    Config {
        catalog_table: services::table_name("CATALOG_TABLE"),
        credentials_table: services::table_name("CREDENTIALS_TABLE"),
        jobs_table: services::table_name("JOBS_TABLE"),
        issue_queue_url: queues.issue.clone(),
        mail_queue_url: queues.mail.clone(),
        uploads_queue_url: queues.uploads.clone(),
        privacy_queue_url: queues.privacy.clone(),
        print_queue_url: queues.print.clone(),
        dead_letter_queue_urls: [&queues.issue, &queues.feedback]
            .map(|url| format!("{url}-dlq"))
            .to_vec(),
        uploads_bucket: Some(BUCKET.to_owned()),
        uploads_origin: Some(endpoints.s3.clone()),
        security_contact: Some("mailto:seguridad@demo.example".to_owned()),
        site_url,
        accept_execute_api_host: false,
        ses_rate_per_second: options.ses_rate_per_second,
        sender_addresses: SenderBound::parse(&options.sender_addresses),
        site_sender: EmailAddress::parse(&options.site_sender).ok(),
        ses_configuration_set: None,
        tracks_deliveries: options.tracks_deliveries,
        sealed_by: Some(SealedBy::File(signing_key)),
        consumer_timeout: options.consumer_timeout,
    }
}

/// Binds the API's port on both loopback addresses: `localhost` may mean either.
fn bind_api(port: u16) -> anyhow::Result<(Vec<StdListener>, u16)> {
    let bind_error = |address: SocketAddr, error: io::Error| {
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
        let first = StdListener::bind(address).map_err(|e| bind_error(address, e))?;
        let bound = first.local_addr()?.port();
        let address = SocketAddr::from((Ipv6Addr::LOCALHOST, bound));
        let second = match StdListener::bind(address) {
            Ok(second) => Some(second),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && port == 0 => continue,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(bind_error(address, error));
            }
            // The machine has no IPv6.
            Err(_) => None,
        };
        let listeners: Vec<StdListener> = [Some(first), second].into_iter().flatten().collect();
        for listener in &listeners {
            listener.set_nonblocking(true)?;
        }
        return Ok((listeners, bound));
    }
    bail!("no port is free on both 127.0.0.1 and [::1]: choose one with --port")
}
