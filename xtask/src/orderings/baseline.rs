//! The models as they are: what each visits and how long it takes.

use core::time::Duration;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use super::{Key, Kind, Site};
use crate::{
    cargo::{Face, Test},
    process::{self, Outcome},
    scan::{Order, Source},
};

/// What the models have visited.
#[derive(Debug, Default)]
pub(super) struct Baseline(BTreeMap<Key, Visit>);

/// One site as it was visited.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) kind: Kind,
    order: Order,
    /// The tests that visit it, the fastest first.
    pub(super) tests: Vec<(Test, Duration)>,
}

impl Baseline {
    /// Runs every model of `models`, which must hold, and notes the sites in `sources`.
    pub(super) fn take(models: &[Test], sources: &[Source]) -> Result<Self> {
        let tests = models.iter().filter(|test| !test.is_twin()).cloned().collect();
        let runs = process::on_every_core(tests, |test: Test| {
            let record = Record::of(&test)?;
            if let Some((elapsed, sites)) = record.read() {
                return Ok((test, elapsed, sites));
            }
            let outcome = recorded(&test, test.command(), Duration::from_mins(10))?;
            ensure!(
                outcome.success(),
                "{} {} must hold before anything is weakened, but {}: see `cargo xtask test-loom`",
                test.package,
                test.name,
                outcome.describe(),
            );
            let read = record.read();
            let (elapsed, sites) =
                read.with_context(|| format!("{} has left no record of its sites", test.name))?;
            anyhow::Ok((test, elapsed, sites))
        });

        let paths: BTreeSet<_> = sources.iter().map(|source| source.path.as_str()).collect();
        let mut baseline = Self::default();
        let mut runs = runs.into_iter().collect::<Result<Vec<_>>>()?;
        runs.sort_by_key(|&(_, elapsed, _)| elapsed);
        for (test, elapsed, record) in runs {
            for line in record.lines() {
                let (key, kind, order) =
                    parse(line).with_context(|| format!("{line:?} is no site"))?;
                if paths.contains(key.0.as_str()) {
                    let new = Visit { kind, order, tests: Vec::new() };
                    baseline.0.entry(key).or_insert(new).tests.push((test.clone(), elapsed));
                }
            }
        }
        Ok(baseline)
    }

    pub(super) fn visited(&self, site: &Key) -> Option<&Visit> {
        self.0.get(site)
    }

    /// What was visited and is not in the sources, or not with that ordering.
    pub(super) fn disagreements(&self, sites: &BTreeMap<Key, Site<'_>>) -> Vec<String> {
        let mut told = Vec::new();
        for (key, visit) in &self.0 {
            let (file, line, column, _) = key;
            let order = visit.order;
            match sites.get(key) {
                Some(site) if site.order != order => told.push(format!(
                    "{file}:{line}:{column}: the models saw {order}, the source says {}",
                    site.order
                )),
                None if order != Order::Relaxed => told.push(format!(
                    "{file}:{line}:{column}: the models saw {order}, which no call here names; an \
                     ordering is written at the access, and a `#[track_caller]` helper takes it as \
                     an argument"
                )),
                _ => {}
            }
        }
        told
    }
}

/// Runs `command`, which runs `test`, and keeps which sites it visits if it holds.
pub(crate) fn recorded(test: &Test, mut command: Command, limit: Duration) -> Result<Outcome> {
    let record = Record::of(test)?;
    record.forget()?;
    command.env("ATOMWORKS_SITES", &record.sites).env_remove("ATOMWORKS_WEAKEN");
    let outcome = process::run(command, limit)?;
    if outcome.success() {
        record.keep(outcome.elapsed)?;
    }
    Ok(outcome)
}

/// The sites that a test has visited, as its executable wrote them, and how long it took.
struct Record {
    sites: PathBuf,
    title: PathBuf,
    fingerprint: String,
}

impl Record {
    fn of(test: &Test) -> Result<Self> {
        let dir = Face::Modelled.target_dir().join("sites");
        fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
        let sites = dir.join(test.file_name());
        let title = sites.with_added_extension("of");
        Ok(Self { sites, title, fingerprint: format!("{:016x}", test.fingerprint()) })
    }

    /// The models append.
    fn forget(&self) -> Result<()> {
        let forgotten = fs::write(&self.title, "").and_then(|()| fs::write(&self.sites, ""));
        forgotten.with_context(|| format!("writing {}", self.sites.display()))
    }

    fn keep(&self, elapsed: Duration) -> Result<()> {
        let title = format!("{} {}", self.fingerprint, elapsed.as_millis());
        fs::write(&self.title, title).with_context(|| format!("writing {}", self.title.display()))
    }

    /// None if there is none of this executable.
    fn read(&self) -> Option<(Duration, String)> {
        let title = fs::read_to_string(&self.title).ok()?;
        let (fingerprint, elapsed) = title.split_once(' ')?;
        if fingerprint != self.fingerprint {
            return None;
        }
        let elapsed = Duration::from_millis(elapsed.parse().ok()?);
        Some((elapsed, fs::read_to_string(&self.sites).ok()?))
    }
}

/// From `file:line:column:slot:access:ordering`.
fn parse(line: &str) -> Option<(Key, Kind, Order)> {
    let mut parts = line.rsplitn(6, ':');
    let order = parts.next()?.parse().ok()?;
    let kind = parts.next()?.parse().ok()?;
    let slot = parts.next()?.parse().ok()?;
    let column = parts.next()?.parse().ok()?;
    let number = parts.next()?.parse().ok()?;
    Some(((parts.next()?.to_owned(), number, column, slot), kind, order))
}
