//! A crate's tests, built by some compiler and run in some way, target by target.

use core::time::Duration;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{
    context::Context,
    table::{Row, Verdict},
};
use crate::{
    cargo::{self, Face},
    process::{self, Outcome},
    workspace::{self, Crate},
};

/// How a rung builds and runs tests.
pub(super) struct Way {
    /// A word for files: no other way has it.
    pub(super) name: String,
    /// What the compiler is told, beside the choice of the target.
    pub(super) flags: Vec<String>,
    /// What `cargo test` is told.
    pub(super) arguments: Vec<String>,
    /// Set for the build and the tests.
    pub(super) environment: Vec<(String, String)>,
    /// What runs an executable, if that is not the system.
    pub(super) runner: Option<PathBuf>,
    /// How long the tests of one target may take.
    pub(super) limit: Duration,
    /// Tests of targets whose name ends so are left out, and why.
    pub(super) without: Vec<(&'static str, &'static str)>,
    /// Tests of these crates and names are left out, in whatever target, and why.
    pub(super) skip: Vec<(&'static str, &'static str, &'static str)>,
}

impl Way {
    /// A way for `name` on the target `triple`.
    pub(super) fn new(name: &str, triple: &str) -> Self {
        Self {
            name: name.to_owned(),
            flags: Vec::new(),
            arguments: vec!["--target".to_owned(), triple.to_owned()],
            environment: vec![("CARGO_INCREMENTAL".to_owned(), "0".to_owned())],
            runner: None,
            limit: Duration::from_mins(10),
            without: Vec::new(),
            skip: Vec::new(),
        }
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment.push((name.to_owned(), value.into()));
    }

    /// Puts `path` before those that are in the variable `name`.
    pub(super) fn set_first(&mut self, name: &str, path: &Path) {
        let there = self.environment.iter().rfind(|(other, _)| other == name);
        let there = there.map_or_else(String::new, |(_, paths)| format!(":{paths}"));
        self.set(name, format!("{}{there}", path.display()));
    }

    fn cargo(&self, context: &Context, one: &Crate) -> Command {
        let mut command = cargo::cargo(Face::Real);
        command.env("CARGO_ENCODED_RUSTFLAGS", self.flags.join("\u{1f}")).env_remove("RUSTFLAGS");
        command.env("CARGO_TARGET_DIR", context.dir().join(&self.name));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.args(["test", "--all-features", "--package", &one.name]).args(&self.arguments);
        command
    }

    /// Builds the unit tests and integration tests of `one` and runs them.
    pub(super) fn check(&self, context: &Context, one: &Crate) -> Result<Vec<Row>> {
        let started = Instant::now();
        let executables = self.build(context, one)?;
        let mut rows = Vec::new();
        let (mut tests, mut targets) = (0, 0);
        for (name, executable) in &executables {
            if let Some((_, why)) = self.without.iter().find(|(end, _)| name.ends_with(end)) {
                rows.push(Row::new(one, name, Verdict::Skipped, (*why).to_owned()));
                continue;
            }
            let outcome = self.run(one, executable)?;
            let passed = passed(&outcome);
            if let (true, Some(passed)) = (outcome.success(), passed) {
                tests += passed;
                targets += usize::from(passed > 0);
            } else {
                rows.push(self.failure(context, one, name, &outcome)?);
            }
        }
        let what = format!("{tests} tests in {targets} targets");
        let skipped = self.skipped(one).map(|(name, why)| format!("without {name}: {why}"));
        let note = skipped.collect::<Vec<_>>().join("; ");
        rows.push(Row::new(one, &what, Verdict::Passed, note).took(started.elapsed()));
        Ok(rows)
    }

    /// Builds and runs the doc tests of `one`.
    pub(super) fn check_docs(&self, context: &Context, one: &Crate) -> Result<Row> {
        let mut command = self.cargo(context, one);
        command.arg("--doc").env("CARGO_ENCODED_RUSTDOCFLAGS", self.flags.join("\u{1f}"));
        let outcome = process::run(command, self.limit)?;
        match passed(&outcome) {
            Some(tests) if outcome.success() => {
                let what = format!("{tests} doc tests");
                Ok(Row::new(one, &what, Verdict::Passed, String::new()).took(outcome.elapsed))
            }
            _ => self.failure(context, one, "doc tests", &outcome),
        }
    }

