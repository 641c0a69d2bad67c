//! The service over HTTP: one request, repeated while that is safe and helps, and its
//! answer or what the service says against it.

use std::{
    collections::BTreeMap,
    error::Error as _,
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;
use indicatif::ProgressBar;
use reqwest::{
    Body, Method, RequestBuilder, StatusCode,
    header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, RETRY_AFTER},
    redirect,
};
use serde_json::Value;
use tokio::{
    fs::File,
    io::AsyncReadExt,
    time::{sleep, timeout},
};

use crate::{
    exit::{Exit, Failure},
    progress::Progress,
    screen::Screen,
    settings::Settings,
};

/// Longest that one answer may take; API Gateway gives up after 29 s.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Longest that a transfer of a file may stand still.
const STALLED_AFTER: Duration = Duration::from_secs(60);
/// How long a single command repeats what the service had no time for.
const SHORT_PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of a file read at a time.
const CHUNK: usize = 64 * 1024;

/// Whether a request may be repeated though its first answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// The second call answers like the first.
    Safe,
    /// It could be done twice: repeated only when it was not done.
    OnlyUndone,
}

/// A request.
pub struct Ask<'a> {
    method: Method,
    path: String,
    query: Vec<(&'a str, String)>,
    body: Option<(&'static str, Bytes)>,
    accept: &'static str,
    idempotency_key: Option<String>,
    repeat: Repeat,
}

impl<'a> Ask<'a> {
    /// `GET` of a path below `/api/v1`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// `POST`, repeated only while it was not done.
    pub fn post(path: impl Into<String>) -> Self {
        Self { repeat: Repeat::OnlyUndone, ..Self::new(Method::POST, path) }
    }

    /// `DELETE`.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            body: None,
            accept: "application/json",
            idempotency_key: None,
            repeat: Repeat::Safe,
        }
    }

    /// A parameter, if there is one.
    pub fn query(mut self, name: &'a str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// A JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", Bytes::from(body.to_string()))
    }

    /// A body of another kind.
    pub fn body(mut self, media_type: &'static str, body: Bytes) -> Self {
        self.body = Some((media_type, body));
        self
    }

    /// The media type wanted.
    pub fn accept(mut self, media_type: &'static str) -> Self {
        self.accept = media_type;
        self
    }

    /// An `Idempotency-Key` of its own: repeating is safe then.
    pub fn once(mut self) -> Self {
        self.idempotency_key = Some(uuid::Uuid::new_v4().to_string());
        self.repeat = Repeat::Safe;
        self
    }

    /// Repeating is safe without a key too.
    pub fn repeatable(mut self) -> Self {
        self.repeat = Repeat::Safe;
        self
    }
}

/// An answer with a status below 400.
#[derive(Debug)]
pub struct Answer {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The service, with a key.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    settings: Arc<Settings>,
    screen: Screen,
    /// How long a lost connection is waited for; none: it fails at once.
    patience: Option<Duration>,
    /// What is drawn meanwhile.
    bar: Option<ProgressBar>,
}

impl Client {
    /// A client of the service that the settings name.
    ///
    /// # Errors
    /// When this machine has no certificates to trust.
    pub fn new(settings: Settings, screen: Screen) -> Result<Self, Failure> {
        let mut http = reqwest::Client::builder()
            // A redirect must not carry the key elsewhere.
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .user_agent(concat!("unicreda/", env!("CARGO_PKG_VERSION")));
        if settings.local {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| Failure::failed(cause(&error)))?;
        Ok(Self { http, settings: Arc::new(settings), screen, patience: None, bar: None })
    }

    /// The same, waiting for a lost connection while progress is shown.
    pub fn patient(&self, patience: Duration, progress: &Progress) -> Self {
        Self { patience: Some(patience), bar: progress.bar(), ..self.clone() }
    }

