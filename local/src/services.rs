//! DynamoDB, SQS and SES in process, each on its own loopback port, with behavior of AWS that the
//! embedded ones lack.
//!
//! - **DynamoDB** (dynoxide, on SQLite) executes one statement at a time, behind a lock, on the thread
//!   that serves the request, and syncs a file at every write. So it has its own threads, and the API's
//!   threads never wait for the disk.
//! - **SQS** (rustack, in memory) refuses `MessageGroupId` on a standard queue, where AWS uses it for
//!   fairness: this module removes it. rustack has no limit on a batch's total: this module enforces
//!   it. rustack refuses messages over 256 KiB, AWS those over 1 MiB: this difference remains.
//! - **SES** (rustack) stores mail only in memory: this module writes it to the mail store before it
//!   answers. rustack publishes no events: [`crate::simulator`] publishes those of the mailbox
//!   simulator.

use std::future::Future;
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};
use aws_sdk_sqs::types::QueueAttributeName;
use base64::Engine;
use bytes::Bytes;
use hyper::service::Service;
use rustack_ses_core::{config::SesConfig, handler::RustackSesHandler, provider::RustackSes};
use rustack_ses_http::body::SesResponseBody;
use rustack_ses_http::dispatch::SesHandler;
use rustack_ses_http::request::{get_optional_param, parse_form_params, parse_member_list};
use rustack_ses_http::service::{SesHttpConfig, SesHttpService};
use rustack_ses_model::{error::SesError, operations::SesOperation};
use rustack_sqs_core::{config::SqsConfig, handler::RustackSqsHandler, provider::RustackSqs};
use rustack_sqs_http::body::SqsResponseBody;
use rustack_sqs_http::dispatch::SqsHandler;
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
use rustack_sqs_model::{
    error::{SqsError, SqsErrorCode},
    operations::SqsOperation,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use unicreda::store::schema::{self, TABLES};
use url::form_urlencoded;

use crate::mail::{Mail, MailStore};
use crate::serve::{Tasks, serve};
use crate::simulator::{self, SesEvents};

/// Largest message, and largest total of a batch, in bytes (SQS quota).
const MAX_SEND: usize = 1024 * 1024;
/// Largest raw mail in base64, in bytes (SES v1 quota: 10 MB).
const MAX_MAIL: usize = 10 * 1024 * 1024;

/// Binds a loopback port: the wanted one if it is free, else any free one.
pub(crate) fn bind(wanted: Option<u16>) -> anyhow::Result<(StdListener, u16)> {
    let listener = wanted
        .and_then(|port| StdListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
        .map_or_else(|| StdListener::bind((Ipv4Addr::LOCALHOST, 0)), Ok)
        .context("no port is free on 127.0.0.1 for an embedded service")?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// The embedded DynamoDB on its own threads; dropping it ends them.
#[derive(Debug)]
pub(crate) struct DynamoDb {
    stop: Option<oneshot::Sender<()>>,
    ended: oneshot::Receiver<()>,
}

impl DynamoDb {
    /// Starts it on a file, or in memory.
    pub fn start(listener: StdListener, file: Option<&Path>) -> anyhow::Result<Self> {
        let database = match file {
            Some(path) => {
                let text = path.to_str().ok_or_else(|| {
                    anyhow!(
                        "the path {} is not UTF-8: choose another with --data DIR",
                        path.display()
                    )
                })?;
                let database = dynoxide::Database::new(text).map_err(|e| {
                    anyhow!("cannot open the tables in {text}: {e}; start over with --fresh")
                })?;
                // The only call of dynoxide that sets `synchronous = NORMAL`. It avoids an fsync per write,
                // which would take most of a large job's time; `folder` lists the consequences.
                database.disable_bulk_loading().map_err(|e| anyhow!("{e}"))?;
                database
            }
            None => dynoxide::Database::memory().map_err(|e| anyhow!("{e}"))?,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("dynamodb")
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new().name("dynamodb".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                let (quiet, quieted) = oneshot::channel::<()>();
                let server =
                    dynoxide::server::serve_with_shutdown(listener, database, async move {
                        let _ = quieted.await;
                    });
                let server = tokio::spawn(server);
                let _ = stopped.await;
                drop(quiet);
                // The server returns only after its last keep-alive connection has ended.
                let _ = tokio::time::timeout(Duration::from_millis(50), server).await;
            });
            runtime.shutdown_timeout(Duration::from_millis(250));
            let _ = end.send(());
        })?;
        Ok(Self { stop: Some(stop), ended })
    }

    /// Ends it and waits until its file is closed, at most 400 ms.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        let _ = tokio::time::timeout(Duration::from_millis(400), self.ended).await;
    }
}

