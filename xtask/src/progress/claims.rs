//! The README's table of guarantees, held to what was measured.
//!
//! Its first cell names operations: `crate::Type::name`, or `name` alone, of the type or module that was
//! named before it. What is called wait-free must have been counted, what is called lock-free stopped in;
//! and where the cell of steps gives plain numbers, the greatest is the greatest bound that a test holds
//! these operations to.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};

use super::{
    covered::Coverage,
    measured::{Line, Measured},
};
use crate::{interface::Interface, record, tidy::Violation};

const README: &str = "README.md";
const HEADING: &str = "## What is guaranteed";

/// What a crate offers, and what was measured of it.
struct Known<'a> {
    interface: &'a Interface,
    coverage: &'a Coverage,
    lines: Vec<&'a Line>,
}

/// Checks each row of the table.
pub(crate) fn check(
    interfaces: &BTreeMap<String, Interface>,
    measured: &Measured,
) -> Result<Vec<Violation>> {
    let text = record::read(README)?;
    let (_, section) = text.split_once(HEADING).context("README.md has no table of guarantees")?;
    let section = section.split("\n#").next().unwrap_or_default();
    let none = Coverage::new();
    let known: BTreeMap<_, _> = interfaces
        .iter()
        .map(|(name, interface)| {
            let known = Known {
                interface,
                coverage: measured.coverage.get(name).unwrap_or(&none),
                lines: measured.lines.iter().filter(|line| line.package == *name).collect(),
            };
            (name.replace('-', "_"), known)
        })
        .collect();
    let mut found = Vec::new();
    let mut rows = 0;
    for row in record::rows(section) {
        let [operations, progress, steps, _] = row[..] else { continue };
        rows += 1;
        let complaints = complaints(&known, operations, progress, steps);
        found.extend(complaints.into_iter().map(|message| Violation {
            file: README.to_owned(),
            line: 0,
            message: format!("{operations}: {message}"),
        }));
    }
    if rows == 0 {
        found.push(Violation {
            file: README.to_owned(),
            line: 0,
            message: "its table of guarantees is empty".to_owned(),
        });
    }
    Ok(found)
}

fn complaints(
    known: &BTreeMap<String, Known<'_>>,
    operations: &str,
    progress: &str,
    steps: &str,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut within: Option<(&Known<'_>, String)> = None;
    let mut named = Vec::new();
    for path in operations.split('`').skip(1).step_by(2) {
        let first = path.split("::").next().unwrap_or_default();
        let (one, path) = match (known.get(first), &within) {
            (Some(one), _) => (one, path.split_once("::").map_or("", |(_, rest)| rest).to_owned()),
            (None, Some((one, place))) if place.is_empty() => (*one, path.to_owned()),
            (None, Some((one, place))) => (*one, format!("{place}::{path}")),
            (None, None) => {
                found.push(format!("{path} does not begin with a crate"));
                continue;
            }
        };
        let fitting = fitting(one, &path);
        if let Some(place) = fitting.place {
            within = Some((one, place));
        } else if fitting.operations.is_empty() {
            found.push(format!("no operation is named {path}"));
        }
        named.extend(fitting.operations.into_iter().map(|name| (one, name)));
    }
    if named.is_empty() {
        found.push("it names no operation".to_owned());
    }

    let first = progress.split([';', ',', ' ', ':']).next().unwrap_or_default();
    for (one, name) in &named {
        let covered = one.coverage.get(name).copied().unwrap_or_default();
        if first == "wait-free" && !covered.counted {
            found.push(format!("{name} is called wait-free, and no test counts its steps"));
        }
        if first == "lock-free" && !covered.stopped {
            found.push(format!("{name} is called lock-free, and no test stops a thread in it"));
        }
    }
    if let Some(told) = greatest(steps).filter(|told| *told > 0) {
        let of_these = |line: &&&Line| {
            named.iter().any(|(one, name)| {
                one.lines.iter().any(|own| core::ptr::eq(*own, **line)) && line.is_of(name)
            })
        };
        let lines = known.values().flat_map(|one| &one.lines).filter(of_these);
        let bound = lines.filter_map(|line| line.bound()).max();
        match bound {
            None => found.push("no counted line bears its name".to_owned()),
            Some(bound) if bound != told => {
                found.push(format!("it says {told} steps, and its tests {bound}"));
            }
            Some(_) => {}
        }
    }
    found
}

/// What a path stands for: a type or module, with the path to go on from, or operations.
struct Fitting {
    place: Option<String>,
    operations: Vec<String>,
}

fn fitting(known: &Known<'_>, path: &str) -> Fitting {
    let interface = known.interface;
    let declared = || interface.operations.iter().map(|one| &one.name);
    let all = || declared().chain(known.coverage.keys());
    if all().any(|name| name == path) {
        let place = path.rsplit_once("::").map_or("", |(place, _)| place);
        return Fitting { place: Some(place.to_owned()), operations: vec![path.to_owned()] };
    }
    if let Some(same) = interface.aliased(path) {
        return Fitting { place: Some(same.to_owned()), operations: Vec::new() };
    }
    // A function of a type in the module that was named.
    if let Some((place, name)) = path.rsplit_once("::") {
        let inside = all().filter(|own| {
            own.strip_prefix(place).and_then(|rest| rest.strip_prefix("::")).is_some_and(|rest| {
                rest.matches("::").count() == 1 && rest.ends_with(&format!("::{name}"))
            })
        });
        let operations: Vec<_> = inside.cloned().collect::<BTreeSet<_>>().into_iter().collect();
        if !operations.is_empty() {
            return Fitting { place: Some(place.to_owned()), operations };
        }
    }
    let is_place = path.is_empty() || all().any(|name| name.starts_with(&format!("{path}::")));
    Fitting { place: is_place.then(|| path.to_owned()), operations: Vec::new() }
}

/// The greatest of the numbers in a cell, if it is numbers and no formula.
fn greatest(cell: &str) -> Option<usize> {
    let words: Vec<_> = cell.split([' ', ',', ';', ':']).collect();
    let is_each =
        |pair: &[&str]| pair[1] == "a" && (pair[0] == "one" || pair[0].parse::<usize>().is_ok());
    let formula = cell.contains(['·', '^', '`']) || words.windows(2).any(is_each);
    let numbers = words.iter().filter_map(|word| word.parse().ok());
    numbers.max().filter(|_| !formula)
}

#[cfg(test)]
mod tests {
    use super::greatest;

    #[test]
    fn a_formula_is_no_number() {
        assert_eq!(greatest("4 beside the clock; 11 in a new bucket"), Some(11));
        assert_eq!(greatest("2, 3 upon the end"), Some(3));
        assert_eq!(greatest("4·n + 12 for n slots"), None);
        assert_eq!(greatest("577 a shard"), None);
        assert_eq!(greatest(""), None);
    }
}