    /// Sends a request and reads its answer as JSON; null when it is empty.
    ///
    /// # Errors
    /// What the service says against it, or why it cannot be reached.
    pub async fn json(&self, ask: Ask<'_>) -> Result<Value, Failure> {
        let answer = self.send(ask).await?;
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body).map_err(|_| self.not_ours(StatusCode::OK))
    }

    /// Sends a request, again while the service is out of reach or asks for patience, as
    /// far as that is safe.
    ///
    /// # Errors
    /// As [`Client::json`].
    pub async fn send(&self, ask: Ask<'_>) -> Result<Answer, Failure> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(500);
        loop {
            let (failure, wait) = match self.attempt(&ask).await {
                Ok((status, answer)) if status.is_success() => return Ok(answer),
                Ok((status, answer)) => {
                    let wait = may_pass(status, &answer, ask.repeat).then(|| {
                        let asked = answer.header(RETRY_AFTER.as_str());
                        asked.and_then(|s| s.parse().ok()).map_or(pause, Duration::from_secs)
                    });
                    (self.refusal(status, &answer, &ask), wait)
                }
                Err(error) => {
                    let undone = error.is_connect();
                    let again = match self.patience {
                        Some(_) => undone || ask.repeat == Repeat::Safe,
                        None => !undone && ask.repeat == Repeat::Safe,
                    };
                    (self.unreachable(&error), again.then_some(pause))
                }
            };
            let left = self.patience.unwrap_or(SHORT_PATIENCE).saturating_sub(began.elapsed());
            let Some(wait) = wait.filter(|wait| *wait <= left) else {
                return Err(failure);
            };
            self.lost(&failure, wait);
            sleep(wait).await;
            pause = (pause * 2).min(Duration::from_secs(15));
        }
    }

    /// Says that a request is repeated, and when.
    pub fn lost(&self, failure: &Failure, wait: Duration) {
        let text = failure.text();
        let seconds = wait.as_secs().max(1);
        let line = self.screen.pick(
            format!("{text}; se intenta otra vez en {seconds} s"),
            format!("{text}; trying again in {seconds} s"),
        );
        match &self.bar {
            Some(bar) => bar.suspend(|| self.screen.notice(&line)),
            None => self.screen.notice(&line),
        }
    }

    async fn attempt(&self, ask: &Ask<'_>) -> reqwest::Result<(StatusCode, Answer)> {
        let request = self.request(ask).timeout(ANSWER_WITHIN);
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok((status, Answer { headers, body: response.bytes().await? }))
    }

    fn request(&self, ask: &Ask<'_>) -> RequestBuilder {
        let mut url = format!("{}/api/v1{}", self.settings.site, ask.path);
        if !ask.query.is_empty() {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&ask.query);
            url = format!("{url}?{}", query.finish());
        }
        let mut request = self
            .http
            .request(ask.method.clone(), url)
            .header("x-api-key", self.settings.key.secret())
            .header(ACCEPT, ask.accept)
            .header(ACCEPT_LANGUAGE, self.screen.lang.tag());
        if let Some(key) = &ask.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if let Some((media_type, body)) = &ask.body {
            request = request.header(CONTENT_TYPE, *media_type).body(body.clone());
        }
        request
    }

    /// Puts a file of this size to an address that needs no key; `sent` counts its bytes.
    ///
    /// # Errors
    /// Why it did not arrive.
    pub async fn put(
        &self,
        to: &Address,
        path: &Path,
        size: u64,
        sent: &Arc<AtomicU64>,
    ) -> Result<(), NotSent> {
        let file = File::open(path).await;
        let file = file.map_err(|error| NotSent::Refused(Failure::file(path, &error)))?;
        sent.store(0, Ordering::Relaxed);
        let counter = Arc::clone(sent);
        let chunks = stream::try_unfold((file, size), move |(mut file, left)| {
            let counter = Arc::clone(&counter);
            async move {
                let mut chunk = vec![0; usize::try_from(left).map_or(CHUNK, |n| n.min(CHUNK))];
                let read = file.read(&mut chunk).await?;
                chunk.truncate(read);
                let read = u64::try_from(read).unwrap_or(0);
                counter.fetch_add(read, Ordering::Relaxed);
                let frame = Frame::data(Bytes::from(chunk));
                Ok::<_, std::io::Error>((read > 0).then_some((frame, (file, left - read))))
            }
        });
        let mut request = self.http.put(&to.url).header(CONTENT_LENGTH, size);
        for (name, value) in to.headers.iter().filter(|(name, _)| *name != "content-length") {
            request = request.header(name, value);
        }
        let sending = request.body(Body::wrap(StreamBody::new(chunks))).send();
        tokio::pin!(sending);
        let mut before = 0;
        let response = loop {
            if let Ok(response) = timeout(STALLED_AFTER, &mut sending).await {
                break response.map_err(|error| NotSent::Lost(self.unreachable(&error)))?;
            }
            let now = sent.load(Ordering::Relaxed);
            if now == before {
                return Err(NotSent::Lost(self.stalled()));
            }
            before = now;
        };
        match response.status() {
            status if status.is_success() => Ok(()),
            // What S3 says of a signature that is no longer good.
            StatusCode::FORBIDDEN => Err(NotSent::Ended),
            status if status.is_server_error() => Err(NotSent::Lost(self.not_ours(status))),
            status => {
                let said = timeout(STALLED_AFTER, response.text()).await;
                let said = said.ok().and_then(Result::ok).unwrap_or_default();
                let said: String = said.chars().take(300).collect();
                let refused = self.screen.pick(
                    format!("el almacén rechazó el archivo ({status}): {said}"),
                    format!("the storage refused the file ({status}): {said}"),
                );
                Err(NotSent::Refused(Failure::failed(refused)))
            }
        }
    }

    /// Writes what an address that needs no key answers.
    ///
    /// # Errors
    /// When it cannot be read to its end, or not written.
    pub async fn fetch(&self, url: &str, into: &mut (impl Write + ?Sized)) -> Result<(), Failure> {
        let sent = timeout(ANSWER_WITHIN, self.http.get(url).send()).await;
        let sent = sent.map_err(|_| self.stalled())?;
        let mut response = sent.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(self.not_ours(response.status()));
        }
        loop {
            let chunk = timeout(STALLED_AFTER, response.chunk()).await;
            let chunk = chunk.map_err(|_| self.stalled())?;
            match chunk.map_err(|error| self.unreachable(&error))? {
                None => return Ok(()),
                Some(chunk) => {
                    into.write_all(&chunk).map_err(|error| Failure::failed(error.to_string()))?
                }
            }
        }
    }

    fn stalled(&self) -> Failure {
        Failure::new(
            Exit::Unavailable,
            self.screen.pick("la conexión no avanza", "the connection stands still"),
        )
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let (site, why) = (&self.settings.site, cause(error));
        let failure = Failure::new(
            Exit::Unavailable,
            self.screen.pick(
                format!("sin conexión con {site} ({why})"),
                format!("no connection to {site} ({why})"),
            ),
        );
        if self.settings.local {
            return failure.next(self.screen.pick(
                "inicia la pila local con `cargo run` y repite el mismo comando",
                "start the local stack with `cargo run` and give the same command again",
            ));
        }
        failure.next(self.screen.pick(
            "comprueba la red y la dirección, y repite el mismo comando: nada se emite dos veces",
            "check the network and the address, and give the same command again: nothing is issued twice",
        ))
    }

    /// An answer that is not of this service: a proxy's page, or another program.
    fn not_ours(&self, status: StatusCode) -> Failure {
        let (site, number) = (&self.settings.site, status.as_u16());
        let exit = if status.is_server_error() { Exit::Unavailable } else { Exit::Failed };
        Failure::new(
            exit,
            self.screen.pick(
                format!("{site} respondió {number}, y no como lo hace este servicio"),
                format!("{site} answered {number}, and not as this service does"),
            ),
        )
        .next(self.screen.pick(
            "comprueba la dirección del servicio (--url, UNICREDA_URL)",
            "check the address of the service (--url, UNICREDA_URL)",
        ))
    }

    /// What the service says against a request, and what to do next.
    fn refusal(&self, status: StatusCode, answer: &Answer, ask: &Ask<'_>) -> Failure {
        let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("code").is_empty() {
            return self.not_ours(status);
        }
        let exit = match status.as_u16() {
            401 | 403 => Exit::Key,
            429 | 500.. => Exit::Unavailable,
            _ => Exit::Failed,
        };
        let mut failure = Failure::new(exit, format!("{}: {}", text("title"), text("detail")));
        let errors = problem.get("errors").and_then(Value::as_array);
        for error in errors.into_iter().flatten() {
            let part = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
            failure = failure.detail(format!("{}: {}", part("pointer"), part("message")));
        }
        if !text("request_id").is_empty() {
            failure = failure.detail(format!("request_id: {}", text("request_id")));
        }
        if let Some(next) = self.next_step(status, text("code"), &problem, ask) {
            failure = failure.next(next);
        }
        failure.problem(problem)
    }

    fn next_step(
        &self,
        status: StatusCode,
        code: &str,
        problem: &Value,
        ask: &Ask<'_>,
    ) -> Option<String> {
        let (screen, from) = (self.screen, &self.settings.key_from);
        let names_template =
            problem.pointer("/errors/0/pointer").is_some_and(|p| p == "/template_id");
        let text = match (status.as_u16(), code) {
            (401, _) => screen.pick(
                format!("la clave vino de {from}; indica otra con UNICREDA_API_KEY, --key-file o --key-stdin"),
                format!("the key came from {from}; name another with UNICREDA_API_KEY, --key-file or --key-stdin"),
            ),
            (403, _) if self.settings.key.test && ask.method != Method::GET => screen.pick(
                format!("la clave de {from} es de prueba; si tiene el permiso, hace falta una uc_live_ (`unicreda keys list` muestra los permisos)"),
                format!("the key of {from} is a test key; if it has the scope, a uc_live_ key is needed (`unicreda keys list` shows scopes)"),
            ),
            (403, _) => screen.pick(
                format!("usa una clave con ese permiso en vez de la de {from}: `unicreda keys create --name … --scopes …`"),
                format!("use a key with that scope instead of that of {from}: `unicreda keys create --name … --scopes …`"),
            ),
            (404, _) if names_template || ask.path.starts_with("/templates") => screen.pick(
                "`unicreda templates list` muestra las plantillas".to_owned(),
                "`unicreda templates list` shows the templates".to_owned(),
            ),
            (404, _) if ask.path.starts_with("/jobs") => screen.pick(
                "`unicreda jobs list` muestra los trabajos; los de prueba, con una clave de prueba".to_owned(),
                "`unicreda jobs list` shows the jobs; those of tests with a test key".to_owned(),
            ),
            (404, _) if ask.path.starts_with("/credentials") => screen.pick(
                "`unicreda credentials find` busca credenciales; las de prueba, con una clave de prueba".to_owned(),
                "`unicreda credentials find` finds credentials; those of tests with a test key".to_owned(),
            ),
            (404, _) if ask.path.starts_with("/api-keys") => screen.pick(
                "`unicreda keys list` muestra las claves".to_owned(),
                "`unicreda keys list` shows the keys".to_owned(),
            ),
            (413, "too_many_recipients" | "payload_too_large") => screen.pick(
                "divide el archivo en partes".to_owned(),
                "split the file into parts".to_owned(),
            ),
            (429 | 500.., _) if ask.repeat == Repeat::Safe => screen.pick(
                "repite el mismo comando en un momento: nada se hace dos veces".to_owned(),
                "give the same command again in a moment: nothing is done twice".to_owned(),
            ),
            (500.., _) => screen.pick(
                "mira primero si se hizo, y si no, repite el comando".to_owned(),
                "see first whether it was done, and if not, give the command again".to_owned(),
            ),
            _ => return None,
        };
        Some(text)
    }
}

/// Where a file goes, without a key.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Address {
    /// Signed, good for minutes.
    pub url: String,
    /// Signed with it.
    pub headers: BTreeMap<String, String>,
}

/// Why a file did not arrive.
pub enum NotSent {
    /// The connection broke off: again to the same address.
    Lost(Failure),
    /// The address has ended.
    Ended,
    /// It will not be taken.
    Refused(Failure),
}

/// Whether an answer may be another one soon, and asking again does no harm.
fn may_pass(status: StatusCode, answer: &Answer, repeat: Repeat) -> bool {
    match status.as_u16() {
        // Refused before anything was done.
        429 => true,
        500 | 502 | 503 | 504 => repeat == Repeat::Safe,
        409 => answer.headers.contains_key(RETRY_AFTER),
        _ => false,
    }
}

/// The innermost reason of a failed connection.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost = error.source();
    while let Some(source) = innermost.and_then(std::error::Error::source) {
        innermost = Some(source);
    }
    innermost.map_or_else(|| error.to_string(), ToString::to_string)
}
