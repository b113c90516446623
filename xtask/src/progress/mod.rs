//! `cargo xtask test-progress`: threads stopped at every access, and steps counted.

mod claims;
mod covered;
mod measured;

use core::time::Duration;
use std::collections::BTreeMap;

use anyhow::{Result, ensure};

pub(crate) use self::measured::stale;
use self::{
    covered::Coverage,
    measured::{Line, Measured},
};
use crate::{
    cargo::{self, Face},
    interface::Interface,
    process,
    term::{self, Align, BAD, GOOD, Table, paint, seconds},
    test_loom, workspace,
};

/// Stops a thread for ever at each of its accesses and shows that the others finish
#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "For each operation and each k, one thread is stopped for ever at its k-th \
atomic access, and the others must finish a fixed amount of work. The most accesses of any operation \
are counted too, and held to the bound in its docs where it is called wait-free. Every public operation \
must be gone through by one or the other, or stand in xtask/progress.exempt.md."
)]
pub(crate) struct Args {
    /// The crates to test [default: all]
    #[arg(value_name = "CRATE")]
    crates: Vec<String>,
    /// Write down what was measured: docs/PROGRESS.md and the README's table
    #[arg(long, conflicts_with = "crates")]
    write: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let crates = workspace::select(&args.crates)?;
    let mut failures = Vec::new();
    for one in crates.iter().filter(|one| one.is_structure() && !one.has_tests("progress")) {
        failures.push(format!("{}: has no tests/progress.rs", one.name));
    }
    let tested = crates.iter().filter(|one| one.has_tests("progress"));
    let packages: Vec<_> = tested.map(|one| one.name.as_str()).collect();
    let mut tests = Vec::new();
    if !packages.is_empty() {
        let mut build = cargo::cargo(Face::Stepped);
        // Optimised code leaves frames out: of what is inlined, and of what calls another at its end.
        build.env("CARGO_PROFILE_RELEASE_DEBUG", "limited");
        build.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
        tests = cargo::build_tests(build, &packages, "progress")?;
    }
    for package in packages {
        if tests.iter().all(|test| test.package != package) {
            failures.push(format!("{package}: tests/progress.rs holds no test"));
        }
    }

    let mut interfaces = BTreeMap::new();
    for one in &crates {
        interfaces.insert(one.name.clone(), Interface::of(one)?);
    }

    let bar = term::bar(tests.len(), "progress tests");
    let runs = process::on_every_core(tests, |test| {
        let mut command = test.command();
        command.env("ATOMWORKS_STACKS", "1");
        let outcome = process::run(command, Duration::from_mins(5))?;
        bar.inc(1);
        anyhow::Ok((test, outcome))
    });
    bar.finish_and_clear();
    let mut measured = Measured::default();
    let mut table = Table::new(&[
        ("crate", Align::Left),
        ("operation", Align::Left),
        ("shown", Align::Left),
        ("time", Align::Right),
    ]);
    for run in runs {
        let (test, outcome) = run?;
        let lines = || outcome.output.lines().map(test_loom::told_in);
        let coverage = measured.coverage.entry(test.package.clone()).or_default();
        if let Some(interface) = interfaces.get(&test.package) {
            covered::told(lines(), interface, coverage);
        }
        let told: Vec<_> = lines().filter_map(|line| line.strip_prefix("progress ")).collect();
        for (i, line) in told.iter().enumerate() {
            let (operation, shown) = line.split_once(": ").unwrap_or(("", line));
            let time = if i == 0 { seconds(outcome.elapsed) } else { String::new() };
            let line = Line {
                package: test.package.clone(),
                operation: operation.to_owned(),
                shown: shown.to_owned(),
            };
            let Line { package, operation, shown } = line.clone();
            table.row(anstyle::Style::new(), vec![package, operation, shown, time]);
            measured.lines.push(line);
        }
        if !outcome.success() {
            let name = format!("{}: {} {}", test.package, test.name, outcome.describe());
            failures.push(format!("{name}\n{}", outcome.output));
        } else if told.is_empty() {
            failures.push(format!(
                "{}: {} prints no progress line: it shows nothing",
                test.package, test.name
            ));
        }
    }
    table.print();
    let (exempt, none) = (covered::exempt()?, Coverage::new());
    for (name, interface) in &interfaces {
        let coverage = measured.coverage.get(name).unwrap_or(&none);
        let missing = covered::missing(name, interface, coverage, &exempt);
        failures.extend(missing.into_iter().map(|message| format!("{name}: {message}")));
    }
    for failure in &failures {
        anstream::println!("{}", paint(BAD, failure));
    }
    ensure!(failures.is_empty(), "{} progress failures", failures.len());
    if args.write {
        measured.write()?;
    }
    anstream::println!("{}", paint(GOOD, "every operation goes on beside a stopped thread"));
    Ok(())
}
