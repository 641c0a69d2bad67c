//! Serves HTTP on a listener, and groups the stack's tasks so that they can be stopped.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A group of tasks.
///
/// `stop` asks them to finish their current work. `kill` ends them at once, as dropping the stack does.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    pub stop: CancellationToken,
    pub kill: CancellationToken,
    pub tracker: TaskTracker,
}

impl Tasks {
    /// A group that is stopped and awaited separately, but killed with this one.
    pub fn sibling(&self) -> Self {
        Self {
            stop: CancellationToken::new(),
            kill: self.kill.clone(),
            tracker: TaskTracker::new(),
        }
    }

    /// Runs a task until it ends or is killed.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let kill = self.kill.clone();
        self.tracker.spawn(async move {
            kill.run_until_cancelled_owned(task).await;
        });
    }

    /// Asks all tasks to finish and waits for them, at most `patience`.
    pub async fn finish(&self, patience: Duration) {
        self.stop.cancel();
        self.tracker.close();
        let _ = tokio::time::timeout(patience, self.tracker.wait()).await;
    }
}

/// Answers the requests of a listener with `service`, with one task per connection.
pub fn serve<S, B>(listener: TcpListener, tasks: &Tasks, service: S)
where
    S: Fn(Request<Incoming>, SocketAddr) -> BoxAnswer<B> + Clone + Send + Sync + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let group = tasks.clone();
    tasks.spawn(async move {
        loop {
            let accepted = tokio::select! {
                () = group.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, peer)) = accepted else {
                // The process has no free descriptors, or the peer has disconnected: the server continues.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            let (stop, service) = (group.stop.clone(), service.clone());
            group.spawn(async move {
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(Duration::from_secs(60))
                    .serve_connection(
                        TokioIo::new(stream),
                        hyper::service::service_fn(move |request| service(request, peer)),
                    );
                let mut connection = pin!(connection);
                tokio::select! {
                    _ = connection.as_mut() => return,
                    () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
                }
                let _ = connection.await;
            });
        }
    });
}

/// The future of an answer.
pub type BoxAnswer<B> =
    std::pin::Pin<Box<dyn Future<Output = Result<Response<B>, Infallible>> + Send>>;
