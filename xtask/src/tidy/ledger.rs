//! Each edge has two ends, a row in a ledger, and a loom test that bears its name.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checked, Violation};
use crate::scan::{Note, Source};

/// One row of a `# Orderings` table.
struct Row<'a> {
    edge: &'a str,
    /// What is named at the release side, and at the acquire side.
    sides: [BTreeSet<&'a str>; 2],
    tests: Vec<&'a str>,
    file: &'a str,
    line: usize,
}

/// Checks the edges of a crate, in all of its files together.
pub fn check_edges(crate_: &Checked) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut say = |file: &str, line, message: String| {
        found.push(Violation { file: file.to_owned(), line, message });
    };
    let mut rows: BTreeMap<&str, Row<'_>> = BTreeMap::new();
    for row in crate_.sources.iter().flat_map(ledger) {
        if let Some(first) = rows.get(row.edge) {
            let message = format!("the edge {} has a row in {} already", row.edge, first.file);
            say(row.file, row.line, message);
        } else {
            rows.insert(row.edge, row);
        }
    }

    let mut ends: BTreeMap<&str, Ends<'_>> = BTreeMap::new();
    for source in &crate_.sources {
        for note in source.comments.notes() {
            for edge in &note.edges {
                let ends = ends.entry(edge).or_insert(Ends::at(&source.path, note.line));
                ends.released |= note.order.releases();
                ends.acquired |= note.order.acquires();
            }
        }
    }
    for (edge, ends) in &ends {
        let mut say = |message: String| say(ends.file, ends.line, message);
        if !ends.released {
            say(format!("the edge {edge} has no note on its release side"));
        }
        if !ends.acquired {
            say(format!("the edge {edge} has no note on its acquire side"));
        }
        if !rows.contains_key(edge) {
            say(format!("the edge {edge} has no row in a `//! # Orderings` table"));
        }
    }
    let code = crate_.sources.iter().flat_map(|source| source.text.lines());
    let code = code.filter(|line| !line.trim_start().starts_with("//"));
    let code: BTreeSet<_> = code.flat_map(identifiers).collect();
    for row in rows.values() {
        let mut say = |message: String| say(row.file, row.line, message);
        if !ends.contains_key(row.edge) {
            say(format!("the edge {} is named by no note", row.edge));
        }
        let snake = row.edge.replace('-', "_");
        for test in row.tests.iter().filter(|test| !exists(test, &crate_.loom_tests)) {
            say(format!("tests/loom.rs has no test {test}"));
        }
        for (side, names) in ["release", "acquire"].into_iter().zip(&row.sides) {
            let there = at_the_sites(crate_, row.edge, side == "release");
            let parts = |name: &&&str| name.split("::").all(|part| there.contains(part));
            // Without a note at that side, that is told already.
            if !there.is_empty() && !names.is_empty() && !names.iter().any(|name| parts(&name)) {
                say(format!("what {} has at its {side} side is where no note names it", row.edge));
            }
            for name in
                names.iter().filter(|name| !name.split("::").all(|part| code.contains(part)))
            {
                say(format!("{name}, in the row of {}, is no name here", row.edge));
            }
        }
        let named = row.tests.iter().any(|test| test.contains(&snake));
        if !named && !crate_.allowed_edges.contains(row.edge) {
            say(format!("the edge {} has no loom test with {snake} in its name", row.edge));
        }
    }
    found
}

/// The edges of a crate's ledgers.
pub(super) fn edges(crate_: &Checked) -> BTreeSet<String> {
    crate_.sources.iter().flat_map(ledger).map(|row| row.edge.to_owned()).collect()
}

/// Where an edge is first named, and which of its ends are.
struct Ends<'a> {
    file: &'a str,
    line: usize,
    released: bool,
    acquired: bool,
}

impl<'a> Ends<'a> {
    fn at(file: &'a str, line: usize) -> Self {
        Self { file, line, released: false, acquired: false }
    }
}

/// The words at the accesses whose notes name an edge at this side: of the functions that they stand in,
/// of their statements, and of those notes.
fn at_the_sites<'a>(crate_: &'a Checked, edge: &str, released: bool) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    for source in &crate_.sources {
        let lines: Vec<_> = source.text.lines().collect();
        for access in &source.accesses {
            let names_it = |note: &&Note| {
                let side = if released { note.order.releases() } else { note.order.acquires() };
                side && note.edges.iter().any(|own| own == edge)
            };
            let notes = source.notes(access);
            let Some(note) = notes.into_iter().find(names_it) else { continue };
            found.extend(identifiers(&access.function));
            let module = source.path.rsplit('/').next().unwrap_or_default();
            found.extend(module.strip_suffix(".rs"));
            let first = access.anchor.line.min(note.line);
            for line in &lines[first - 1..access.last_line] {
                found.extend(identifiers(line));
            }
        }
    }
    found
}

fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|sign: char| !sign.is_alphanumeric() && sign != '_').filter(|word| !word.is_empty())
}

fn ledger(source: &Source) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let mut inside = false;
    for (i, line) in source.text.lines().enumerate() {
        let Some(doc) = line.strip_prefix("//!") else { continue };
        let doc = doc.trim();
        if doc.starts_with("# ") {
            inside = doc == "# Orderings";
        }
        let cells: Vec<_> = doc.trim_matches('|').split('|').map(str::trim).collect();
        let [edge, release, acquire, _, tests] = cells[..] else { continue };
        if inside && doc.starts_with('|') && edge != "edge" && !edge.starts_with("---") {
            let tests = words(tests).into_iter().collect();
            let (edge, sides) = (edge.trim_matches('`'), [words(release), words(acquire)]);
            rows.push(Row { edge, sides, tests, file: &source.path, line: i + 1 });
        }
    }
    rows
}

/// Is there a test of this name? `name*` is any whose name begins so.
fn exists(name: &str, tests: &BTreeSet<String>) -> bool {
    match name.strip_suffix('*') {
        Some(prefix) => tests.iter().any(|test| test.starts_with(prefix)),
        None => tests.contains(name),
    }
}

/// The names between backticks.
fn words(cell: &str) -> BTreeSet<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}
