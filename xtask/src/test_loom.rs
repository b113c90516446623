//! `cargo xtask test-loom`: every model, each in a process of its own.

use core::time::Duration;
use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};

use crate::{
    cargo::{self, Face, Test},
    orderings,
    process::{self, Outcome},
    term::{self, Align, BAD, GOOD, Table, paint, seconds},
    workspace,
};

/// How long a trace may take to find and to print.
const TRACE_LIMIT: Duration = Duration::from_mins(2);
/// How many lines of a trace are shown: its end, where the failure is.
const TRACE_LINES: usize = 150;

/// Runs the loom models and prints how much each has explored
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each model names the preemption bound that its floor was measured at, mostly \
2. A greater --preemptions explores more and takes longer; `none` explores every schedule and ends \
for tiny models only. A failing model is run again to find its trace, and the command that replays \
it is printed."
)]
pub(crate) struct Args {
    /// The crates to test [default: all]
    #[arg(value_name = "CRATE")]
    crates: Vec<String>,
    /// Only tests with this in their name
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    model: String,
    /// Preemptions to explore: a number, or `none` for no bound [default: as each model says]
    #[arg(long, value_name = "N|none", value_parser = parse_bound)]
    preemptions: Option<String>,
    /// Seconds that a test may take
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    limit: u64,
}

impl Default for Args {
    fn default() -> Self {
        Self { crates: Vec::new(), model: String::new(), preemptions: None, limit: 600 }
    }
}

fn parse_bound(text: &str) -> Result<String, String> {
    if text == "none" || text.parse::<usize>().is_ok() {
        return Ok(text.to_owned());
    }
    Err("a number, or `none`".to_owned())
}

/// One test, run.
struct Run {
    test: Test,
    outcome: Outcome,
}

impl Run {
    /// The lines that tell what it has explored.
    fn models(&self) -> Vec<&str> {
        let told = |line: &&str| line.starts_with("model ") || line.starts_with("twin ");
        self.outcome.output.lines().map(told_in).filter(told).collect()
    }

    fn failure(&self) -> Option<String> {
        if !self.outcome.success() {
            return Some(self.outcome.describe());
        }
        self.models()
            .is_empty()
            .then(|| "explored nothing: it prints no model and no twin".to_owned())
    }
}

/// libtest prints `test name ... ` without an end of line, so the first report stands behind it.
pub(crate) fn told_in(line: &str) -> &str {
    match line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) {
        Some((_, report)) => report,
        None => line,
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let crates = workspace::select(&args.crates)?;
    let packages: Vec<_> =
        crates.iter().filter(|one| one.has_tests("loom")).map(|one| one.name.as_str()).collect();
    ensure!(!packages.is_empty(), "none of these crates has tests/loom.rs");
    let mut tests = cargo::build_tests(cargo::cargo(Face::Modelled), &packages, "loom")?;
    tests.retain(|test| test.name.contains(&args.model));
    ensure!(!tests.is_empty(), "no test has {:?} in its name", args.model);

    let bar = term::bar(tests.len(), "models");
    let runs = process::on_every_core(tests, |test| {
        let (command, limit) = (args.command(&test), Duration::from_secs(args.limit));
        // As the models are, their sites are good for `orderings` too.
        let outcome = if args.preemptions.is_none() && !test.is_twin() {
            orderings::recorded(&test, command, limit)?
        } else {
            process::run(command, limit)?
        };
        bar.inc(1);
        Ok(Run { test, outcome })
    });
    bar.finish_and_clear();
    let runs = runs.into_iter().collect::<Result<Vec<_>>>()?;
    report(&runs);

    let failed: Vec<_> = runs.iter().filter(|run| run.failure().is_some()).collect();
    for run in &failed {
        args.explain(run)?;
    }
    ensure!(failed.is_empty(), "{} of {} loom tests failed", failed.len(), runs.len());
    Ok(())
}

