//! `cargo xtask test`: what runs before a commit.

use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::{
    alone,
    cargo::{self, Face},
    deps, package,
    steps::{self, Step},
    workspace,
};

/// Checks format, lints, tests, docs, `no_std` builds, and each crate used alone
#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "Uses cargo-nextest where it is installed. Stops at the first step that fails. \
ATOMWORKS_STRESS=FACTOR scales the stress tests."
)]
pub(crate) struct Args {
    /// Only the steps with one of these in their names [default: all]
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut steps = all_steps();
    steps.retain(|step| {
        args.steps.is_empty() || args.steps.iter().any(|wanted| step.name.contains(wanted))
    });
    ensure!(!steps.is_empty(), "no step has such a name");
    let summary = steps::run(steps);
    summary.failure.map_or(Ok(()), Err)
}

fn all_steps() -> Vec<Step> {
    let mut steps = vec![step("format", Face::Real, &["fmt", "--all", "--check"])];
    for face in Face::ALL {
        let name = face.cfg().map_or("lints".to_owned(), |cfg| format!("lints, --cfg {cfg}"));
        let mut clippy = cargo::cargo(face);
        clippy.args(["clippy", "--workspace", "--all-targets", "--all-features"]);
        if face != Face::Real {
            // They have one face, and so have the peers that the benches bring along.
            clippy.args(["--exclude", "benches", "--exclude", "xtask"]);
        }
        clippy.args(["--", "-D", "warnings"]);
        steps.push(Step::new(name, move || cargo::run(&mut clippy)));
    }
    // To the end whatever fails: who reads it elsewhere wants to know of each.
    let tests: &[&str] = if has_nextest() {
        &["nextest", "run", "--workspace", "--all-features", "--no-fail-fast"]
    } else {
        &["test", "--workspace", "--all-features", "--lib", "--bins", "--tests", "--no-fail-fast"]
    };
    steps.push(step("tests", Face::Real, tests));
    let doc_tests = ["test", "--workspace", "--all-features", "--doc"];
    steps.push(step("doc tests", Face::Real, &doc_tests));
    steps.push(Step::new("docs", || {
        let mut doc = cargo::cargo(Face::Real);
        doc.args(["doc", "--workspace", "--all-features", "--no-deps"])
            .env("RUSTDOCFLAGS", "-D warnings");
        cargo::run(&mut doc)
    }));
    steps.push(Step::new("dependencies", deps::check));
    steps.push(Step::new("packages", package::complete));
    steps.push(Step::new("without default features", each_crate_without_default_features));
    steps.push(Step::new("no_std, linked", || alone::without_std(&workspace::crates()?)));
    steps.push(Step::new("each crate used alone", || alone::used_alone(&workspace::crates()?)));
    steps
}

fn step(name: impl Into<String>, face: Face, arguments: &[&str]) -> Step {
    let mut command = cargo::cargo(face);
    command.args(arguments);
    Step::new(name, move || cargo::run(&mut command))
}

fn has_nextest() -> bool {
    let mut command: Command = cargo::cargo(Face::Real);
    command.args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// One crate at a time: together, the features of one would reach the others.
fn each_crate_without_default_features() -> Result<()> {
    for one in workspace::crates()? {
        let mut check = cargo::cargo(Face::Real);
        check.args(["check", "--package", &one.name, "--no-default-features"]);
        cargo::run(&mut check)?;
        if one.has_feature("alloc")? {
            cargo::run(check.args(["--features", "alloc"]))?;
        }
    }
    Ok(())
}
