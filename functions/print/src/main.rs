//! The Lambda function `print`.

use lambda_runtime::{Error, service_fn};
use unicreda::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    unicreda::telemetry::init();
    let app = App::from_env_with_files().await?;
    let app = &app;
    lambda_runtime::run(service_fn(move |event| print::handle(app, event))).await
}
