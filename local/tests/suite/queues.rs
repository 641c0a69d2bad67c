//! Queues that only the test reads: it decides what is delivered, when, how often and in which
//! order.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::{Context, Error, LambdaEvent};
use local::Options;
use serde_json::{Value, json};
use unicreda::App;

use crate::{harness::World, sim::context};

/// The consumer's time for a batch, unless a test sets another.
const PLENTY: Duration = Duration::from_secs(60);

/// Options of a stack whose queues only the test reads and whose sweeper never runs by itself.
pub fn unread() -> Options {
    Options { concurrency: 0, sweep_every: None, ..Options::in_memory() }
}

/// One of the queues.
#[derive(Clone, Copy, Debug)]
pub enum Queue {
    /// Rows to issue.
    Issue,
    /// Mails to send.
    Mail,
    /// Files that arrived, and the work on each.
    Uploads,
    /// Jobs about personal data.
    Privacy,
    /// Orders of certificates.
    Print,
    /// Rows that could not be handled.
    Dead,
    /// Reports of SES: no function sends to it, so no setting has its URL.
    Feedback,
    /// Reports of SES that could not be handled.
    DeadFeedback,
}

impl Queue {
    /// Its name in the template, without that of the stack.
    pub fn name(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Mail => "mail",
            Self::Uploads => "uploads",
            Self::Privacy => "privacy",
            Self::Print => "print",
            Self::Dead => "issue-dead",
            Self::Feedback => "feedback",
            Self::DeadFeedback => "feedback-dead",
        }
    }

    /// Hands an event of a queue of files, of jobs about personal data or of certificates to its function.
    pub async fn hand(self, app: &App, event: SqsEvent) -> Result<SqsBatchResponse, Error> {
        let event = LambdaEvent::new(event, context());
        match self {
            Self::Privacy => privacy::handle(app, event).await,
            Self::Print => print::handle(app, event).await,
            _ => uploads::handle(app, event).await,
        }
    }

    fn url(self, world: &World) -> String {
        let config = &world.stack.app().config;
        match self {
            Self::Issue => config.issue_queue_url.clone(),
            Self::Mail => config.mail_queue_url.clone(),
            Self::Uploads => config.uploads_queue_url.clone(),
            Self::Privacy => config.privacy_queue_url.clone(),
            Self::Print => config.print_queue_url.clone(),
            Self::Dead => format!("{}-dlq", config.issue_queue_url),
            Self::Feedback => config.uploads_queue_url.replace("uploads", "feedback"),
            Self::DeadFeedback => format!("{}-dlq", Self::Feedback.url(world)),
        }
    }
}

/// Takes all messages that a queue shows, as records of an event.
pub async fn take(world: &World, queue: Queue) -> Vec<Value> {
    let mut taken = Vec::new();
    loop {
        let answer = world
            .stack
            .app()
            .sqs
            .receive_message()
            .queue_url(queue.url(world))
            .max_number_of_messages(10)
            .wait_time_seconds(0)
            .send()
            .await
            .expect("messages");
        let messages = answer.messages();
        if messages.is_empty() {
            return taken;
        }
        taken.extend(messages.iter().map(|message| {
            let mut record = record(message.body().expect("body"));
            record["messageId"] = message.message_id().into();
            record["receiptHandle"] = message.receipt_handle().into();
            record
        }));
    }
}

/// Sends a message to a queue.
pub async fn send(world: &World, queue: Queue, body: &Value) {
    let send = world.stack.app().sqs.send_message().queue_url(queue.url(world));
    send.message_body(body.to_string()).send().await.expect("sent");
}

/// Whether no message is left, hidden ones included.
pub async fn are_empty(world: &World) -> bool {
    use aws_sdk_sqs::types::QueueAttributeName::{
        ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible,
    };
    for queue in [Queue::Issue, Queue::Mail, Queue::Uploads, Queue::Privacy, Queue::Print] {
        let asked = world.stack.app().sqs.get_queue_attributes().queue_url(queue.url(world));
        let asked = asked
            .attribute_names(ApproximateNumberOfMessages)
            .attribute_names(ApproximateNumberOfMessagesNotVisible);
        let answer = asked.send().await.expect("attributes");
        if answer.attributes().into_iter().flatten().any(|(_, count)| count != "0") {
            return false;
        }
    }
    true
}

/// Takes the messages of a queue and requires a number of them.
pub async fn take_exactly(world: &World, queue: Queue, count: usize) -> Vec<Value> {
    let taken = take(world, queue).await;
    assert_eq!(taken.len(), count, "{queue:?}");
    taken
}

/// A record with this body.
pub fn record(body: &str) -> Value {
    json!({
        "messageId": uuid::Uuid::new_v4().to_string(),
        "receiptHandle": "handle",
        "body": body,
        "attributes": { "ApproximateReceiveCount": "1" },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "awsRegion": "us-east-1",
    })
}

/// The same message with its body changed.
pub fn changed(record: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut body = body_of(record);
    change(&mut body);
    let mut record = record.clone();
    record["messageId"] = uuid::Uuid::new_v4().to_string().into();
    record["body"] = body.to_string().into();
    record
}

/// A message's body.
pub fn body_of(record: &Value) -> Value {
    serde_json::from_str(record["body"].as_str().expect("body")).expect("JSON")
}

/// A message's id.
pub fn id_of(record: &Value) -> String {
    record["messageId"].as_str().expect("messageId").to_owned()
}

/// A message that asks for a credential's mail.
pub fn mail_of(credential_id: &str) -> Value {
    record(&json!({ "kind": "mail", "v": 1, "credential_id": credential_id }).to_string())
}

/// Hands a batch to the consumer; the ids of the messages that come back.
pub async fn consume(world: &World, records: &[Value]) -> Vec<String> {
    consume_within(world, records, PLENTY).await
}

/// The same with so much time left.
pub async fn consume_within(world: &World, records: &[Value], left: Duration) -> Vec<String> {
    let event: SqsEvent =
        serde_json::from_value(json!({ "Records": records })).expect("an SQS event");
    let deadline = SystemTime::now() + left;
    let mut context = Context::default();
    context.request_id = uuid::Uuid::new_v4().to_string();
    context.deadline = deadline
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_millis()
        .try_into()
        .expect("u64");
    let answer = consumer::handle(world.stack.app(), LambdaEvent::new(event, context)).await;
    let failures = answer.expect("an answer").batch_item_failures;
    let mut ids: Vec<String> = failures.into_iter().map(|f| f.item_identifier).collect();
    ids.sort_unstable();
    ids
}

/// Takes and handles the messages of both queues until both show none. A mail that another
/// message of the same batch holds comes back once.
pub async fn drain(world: &World) {
    loop {
        let mut records = take(world, Queue::Issue).await;
        records.extend(take(world, Queue::Mail).await);
        if records.is_empty() {
            return;
        }
        let back = consume(world, &records).await;
        records.retain(|record| back.contains(&id_of(record)));
        assert_eq!(consume(world, &records).await, [""; 0], "messages came back");
    }
}
