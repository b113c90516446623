//! Linearizability on real threads: the tests named `history`, for long.

use core::time::Duration;

use anyhow::Result;

use super::{
    Ready, Rung,
    context::Context,
    table::{Row, Verdict},
};
use crate::{
    cargo::{self, Face, Test},
    process,
    workspace::Crate,
};

/// How often a usual run of a test is repeated.
const REPEATED: f64 = 100.0;

/// The rung.
#[derive(Debug, Default)]
pub(super) struct Histories(Vec<Test>);

impl Rung for Histories {
    /// Builds all of them at once: what they stand on is then built once.
    fn prepare(&mut self, context: &Context) -> Result<Ready> {
        let crates = context.crates().iter().filter(|one| one.has_tests("history"));
        let packages: Vec<_> = crates.map(|one| one.name.as_str()).collect();
        // Cargo takes no packages for all of them.
        if !packages.is_empty() {
            self.0 = cargo::build_tests(cargo::cargo(Face::Real), &packages, "history")?;
        }
        Ok(Ready::Yes)
    }

    fn check(&self, context: &Context, one: &Crate) -> Result<Vec<Row>> {
        if !one.has_tests("history") {
            let (verdict, why) = if one.is_structure() {
                (Verdict::Failed, "has no tests/history.rs")
            } else {
                (Verdict::Skipped, "what it has is no structure with a sequential twin")
            };
            return Ok(vec![Row::new(one, "", verdict, why.to_owned())]);
        }
        let mut rows = Vec::new();
        for test in self.0.iter().filter(|test| test.package == one.name) {
            let mut command = test.command();
            command.env("ATOMWORKS_STRESS", context.stress(REPEATED));
            let limit = context.share(Duration::from_mins(5));
            let outcome = process::run(command, limit)?;
            let (verdict, note) = match outcome.status {
                Some(status) if status.success() => (Verdict::Passed, String::new()),
                None => (Verdict::Inconclusive, outcome.describe()),
                Some(_) => {
                    let log = format!("histories-{}", test.file_name());
                    (Verdict::Failed, context.fault(&log, &outcome)?)
                }
            };
            rows.push(Row::new(one, &test.name, verdict, note).took(outcome.elapsed));
        }
        Ok(rows)
    }
}
