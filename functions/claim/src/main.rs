//! The Lambda function `claim`.

use lambda_http::{Error, service_fn};
use unicreda::{App, http::event};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    unicreda::telemetry::init();
    let app = App::from_env().await?;
    let app = &app;
    event::run(service_fn(move |request| async move {
        Ok::<_, Error>(claim::handle(app, request).await)
    }))
    .await
}
