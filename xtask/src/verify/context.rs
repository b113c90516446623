//! What all rungs are told.

use core::time::Duration;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result};

use crate::{
    process::Outcome,
    workspace::{self, Crate},
};

/// What the shares of the rungs are parts of.
pub(super) const MINUTES: u64 = 80;

/// The crates, the time and the folder of a run.
#[derive(Clone)]
pub(super) struct Context {
    crates: Vec<Crate>,
    minutes: u64,
    dir: PathBuf,
    core: usize,
    started: Instant,
}

impl Context {
    /// A run over the crates of these names, or all, in `minutes`.
    pub(super) fn new(names: &[String], minutes: u64) -> Result<Self> {
        let dir = workspace::root().join("target/verify");
        let logs = dir.join("logs");
        fs::create_dir_all(&logs).with_context(|| format!("creating {}", logs.display()))?;
        let started = Instant::now();
        Ok(Self { crates: workspace::select(names)?, minutes, dir, core: 0, started })
    }

    pub(super) fn crates(&self) -> &[Crate] {
        &self.crates
    }

    /// For the crate that is checked on this core.
    pub(super) fn on(&self, core: usize) -> Self {
        Self { core, ..self.clone() }
    }

    /// Tells the crates apart that are checked side by side, where each needs a folder alone.
    pub(super) fn core(&self) -> usize {
        self.core
    }

    pub(super) fn minutes(&self) -> u64 {
        self.minutes
    }

    /// What is left of them.
    pub(super) fn left(&self) -> Duration {
        Duration::from_mins(self.minutes).saturating_sub(self.started.elapsed())
    }

    /// Where the rungs keep what they need: `target/verify`.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What `time` of a run of the default length is of this one.
    pub(super) fn share(&self, time: Duration) -> Duration {
        let millis = time.as_millis() * u128::from(self.minutes) / u128::from(MINUTES);
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)).max(Duration::from_secs(1))
    }

    /// The factor for sizes of stress tests that are `base` in a run of the default length.
    #[expect(clippy::cast_precision_loss, reason = "a size")]
    pub(super) fn stress(&self, base: f64) -> String {
        (base * self.minutes as f64 / MINUTES as f64).to_string()
    }

    /// What went wrong in a run that failed, and where its output lies, which is written there.
    pub(super) fn fault(&self, name: &str, outcome: &Outcome) -> Result<String> {
        Ok(format!("{}, see {}", outcome.describe(), self.log(name, &outcome.output)?))
    }

    /// Writes the output of what failed, and tells where it lies.
    pub(super) fn log(&self, name: &str, output: &str) -> Result<String> {
        let file = self.dir.join("logs").join(name).with_added_extension("log");
        fs::write(&file, output).with_context(|| format!("writing {}", file.display()))?;
        Ok(format!("target/verify/logs/{name}.log"))
    }
}
