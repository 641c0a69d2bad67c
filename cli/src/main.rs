//! `unicreda`: the command line of the issuing service.
//!
//! Results go to standard output, everything else to standard error, so that a script reads
//! the one and a person both. Ends with 0, with 1 when something failed, with 2 when the
//! arguments are wrong.

mod admin;
mod place;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

/// The command line of the issuing service.
#[derive(Debug, Parser)]
#[command(name = "unicreda", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Organizations and their first keys, written to a deployment's tables with the
    /// operator's AWS credentials.
    Admin(admin::Arguments),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Admin(arguments) => admin::run(arguments).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What the service says of a request, as an error that names what to mend.
fn said(problem: unicreda::problem::Problem) -> anyhow::Error {
    let (_, english) = problem.texts();
    match problem.cause {
        None => anyhow::anyhow!(english),
        // The code of an AWS call that failed: what the operator looks up.
        Some(cause) => anyhow::anyhow!("{cause}").context("the deployment did not do it"),
    }
}