/// Creates missing tables; whether any was missing.
pub(crate) async fn create_tables(dynamodb: &aws_sdk_dynamodb::Client) -> anyhow::Result<bool> {
    let mut created = false;
    for table in TABLES {
        let name = table_name(table.setting);
        match dynamodb.describe_table().table_name(&name).send().await {
            Ok(found) => {
                let mut present: Vec<String> = found
                    .table()
                    .map(|t| t.global_secondary_indexes())
                    .unwrap_or_default()
                    .iter()
                    .filter_map(|index| index.index_name().map(str::to_owned))
                    .collect();
                let mut wanted: Vec<&str> = table.indexes.iter().map(|index| index.name).collect();
                present.sort();
                wanted.sort_unstable();
                if present != wanted {
                    bail!(
                        "another version created the data folder (indexes of {name}): remove its data with --fresh, or choose another folder with --data DIR"
                    );
                }
                continue;
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_resource_not_found_exception()) => {}
            Err(error) => return Err(error).with_context(|| format!("looking for table {name}")),
        }
        create_table(dynamodb, &name, &table)
            .await
            .with_context(|| format!("creating table {name}"))?;
        created = true;
    }
    Ok(created)
}

async fn create_table(
    dynamodb: &aws_sdk_dynamodb::Client,
    name: &str,
    table: &schema::Table,
) -> anyhow::Result<()> {
    let key =
        |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    let mut attributes = vec![table.partition];
    attributes.extend(table.sort);
    let mut create = dynamodb
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key(table.partition, KeyType::Hash)?);
    if let Some(sort) = table.sort {
        create = create.key_schema(key(sort, KeyType::Range)?);
    }
    for index in table.indexes {
        attributes.extend([index.partition, index.sort]);
        create = create.global_secondary_indexes(
            GlobalSecondaryIndex::builder()
                .index_name(index.name)
                .key_schema(key(index.partition, KeyType::Hash)?)
                .key_schema(key(index.sort, KeyType::Range)?)
                .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
                .build()?,
        );
    }
    attributes.sort_unstable();
    attributes.dedup();
    for attribute in attributes {
        create = create.attribute_definitions(
            AttributeDefinition::builder()
                .attribute_name(attribute)
                .attribute_type(ScalarAttributeType::S)
                .build()?,
        );
    }
    create.send().await?;
    dynamodb
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(
            TimeToLiveSpecification::builder().enabled(true).attribute_name(schema::TTL).build()?,
        )
        .send()
        .await?;
    Ok(())
}

/// Table name for a setting: `unicreda-catalog` for `CATALOG_TABLE`.
pub fn table_name(setting: &str) -> String {
    format!("unicreda-{}", setting.trim_end_matches("_TABLE").to_lowercase())
}

/// Serves the embedded SQS.
pub(crate) fn start_sqs(listener: StdListener, port: u16, tasks: &Tasks) -> anyhow::Result<()> {
    let provider =
        RustackSqs::new(SqsConfig { host: "127.0.0.1".to_owned(), port, ..SqsConfig::default() });
    let handler = Sqs { inner: RustackSqsHandler::new(Arc::new(provider)) };
    let service = SqsHttpService::new(Arc::new(handler), SqsHttpConfig::default());
    serve(TcpListener::from_std(listener)?, tasks, move |request, _| {
        Box::pin(service.call(request))
    });
    Ok(())
}

