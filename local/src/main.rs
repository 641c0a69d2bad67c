//! Starts the local stack.

use std::io::{self, IsTerminal, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use local::{
    Data, Options, Stack, demo, folder,
    greeting::{self, Greeting, Paint},
    inbox::Showcase,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Threads of the API, the pollers and the embedded services free memory that others allocated, which
/// mimalloc does fast.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the whole issuing service on this machine: API, queues, tables and mail.
#[derive(Debug, Parser)]
#[command(name = "local", version)]
struct Arguments {
    /// Port of the API on localhost; the embedded services use the next four, or free ones.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Folder for the data and demo.env [default: .local].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Keep the data in memory; demo.env is written to a temporary folder, or to --data DIR.
    #[arg(long)]
    memory: bool,
    /// Make the embedded services reachable for containers at this address of this machine.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "172.17.0.1")]
    containers: Option<IpAddr>,
    /// Remove the data of earlier starts first.
    #[arg(long)]
    fresh: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let level = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "warn".to_owned());
    // Failed conditions are expected, but the embedded DynamoDB warns about each.
    let filter = EnvFilter::builder().parse_lossy(format!("{level},dynoxide=error"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let data = if arguments.memory {
        Data::Memory
    } else {
        Data::Dir(arguments.data.clone().unwrap_or_else(|| ".local".into()))
    };
    let options = Options {
        port: arguments.port,
        data,
        fresh: arguments.fresh,
        containers: arguments.containers,
        ..Options::default()
    };
    let stack = Stack::start(options).await?;

    // With --memory, the folder of --data contains only demo.env.
    let home = match (&arguments.data, arguments.memory) {
        (Some(given), true) => folder::Folder::open(&Data::Dir(given.clone()), false)?.into(),
        _ => None,
    };
    let home = home.as_ref().map_or(stack.data_dir(), folder::Folder::path);
    let demo = match folder::read_demo(home).filter(|_| !stack.is_new()) {
        Some(demo) => demo,
        None => demo::seed(stack.app()).await?,
    };
    // An earlier version created folders without signing keys.
    demo::ensure_signing_keys(stack.app()).await?;
    let demo::Pages { credential, wallet } = demo::issue(stack.app(), &demo).await?;
    let endpoints = stack.endpoints();
    let base_url = format!("http://localhost:{}/api/v1", stack.port());
    let signing_key = std::path::absolute(stack.data_dir().join(folder::SIGNING_KEY))?;
    let signing_key = signing_key.display().to_string();
    let environment = folder::write_demo(
        home,
        &[
            ("BASE_URL", &base_url),
            ("API_KEY", &demo.api_key),
            ("TEST_API_KEY", &demo.test_api_key),
            ("TEMPLATE_ID", &demo.template_id),
            ("SITE_URL", &stack.app().config.site_url),
            ("AWS_ENDPOINT_URL_DYNAMODB", &endpoints.dynamodb),
            ("AWS_ENDPOINT_URL_SQS", &endpoints.sqs),
            ("AWS_ENDPOINT_URL_SES", &endpoints.ses),
            ("AWS_ENDPOINT_URL_S3", &endpoints.s3),
            ("UPLOADS_BUCKET", local::bucket::BUCKET),
            ("SIGNING_KEY_FILE", &signing_key),
        ],
    )?;

    let quoted = greeting::shell(&environment.display().to_string());
    stack.show(Showcase { environment: quoted, credential: credential.clone(), wallet });

    let mut out = io::stdout();
    let paint = Paint {
        colour: out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
    };
    let data = if arguments.memory {
        "in memory, lost when the stack stops".to_owned()
    } else {
        stack.data_dir().display().to_string()
    };
    let greeting =
        Greeting { data: &data, environment: &environment, credential: credential.as_deref() };
    // A closed standard output must not end the stack.
    let _ = out.write_all(greeting.text(&stack, paint).as_bytes());
    let _ = out.flush();

    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    stack.shutdown().await;
    Ok(())
}
