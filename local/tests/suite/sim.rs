//! The service under faults: processes that come and go, a clock that jumps, and queues
//! whose deliveries the test decides.
//!
//! Everything goes through the functions' handlers and the real SDK clients to the embedded
//! DynamoDB, SQS and SES. Messages are taken from SQS as soon as they are sent and held in a
//! [`Backlog`], which keeps their visibility by the test's clock; nothing waits.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail, ensure};
use aws_config::retry::RetryConfig;
use lambda_http::{Body, Request, Response};
use lambda_runtime::{Context, LambdaEvent};
use local::Options;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use unicreda::{App, clock::Clock};

use crate::{
    faults::{Fault, Faults, Gate},
    feedback as reports,
    harness::{World, proxy_event},
    oracle,
    queues::{self, Queue, id_of, record, take},
};

/// Visibility of a message in AWS: six times the consumer's timeout and the window.
const VISIBILITY: i64 = 361;
/// Visibility of a message about a file: six times the timeout of its function.
const FILE_VISIBILITY: i64 = 5_400;
/// Receives after which SQS makes a message a dead letter.
const MAX_RECEIVES: [u32; 2] = [5, 1_000];
/// Messages of one batch.
const BATCH: usize = 100;
/// Rows of a shard here: the smallest jobs have several.
const SHARD_ROWS: u32 = 4;
/// Certificates of an archive here: the smallest jobs have several.
const PRINT_FILES: u32 = 2;
/// Rounds after which a run counts as endless: steps of the test's clock, and batches.
const ROUNDS: usize = 3_000;

/// A message that was taken from SQS and not deleted.
#[derive(Clone, Debug)]
struct Held {
    record: Value,
    /// Whether it is a mail, and not a row.
    mail: bool,
    queue: Queue,
    receives: u32,
    visible_at: i64,
}

/// The messages of both queues, with their visibility by the test's clock.
#[derive(Debug, Default)]
pub struct Backlog {
    held: Vec<Held>,
    /// Those of the queues of files, of jobs about personal data and of certificates.
    files: Vec<Held>,
    /// Messages that were received too often, which SQS moves to the dead-letter queue.
    dead: Vec<Held>,
    clock: Clock,
    /// Visibility that the consumer asked for in the running delivery.
    changed: BTreeSet<String>,
    /// Messages sent since the start.
    pub sent: usize,
}

impl Backlog {
    fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// Moves the clock of the run forward.
    pub fn jump(&self, by: Duration) {
        self.clock.jump(by);
    }

    /// Answers the calls that ask SQS about messages that are held here.
    pub fn answer(&mut self, operation: &str, body: &Value) -> Option<Value> {
        match operation {
            "ChangeMessageVisibility" => {
                let at = self.now() + body["VisibilityTimeout"].as_i64().unwrap_or(0);
                let handle = body["ReceiptHandle"].as_str().unwrap_or_default().to_owned();
                for held in self.held.iter_mut().filter(|h| id_of(&h.record) == handle) {
                    held.visible_at = at;
                }
                self.changed.insert(handle);
                Some(json!({}))
            }
            "GetQueueAttributes" => {
                let mail = body["QueueUrl"].as_str().unwrap_or_default().ends_with("mail");
                let now = self.now();
                let of = self.held.iter().filter(|h| h.mail == mail);
                let (visible, hidden): (Vec<_>, Vec<_>) = of.partition(|h| h.visible_at <= now);
                Some(json!({ "Attributes": {
                    "ApproximateNumberOfMessages": visible.len().to_string(),
                    "ApproximateNumberOfMessagesNotVisible": hidden.len().to_string(),
                }}))
            }
            _ => None,
        }
    }

    /// Rows and mails that are held.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Messages that are held, those about files included.
    fn all(&self) -> usize {
        self.held.len() + self.files.len()
    }
}

