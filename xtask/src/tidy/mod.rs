//! The rules that a compiler does not hold: the grammar of ordering comments, the façade as the only
//! way to atomics, and what each crate brings along. `tests/tidy.rs` runs them over the workspace.

mod files;
mod ledger;
mod notes;
mod patterns;

use core::fmt;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context as _, Result};

pub use files::{FILE_LINES, check_text};
pub use ledger::check_edges;
pub use notes::check_source;

use crate::{
    interface::{self, Interface},
    orderings, progress,
    scan::{self, Source},
    workspace::{self, Crate},
};

/// A rule broken at a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The file, relative to the workspace.
    pub file: String,
    /// The line; 0 for the file as such.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// The sources of a crate, and what they refer to.
#[derive(Debug, Default)]
pub struct Checked {
    /// The sources.
    pub sources: Vec<Source>,
    /// The functions in `tests/loom.rs`.
    pub loom_tests: BTreeSet<String>,
    /// Edges that loom cannot show, from the allow-list.
    pub allowed_edges: BTreeSet<String>,
}

/// Checks the whole workspace.
///
/// # Errors
/// A file cannot be read.
pub fn check_workspace() -> Result<Vec<Violation>> {
    let root = workspace::root();
    let mut found = Vec::new();
    let mut interfaces = BTreeMap::new();
    let mut edges = BTreeSet::new();
    for one in workspace::crates()? {
        found.extend(files::missing(&one));
        let interface = Interface::of(&one)?;
        found.extend(interface::stale(&one, &interface)?);
        interfaces.insert(one.name.clone(), interface);
        let sources = scan::read_crate(root, &one.dir.join("src"))?;
        let (facade, sources): (Vec<_>, _) = sources
            .into_iter()
            .partition(|source| source.path.starts_with("crates/lockfree-core/src/sync/"));
        found.extend(facade.iter().flat_map(notes::check_unsafe));
        let allowed_edges = orderings::allowed_edges(&one.sources())?;
        let checked = Checked { sources, loom_tests: loom_tests(&one)?, allowed_edges };
        found.extend(checked.sources.iter().flat_map(check_source));
        found.extend(check_edges(&checked));
        edges.extend(ledger::edges(&checked));
    }
    files::each_text(root, &mut |path, text| found.extend(check_text(path, text)))?;
    let own: BTreeSet<_> = interfaces.keys().cloned().collect();
    let document = read(&root.join(patterns::DOCUMENT))?;
    found.extend(patterns::check(&document, &edges, &own));
    found.extend(progress::stale(&interfaces)?);
    found.extend(orderings::stale_count()?);
    found.sort();
    found.dedup();
    Ok(found)
}

fn loom_tests(one: &Crate) -> Result<BTreeSet<String>> {
    if !one.has_tests("loom") {
        return Ok(BTreeSet::new());
    }
    let mut names = BTreeSet::new();
    let tests = one.dir.join("tests");
    files::each_text(&tests, &mut |path, text| {
        let file = path.file_stem().unwrap_or_default().to_string_lossy();
        if file.ends_with("loom") || path.starts_with("loom") {
            let functions = text.lines().filter_map(|line| line.trim().strip_prefix("fn "));
            names.extend(functions.filter_map(|line| Some(line.split_once('(')?.0.to_owned())));
        }
    })
    .with_context(|| format!("reading the loom tests of {}", one.name))?;
    Ok(names)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}
