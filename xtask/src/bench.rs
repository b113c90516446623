//! `cargo xtask bench`: ours against their peers, as tables, as Markdown and as one page.

use core::time::Duration;
use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};

use crate::{
    cargo::{self, Face},
    process,
    term::{self, BOLD, paint},
    workspace,
};

/// Times the structures against their peers, interleaved round by round
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Losses stand in red. `docs/BENCHMARKS.md` tells how to read the tables; a machine \
that does something else meanwhile yields noise. A goal that is not reached is no failure of the \
command; a contender that does its work wrong is."
)]
pub(crate) struct Args {
    /// The families to run [default: all]
    #[arg(value_name = "FAMILY")]
    families: Vec<String>,
    /// A look, under 3 minutes for counter and ring: this is the default
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Figures to write down, about 7 times as long
    #[arg(long)]
    full: bool,
    /// Numbers of threads, where a workload takes any
    #[arg(long, value_name = "N,N", default_value = "1,2")]
    threads: String,
    /// Leaves out what criterion measures on one thread
    #[arg(long)]
    no_criterion: bool,
}

/// Builds what is timed, runs criterion and then the interleaved rounds, and writes the report.
pub(crate) fn run(args: &Args) -> Result<()> {
    let known = families()?;
    for name in &args.families {
        ensure!(known.contains(name), "no family is called {name}; there are {}", known.join(", "));
    }
    let families = if args.families.is_empty() { known } else { args.families.clone() };
    let out = Face::Real.target_dir().join("bench");
    let estimates = out.join("criterion");
    let mut rounds = cargo::cargo(Face::Real);
    rounds.args(["run", "--quiet", "--profile", "bench", "--package", "benches", "--"]);
    rounds.args(["--families", &families.join(","), "--threads", &args.threads]);
    rounds.arg(if args.full { "--full" } else { "--quick" });
    let files = [("--json", "bench.json"), ("--markdown", "bench.md"), ("--html", "index.html")];
    for (option, file) in files {
        rounds.arg(option).arg(out.join(file));
    }
    if !args.no_criterion {
        run_criterion(&families, &estimates)?;
        rounds.arg("--criterion").arg(&estimates);
    }
    cargo::run(&mut rounds)?;
    anstream::println!("\n{} {}", paint(BOLD, "plots:"), out.join("index.html").display());
    anstream::println!("{} {}", paint(BOLD, "tables:"), out.join("bench.md").display());
    Ok(())
}

/// The families: each has a bench of its own.
fn families() -> Result<Vec<String>> {
    let mut families = Vec::new();
    let dir = workspace::root().join("benches/benches");
    for entry in fs::read_dir(&dir).with_context(|| format!("reading {}", dir.display()))? {
        let path = entry?.path();
        families.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
    }
    families.sort();
    Ok(families)
}

/// One contender after the other on one thread; criterion keeps its results in `estimates`.
fn run_criterion(families: &[String], estimates: &Path) -> Result<()> {
    // What an earlier commit left there must not stand in this one's report.
    if estimates.exists() {
        fs::remove_dir_all(estimates).context("removing criterion's last results")?;
    }
    let mut build = cargo::cargo(Face::Real);
    build.args(["bench", "--no-run", "--quiet", "--package", "benches", "--benches"]);
    cargo::run(&mut build)?;
    let bar = term::bar(families.len(), "criterion");
    for family in families {
        let mut bench = cargo::cargo(Face::Real);
        bench.args(["bench", "--package", "benches", "--bench", family]);
        bench.env("CRITERION_HOME", estimates);
        let outcome = process::run(bench, Duration::from_mins(5))?;
        ensure!(
            outcome.success(),
            "criterion's bench of {family} {}\n{}",
            outcome.describe(),
            outcome.output
        );
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}