fn report(runs: &[Run]) {
    let mut table = Table::new(&[
        ("crate", Align::Left),
        ("loom test", Align::Left),
        ("iterations", Align::Right),
        ("bound", Align::Right),
        ("time", Align::Right),
        ("", Align::Left),
    ]);
    let mut row = |run: &Run, style, iterations: &str, bound: &str, verdict: String| {
        let (package, test) = (run.test.package.clone(), run.test.name.clone());
        let time = seconds(run.outcome.elapsed);
        table.row(
            style,
            vec![package, test, iterations.to_owned(), bound.to_owned(), time, verdict],
        );
    };
    for run in runs {
        if let Some(failure) = run.failure() {
            row(run, BAD, "", "", failure);
            continue;
        }
        for line in run.models() {
            match iterations_and_bound(line) {
                Some((iterations, bound)) => {
                    row(run, anstyle::Style::new(), &iterations, bound, "holds".to_owned());
                }
                None => row(run, term::DIM, "", "", "fails, as it must".to_owned()),
            }
        }
    }
    table.print();
    let failed = runs.iter().filter(|run| run.failure().is_some()).count();
    let total: Duration = runs.iter().map(|run| run.outcome.elapsed).sum();
    let verdict = format!("{} passed, {failed} failed", runs.len() - failed);
    let style = if failed == 0 { GOOD } else { BAD };
    anstream::println!("{}, {} of processor time", paint(style, &verdict), seconds(total));
}

/// From `model NAME: N iterations, T s, preemption bound B`.
fn iterations_and_bound(line: &str) -> Option<(String, &str)> {
    let (_, told) = line.strip_prefix("model ")?.split_once(": ")?;
    let (iterations, rest) = told.split_once(" iterations")?;
    let (_, bound) = rest.rsplit_once("bound ")?;
    Some((term::grouped(iterations.parse().ok()?), bound))
}

impl Args {
    fn command(&self, test: &Test) -> Command {
        let mut command = test.command();
        if let Some(bound) = &self.preemptions {
            command.env("ATOMWORKS_PREEMPTIONS", bound);
        }
        command
    }

    /// Prints why a test failed: its output, and for a model the trace of the failing iteration.
    fn explain(&self, run: &Run) -> Result<()> {
        let title = format!("{}: {} {}", run.test.package, run.test.name, run.outcome.describe());
        anstream::println!("\n{}", paint(BAD, &title));
        if run.outcome.success() || run.outcome.status.is_none() || run.test.is_twin() {
            print_end(&run.outcome.output);
            return Ok(());
        }

        let checkpoint = checkpoint(run)?;
        let mut search = self.command(&run.test);
        search.env("LOOM_CHECKPOINT_FILE", &checkpoint).env("LOOM_CHECKPOINT_INTERVAL", "1");
        if process::run(search, TRACE_LIMIT)?.status.is_none() || !checkpoint.exists() {
            print_end(&run.outcome.output);
            println!("no trace: the search for it ran out of time");
            return Ok(());
        }
        let mut replay = self.command(&run.test);
        replay.env("LOOM_CHECKPOINT_FILE", &checkpoint);
        replay.env("ATOMWORKS_TRACE", "1").env("LOOM_LOCATION", "1");
        let shown = as_typed(&replay);
        let trace = process::run(replay, TRACE_LIMIT)?;
        println!("the failing iteration:");
        print_end(&trace.output);
        println!("\nreplay it:\n{shown}");
        Ok(())
    }
}

/// Where loom may keep the schedule that it is in.
fn checkpoint(run: &Run) -> Result<PathBuf> {
    let dir = Face::Modelled.target_dir().join("checkpoints");
    fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    let file = dir.join(run.test.file_name()).with_added_extension("json");
    // One that is there would be taken up.
    if file.exists() {
        fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
    }
    Ok(file)
}

fn print_end(output: &str) {
    let lines: Vec<_> = output.lines().collect();
    let left_out = lines.len().saturating_sub(TRACE_LINES);
    if left_out > 0 {
        println!("    [{left_out} lines before this]");
    }
    for line in &lines[left_out..] {
        println!("    {line}");
    }
}

/// A command with its folder and environment, to be pasted into a shell.
fn as_typed(command: &Command) -> String {
    let mut words = Vec::new();
    if let Some(dir) = command.get_current_dir() {
        words.push(format!("cd {} &&", dir.display()));
    }
    for (name, value) in command.get_envs() {
        words.push(format!("{}={}", name.display(), value.unwrap_or_default().display()));
    }
    words.push(command.get_program().display().to_string());
    words.extend(command.get_args().map(|argument| argument.display().to_string()));
    words.join(" ")
}
