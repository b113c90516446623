//! `cargo xtask orderings`: is each ordering needed, and does a model show it?
//!
//! Every access that names an ordering stronger than `Relaxed` is weakened by one step, one at a
//! time, and the models that visit it run again: one of them must fail. The accesses come from two
//! sources that must agree: a scan of the sources, and what the modelled face records when the
//! models run.

mod allow;
mod baseline;
mod edits;
mod memory;
mod mutant;
mod report;
mod summary;

use core::time::Duration;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use anyhow::{Context as _, Result, ensure};

use self::{
    allow::Allowed,
    baseline::Baseline,
    mutant::{Mutant, Verdict},
};
pub use self::{memory::Memory, mutant::Kind, report::Report};
use crate::{
    cargo::{self, Face, Test},
    process,
    scan::{self, Access, Order, Source},
    term, workspace,
};
pub(crate) use baseline::recorded;
pub(crate) use summary::stale as stale_count;

/// Weakens each ordering by one step and shows the model that then fails
#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "The run fails on a survivor (no model fails when the ordering is weaker), on \
an inconclusive mutant (a model ran out of time or of branches, which proves nothing) and on an \
ordering that no model visits. The edits in xtask/mutants must die alike. What loom cannot show stands \
in xtask/orderings.allow.md with its reason. The ledger is also written to target/orderings/CRATE.md. A run that was broken off goes on where \
it stopped, as long as nothing is built anew."
)]
pub struct Args {
    /// The crates to weaken [default: all]
    #[arg(value_name = "CRATE")]
    crates: Vec<String>,
    /// Only the site at this place, as `ring.rs:42` or `crates/ring-spsc/src/ring.rs:42:19`
    #[arg(long, value_name = "FILE:LINE[:COLUMN]")]
    site: Option<Place>,
    /// Forget what earlier runs have found
    #[arg(long)]
    afresh: bool,
    /// Leave out the edits, each of which is a build
    #[arg(long)]
    no_edits: bool,
    /// Write the count down in the README, if all holds
    #[arg(long, conflicts_with_all = ["crates", "site", "no_edits"])]
    write: bool,
}

impl Args {
    /// All crates, without the edits.
    pub(crate) fn without_edits() -> Self {
        Self { no_edits: true, ..Self::default() }
    }
}

/// A place that a user has named.
#[derive(Clone, Debug)]
struct Place {
    file: String,
    line: usize,
    column: Option<usize>,
}

impl core::str::FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split(':').collect();
        let number = |part: &str| part.parse().map_err(|_| format!("{part:?} is no number"));
        match parts[..] {
            [file, line] => Ok(Self { file: file.to_owned(), line: number(line)?, column: None }),
            [file, line, column] => Ok(Self {
                file: file.to_owned(),
                line: number(line)?,
                column: Some(number(column)?),
            }),
            _ => Err("a place is FILE:LINE or FILE:LINE:COLUMN".to_owned()),
        }
    }
}

impl Place {
    fn is(&self, file: &str, access: &Access) -> bool {
        let same_file = file.strip_suffix(self.file.as_str());
        same_file.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
            && self.line == access.at.line
            && self.column.is_none_or(|column| column == access.at.column)
    }
}

/// What is weakened: a crate's sources and the models that visit them.
#[derive(Debug)]
pub struct Subject {
    /// Its name, for the ledger.
    pub name: String,
    /// Its sources.
    pub sources: Vec<Source>,
    /// Its models.
    pub models: Vec<Test>,
}

/// An ordering of an access: 0 for the access itself, 1 for the failure of a compare-exchange.
pub(crate) type Slot = usize;

/// One ordering in the sources.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    source: &'a Source,
    access: &'a Access,
    slot: Slot,
    order: Order,
}

impl Site<'_> {
    /// As the modelled face records it.
    fn key(&self) -> Key {
        (self.source.path.clone(), self.access.at.line, self.access.at.column, self.slot)
    }

    fn place(&self) -> String {
        format!("{}:{}:{}", self.source.path, self.access.at.line, self.access.at.column)
    }

    fn edges(&self) -> Vec<String> {
        self.source.edges(self.access, self.order)
    }
}