/// An answer of an HTTP function.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Body.
    pub body: String,
    /// `Idempotent-Replayed` and `Retry-After`.
    pub replayed: bool,
    /// Seconds to wait.
    pub retry_after: u64,
}

impl Answer {
    /// Reads a response.
    pub fn read(response: &Response<Body>) -> Self {
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok());
        Self {
            status: response.status().as_u16(),
            body: String::from_utf8_lossy(response.body()).into_owned(),
            replayed: header("idempotent-replayed") == Some("true"),
            retry_after: header("retry-after").and_then(|s| s.parse().ok()).unwrap_or(1),
        }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// The delivery of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// In order, each batch to one consumer.
    #[default]
    Plain,
    /// Out of order, some again after they were handled, some to two consumers at once.
    Rough,
    /// Every message a second time after it was handled.
    Twice,
}

/// A run.
pub struct Sim {
    /// The stack, whose queues only the run reads.
    pub world: World,
    /// Faults to come.
    pub faults: Faults,
    /// The clock of all processes.
    pub clock: Clock,
    /// The delivery of messages.
    pub delivery: Delivery,
    /// Chance of a fault in each call, in percent.
    pub trouble: u32,
    /// Address and result of every valid recipient of an accepted request.
    pub expected: BTreeSet<(String, String)>,
    /// Requests to send a mail again.
    pub resends: usize,
    /// The last request with each `Idempotency-Key`, and its answer.
    keyed: BTreeMap<String, (Value, String)>,
    /// A job was cancelled or given up, so not all that is expected is issued.
    pub stopped: bool,
    backlog: Arc<Mutex<Backlog>>,
    app: App,
    gone: CancellationToken,
    rng: fastrand::Rng,
    /// Rounds after which a run counts as endless.
    pub rounds: usize,
    /// Number of the call up to which faults were drawn.
    drawn: usize,
    /// Number of the first call of the scenario's own part.
    own: usize,
    setting: Setting,
}

/// The settings of a process.
#[derive(Clone, Copy, Debug)]
struct Setting {
    /// Rows of a new job's shard.
    shard_rows: u32,
    /// Whether SES reports each delivery, as in a deployment: the oracle sends the reports at the
    /// end.
    tracks_deliveries: bool,
}

impl Sim {
    /// A service with one process and no faults; `seed` decides the draws.
    pub async fn new(seed: u64) -> Self {
        // A taken message never comes back from SQS: the backlog decides.
        let visibility = Duration::from_secs(12 * 3600);
        let options = Options { ses_rate_per_second: 1e6, visibility, ..queues::unread() };
        let world = World::with(options).await;
        let clock = Clock::default();
        let backlog = Backlog { clock: clock.clone(), ..Backlog::default() };
        let backlog = Arc::new(Mutex::new(backlog));
        let faults = Faults::with_backlog(Arc::clone(&backlog));
        let setting = Setting { shard_rows: SHARD_ROWS, tracks_deliveries: true };
        let (app, gone) = process(&world, &faults, &clock, setting);
        Self {
            world,
            faults,
            clock,
            delivery: Delivery::Plain,
            trouble: 0,
            expected: BTreeSet::new(),
            resends: 0,
            keyed: BTreeMap::new(),
            stopped: false,
            backlog,
            app,
            gone,
            rng: fastrand::Rng::with_seed(seed),
            rounds: ROUNDS,
            drawn: 0,
            own: 0,
            setting,
        }
    }

    /// Gives new jobs shards of so many rows.
    pub fn with_shards_of(&mut self, rows: u32) {
        self.setting.shard_rows = rows;
        self.app.shard_rows = rows;
    }

    /// Begins the own part of a scenario: what came before is another scenario's, whose crashes
    /// are tried there.
    pub fn own_part(&mut self) {
        self.own = self.faults.count();
    }

    /// The call that the own part begins with.
    pub fn first_own_call(&self) -> usize {
        self.own
    }

