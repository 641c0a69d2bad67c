//! `unicreda`: the command line of the issuing service.
//!
//! Results go to standard output, everything else to standard error, so that a script reads
//! the one and a person both. All commands but `admin` speak HTTP to the public API.

mod admin;
mod client;
mod credentials;
mod exit;
mod following;
mod input;
mod issue;
mod jobs;
mod keys;
mod members;
mod place;
mod progress;
mod screen;
mod secret;
mod session;
mod settings;
mod state;
mod templates;
mod upload;

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    exit::{Exit, Failure},
    screen::Screen,
    session::{Session, WayOn},
};

/// The command line of the issuing service.
#[derive(Debug, Parser)]
#[command(name = "unicreda", version, after_help = AFTER_HELP, arg_required_else_help = true)]
struct Arguments {
    #[command(flatten)]
    service: settings::Flags,
    #[command(flatten)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

/// What is written, and how.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct Output {
    /// JSON on standard output, one document or a line an item, and nothing else there.
    #[arg(long, global = true)]
    json: bool,
    /// No progress and no notices.
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Language: es or en [env: UNICREDA_LANG, LC_ALL, LC_MESSAGES, LANG] [default: es].
    #[arg(long, global = true, value_name = "LANG", value_parser = ["es", "en"])]
    lang: Option<String>,
    /// How long a lost connection is waited for while a file goes up or a job is followed.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 300)]
    patience: u64,
}

const AFTER_HELP: &str = "\
Where it calls, and with which key: flags, then UNICREDA_URL and UNICREDA_API_KEY, then the
configuration file, then the local stack of this folder (.local/demo.env). A key in a file goes
to the URL of the same file alone.

Exit codes:
    0  all of it was done
    1  the command failed; a credential does not verify
    2  the arguments are wrong
    3  it ended, but rows or mails of it failed
    4  the key is missing, unknown, or may not do this
    5  the service is out of reach or overloaded: the same command again goes on
  130  interrupted by Ctrl-C (143: by SIGTERM): the same command again goes on";

#[derive(Debug, Subcommand)]
enum Command {
    /// Issues one credential by flags, or many from a CSV or JSON Lines file.
    ///
    /// A file is uploaded, its job followed, its results written. Ended in the middle, by
    /// Ctrl-C or a lost connection, the same command again goes on where it was: the same file
    /// never gets a second job, unless --again asks for one.
    Issue(issue::Arguments),
    /// Jobs: list, watch, results, retry, cancel.
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// Templates: list, show, create, csv.
    #[command(subcommand)]
    Templates(templates::Command),
    /// Members of the organization.
    #[command(subcommand)]
    Members(members::Command),
    /// Credentials: find, revoke, resend, verify.
    #[command(subcommand)]
    Credentials(credentials::Command),
    /// API keys: create, list, revoke.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Organizations and their first keys, written to a deployment's tables with the
    /// operator's AWS credentials.
    Admin(admin::Arguments),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let screen = Screen {
        lang: screen::language(arguments.output.lang.as_deref()),
        json: arguments.output.json,
        quiet: arguments.output.quiet,
    };
    let way_on = WayOn::default();
    let outcome = tokio::select! {
        outcome = run(arguments, screen, WayOn::clone(&way_on)) => outcome,
        exit = interrupted() => Err(Failure::new(exit, "")),
    };
    let exit = match outcome {
        Ok(exit) => exit,
        Err(failure) => {
            let goes_on =
                matches!(failure.exit, Exit::Unavailable | Exit::Interrupted | Exit::Terminated);
            let failure = match way_on.take().filter(|_| goes_on) {
                Some(way_on) => failure.next(way_on),
                None => failure,
            };
            let _ = io::stderr().write_all(failure.for_people(screen.lang).as_bytes());
            if failure.exit != Exit::Done {
                let _ = screen.document(&failure.for_scripts());
            }
            failure.exit
        }
    };
    ExitCode::from(exit as u8)
}

async fn run(arguments: Arguments, screen: Screen, way_on: WayOn) -> Result<Exit, Failure> {
    let patience = Duration::from_secs(arguments.output.patience);
    let flags = arguments.service;
    let open = || Session::open(&flags, screen, patience, way_on);
    match arguments.command {
        Command::Admin(arguments) => {
            let ran = admin::run(arguments, flags.data.as_deref(), screen).await;
            ran.map(|()| Exit::Done).map_err(|error| match error.downcast() {
                Ok(failure) => failure,
                Err(error) => Failure::failed(format!("{error:#}")),
            })
        }
        Command::Issue(arguments) => {
            if flags.takes_stdin() && arguments.reads_stdin() {
                return Err(Failure::usage(screen.pick(
                    "la clave y el archivo no pueden venir ambos de la entrada estándar",
                    "key and file cannot both come from standard input",
                )));
            }
            issue::run(&open()?, arguments).await
        }
        Command::Jobs(command) => jobs::run(&open()?, command).await,
        Command::Templates(command) => templates::run(&open()?, command).await,
        Command::Members(command) => members::run(&open()?, command).await,
        Command::Credentials(command) => credentials::run(&open()?, command).await,
        Command::Keys(command) => keys::run(&open()?, command).await,
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn interrupted() -> Exit {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals end the process as they always do.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => Exit::Interrupted,
        _ = terminate.recv() => Exit::Terminated,
    }
}

/// What the service says of a request, as an error that names what to mend.
fn said(problem: unicreda::http::problem::Problem) -> anyhow::Error {
    let (_, english) = problem.texts();
    match problem.cause {
        None => anyhow::anyhow!(english),
        // The code of an AWS call that failed: what the operator looks up.
        Some(cause) => anyhow::anyhow!("{cause}").context("the deployment did not do it"),
    }
}
