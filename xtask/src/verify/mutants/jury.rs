//! Who judges mutants: first the tests of one thread, then the models.

use core::time::Duration;
use std::{env, fs, path::PathBuf, process::Command, time::Instant};

use anyhow::{Context as _, Result, ensure};

use crate::{cargo, process, verify::models, workspace::Crate};

/// Tests that tell nothing of a mutant which a test of one thread does not, or take too long.
const LEFT_OUT: [&str; 7] =
    ["loom", "litmus", "progress", "stress", "history", "memory", "endurance"];
/// How long one model may explore, and all of a test target.
const MODEL: Duration = Duration::from_secs(5);
const TARGET: Duration = Duration::from_mins(1);

/// Who judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jury {
    /// Unit tests and integration tests of one thread.
    Tests,
    /// The loom models, of what those miss.
    Models,
}

impl Jury {
    /// A name for files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tests => "tests",
            Self::Models => "models",
        }
    }

    /// Tells the tool what to run for each mutant of `one`.
    pub(super) fn instruct(self, tool: &mut Command, one: &Crate) -> Result<()> {
        // A build is used once, and differs by one function from the one before.
        tool.env("CARGO_INCREMENTAL", "1");
        let is_called = |name: &str, ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        let mut names = tests(one)?;
        match self {
            Self::Tests => {
                tool.args(["--timeout=10", "--cargo-arg=--lib"]);
                tool.env("ATOMWORKS_STRESS", "0.05").env("PROPTEST_CASES", "64");
                // The verdict is not to be one of chance.
                tool.env("PROPTEST_RNG_SEED", "1");
                // The less there is to link, the better.
                tool.env("CARGO_PROFILE_DEV_DEBUG", "0");
                names.retain(|name| !is_called(name, &LEFT_OUT));
            }
            Self::Models => {
                tool.args(["--timeout=300", "--profile=release", "--cargo-arg=--config"]);
                let own = env::current_exe().context("finding the command itself")?;
                // Quotes of TOML that take backslashes for themselves.
                let runner = format!("['{}', 'try-models']", own.display());
                let runner = format!("target.'cfg(all())'.runner = {runner}");
                tool.arg(format!("--cargo-arg={runner}"));
                tool.env("CARGO_ENCODED_RUSTFLAGS", cargo::FLAGS_OF_EDITED);
                tool.env_remove("RUSTFLAGS");
                names.retain(|name| is_called(name, &["loom"]));
            }
        }
        tool.args(names.iter().map(|name| format!("--cargo-arg=--test={name}")));
        Ok(())
    }
}

/// The integration tests of `one`.
fn tests(one: &Crate) -> Result<Vec<String>> {
    let dir = one.dir.join("tests");
    let entries = fs::read_dir(&dir).with_context(|| format!("reading {}", dir.display()))?;
    let names = entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        let is_test = path.extension().is_some_and(|extension| extension == "rs");
        is_test.then(|| path.file_stem()?.to_str().map(str::to_owned)).flatten()
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    Ok(names)
}

/// Runs the models of a test target one after the other, each for some seconds, until one fails
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub(crate) struct Args {
    /// The target's executable
    executable: PathBuf,
    /// Not looked at
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let dir = env::current_dir().context("finding the folder")?;
    let started = Instant::now();
    for test in cargo::list("", &dir, &args.executable)? {
        if test.is_twin() || started.elapsed() > TARGET {
            continue;
        }
        let outcome = process::run(models::command(&test, 0, MODEL), 10 * MODEL)?;
        // One that hangs was noticed, too.
        let holds = outcome.status.is_some() && !models::is_failure(&outcome);
        ensure!(holds, "{} {}", test.name, outcome.describe());
    }
    Ok(())
}

#[cfg(test)]
mod tests_of_instructions {
    use std::process::Command;

    use super::Jury;
    use crate::workspace::select;

    #[test]
    fn models_judge_apart_from_tests_of_one_thread() {
        let one = &select(&["refpool".to_owned()]).unwrap()[0];
        let told = |jury: Jury| {
            let mut tool = Command::new("tool");
            jury.instruct(&mut tool, one).unwrap();
            let names = tool.get_args().filter_map(|word| {
                word.to_str()?.strip_prefix("--cargo-arg=--test=").map(str::to_owned)
            });
            names.collect::<Vec<_>>()
        };
        assert_eq!(told(Jury::Tests), ["api", "model", "panics"]);
        assert_eq!(told(Jury::Models), ["count_loom", "loom", "wait_loom"]);
    }
}
