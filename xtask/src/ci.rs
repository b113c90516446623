//! `cargo xtask ci`: what a change must pass.

use std::process::ExitCode;

use crate::{
    orderings, progress,
    steps::{self, Step},
    test, test_loom,
};

/// Runs `test`, `test-loom`, `orderings` without its edits, and `test-progress`, up to the first that fails
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> ExitCode {
    let summary = steps::run(vec![
        Step::new("test", || test::run(&test::Args::default())),
        Step::new("test-loom", || test_loom::run(&test_loom::Args::default())),
        Step::new("orderings", || orderings::run(&orderings::Args::without_edits())),
        Step::new("test-progress", || progress::run(&progress::Args::default())),
    ]);
    let failed = usize::from(summary.failure.is_some());
    if let Some(error) = &summary.failure {
        anstream::eprintln!("{error:#}");
    }
    println!("{} passed, {failed} failed", summary.passed);
    ExitCode::from(u8::from(failed > 0))
}