    /// As with `TrackDeliveries=false`: receipts are written on credentials.
    pub fn with_receipts(&mut self) {
        self.setting.tracks_deliveries = false;
        self.app.config.tracks_deliveries = false;
    }

    /// The functions' clients of the living process.
    pub fn app(&mut self) -> App {
        if self.gone.is_cancelled() {
            (self.app, self.gone) = process(&self.world, &self.faults, &self.clock, self.setting);
        }
        self.app.clone()
    }

    /// Runs work in the living process; none when the process dies before it ends.
    pub async fn run<T, F: Future<Output = T>>(&mut self, job: impl FnOnce(App) -> F) -> Option<T> {
        let app = self.app();
        self.draw();
        let gone = self.gone.clone();
        // On the heap: a debug build copies futures into the stack frame of each who awaits them.
        let work = Box::pin(job(app));
        tokio::select! {
            done = work => Some(done),
            () = gone.cancelled() => None,
        }
    }

    /// Draws faults for the next calls.
    fn draw(&mut self) {
        if self.trouble == 0 {
            return;
        }
        let next = self.faults.count().max(self.drawn);
        self.drawn = self.faults.count() + 60;
        for number in next..self.drawn {
            if self.rng.u32(0..100) < self.trouble
                && let Some(fault) = self.rng.choice(Fault::DRAWN.iter())
            {
                self.faults.at(number, fault.clone());
            }
        }
    }

