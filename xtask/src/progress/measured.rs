//! What `test-progress` has measured, as docs/PROGRESS.md keeps it and the README sums it up; and
//! whether that is still of these sources.

use core::fmt::Write as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::{Context as _, Result};

use super::covered::{self, Coverage, Covered};
use crate::{
    interface::Interface,
    record::{self, Block},
    tidy::Violation,
    workspace::{self, Crate},
};

const RECORD: &str = "docs/PROGRESS.md";
const SUMMARY: Block = Block { file: "README.md", command: "cargo xtask test-progress --write" };

const HEAD: &str = "# Progress, measured

Written by `cargo xtask test-progress --write`, and held by `cargo xtask test` to the sources that it was
measured of. *Stopped*: one thread was stopped at each atomic access of the operation in turn,
for ever or until the others had finished, and they did finish. *Steps*: the most accesses to atomics that the operation took, and the bound in
its docs.
";

const COVERED: &str = "\n## Public operations

Each operation that users can call, and whether the tests have stopped a thread inside of it or counted its
steps: as the stacks told at the accesses. Those that need neither stand in
[the exemptions](../xtask/progress.exempt.md).
";

/// One line that a test has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) package: String,
    pub(crate) operation: String,
    pub(crate) shown: String,
}

impl Line {
    /// Is it about the operation of this name? It begins with the name, or with its last parts.
    pub(super) fn is_of(&self, name: &str) -> bool {
        let own = self.operation.split([',', ' ']).next().unwrap_or_default();
        let before = name.strip_suffix(own).filter(|_| !own.is_empty());
        before.is_some_and(|before| before.is_empty() || before.ends_with("::"))
    }

    /// The accesses that a thread was stopped at.
    fn stops(&self) -> Option<usize> {
        self.number("stopped at each of ", " accesses")
    }

    /// The most steps that were counted.
    fn steps(&self) -> Option<usize> {
        self.number("at most ", " steps")
    }

    /// The bound that the steps were held to.
    pub(super) fn bound(&self) -> Option<usize> {
        self.shown.rsplit_once("documented bound ")?.1.parse().ok()
    }

    fn number(&self, before: &str, after: &str) -> Option<usize> {
        let (_, rest) = self.shown.split_once(before)?;
        rest.split_once(after)?.0.parse().ok()
    }
}

/// What a run over all crates has found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Measured {
    /// What the tests have told.
    pub(super) lines: Vec<Line>,
    /// The operations that they went through, crate by crate.
    pub(super) coverage: BTreeMap<String, Coverage>,
    /// A fingerprint of each crate's sources.
    sources: BTreeMap<String, String>,
}

impl Measured {
    /// Writes it down.
    pub(super) fn write(&self) -> Result<()> {
        let mut text = String::from(HEAD);
        text.push_str("\n| crate | sources |\n| --- | --- |\n");
        for one in tested()? {
            writeln!(text, "| {} | {} |", one.name, fingerprint(&one)?)?;
        }
        text.push_str("\n| crate | operation | shown |\n| --- | --- | --- |\n");
        for Line { package, operation, shown } in &self.lines {
            writeln!(text, "| {package} | {operation} | {shown} |")?;
        }
        text.push_str(COVERED);
        text.push_str("\n| crate | public operation | | |\n| --- | --- | --- | --- |\n");
        for (package, coverage) in &self.coverage {
            for (name, covered) in coverage {
                writeln!(text, "| {package} | `{name}` | {} | |", covered.shown())?;
            }
        }
        fs::write(workspace::root().join(RECORD), text)
            .with_context(|| format!("writing {RECORD}"))?;
        SUMMARY.write(&summary(&self.lines))
    }