    /// The tests of `one` that are left out, and why.
    fn skipped(&self, one: &Crate) -> impl Iterator<Item = (&str, &str)> {
        self.skip.iter().filter(|(name, ..)| *name == one.name).map(|&(_, test, why)| (test, why))
    }

    /// The test executables of `one`, with the names of their targets.
    fn build(&self, context: &Context, one: &Crate) -> Result<Vec<(String, PathBuf)>> {
        let mut build = self.cargo(context, one);
        build.args(["--no-run", "--lib", "--tests", "--message-format=json-render-diagnostics"]);
        let output = build.stderr(Stdio::inherit()).output().context("starting cargo")?;
        ensure!(output.status.success(), "{}: {}", cargo::shown(&build), output.status);
        let messages = String::from_utf8_lossy(&output.stdout);
        let messages = messages.lines().map(serde_json::from_str::<Value>);
        let messages =
            messages.collect::<Result<Vec<_>, _>>().context("reading cargo's messages")?;
        Ok(messages.iter().filter_map(executable).collect())
    }

    fn run(&self, one: &Crate, executable: &PathBuf) -> Result<Outcome> {
        let mut command = match &self.runner {
            Some(runner) => {
                let mut command = Command::new(runner);
                command.arg(executable);
                command
            }
            None => Command::new(executable),
        };
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env("CARGO_MANIFEST_DIR", &one.dir).current_dir(&one.dir);
        for (test, _) in self.skipped(one) {
            command.args(["--skip", test]);
        }
        process::run(command, self.limit)
    }

    fn failure(
        &self,
        context: &Context,
        one: &Crate,
        what: &str,
        outcome: &Outcome,
    ) -> Result<Row> {
        let log = format!("{}-{}-{}", self.name, one.name, what.replace(' ', "-"));
        let why = context.fault(&log, outcome)?;
        Ok(Row::new(one, what, Verdict::Failed, why).took(outcome.elapsed))
    }
}

/// The name and the executable of a test target that a message of cargo tells.
fn executable(message: &Value) -> Option<(String, PathBuf)> {
    let path = message["executable"].as_str()?;
    let name = message["target"]["name"].as_str()?;
    let is_test = message["profile"]["test"] == true;
    is_test.then(|| (name.to_owned(), workspace::root().join(path)))
}

/// How many tests have passed, of all summaries that libtest has printed; `None` where there is none.
fn passed(outcome: &Outcome) -> Option<usize> {
    passed_in(&outcome.output)
}

fn passed_in(output: &str) -> Option<usize> {
    let summaries = output.lines().filter_map(|line| {
        let (_, told) = line.split_once("test result: ok. ")?;
        told.split_once(" passed;")?.0.parse::<usize>().ok()
    });
    summaries.reduce(|sum, passed| sum + passed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{executable, passed_in};

    #[test]
    fn what_has_passed_is_counted() {
        let line = "test result: ok. 7 passed; 0 failed; 0 ignored; finished in 0.02s";
        assert_eq!(passed_in(line), Some(7));
        assert_eq!(passed_in(&format!("running 7 tests\n{line}\nall merged\n{line}")), Some(14));
        assert_eq!(passed_in("test result: FAILED. 6 passed; 1 failed; 0 ignored"), None);
        assert_eq!(passed_in(""), None);
    }

    #[test]
    fn executables_of_tests_are_told_from_other_messages() {
        let mut message =
            json!({"executable": "/a/b", "target": {"name": "api"}, "profile": {"test": true}});
        assert_eq!(executable(&message), Some(("api".to_owned(), "/a/b".into())));
        message["profile"]["test"] = json!(false);
        assert_eq!(executable(&message), None);
        assert_eq!(executable(&json!({"executable": null})), None);
    }
}