/// File, line, column and slot.
pub(crate) type Key = (String, usize, usize, Slot);

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut subjects = Vec::new();
    for one in workspace::select(&args.crates)? {
        let mut sources = scan::read_crate(workspace::root(), &one.dir.join("src"))?;
        // The façade is what sites are told by; its own accesses are the ones it forwards.
        sources.retain(|source| !source.path.starts_with("crates/lockfree-core/src/sync/"));
        if let Some(place) = &args.site {
            for source in &mut sources {
                let path = &source.path;
                source.accesses.retain(|access| place.is(path, access));
            }
            if sources.iter().all(|source| source.accesses.is_empty()) {
                continue;
            }
        }
        let has_models = one.has_tests("loom");
        subjects.push((Subject { name: one.name, sources, models: Vec::new() }, has_models));
    }
    ensure!(!subjects.is_empty(), "no access with an ordering stands there");

    let packages: Vec<_> =
        subjects.iter().filter(|(_, has)| *has).map(|(one, _)| one.name.as_str()).collect();
    let models = if packages.is_empty() {
        Vec::new()
    } else {
        cargo::build_tests(cargo::cargo(Face::Modelled), &packages, "loom")?
    };
    let allowed = allow::read()?;
    let out = workspace::root().join("target/orderings");
    fs::create_dir_all(&out).with_context(|| format!("creating {}", out.display()))?;

    let mut failed = Vec::new();
    let mut counts = BTreeMap::new();
    for (mut subject, _) in subjects {
        let own = models.iter().filter(|test| test.package == subject.name);
        subject.models = own.cloned().collect();
        let memory = out.join(format!("{}.verdicts", subject.name));
        let memory = Memory::open(&memory, &subject, args.afresh)?;
        let mut report = weaken(&subject, &allowed, args.site.is_some(), &memory)?;
        if args.site.is_none() && !args.no_edits {
            edits::judge_all(&subject.name, &memory, &mut report)?;
        }
        report.print();
        let file: PathBuf = out.join(format!("{}.md", subject.name));
        if args.site.is_none() {
            fs::write(&file, report.markdown())
                .with_context(|| format!("writing {}", file.display()))?;
        }
        counts.insert(subject.name.clone(), report.counts());
        if !report.holds() {
            failed.push(subject.name);
        }
    }
    ensure!(failed.is_empty(), "orderings: {} must be looked at", failed.join(", "));
    if args.write { summary::write(&counts) } else { Ok(()) }
}

/// The edges that rows of the allow-list name, in the files under `dir`.
///
/// # Errors
/// The allow-list cannot be read.
pub fn allowed_edges(dir: &str) -> Result<BTreeSet<String>> {
    let rows = allow::read()?.into_iter().filter(|entry| entry.file.starts_with(dir));
    Ok(rows.map(|entry| entry.place).collect())
}

/// Weakens every ordering of `subject` and runs its models, those that visit it, until one fails.
///
/// What `memory` knows is not run again. `partly` says that the sources hold only some of the accesses: what else is recorded or allowed
/// is then no news.
///
/// # Errors
/// The models do not run, or do not hold as they are.
pub fn weaken(
    subject: &Subject,
    allowed: &[Allowed],
    partly: bool,
    memory: &Memory,
) -> Result<Report> {
    let sites: BTreeMap<Key, Site<'_>> =
        sites(&subject.sources).map(|site| (site.key(), site)).collect();
    let baseline = Baseline::take(&subject.models, &subject.sources)?;
    let mut report = Report::new(&subject.name);
    if !partly {
        report.disagreements = baseline.disagreements(&sites);
        report.disagreements.extend(strangers(allowed, &sites, &baseline));
    }

    let mut mutants = Vec::new();
    for (key, site) in &sites {
        if site.order == Order::Relaxed || !site.access.modelled {
            continue;
        }
        match baseline.visited(key) {
            Some(visit) => {
                mutants.extend(mutant::of(*site, visit.kind).map(|mutant| (mutant, visit)));
            }
            None if allowed.iter().any(|entry| entry.covers(site)) => {}
            None => report.unvisited.push((site.place(), site.order, site.edges())),
        }
    }
    // The longest first, so that no core is left with one at the end: those that are known to survive run
    // every model that visits them.
    mutants.sort_by_key(|(mutant, visit)| {
        let survives = allowed.iter().any(|entry| entry.covers(&mutant.site));
        let all: Duration = visit.tests.iter().map(|(_, usual)| *usual).sum();
        core::cmp::Reverse((survives, all))
    });
    let bar = term::bar(mutants.len(), &subject.name);
    let verdicts = process::on_every_core(mutants, |(mutant, visit)| {
        let name = mutant.variable();
        let (verdict, time) = if let Some(known) = memory.recall(&name) {
            known
        } else {
            let (verdict, time) = judge(&mutant, &visit.tests)?;
            memory.keep(&name, &verdict, time)?;
            (verdict, time)
        };
        bar.inc(1);
        anyhow::Ok((mutant, verdict, time))
    });
    bar.finish_and_clear();
    let mut verdicts = verdicts.into_iter().collect::<Result<Vec<_>>>()?;
    verdicts.sort_by_key(|(mutant, ..)| (mutant.site.key(), mutant.to));
    for (mutant, mut verdict, time) in verdicts {
        if !matches!(verdict, Verdict::Killed { .. })
            && let Some(entry) = allowed.iter().find(|entry| entry.covers(&mutant.site))
        {
            verdict = Verdict::Allowed { why: entry.why.clone() };
        }
        report.enter(&mutant, verdict, time);
    }
    if !partly {
        report.stale = stale(allowed, &sites, &baseline, &report);
    }
    Ok(report)
}

