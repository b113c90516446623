//! Drives the workspace: one module for each command, and what they share.

pub mod cargo;
pub mod orderings;
mod process;
pub mod scan;
pub mod scratch;
mod term;
mod test_loom;
pub mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, tests and measures the workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

// A command stands in the order in which a newcomer needs it.
#[derive(Debug, Subcommand)]
enum Command {
    TestLoom(test_loom::Args),
    Orderings(orderings::Args),
}

/// Runs the command of the command line.
#[must_use]
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::TestLoom(args) => test_loom::run(&args),
        Command::Orderings(args) => orderings::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("{} {error:#}", term::paint(term::BAD, "error:"));
            ExitCode::FAILURE
        }
    }
}
