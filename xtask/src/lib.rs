//! Drives the workspace: one module for each command, and what they share.

mod alone;
mod bench;
pub mod cargo;
mod ci;
mod deps;
mod interface;
pub mod orderings;
mod package;
mod process;
mod progress;
mod record;
pub mod scan;
pub mod scratch;
mod steps;
mod term;
mod test;
mod test_loom;
pub mod tidy;
mod tour;
mod verify;
pub mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, tests and measures the workspace
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

// In the order in which a newcomer needs them.
#[derive(Debug, Subcommand)]
enum Command {
    Tour(tour::Args),
    Test(test::Args),
    TestLoom(test_loom::Args),
    Orderings(orderings::Args),
    TestProgress(progress::Args),
    Verify(verify::Args),
    Bench(bench::Args),
    Interface(interface::Args),
    Ci(ci::Args),
    TryModels(verify::mutants::Args),
}

/// Runs the command of the command line.
#[must_use]
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Tour(args) => tour::run(&args),
        Command::Test(args) => test::run(&args),
        Command::TestLoom(args) => test_loom::run(&args),
        Command::Orderings(args) => orderings::run(&args),
        Command::TestProgress(args) => progress::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::TryModels(args) => verify::mutants::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Interface(args) => interface::run(&args),
        // Its last line is its verdict.
        Command::Ci(args) => return ci::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("{} {error:#}", term::paint(term::BAD, "error:"));
            ExitCode::FAILURE
        }
    }
}
