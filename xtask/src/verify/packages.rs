//! Each crate as it would be published: its package is made, and built from what is in it alone.

use core::time::Duration;

use anyhow::Result;

use super::{
    Rung,
    context::Context,
    kept,
    table::{Row, Verdict},
};
use crate::{
    cargo::{self, Face},
    process,
    workspace::{self, Crate},
};

/// The rung.
#[derive(Debug)]
pub(super) struct Packages;

impl Rung for Packages {
    fn check(&self, context: &Context, one: &Crate) -> Result<Vec<Row>> {
        let mut package = cargo::cargo(Face::Real);
        package.args(["package", "--offline", "--allow-dirty"]);
        // With the crates that it stands on, which no registry has yet.
        let needed = kept::own_crates(one);
        for own in workspace::crates()?.iter().filter(|own| needed.contains(&own.name)) {
            package.args(["--package", &own.name]);
        }
        package.env("CARGO_TARGET_DIR", context.dir().join("packages"));
        let outcome = process::run(package, Duration::from_mins(10))?;
        let (verdict, note) = if outcome.success() {
            (Verdict::Passed, String::new())
        } else {
            (Verdict::Failed, context.fault(&format!("packages-{}", one.name), &outcome)?)
        };
        Ok(vec![Row::new(one, "cargo package", verdict, note).took(outcome.elapsed)])
    }
}
