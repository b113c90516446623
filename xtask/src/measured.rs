//! What `test-progress` has measured, as docs/PROGRESS.md keeps it and the README sums it up; and
//! whether that is still of these sources.

use core::fmt::Write as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    tidy::Violation,
    workspace::{self, Crate},
};

const RECORD: &str = "docs/PROGRESS.md";
const SUMMARY: &str = "README.md";
const BEGIN: &str = "<!-- written by `cargo xtask test-progress --write` -->\n";
const END: &str = "<!-- end -->\n";

const HEAD: &str = "# Progress, measured

Written by `cargo xtask test-progress --write`, and held by `cargo xtask test` to the sources that it was
measured of. *Stopped*: one thread was stopped for ever at each atomic access of the operation in turn,
and the others finished. *Steps*: the most accesses to atomics that the operation took, and the bound in
its docs.
";

/// One line that a test has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) package: String,
    pub(crate) operation: String,
    pub(crate) shown: String,
}

/// Writes down `lines`, which are those of all crates.
pub(crate) fn write(lines: &[Line]) -> Result<()> {
    let mut text = String::from(HEAD);
    text.push_str("\n| crate | sources |\n| --- | --- |\n");
    for one in workspace::crates()?.iter().filter(|one| one.has_tests("progress")) {
        writeln!(text, "| {} | {:016x} |", one.name, fingerprint(one)?)?;
    }
    text.push_str("\n| crate | operation | shown |\n| --- | --- | --- |\n");
    for Line { package, operation, shown } in lines {
        writeln!(text, "| {package} | {operation} | {shown} |")?;
    }
    let record = workspace::root().join(RECORD);
    fs::write(&record, text).with_context(|| format!("writing {RECORD}"))?;

    let readme = workspace::root().join(SUMMARY);
    let text = fs::read_to_string(&readme).with_context(|| format!("reading {SUMMARY}"))?;
    let (before, _, after) = parts(&text)?;
    let text = [before, BEGIN, &summary(lines), END, after].concat();
    fs::write(&readme, text).with_context(|| format!("writing {SUMMARY}"))
}

/// What is not so any more.
///
/// # Errors
/// A file cannot be read, or the README has no place for the summary.
pub(crate) fn stale() -> Result<Vec<Violation>> {
    let root = workspace::root();
    let read =
        |file: &str| fs::read_to_string(root.join(file)).with_context(|| format!("reading {file}"));
    let (record, readme) = (read(RECORD)?, read(SUMMARY)?);
    let rows: Vec<Vec<&str>> = record
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| line.trim_matches(['|', ' ']).split(" | ").collect())
        .collect();
    let sources: BTreeMap<_, _> =
        rows.iter().filter(|row| row.len() == 2).map(|row| (row[0], row[1])).collect();
    let mut found = Vec::new();
    let mut say = |file: &str, message: String| {
        found.push(Violation { file: file.to_owned(), line: 0, message });
    };
    for one in workspace::crates()?.iter().filter(|one| one.has_tests("progress")) {
        if sources.get(one.name.as_str()) != Some(&format!("{:016x}", fingerprint(one)?).as_str()) {
            let name = &one.name;
            say(RECORD, format!("{name} has changed since: `cargo xtask test-progress --write`"));
        }
    }
    let lines: Vec<_> = rows
        .iter()
        .filter(|row| row.len() == 3 && row[2] != "shown" && row[2] != "---")
        .map(|row| Line {
            package: row[0].to_owned(),
            operation: row[1].to_owned(),
            shown: row[2].to_owned(),
        })
        .collect();
    if parts(&readme)?.1 != summary(&lines) {
        say(SUMMARY, format!("its table of progress is not that of {RECORD}"));
    }
    Ok(found)
}

/// What stands before the summary, the summary, and what stands after it.
fn parts(readme: &str) -> Result<(&str, &str, &str)> {
    let parts = readme.split_once(BEGIN).and_then(|(before, rest)| {
        let (within, after) = rest.split_once(END)?;
        Some((before, within, after))
    });
    parts.with_context(|| format!("{SUMMARY} has no place for the table of progress"))
}

/// A row for each crate.
fn summary(lines: &[Line]) -> String {
    let mut text = String::from(
        "| crate | operations stopped | at accesses | operations counted | most steps of one |\n\
         | --- | ---: | ---: | ---: | ---: |\n",
    );
    let packages: BTreeSet<_> = lines.iter().map(|line| line.package.as_str()).collect();
    for package in packages {
        let (mut stopped, mut accesses, mut counted, mut most) = (0, 0, 0, 0);
        for line in lines.iter().filter(|line| line.package == package) {
            let number = |before: &str, after: &str| -> Option<u64> {
                let (_, rest) = line.shown.split_once(before)?;
                rest.split_once(after)?.0.parse().ok()
            };
            if let Some(count) = number("stopped at each of ", " accesses") {
                stopped += 1;
                accesses += count;
            }
            if let Some(steps) = number("at most ", " steps") {
                counted += 1;
                most = most.max(steps);
            }
        }
        let row = format!("| `{package}` | {stopped} | {accesses} | {counted} | {most} |\n");
        text.push_str(&row);
    }
    text
}

/// What the measurement of a crate depends on: its sources, its tests of progress, the core's sources.
fn fingerprint(one: &Crate) -> Result<u64> {
    let mut files = Vec::new();
    collect(&one.dir.join("src"), &mut files)?;
    collect(&one.dir.join("tests"), &mut files)?;
    let tests = one.dir.join("tests");
    files.retain(|file| !file.starts_with(&tests) || names_progress(file));
    if one.is_structure() {
        collect(&workspace::root().join("crates/lockfree-core/src"), &mut files)?;
    }
    ensure!(!files.is_empty(), "{} has no sources", one.name);
    files.sort();
    // FNV-1a (Fowler, Noll, Vo, 1991): the same with every toolchain.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for &byte in bytes {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for file in files {
        add(file.strip_prefix(workspace::root()).unwrap_or(&file).as_os_str().as_encoded_bytes());
        add(&fs::read(&file).with_context(|| format!("reading {}", file.display()))?);
    }
    Ok(hash)
}

fn names_progress(file: &Path) -> bool {
    file.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("progress"))
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Line, summary};

    #[test]
    fn a_crate_is_summed_up() {
        let line = |operation: &str, shown: &str| Line {
            package: "ring".to_owned(),
            operation: operation.to_owned(),
            shown: shown.to_owned(),
        };
        let lines = [
            line("push", "stopped at each of 3 accesses, the others finish"),
            line("pop", "stopped at each of 2 accesses, the others finish"),
            line("push", "at most 3 steps, documented bound 3"),
            line("a lock", "a stopped thread blocks the others, as it must"),
        ];
        let text = summary(&lines);
        assert_eq!(text.lines().last(), Some("| `ring` | 2 | 5 | 1 | 3 |"));
    }
}
