//! The service over HTTP: sends a request, repeats it while that is safe, and turns a refusal into
//! a [`Failure`].

mod failures;
mod request;
mod transfer;

use std::{
    error::Error as _,
    sync::Arc,
    time::{Duration, Instant},
};

use indicatif::ProgressBar;
use reqwest::{
    RequestBuilder, StatusCode,
    header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER},
    redirect,
};
use serde_json::Value;
use tokio::time::sleep;

pub use self::{
    request::{ApiRequest, ApiResponse, Repeat},
    transfer::{FileToSend, SendError, UploadTarget},
};
use crate::{exit::Failure, printer::Printer, progress::Progress, settings::Settings};

/// Longest wait for one answer; API Gateway gives up after 29 s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Period during which a command that neither uploads nor follows repeats a transient failure.
const SHORT_PATIENCE: Duration = Duration::from_secs(20);

/// A client of the service, with a key.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    settings: Arc<Settings>,
    printer: Printer,
    /// Longest wait for a lost connection; `None` fails at once.
    patience: Option<Duration>,
    /// The progress bar to suspend while a notice is printed.
    bar: Option<ProgressBar>,
}

impl Client {
    /// A client of the service that the settings name.
    ///
    /// # Errors
    /// When this machine has no root certificates.
    pub fn new(settings: Settings, printer: Printer) -> Result<Self, Failure> {
        let mut http = reqwest::Client::builder()
            // A redirect must not carry the key elsewhere.
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .user_agent(concat!("unicreda/", env!("CARGO_PKG_VERSION")));
        if settings.local {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| Failure::failed(root_cause(&error)))?;
        Ok(Self { http, settings: Arc::new(settings), printer, patience: None, bar: None })
    }

    /// A copy that waits `patience` for a lost connection while `progress` is shown.
    pub fn patient(&self, patience: Duration, progress: &Progress) -> Self {
        Self { patience: Some(patience), bar: progress.bar(), ..self.clone() }
    }

    /// Sends a request and reads its answer as JSON; an empty answer is null.
    ///
    /// # Errors
    /// When the service refuses the request, is unreachable, or answers something else.
    pub async fn json(&self, request: ApiRequest<'_>) -> Result<Value, Failure> {
        let answer = self.send(request).await?;
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body).map_err(|_| self.foreign_answer(StatusCode::OK))
    }

    /// Sends a request. Repeats it while the service is unreachable or asks to retry, as far as
    /// that is safe.
    ///
    /// # Errors
    /// As [`Client::json`].
    pub async fn send(&self, request: ApiRequest<'_>) -> Result<ApiResponse, Failure> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(500);
        loop {
            let (failure, wait) = match self.attempt(&request).await {
                Ok((status, answer)) if status.is_success() => return Ok(answer),
                Ok((status, answer)) => {
                    let wait = is_transient(status, &answer, request.repeat).then(|| {
                        let asked = answer.header(RETRY_AFTER.as_str());
                        asked.and_then(|s| s.parse().ok()).map_or(pause, Duration::from_secs)
                    });
                    (self.refusal(status, &answer, &request), wait)
                }
                Err(error) => {
                    let undone = error.is_connect();
                    let again = match self.patience {
                        Some(_) => undone || request.repeat == Repeat::Safe,
                        None => !undone && request.repeat == Repeat::Safe,
                    };
                    (self.unreachable(&error), again.then_some(pause))
                }
            };
            let left = self.patience.unwrap_or(SHORT_PATIENCE).saturating_sub(began.elapsed());
            let Some(wait) = wait.filter(|wait| *wait <= left) else {
                return Err(failure);
            };
            self.print_retry(&failure, wait);
            sleep(wait).await;
            pause = (pause * 2).min(Duration::from_secs(15));
        }
    }

    /// Prints that a request will be repeated after `wait`.
    pub fn print_retry(&self, failure: &Failure, wait: Duration) {
        let text = failure.text();
        let seconds = wait.as_secs().max(1);
        let line = self.printer.pick(
            format!("{text}; se reintenta en {seconds} s"),
            format!("{text}; retrying in {seconds} s"),
        );
        match &self.bar {
            Some(bar) => bar.suspend(|| self.printer.notice(&line)),
            None => self.printer.notice(&line),
        }
    }

    async fn attempt(
        &self,
        request: &ApiRequest<'_>,
    ) -> reqwest::Result<(StatusCode, ApiResponse)> {
        let response = self.build(request).timeout(ANSWER_TIMEOUT).send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok((status, ApiResponse { headers, body: response.bytes().await? }))
    }

    fn build(&self, request: &ApiRequest<'_>) -> RequestBuilder {
        let mut url = format!("{}/api/v1{}", self.settings.site, request.path);
        if !request.query.is_empty() {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&request.query);
            url = format!("{url}?{}", query.finish());
        }
        let mut builder = self
            .http
            .request(request.method.clone(), url)
            .header("x-api-key", self.settings.key.secret())
            .header(ACCEPT, request.accept)
            .header(ACCEPT_LANGUAGE, self.printer.lang.tag());
        if let Some(key) = &request.idempotency_key {
            builder = builder.header("idempotency-key", key);
        }
        if let Some((media_type, body)) = &request.body {
            builder = builder.header(CONTENT_TYPE, *media_type).body(body.clone());
        }
        builder
    }
}

/// Whether the same request may succeed soon and repeating it is safe.
fn is_transient(status: StatusCode, answer: &ApiResponse, repeat: Repeat) -> bool {
    match status.as_u16() {
        // The service refuses with 429 before it does anything.
        429 => true,
        500 | 502 | 503 | 504 => repeat == Repeat::Safe,
        409 => answer.headers.contains_key(RETRY_AFTER),
        _ => false,
    }
}

/// The innermost cause of a failed connection.
fn root_cause(error: &reqwest::Error) -> String {
    let mut innermost = error.source();
    while let Some(source) = innermost.and_then(std::error::Error::source) {
        innermost = Some(source);
    }
    innermost.map_or_else(|| error.to_string(), ToString::to_string)
}