    /// A proxy event with the live key.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Request {
        let body = body.map(Value::to_string);
        let body = body.as_deref().map(str::as_bytes);
        let event = proxy_event(&self.world.demo.api_key, method, path, body, key);
        lambda_http::request::from_str(&event.to_string()).expect("a proxy event")
    }

    /// Work in a process of its own, beside the run.
    pub fn aside<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        work: impl FnOnce(App) -> F,
    ) -> JoinHandle<T> {
        tokio::spawn(work(process(&self.world, &self.faults, &self.clock, self.setting).0))
    }

    /// Hands the next batch to a consumer of its own, beside the run.
    pub async fn deliver_aside(&mut self) -> JoinHandle<Option<BTreeSet<String>>> {
        self.collect().await;
        let batch = self.receive(BATCH);
        self.aside(|app| consume(app, batch))
    }

    /// Hands a batch to each of some consumers, processes that work at the same time. How many
    /// had one, and the messages that came back; none when none was visible.
    pub async fn deliver_to(
        &mut self,
        consumers: &[App],
        at_most: usize,
    ) -> Option<(usize, usize)> {
        self.collect().await;
        let mut working = Vec::new();
        for app in consumers {
            let batch = self.receive(at_most);
            if batch.is_empty() {
                break;
            }
            let work = tokio::spawn(consume(app.clone(), batch.clone()));
            working.push((batch, work));
        }
        if working.is_empty() {
            return None;
        }
        let (had, mut returned) = (working.len(), 0);
        for (batch, work) in working {
            let back = work.await.expect("a consumer's answer");
            returned += back.as_ref().map_or(batch.len(), BTreeSet::len);
            self.settle(&batch, back.as_ref());
        }
        Some((had, returned))
    }

    /// New processes beside the run.
    pub fn processes(&self, count: usize) -> Vec<App> {
        let new = || process(&self.world, &self.faults, &self.clock, self.setting).0;
        std::iter::repeat_with(new).take(count).collect()
    }

    /// Ends the visibility of all received messages: another consumer gets them.
    pub fn make_visible(&self) {
        let mut backlog = self.backlog.lock().expect("lock");
        let now = backlog.now();
        backlog.held.iter_mut().for_each(|held| held.visible_at = now);
    }

    /// Loses all messages, as a bug or a purged queue could.
    pub async fn lose_messages(&self) {
        self.collect().await;
        self.backlog.lock().expect("lock").held.clear();
    }

    /// Holds a call of an operation whose body has a text, the first from now on.
    pub fn hold(&self, operation: &'static str, text: &str, then: Option<Fault>) -> Gate {
        let gate = Gate::default();
        let fault = Fault::Held(gate.clone(), then.map(Box::new));
        self.faults.on_calls_with(operation, text, 0..1, fault);
        gate
    }

    /// Holds the answer of a call.
    pub fn hold_answer(&self, operation: &'static str, text: &str) -> Gate {
        let gate = Gate::default();
        self.faults.on_calls_with(operation, text, 0..1, Fault::AnswerHeld(gate.clone()));
        gate
    }

    /// A request with the live key; none when the process died before it answered.
    pub async fn call(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Option<Answer> {
        let request = self.request(method, path, body, key);
        let response = self.run(|app| handle(app, request)).await;
        response.map(|response| Answer::read(&response))
    }

    /// Repeats a request as a patient client does: after a broken connection, after a 5xx, and
    /// after an answer that asks to wait. The first answer below 500.
    pub async fn insist(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Result<Answer> {
        for _ in 0..60 {
            match self.call(method, path, body, key).await {
                None => {}
                Some(answer) if answer.status >= 500 => self.clock.jump(Duration::from_secs(1)),
                Some(answer) if answer.json()["code"] == "idempotency_in_progress" => {
                    self.clock.jump(Duration::from_secs(answer.retry_after));
                }
                Some(answer) => return Ok(answer),
            }
        }
        bail!("no answer to {method} {path}")
    }

    /// Hands reports of SES to the function `feedback` until it has taken all.
    pub async fn report(&mut self, notices: &[Value]) -> Result<()> {
        let mut bodies: Vec<String> = notices.iter().map(Value::to_string).collect();
        for _ in 0..60 {
            let batch = bodies.clone();
            let Some(back) =
                self.run(|app| async move { reports::report(&app, &batch).await }).await
            else {
                continue;
            };
            bodies = back.into_iter().filter_map(|at| bodies.get(at).cloned()).collect();
            if bodies.is_empty() {
                return Ok(());
            }
            self.clock.jump(Duration::from_secs(60));
        }
        bail!("{} reports come back", bodies.len())
    }

    /// Issues to recipients until it is accepted; `valid` are those that must get a
    /// credential. The answer.
    pub async fn issue(
        &mut self,
        recipients: &[Value],
        valid: &[Value],
        key: Option<&str>,
    ) -> Result<Answer> {
        let body = json!({ "template_id": self.world.demo.template_id, "recipients": recipients });
        let answer = self.insist("POST", "/credentials/issue", Some(&body), key).await?;
        let status = if recipients.len() == 1 { 200 } else { 202 };
        ensure!(answer.status == status, "{} {}", answer.status, answer.body);
        for recipient in valid {
            let text = |name: &str| recipient[name].as_str().unwrap_or_default().to_owned();
            self.expected.insert((text("email"), text("result_value")));
        }
        if let Some(key) = key {
            self.keyed.insert(key.to_owned(), (body, answer.body.clone()));
        }
        Ok(answer)
    }

    /// Starts a job and gives its id.
    pub async fn job(
        &mut self,
        recipients: &[Value],
        valid: &[Value],
        key: Option<&str>,
    ) -> Result<String> {
        let answer = self.issue(recipients, valid, key).await?;
        answer.json()["job_id"].as_str().map(str::to_owned).context("a job id")
    }

    /// Lets a file in, sends it, and gives the id of the upload.
    pub async fn upload(&mut self, bytes: &[u8], valid: &[Value]) -> Result<String> {
        let allowed = self.upload_to(bytes, valid).await?;
        allowed["upload_id"].as_str().map(str::to_owned).context("an upload id")
    }

    /// Lets a file in, sends it, and gives the answer that let it in.
    pub async fn upload_to(&mut self, bytes: &[u8], valid: &[Value]) -> Result<Value> {
        let body = json!({
            "template_id": self.world.demo.template_id, "file_name": "acta.csv", "size": bytes.len(),
        });
        let answer = self.insist("POST", "/uploads", Some(&body), None).await?;
        ensure!(answer.status == 201, "{}", answer.body);
        let allowed = answer.json();
        let status = self.world.put_file(&allowed["upload"], bytes.to_vec()).await;
        ensure!(status == 200, "the bucket answers {status}");
        for recipient in valid {
            let text = |name: &str| recipient[name].as_str().unwrap_or_default().to_owned();
            self.expected.insert((text("email"), text("result_value")));
        }
        Ok(allowed)
    }

    /// Sends a file whose rows correct the credentials that they name; the id of the upload.
    pub async fn correct(&mut self, bytes: &[u8]) -> Result<String> {
        let body = json!({
            "template_id": self.world.demo.template_id, "file_name": "acta.csv", "size": bytes.len(),
            "correct": true,
        });
        let answer = self.insist("POST", "/uploads", Some(&body), None).await?;
        ensure!(answer.status == 201, "{}", answer.body);
        let allowed = answer.json();
        let status = self.world.put_file(&allowed["upload"], bytes.to_vec()).await;
        ensure!(status == 200, "the bucket answers {status}");
        allowed["upload_id"].as_str().map(str::to_owned).context("an upload id")
    }

    /// Hands the next message about a file to the function; false when none is visible.
    pub async fn deliver_file(&mut self) -> bool {
        self.collect().await;
        self.deliver_held_file().await
    }

    /// Hands the last message about a file to a process beside the run; the message is gone.
    pub async fn deliver_file_aside(&self) -> JoinHandle<()> {
        self.collect().await;
        let held = self.backlog.lock().expect("lock").files.pop().expect("a message");
        let Held { record, queue, .. } = held;
        let event = serde_json::from_value(json!({ "Records": [record] })).expect("an SQS event");
        self.aside(move |app| async move { drop(queue.hand(&app, event).await) })
    }

    async fn deliver_held_file(&mut self) -> bool {
        let next = {
            let mut backlog = self.backlog.lock().expect("lock");
            let now = backlog.now();
            let next = backlog.files.iter_mut().find(|held| held.visible_at <= now);
            next.map(|held| {
                held.visible_at = now + FILE_VISIBILITY;
                (held.record.clone(), held.queue)
            })
        };
        let Some((record, queue)) = next else { return false };
        let event = json!({ "Records": [record] });
        let event = serde_json::from_value(event).expect("an SQS event");
        let handled = self.run(|app| async move { queue.hand(&app, event).await });
        if let Some(Ok(answer)) = handled.await
            && answer.batch_item_failures.is_empty()
        {
            let id = id_of(&record);
            let mut backlog = self.backlog.lock().expect("lock");
            backlog.files.retain(|held| id_of(&held.record) != id);
        }
        true
    }

    /// Takes the messages of SQS into the backlog.
    async fn collect(&self) {
        for queue in [Queue::Uploads, Queue::Privacy, Queue::Print] {
            for taken in take(&self.world, queue).await {
                let mut backlog = self.backlog.lock().expect("lock");
                let visible_at = backlog.now();
                let record = record(taken["body"].as_str().expect("body"));
                backlog.files.push(Held { record, mail: false, queue, receives: 0, visible_at });
            }
        }
        for queue in [Queue::Issue, Queue::Mail] {
            let records = take(&self.world, queue).await;
            let mut backlog = self.backlog.lock().expect("lock");
            let now = backlog.now();
            backlog.sent += records.len();
            for taken in records {
                let mut record = record(taken["body"].as_str().expect("body"));
                record["receiptHandle"] = record["messageId"].clone();
                let mail = matches!(queue, Queue::Mail);
                backlog.held.push(Held { record, mail, queue, receives: 0, visible_at: now });
            }
        }
    }

    /// Messages sent since the start, and how many are held.
    pub async fn messages(&self) -> (usize, usize) {
        self.collect().await;
        let backlog = self.backlog.lock().expect("lock");
        (backlog.sent, backlog.len())
    }

    /// Dead letters.
    pub fn dead(&self) -> Vec<Value> {
        let backlog = self.backlog.lock().expect("lock");
        backlog.dead.iter().map(|held| queues::body_of(&held.record)).collect()
    }

    /// Delivers one batch of at most so many messages; false when none is visible.
    pub async fn deliver(&mut self, at_most: usize) -> bool {
        self.collect().await;
        self.deliver_held(at_most).await
    }

    async fn deliver_held(&mut self, at_most: usize) -> bool {
        let batch = self.receive(at_most);
        if batch.is_empty() {
            return false;
        }
        let twice = self.delivery == Delivery::Rough && self.rng.u32(0..4) == 0;
        let (one, other) = if twice {
            // The visibility ends in the middle of the batch: a second consumer has it too.
            let records = batch.clone();
            let app = self.app();
            let second = consume(app, records);
            let first = batch.clone();
            let done =
                self.run(|app| async move { tokio::join!(consume(app, first), second) }).await;
            done.map_or((None, None), |(a, b)| (a, b))
        } else {
            let records = batch.clone();
            (self.run(|app| consume(app, records)).await.flatten(), None)
        };
        self.settle(&batch, one.as_ref());
        if let Some(other) = other {
            self.settle(&batch, Some(&other));
        }
        true
    }

    /// Receives a batch of one queue.
    fn receive(&mut self, at_most: usize) -> Vec<Value> {
        let rough = self.delivery == Delivery::Rough;
        let mut backlog = self.backlog.lock().expect("lock");
        let now = backlog.now();
        if rough {
            self.rng.shuffle(&mut backlog.held);
        }
        let Some(mail) = backlog.held.iter().find(|h| h.visible_at <= now).map(|h| h.mail) else {
            return Vec::new();
        };
        let most = if rough { self.rng.usize(1..=at_most) } else { at_most };
        let mut batch = Vec::new();
        let mut dead = Vec::new();
        backlog.held.retain_mut(|held| {
            if held.mail != mail || held.visible_at > now || batch.len() >= most {
                return true;
            }
            held.receives += 1;
            if held.receives > MAX_RECEIVES[usize::from(mail)] {
                dead.push(held.clone());
                return false;
            }
            held.visible_at = now + VISIBILITY;
            held.record["attributes"]["ApproximateReceiveCount"] = held.receives.to_string().into();
            batch.push(held.record.clone());
            true
        });
        backlog.dead.extend(dead);
        backlog.changed.clear();
        batch
    }

    /// Deletes the handled messages. Those that the consumer named, or all without an answer, come
    /// back when their visibility ends.
    fn settle(&mut self, batch: &[Value], back: Option<&BTreeSet<String>>) {
        let Some(back) = back else { return };
        let delivery = self.delivery;
        let rng = &mut self.rng;
        let mut backlog = self.backlog.lock().expect("lock");
        let now = backlog.now();
        let handled: BTreeSet<String> =
            batch.iter().map(id_of).filter(|id| !back.contains(id)).collect();
        backlog.held.retain_mut(|held| {
            if !handled.contains(&id_of(&held.record)) {
                return true;
            }
            // A standard queue delivers at least once: some come again after their deletion.
            if held.receives > 1 {
                return false;
            }
            match delivery {
                Delivery::Plain => false,
                Delivery::Rough => {
                    held.visible_at = now + rng.i64(0..400);
                    rng.u32(0..6) == 0
                }
                Delivery::Twice => {
                    held.visible_at = now;
                    true
                }
            }
        });
    }

    /// Runs the sweeper once.
    pub async fn sweep(&mut self) {
        self.collect().await;
        self.run_sweeper().await;
    }

    async fn run_sweeper(&mut self) {
        let event = LambdaEvent::new(json!({}), context());
        let _ = self.run(|app| async move { sweeper::handle(&app, event).await }).await;
    }

    /// Delivers, sweeps, and lets the time pass until everything has ended: a minute at a time, ten
    /// once nothing was delivered for ten.
    pub async fn drain(&mut self) -> Result<()> {
        let mut quiet = 0;
        for round in 0..self.rounds {
            if round == 400 {
                // Faults that never stop let no run end.
                self.trouble = 0;
                self.faults.heal();
            }
            self.collect().await;
            if self.deliver_held_file().await || self.deliver_held(BATCH).await {
                quiet = 0;
                continue;
            }
            let held = self.backlog.lock().expect("lock").all();
            if held == 0 && oracle::unfinished(&self.world).await?.is_empty() {
                return Ok(());
            }
            quiet += 1;
            self.clock.jump(Duration::from_secs(if quiet > 10 { 600 } else { 60 }));
            self.run_sweeper().await;
        }
        let left = oracle::unfinished(&self.world).await?;
        let backlog = self.backlog.lock().expect("lock");
        bail!("it never ends: {} messages are held, {left:?}", backlog.len())
    }

    /// Ends a run: drains it and asks the oracle. The figures of the run.
    pub async fn finish(mut self) -> Result<oracle::Figures> {
        self.drain().await?;
        self.trouble = 0;
        self.faults.heal();
        for (key, (body, first)) in std::mem::take(&mut self.keyed) {
            let again = self.insist("POST", "/credentials/issue", Some(&body), Some(&key)).await?;
            ensure!(again.replayed, "an answer was not kept: {}", again.body);
            ensure!(again.body == first, "another answer: {} after {first}", again.body);
        }
        let figures = oracle::check(&self).await?;
        ensure!(self.messages().await.1 == 0, "messages are left");
        Ok(figures)
    }
}

fn process(
    world: &World,
    faults: &Faults,
    clock: &Clock,
    setting: Setting,
) -> (App, CancellationToken) {
    let (http_client, gone) = faults.process();
    let retry = RetryConfig::standard()
        .with_initial_backoff(Duration::from_millis(1))
        .with_max_backoff(Duration::from_millis(1));
    let mut app = world.stack.process(http_client, retry);
    app.clock = clock.clone();
    app.shard_rows = setting.shard_rows;
    app.print_files = PRINT_FILES;
    app.config.tracks_deliveries = setting.tracks_deliveries;
    (app, gone)
}

/// Calls the function that has the path.
pub async fn handle(app: App, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    if path.ends_with("/credentials/issue") {
        issue::handle(&app, request).await
    } else if request.method() == "PATCH"
        || ["/revoke", "/suspend", "/reinstate", "/renew", "/erase", "/export", "block"]
            .iter()
            .any(|end| path.ends_with(end))
        || path.contains("/signing-keys")
        || path.contains("/status-lists")
    {
        amend::handle(&app, request).await
    } else if path.contains("/jobs") || path.contains("/uploads") || path.ends_with("/resend") {
        jobs::handle(&app, request).await
    } else {
        catalog::handle(&app, request).await
    }
}

/// An invocation with a minute to its deadline.
pub fn context() -> Context {
    let mut context = Context::default();
    context.request_id = uuid::Uuid::new_v4().to_string();
    let deadline = SystemTime::now() + Duration::from_secs(60);
    context.deadline =
        u64::try_from(deadline.duration_since(UNIX_EPOCH).expect("now").as_millis()).expect("fits");
    context
}

/// Hands records to the consumer; the messages that come back, none when it failed as a whole.
async fn consume(app: App, records: Vec<Value>) -> Option<BTreeSet<String>> {
    let event = serde_json::from_value(json!({ "Records": records })).expect("an SQS event");
    let answer = consumer::handle(&app, LambdaEvent::new(event, context())).await.ok()?;
    Some(answer.batch_item_failures.into_iter().map(|f| f.item_identifier).collect())
}