/// Creates a queue with its dead-letter queue (`NAME-dlq`) and returns its URL.
pub(crate) async fn create_queue(
    sqs: &aws_sdk_sqs::Client,
    name: &str,
    visibility: Duration,
    max_receives: u32,
) -> anyhow::Result<String> {
    let dead = format!("{name}-dlq");
    sqs.create_queue()
        .queue_name(&dead)
        .attributes(QueueAttributeName::MessageRetentionPeriod, "1209600")
        .send()
        .await?;
    let redrive = json!({
        "deadLetterTargetArn": format!("arn:aws:sqs:us-east-1:000000000000:{dead}"),
        "maxReceiveCount": max_receives,
    });
    let created = sqs
        .create_queue()
        .queue_name(name)
        .attributes(QueueAttributeName::VisibilityTimeout, visibility.as_secs().to_string())
        .attributes(QueueAttributeName::MessageRetentionPeriod, "1209600")
        .attributes(QueueAttributeName::RedrivePolicy, redrive.to_string())
        .send()
        .await?;
    created.queue_url.context("SQS returned no queue URL")
}

type Answer<B, E> = Pin<Box<dyn Future<Output = Result<http::Response<B>, E>> + Send>>;

/// rustack's SQS with AWS's limits.
#[derive(Debug)]
struct Sqs {
    inner: RustackSqsHandler,
}

impl SqsHandler for Sqs {
    fn handle_operation(
        &self,
        operation: SqsOperation,
        body: Bytes,
    ) -> Answer<SqsResponseBody, SqsError> {
        let body = match operation {
            SqsOperation::SendMessage | SqsOperation::SendMessageBatch => match adapt(&body) {
                Ok(Some(body)) => body,
                Ok(None) => body,
                Err(error) => return Box::pin(async move { Err(error) }),
            },
            _ => body,
        };
        self.inner.handle_operation(operation, body)
    }
}

/// Checks the sizes of a send and removes its message groups, which rustack accepts only for FIFO
/// queues. `None` if nothing changes.
fn adapt(body: &[u8]) -> Result<Option<Bytes>, SqsError> {
    // rustack refuses what is not JSON.
    let Ok(mut request) = serde_json::from_slice::<Value>(body) else { return Ok(None) };
    let fifo = text(&request, "QueueUrl").ends_with(".fifo");
    let batch = request.get("Entries").is_some();
    let mut total = 0;
    let mut changed = false;
    let entries = match request.get_mut("Entries").and_then(Value::as_array_mut) {
        Some(entries) => entries.iter_mut().collect(),
        None => vec![&mut request],
    };
    for entry in entries {
        total += size(entry);
        if let Value::Object(entry) = entry
            && !fifo
        {
            changed |= entry.remove("MessageGroupId").is_some();
        }
    }
    if total > MAX_SEND {
        return Err(if batch {
            SqsError::new(
                SqsErrorCode::BatchRequestTooLong,
                format!(
                    "Batch requests cannot be longer than {MAX_SEND} bytes. You have sent {total} bytes."
                ),
            )
        } else {
            SqsError::invalid_parameter_value(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {MAX_SEND} bytes."
            ))
        });
    }
    if !changed {
        return Ok(None);
    }
    serde_json::to_vec(&request)
        .map(|body| Some(body.into()))
        .map_err(|error| SqsError::internal_error(error.to_string()))
}

