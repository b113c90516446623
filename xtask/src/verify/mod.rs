//! `cargo xtask verify`: what takes too long for each change, or needs tools that not everybody has.
//!
//! A *rung* is one tool over all crates. It says what it ran, what came of it, and what it did not run
//! and why. What a rung found of sources that have not changed since is not run again.

mod asan;
mod context;
mod debian;
mod fuzz;
mod histories;
mod kept;
mod miri;
mod models;
pub(crate) mod mutants;
mod packages;
mod suite;
mod table;
mod targets;
mod toolchain;
mod tsan;

use std::{fs, time::Instant};

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum as _;
use context::Context;
use table::{Row, Verdict};

use crate::{
    process,
    term::{BAD, BOLD, DIM, GOOD, paint, seconds},
    workspace::Crate,
};

/// Runs the rungs that are too long for each change, and says what each of them shows
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A tool that is missing is skipped with a word. Where Debian's packages can be \
fetched, the compiler of one piece with its sources that the sanitizer and the foreign targets need is \
unpacked under target/verify; nothing is installed. The table at the end also stands in \
target/verify/table.md, and the output of what failed in target/verify/logs."
)]
pub(crate) struct Args {
    /// The rungs to run [default: all]
    #[arg(long, value_name = "RUNG")]
    only: Vec<Name>,
    /// The crates to run them on [default: all]
    #[arg(long = "crate", value_name = "NAME")]
    crates: Vec<String>,
    /// Minutes for all rungs together, which those that could go on for ever share
    #[arg(long, value_name = "N", default_value_t = context::MINUTES)]
    minutes: u64,
    /// Runs what has passed before, too
    #[arg(long)]
    afresh: bool,
    /// Fetches and builds the tools, and stops there
    #[arg(long)]
    prepare: bool,
}

/// The rungs, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    /// The packages as they would be published, built
    Packages,
    /// The loom models, with more preemptions
    Models,
    /// Linearizability on real threads, for long
    Histories,
    /// Memory errors and leaks
    Asan,
    /// Data races
    Tsan,
    /// Miri, where the toolchain has it
    Miri,
    /// 32 bits, and another processor, emulated
    Targets,
    /// Inputs guided by coverage, against sequential twins
    Fuzz,
    /// Mutants of the packed words and the algorithms
    Mutants,
}

impl Name {
    fn rung(self) -> Box<dyn Rung> {
        match self {
            Self::Packages => Box::new(packages::Packages),
            Self::Models => Box::new(models::Models::default()),
            Self::Histories => Box::new(histories::Histories::default()),
            Self::Asan => Box::new(asan::Asan::default()),
            Self::Tsan => Box::new(tsan::Tsan::default()),
            Self::Miri => Box::new(miri::Miri),
            Self::Targets => Box::new(targets::Targets::default()),
            Self::Fuzz => Box::new(fuzz::Fuzz::default()),
            Self::Mutants => Box::new(mutants::Mutants::default()),
        }
    }

    fn text(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Whether a rung can run.
enum Ready {
    Yes,
    /// Why not, in words for the table.
    No(String),
}

/// One tool.
trait Rung: Sync {
    /// Gets ready what it needs, if it needs more than the toolchain in use.
    ///
    /// # Errors
    /// That failed, although it should work here.
    fn prepare(&mut self, _: &Context) -> Result<Ready> {
        Ok(Ready::Yes)
    }

    /// Does it leave cores idle, so that it runs on as many crates at once?
    fn is_for_one_core(&self) -> bool {
        false
    }

    /// Runs it on one crate.
    ///
    /// # Errors
    /// It could not be run.
    fn check(&self, context: &Context, one: &Crate) -> Result<Vec<Row>>;
}

pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(args.minutes > 0, "no rung runs in 0 minutes");
    let context = Context::new(&args.crates, args.minutes)?;
    let every = Name::value_variants();
    let names: Vec<_> =
        every.iter().filter(|name| args.only.is_empty() || args.only.contains(name)).collect();
    let mut rows = Vec::new();
    for name in names {
        let started = Instant::now();
        anstream::eprintln!("{}", paint(BOLD, &format!("==> {}", name.text())));
        let found = climb(*name, args, &context);
        let style = if found.iter().any(|row| row.verdict == Verdict::Failed) { BAD } else { DIM };
        let time = seconds(started.elapsed());
        anstream::eprintln!("{}", paint(style, &format!("    {} after {time}", name.text())));
        rows.extend(found);
    }
    if args.prepare {
        rows.retain(|row| row.verdict != Verdict::Passed);
    }

    let table = table::of(&rows);
    table.print();
    let file = context.dir().join("table.md");
    fs::write(&file, table.markdown()).with_context(|| format!("writing {}", file.display()))?;
    let count = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let failed = count(Verdict::Failed);
    let told = format!(
        "{} passed, {failed} failed, {} inconclusive, {} skipped",
        count(Verdict::Passed),
        count(Verdict::Inconclusive),
        count(Verdict::Skipped),
    );
    anstream::println!("{}", paint(if failed == 0 { GOOD } else { BAD }, &told));
    ensure!(failed == 0, "{failed} findings of verify");
    Ok(())
}

/// What one rung finds. An error of its own is a finding too: the others run on.
fn climb(name: Name, args: &Args, context: &Context) -> Vec<Row> {
    let text = name.text();
    let mut rows = Vec::new();
    let mut left = Vec::new();
    for one in context.crates() {
        match kept::recall(context, &text, one) {
            Some(kept) if !args.afresh && !args.prepare => rows.extend(kept),
            _ => left.push(one),
        }
    }
    if left.is_empty() {
        return rows;
    }
    let mut rung = name.rung();
    match rung.prepare(context) {
        Ok(Ready::Yes) if args.prepare => {}
        Ok(Ready::Yes) => {
            let check = |core, one: &Crate| {
                let failure = |error| Row::new(one, "", Verdict::Failed, format!("{error:#}"));
                let found = rung.check(&context.on(core), one);
                let found = found.unwrap_or_else(|error| vec![failure(error)]);
                let mut found: Vec<_> = found.into_iter().map(|row| row.of(&text)).collect();
                if let Err(error) = kept::keep(context, &text, one, &found) {
                    found.push(failure(error).of(&text));
                }
                found
            };
            let found = if rung.is_for_one_core() {
                process::on_numbered_cores(left, check)
            } else {
                left.into_iter().map(|one| check(0, one)).collect()
            };
            rows.extend(found.into_iter().flatten());
        }
        Ok(Ready::No(why)) => rows.push(Row::of_all("", Verdict::Skipped, why).of(&text)),
        Err(error) => {
            rows.push(Row::of_all("", Verdict::Failed, format!("{error:#}")).of(&text));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use clap::{Parser, ValueEnum as _};

    use super::{Args, Name};

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn rungs_and_crates_are_chosen_by_name() {
        let line = ["verify", "--only", "tsan", "--only", "asan", "--crate", "refpool"];
        let Cli { args } = Cli::try_parse_from(line).unwrap();
        assert_eq!(
            (args.only, args.crates),
            (vec![Name::Tsan, Name::Asan], vec!["refpool".to_owned()])
        );
        assert!(Cli::try_parse_from(["verify", "--only", "magic"]).is_err());
    }

    #[test]
    fn every_rung_has_a_name_of_its_own() {
        let names: Vec<_> = Name::value_variants().iter().map(|name| name.text()).collect();
        let expected = [
            "packages",
            "models",
            "histories",
            "asan",
            "tsan",
            "miri",
            "targets",
            "fuzz",
            "mutants",
        ];
        assert_eq!(names, expected);
    }
}
