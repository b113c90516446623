//! The count of orderings, as the README has it, and whether it is still of these sources.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use anyhow::Result;

use super::report::Counts;
use crate::{
    record::{self, Block},
    tidy::Violation,
    workspace::{self, Crate},
};

const SUMMARY: Block = Block { file: "README.md", command: "cargo xtask orderings --write" };

/// What a run over all crates has found, crate by crate.
pub(super) fn write(counts: &BTreeMap<String, Counts>) -> Result<()> {
    let mut sources = BTreeMap::new();
    for one in workspace::crates()? {
        sources.insert(one.name.clone(), fingerprint(&one)?);
    }
    SUMMARY.write(&summary(counts, &sources)?)
}

/// What is not so any more.
///
/// # Errors
/// A file cannot be read, or the README has no place for the count.
pub(crate) fn stale() -> Result<Vec<Violation>> {
    let text = SUMMARY.read()?;
    let mut sources = BTreeMap::new();
    for one in workspace::crates()? {
        sources.insert(one.name.clone(), fingerprint(&one)?);
    }
    let told = |name: String| Violation {
        file: SUMMARY.file.to_owned(),
        line: 0,
        message: format!(
            "the orderings of {name} were counted of other sources: `{}`",
            SUMMARY.command
        ),
    };
    Ok(changed(&text, &sources).into_iter().map(told).collect())
}

/// The crates that `text` was not counted of, or that it does not count.
fn changed(text: &str, sources: &BTreeMap<String, String>) -> Vec<String> {
    let counted: Vec<_> = record::rows(text).filter_map(|row| row.first().copied()).collect();
    let is_counted = |name: &str| counted.contains(&format!("`{name}`").as_str());
    let same = |name: &str, hash: &str| text.contains(&format!("<!-- {name} {hash} -->"));
    let changed = sources.iter().filter(|(name, hash)| !is_counted(name) || !same(name, hash));
    changed.map(|(name, _)| name.clone()).collect()
}

/// A row for each crate, their sum, and, unseen by readers, what it is true of.
fn summary(
    counts: &BTreeMap<String, Counts>,
    sources: &BTreeMap<String, String>,
) -> Result<String> {
    let mut text = String::from(
        "| crate | orderings weakened | a model fails | allowed with a reason | edits that a model \
         kills |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    let mut all = Counts::default();
    for (name, one) in counts {
        row(&mut text, &format!("`{name}`"), *one)?;
        all.weakened += one.weakened;
        all.killed += one.killed;
        all.allowed += one.allowed;
        all.edits += one.edits;
        all.edits_killed += one.edits_killed;
    }
    row(&mut text, "all", all)?;
    for (name, hash) in sources {
        writeln!(text, "<!-- {name} {hash} -->")?;
    }
    Ok(text)
}

fn row(text: &mut String, name: &str, counts: Counts) -> Result<()> {
    let Counts { weakened, killed, allowed, edits, edits_killed } = counts;
    writeln!(text, "| {name} | {weakened} | {killed} | {allowed} | {edits_killed} of {edits} |")?;
    Ok(())
}

/// Of all that a verdict depends on.
fn fingerprint(one: &Crate) -> Result<String> {
    let edits = format!("xtask/mutants/{}.toml", one.name);
    let more = ["crates/testkit/src/model.rs", "xtask/orderings.allow.md", &edits];
    record::fingerprint(one, "loom", &more)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Counts, changed, summary};

    #[test]
    fn a_count_is_of_its_sources() {
        let counts = Counts { weakened: 5, killed: 4, allowed: 1, edits: 2, edits_killed: 2 };
        let counts: BTreeMap<_, _> =
            [("ring", counts), ("pool", counts)].map(|(name, own)| (name.to_owned(), own)).into();
        let of = |ring: &str| -> BTreeMap<String, String> {
            [("ring", ring), ("pool", "2")]
                .map(|(name, hash)| (name.to_owned(), hash.to_owned()))
                .into()
        };
        let text = summary(&counts, &of("1")).expect("a string is written");
        assert!(text.contains("| `ring` | 5 | 4 | 1 | 2 of 2 |\n"));
        assert!(text.contains("| all | 10 | 8 | 2 | 4 of 4 |\n"));
        assert_eq!(changed(&text, &of("1")), [""; 0]);
        assert_eq!(changed(&text, &of("3")), ["ring"]);
        assert_eq!(changed("", &of("1")), ["pool", "ring"]);
    }
}
