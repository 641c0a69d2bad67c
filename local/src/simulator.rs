//! SES's mailbox simulator: mail to `success`, `bounce`, `suppressionlist`, `complaint` and `ooto` at
//! `simulator.amazonses.com` (with any `+label`) is stored like all mail, and SES publishes its events.
//! Mail to other addresses has no events, because no mail server could accept or refuse it.
//!
//! An event is queued before SES answers, so `feedback` can read it before the consumer writes its
//! receipt: the harder of the two orders.

use std::sync::{Arc, OnceLock};

use rustack_ses_http::request::parse_tag_list;
use serde_json::{Map, Value, json};

use crate::mail::Mail;

/// The simulator's domain.
const DOMAIN: &str = "simulator.amazonses.com";

/// The publisher of events; it publishes none before its queue is set.
#[derive(Clone, Debug, Default)]
pub struct SesEvents {
    queue: Arc<OnceLock<(aws_sdk_sqs::Client, String)>>,
}

impl SesEvents {
    /// Sets the queue, once.
    pub fn send_to(&self, sqs: aws_sdk_sqs::Client, url: String) {
        let _ = self.queue.set((sqs, url));
    }

    /// Publishes the events of a mail.
    pub(crate) async fn publish(&self, tags: &Map<String, Value>, mail: &Mail) {
        let Some((sqs, url)) = self.queue.get() else { return };
        for to in &mail.to {
            for event in events(to, tags, &mail.sent_at) {
                let sent = sqs.send_message().queue_url(url).message_body(event.to_string());
                if let Err(error) = sent.send().await {
                    tracing::error!(%error, "SES event not queued");
                }
            }
        }
    }
}

/// The message tags of a request in the format of events: a list of values each.
pub(crate) fn tags(parameters: &[(String, String)]) -> Map<String, Value> {
    let tags = parse_tag_list(parameters, "Tags");
    tags.into_iter().map(|(name, value)| (name, json!([value]))).collect()
}

/// The events of one mail, as a configuration set publishes them to a topic with raw delivery.
fn events(to: &str, tags: &Map<String, Value>, at: &str) -> Vec<Value> {
    let lower = to.to_lowercase();
    let Some(local) = lower.strip_suffix(DOMAIN).and_then(|rest| rest.strip_suffix('@')) else {
        return Vec::new();
    };
    let id = uuid::Uuid::new_v4().to_string();
    let mail = json!({
        "timestamp": at, "messageId": id, "destination": [to], "headersTruncated": false,
        "headers": [], "tags": tags,
    });
    let delivery = || {
        json!({ "eventType": "Delivery", "mail": mail, "delivery": {
            "timestamp": at, "processingTimeMillis": 1, "recipients": [to],
            "smtpResponse": "250 2.6.0 Message received" } })
    };
    let bounce = |kind: &str, recipient: Value| {
        json!({ "eventType": "Bounce", "mail": mail, "bounce": {
            "bounceType": kind, "bounceSubType": "General", "timestamp": at,
            "feedbackId": id, "bouncedRecipients": [recipient] } })
    };
    let unknown = |answer: String| {
        bounce(
            "Permanent",
            json!({ "emailAddress": to, "action": "failed", "status": "5.1.1",
            "diagnosticCode": format!("smtp; 550 5.1.1 {answer}") }),
        )
    };
    let complaint = || {
        json!({ "eventType": "Complaint", "mail": mail, "complaint": {
            "timestamp": at, "feedbackId": id, "complaintFeedbackType": "abuse",
            "complainedRecipients": [{ "emailAddress": to }] } })
    };
    match local.split('+').next().unwrap_or_default() {
        "success" => vec![delivery()],
        // A note of absence is a bounce without a report of a server.
        "ooto" => vec![delivery(), bounce("Transient", json!({ "emailAddress": to }))],
        "bounce" => vec![unknown("user unknown".to_owned())],
        "suppressionlist" => {
            vec![unknown(format!("As requested: user unknown (suppressed address: {to})"))]
        }
        "complaint" => vec![delivery(), complaint()],
        _ => Vec::new(),
    }
}
