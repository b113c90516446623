//! Each edge has two ends, a row in a ledger, and a loom test that bears its name.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checked, Violation};
use crate::scan::Source;

/// One row of a `# Orderings` table.
struct Row<'a> {
    edge: &'a str,
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
    for row in rows.values() {
        let mut say = |message: String| say(row.file, row.line, message);
        if !ends.contains_key(row.edge) {
            say(format!("the edge {} is named by no note", row.edge));
        }
        let snake = row.edge.replace('-', "_");
        for test in row.tests.iter().filter(|test| !exists(test, &crate_.loom_tests)) {
            say(format!("tests/loom.rs has no test {test}"));
        }
        let named = row.tests.iter().any(|test| test.contains(&snake));
        if !named && !crate_.allowed_edges.contains(row.edge) {
            say(format!("the edge {} has no loom test with {snake} in its name", row.edge));
        }
    }
    found
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
        let [edge, _, _, _, tests] = cells[..] else { continue };
        if inside && doc.starts_with('|') && edge != "edge" && !edge.starts_with("---") {
            let tests = words(tests).into_iter().collect();
            rows.push(Row { edge: edge.trim_matches('`'), tests, file: &source.path, line: i + 1 });
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