    /// Reads what was written down.
    fn read() -> Result<Self> {
        let mut measured = Self::default();
        for row in record::rows(&record::read(RECORD)?) {
            match row[..] {
                [package, sources] => {
                    measured.sources.insert(package.to_owned(), sources.to_owned());
                }
                [package, operation, shown] => measured.lines.push(Line {
                    package: package.to_owned(),
                    operation: operation.to_owned(),
                    shown: shown.to_owned(),
                }),
                [package, name, shown, _] => {
                    let coverage = measured.coverage.entry(package.to_owned()).or_default();
                    coverage.insert(name.trim_matches('`').to_owned(), Covered::read(shown));
                }
                _ => {}
            }
        }
        Ok(measured)
    }
}

/// What is not so any more.
///
/// # Errors
/// A file cannot be read, or the README has no place for the summary.
pub(crate) fn stale(interfaces: &BTreeMap<String, Interface>) -> Result<Vec<Violation>> {
    let measured = Measured::read()?;
    let exempt = covered::exempt()?;
    let (mut found, mut changed) = (Vec::new(), BTreeSet::new());
    let mut say = |file: &str, message: String| {
        found.push(Violation { file: file.to_owned(), line: 0, message });
    };
    for one in tested()? {
        let name = &one.name;
        if measured.sources.get(name) != Some(&fingerprint(&one)?) {
            say(RECORD, format!("{name} has changed since: `{}`", SUMMARY.command));
            changed.insert(name.clone());
        }
    }
    let none = Coverage::new();
    for (name, interface) in interfaces.iter().filter(|(name, _)| !changed.contains(*name)) {
        let coverage = measured.coverage.get(name).unwrap_or(&none);
        for message in covered::missing(name, interface, coverage, &exempt) {
            say(RECORD, format!("{name}: {message}"));
        }
    }
    if SUMMARY.read()? != summary(&measured.lines) {
        say(SUMMARY.file, format!("its table of progress is not that of {RECORD}"));
    }
    found.extend(super::claims::check(interfaces, &measured)?);
    Ok(found)
}

fn tested() -> Result<Vec<Crate>> {
    Ok(workspace::crates()?.into_iter().filter(|one| one.has_tests("progress")).collect())
}

fn fingerprint(one: &Crate) -> Result<String> {
    record::fingerprint(one, "progress", &["crates/testkit/src/progress.rs"])
}

/// A row for each crate.
fn summary(lines: &[Line]) -> String {
    let mut text = String::from(
        "| crate | operations stopped | at accesses | operations counted | most steps of one |\n\
         | --- | ---: | ---: | ---: | ---: |\n",
    );
    let packages: BTreeSet<_> = lines.iter().map(|line| line.package.as_str()).collect();
    for package in packages {
        let own = || lines.iter().filter(|line| line.package == package);
        let stops: Vec<_> = own().filter_map(Line::stops).collect();
        let steps: Vec<_> = own().filter_map(Line::steps).collect();
        let row = format!(
            "| `{package}` | {} | {} | {} | {} |\n",
            stops.len(),
            stops.iter().sum::<usize>(),
            steps.len(),
            steps.iter().max().unwrap_or(&0),
        );
        text.push_str(&row);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Line, summary};

    fn line(operation: &str, shown: &str) -> Line {
        Line {
            package: "ring".to_owned(),
            operation: operation.to_owned(),
            shown: shown.to_owned(),
        }
    }

    #[test]
    fn a_crate_is_summed_up() {
        let lines = [
            line("push", "stopped at each of 3 accesses, the others finish"),
            line("pop", "stopped at each of 2 accesses, the others finish"),
            line("push", "at most 3 steps, documented bound 3"),
            line("a lock", "a stopped thread blocks the others, as it must"),
        ];
        let text = summary(&lines);
        assert_eq!(text.lines().last(), Some("| `ring` | 2 | 5 | 1 | 3 |"));
    }

    #[test]
    fn a_line_is_of_the_operation_that_it_begins_with() {
        let told = line("Ring::push, alone", "at most 3 steps, documented bound 4");
        assert!(told.is_of("Ring::push") && told.is_of("a::Ring::push"));
        assert!(!told.is_of("Ring::pop") && !told.is_of("SpringRing::push"));
        assert!(line("push, alone", "").is_of("Ring::push"));
        assert_eq!(told.bound(), Some(4));
    }
}