/// Edges of which no model of their name comes to one of the sides.
fn strangers(
    allowed: &[Allowed],
    sites: &BTreeMap<Key, Site<'_>>,
    baseline: &Baseline,
) -> Vec<String> {
    let mut sides: BTreeMap<(String, &str), bool> = BTreeMap::new();
    for (key, site) in sites.iter().filter(|(_, site)| site.access.modelled) {
        let Some(visit) = baseline.visited(key) else { continue };
        for edge in site.edges() {
            let snake = edge.replace('-', "_");
            let named = visit.tests.iter().any(|(test, _)| test.name.contains(&snake));
            for (side, is_its) in
                [("release", site.order.releases()), ("acquire", site.order.acquires())]
            {
                if is_its {
                    *sides.entry((edge.clone(), side)).or_default() |= named;
                }
            }
        }
    }
    let told = sides
        .into_iter()
        .filter(|((edge, _), named)| !named && allowed.iter().all(|entry| entry.place != *edge));
    told.map(|((edge, side), _)| {
        format!("the edge {edge}: no model of its name comes to its {side} side")
    })
    .collect()
}

/// Entries of the allow-list that this crate's sources do not need, or no longer.
fn stale(
    allowed: &[Allowed],
    sites: &BTreeMap<Key, Site<'_>>,
    baseline: &Baseline,
    report: &Report,
) -> Vec<String> {
    let of_this = |entry: &&Allowed| sites.values().any(|site| site.source.path == entry.file);
    let needed = |entry: &&Allowed| {
        sites.iter().any(|(key, site)| {
            entry.covers(site) && (baseline.visited(key).is_none() || report.allows(&site.place()))
        })
    };
    allowed.iter().filter(of_this).filter(|entry| !needed(entry)).map(Allowed::name).collect()
}

/// Runs the tests that visit a mutant until one kills it: those of its edges first, and the fastest.
fn judge(mutant: &Mutant<'_>, tests: &[(Test, Duration)]) -> Result<(Verdict, Duration)> {
    let mut inconclusive = None;
    let mut spent = Duration::ZERO;
    let edges: Vec<_> = mutant.site.edges().iter().map(|edge| edge.replace('-', "_")).collect();
    let (own, others): (Vec<_>, Vec<_>) =
        tests.iter().partition(|(test, _)| edges.iter().any(|edge| test.name.contains(edge)));
    for (test, usual) in own.into_iter().chain(others) {
        let mut command = test.command();
        command.env("ATOMWORKS_WEAKEN", mutant.variable()).env_remove("ATOMWORKS_SITES");
        let outcome = process::run(command, Duration::from_secs(20) + 10 * *usual)?;
        spent += outcome.elapsed;
        match mutant::cause(&outcome) {
            Ok(None) => {}
            Ok(Some(how)) => {
                return Ok((Verdict::Killed { by: test.name.clone(), how }, outcome.elapsed));
            }
            Err(why) => inconclusive = Some(format!("{} {why}", test.name)),
        }
    }
    let verdict = match inconclusive {
        Some(why) => Verdict::Inconclusive { why },
        None => Verdict::Survived { tests: tests.len() },
    };
    Ok((verdict, spent))
}

fn sites(sources: &[Source]) -> impl Iterator<Item = Site<'_>> {
    sources.iter().flat_map(|source| {
        source.accesses.iter().flat_map(move |access| {
            let orders = access.orders.iter().enumerate();
            orders.map(move |(slot, &order)| Site { source, access, slot, order })
        })
    })
}