/// Size of a message as SQS counts it: the body, and names, types and values of attributes.
fn size(entry: &Value) -> usize {
    let attributes = entry.get("MessageAttributes").and_then(Value::as_object);
    let attributes = attributes.into_iter().flatten().map(|(name, value)| {
        let fields = ["DataType", "StringValue", "BinaryValue"];
        name.len() + fields.iter().map(|field| text(value, field).len()).sum::<usize>()
    });
    text(entry, "MessageBody").len() + attributes.sum::<usize>()
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Serves the embedded SES.
pub(crate) fn start_ses(
    listener: StdListener,
    mail: Arc<MailStore>,
    events: SesEvents,
    rate: f64,
    tasks: &Tasks,
) -> anyhow::Result<()> {
    let config =
        SesConfig { max_send_rate: rate, max_24_hour_send: 1_000_000.0, ..SesConfig::default() };
    let inner = RustackSesHandler::new(Arc::new(RustackSes::new(config)));
    let handler = Ses { inner: Arc::new(inner), mail, events };
    let service = SesHttpService::new(Arc::new(handler), SesHttpConfig::default());
    serve(TcpListener::from_std(listener)?, tasks, move |request, _| {
        Box::pin(service.call(request))
    });
    Ok(())
}

/// rustack's SES, which stores the mail before it answers.
#[derive(Debug)]
struct Ses {
    inner: Arc<RustackSesHandler>,
    mail: Arc<MailStore>,
    events: SesEvents,
}

impl SesHandler for Ses {
    fn handle_operation(
        &self,
        operation: SesOperation,
        body: Bytes,
    ) -> Answer<SesResponseBody, SesError> {
        if operation != SesOperation::SendRawEmail {
            return self.inner.handle_operation(operation, body);
        }
        let (inner, mail) = (Arc::clone(&self.inner), Arc::clone(&self.mail));
        let events = self.events.clone();
        Box::pin(async move {
            // rustack checks the request first; only a request that it accepts is stored.
            let parameters = parse_form_params(&body);
            let received = read_mail(&parameters);
            let tags = simulator::tags(&parameters);
            let answer =
                inner.handle_operation(operation, without_content(&parameters, body)).await;
            inner.clear_emails(None);
            let answer = answer?;
            let received = received?;
            mail.append(&received)
                .map_err(|error| SesError::internal_error(format!("storing the mail: {error}")))?;
            events.publish(&tags, &received).await;
            Ok(answer)
        })
    }

    fn handle_v2_operation(
        &self,
        method: http::Method,
        path: String,
        body: Bytes,
    ) -> Answer<SesResponseBody, SesError> {
        self.inner.handle_v2_operation(method, path, body)
    }

    fn query_emails(&self, id: Option<&str>, source: Option<&str>) -> String {
        self.inner.query_emails(id, source)
    }

    fn clear_emails(&self, id: Option<&str>) {
        self.inner.clear_emails(id);
    }
}

/// Replaces the content of a mail with a short one. If the request has a source, rustack does nothing
/// with the content but copy it, which costs time in a large job.
fn without_content(parameters: &[(String, String)], whole: Bytes) -> Bytes {
    let given =
        |name| get_optional_param(parameters, name).is_some_and(|value| !value.trim().is_empty());
    if !given("Source") || !given("RawMessage.Data") {
        return whole;
    }
    const SHORT: &str = "VG86IHg="; // `To: x`
    let mut brief = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        brief.append_pair(name, if name == "RawMessage.Data" { SHORT } else { value });
    }
    brief.finish().into()
}

fn read_mail(parameters: &[(String, String)]) -> Result<Mail, SesError> {
    let data = get_optional_param(parameters, "RawMessage.Data").unwrap_or_default();
    if data.len() > MAX_MAIL {
        return Err(SesError::invalid_parameter_value(format!(
            "Message length is more than {MAX_MAIL} bytes long"
        )));
    }
    let mime = base64::engine::general_purpose::STANDARD
        .decode(data)
        .map_err(|_| SesError::invalid_parameter_value("RawMessage.Data is not base64"))?;
    let envelope = parse_member_list(parameters, "Destinations");
    let mail = Mail::parse(&mime, envelope, jiff::Timestamp::now().to_string())
        .map_err(|_| SesError::message_rejected("The message is not MIME."))?;
    if mail.to.is_empty() {
        return Err(SesError::message_rejected("The message has no recipient."));
    }
    Ok(mail)
}
