//! Miri, where the toolchain has it: undefined behaviour in the unit tests and the tests of behaviour.

use core::time::Duration;
use std::process::Command;

use anyhow::Result;

use super::{
    Ready, Rung,
    context::Context,
    table::{Row, Verdict},
};
use crate::{process, workspace::Crate};

/// The rung.
#[derive(Debug)]
pub(super) struct Miri;

impl Rung for Miri {
    fn prepare(&mut self, _: &Context) -> Result<Ready> {
        if !outcome(&["--version"], Duration::from_mins(1)).is_ok_and(|outcome| outcome.success()) {
            return Ok(Ready::No("there is no `cargo +nightly miri` on this machine".to_owned()));
        }
        let ready = outcome(&["setup"], Duration::from_mins(10))?;
        if !ready.success() {
            return Ok(Ready::No(
                "`cargo +nightly miri setup` cannot get what it needs".to_owned(),
            ));
        }
        Ok(Ready::Yes)
    }

    fn check(&self, context: &Context, one: &Crate) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for what in ["--lib", "--test=api"] {
            let arguments = ["test", "--all-features", what, "--package", &one.name];
            let outcome = outcome(&arguments, context.share(Duration::from_mins(5)))?;
            let (verdict, note) = match outcome.status {
                Some(status) if status.success() => (Verdict::Passed, String::new()),
                None => (Verdict::Inconclusive, outcome.describe()),
                Some(_) => {
                    (Verdict::Failed, context.fault(&format!("miri-{}{what}", one.name), &outcome)?)
                }
            };
            rows.push(Row::new(one, what, verdict, note).took(outcome.elapsed));
        }
        Ok(rows)
    }
}

/// It comes with nightly toolchains alone.
fn outcome(arguments: &[&str], limit: Duration) -> Result<process::Outcome> {
    // That in use would be taken for one of its own.
    let mut command = Command::new("cargo");
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC");
    command.args(["+nightly", "miri"]).args(arguments).current_dir(crate::workspace::root());
    command.env("CARGO_TARGET_DIR", crate::workspace::root().join("target/verify/miri"));
    command.env("MIRIFLAGS", "-Zmiri-strict-provenance -Zmiri-disable-isolation");
    command.env("ATOMWORKS_STRESS", "0.001").env("PROPTEST_CASES", "4");
    process::run(command, limit)
}
