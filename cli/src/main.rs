//! `unicreda`: the command line of the issuing service.
//!
//! Results go to standard output, everything else to standard error, so that a script reads the
//! first and a person reads both. All commands except `admin` call the public HTTP API.

mod admin;
mod certificates;
mod client;
mod credentials;
mod deployment;
mod designs;
mod exit;
mod faulty;
mod follow;
mod input;
mod issue;
mod jobs;
mod key_sink;
mod keys;
mod members;
mod output_file;
mod people;
mod pictures;
mod printer;
mod progress;
mod results;
mod review;
mod session;
mod settings;
mod summary;
mod templates;
mod upload;

use std::{process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    exit::{Exit, Failure},
    printer::Printer,
    session::{ResumeHint, Session},
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

/// Flags of every command's output.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct Output {
    /// Print only JSON on standard output: one document, or one line per item.
    #[arg(long, global = true)]
    json: bool,
    /// Print no progress and no notices.
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Language: es or en [env: UNICREDA_LANG, LC_ALL, LC_MESSAGES, LANG] [default: es].
    #[arg(long, global = true, value_name = "LANG", value_parser = ["es", "en"])]
    lang: Option<String>,
    /// Longest wait for a lost connection while uploading a file or following a job.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 300)]
    patience: u64,
}

const AFTER_HELP: &str = "\
The service's address and the key come from the first of these that has them: flags,
UNICREDA_URL and UNICREDA_API_KEY, the configuration file, the local stack of this folder
(.local/demo.env). A key stored in a file is sent only to the URL in the same file.

Exit codes:
    0  everything succeeded
    1  the command failed, or a credential did not verify
    2  the arguments are wrong
    3  the job ended, but some rows or mails failed
    4  the key is missing, unknown or lacks the permission
    5  the service is unreachable or overloaded; run the same command again to continue
  130  interrupted by Ctrl-C (143: by SIGTERM); run the same command again to continue";

#[derive(Debug, Subcommand)]
enum Command {
    /// Issue one credential from flags, or many from a CSV or JSON Lines file.
    ///
    /// Uploads the file, follows its job and writes the results. If it is interrupted, by Ctrl-C
    /// or a lost connection, the same command continues where it stopped: a file never gets a
    /// second job unless --again asks for one.
    Issue(Box<issue::Arguments>),
    /// Work with jobs: list, watch, results, retry, cancel.
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// Work with templates: list, show, create, csv.
    #[command(subcommand)]
    Templates(templates::Command),
    /// Import members of the organization.
    #[command(subcommand)]
    Members(members::Command),
    /// Work with credentials: find, revoke, resend, verify.
    #[command(subcommand)]
    Credentials(credentials::Command),
    /// Answer the requests of people about their data: erase.
    #[command(subcommand)]
    People(people::Command),
    /// Work with API keys: create, list, revoke.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Set up organizations and their first keys in a deployment's tables, with the operator's
    /// AWS credentials.
    Admin(Box<admin::Arguments>),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let printer = Printer {
        lang: printer::language(arguments.output.lang.as_deref()),
        json: arguments.output.json,
        quiet: arguments.output.quiet,
    };
    let resume_hint = ResumeHint::default();
    let outcome = tokio::select! {
        outcome = run(arguments, printer, ResumeHint::clone(&resume_hint)) => outcome,
        exit = interrupted() => Err(Failure::new(exit, "")),
    };
    let exit = match outcome {
        Ok(exit) => exit,
        Err(failure) => {
            let can_resume =
                matches!(failure.exit, Exit::Unavailable | Exit::Interrupted | Exit::Terminated);
            let failure = match resume_hint.take().filter(|_| can_resume) {
                Some(hint) => failure.next(hint),
                None => failure,
            };
            for line in failure.lines(printer.lang) {
                printer::print_error(&line);
            }
            if failure.exit != Exit::Done {
                let _ = printer.json(&failure.to_json());
            }
            failure.exit
        }
    };
    ExitCode::from(exit as u8)
}

async fn run(
    arguments: Arguments,
    printer: Printer,
    resume_hint: ResumeHint,
) -> Result<Exit, Failure> {
    let patience = Duration::from_secs(arguments.output.patience);
    let flags = arguments.service;
    let open = || Session::open(&flags, printer, patience, resume_hint);
    match arguments.command {
        Command::Admin(arguments) => {
            let ran = admin::run(*arguments, flags.data.as_deref(), printer).await;
            ran.map(|()| Exit::Done).map_err(|error| match error.downcast() {
                Ok(failure) => failure,
                Err(error) => Failure::failed(format!("{error:#}")),
            })
        }
        Command::Issue(arguments) => {
            if flags.takes_stdin() && arguments.reads_stdin() {
                return Err(Failure::usage(printer.pick(
                    "la clave y el archivo no pueden venir ambos de la entrada estándar",
                    "the key and the file cannot both come from standard input",
                )));
            }
            issue::run(&open()?, *arguments).await
        }
        Command::Jobs(command) => jobs::run(&open()?, command).await,
        Command::Templates(command) => templates::run(&open()?, command).await,
        Command::Members(command) => members::run(&open()?, command).await,
        Command::Credentials(command) => credentials::run(&open()?, command).await,
        Command::People(command) => people::run(&open()?, command).await,
        Command::Keys(command) => keys::run(&open()?, command).await,
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn interrupted() -> Exit {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals end the process by default.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => Exit::Interrupted,
        _ = terminate.recv() => Exit::Terminated,
    }
}
