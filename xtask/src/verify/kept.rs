//! What passed before, of the same sources: it need not run again.

use core::hash::{Hash as _, Hasher as _};
use std::{
    collections::BTreeSet,
    fs,
    hash::DefaultHasher,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::{
    context::Context,
    table::{Row, Verdict},
};
use crate::workspace::{self, Crate};

/// What `rung` found of `one`, if all of it passed and nothing has changed since.
pub(super) fn recall(context: &Context, rung: &str, one: &Crate) -> Option<Vec<Row>> {
    let text = fs::read_to_string(file(context, rung, one)).ok()?;
    let mut lines = text.lines();
    if lines.next()? != fingerprint(context, rung, one, &more_of(rung, one)).ok()? {
        return None;
    }
    lines.map(Row::from_line).collect()
}

/// Notes what `rung` found of `one`, if that was all that it can find.
pub(super) fn keep(context: &Context, rung: &str, one: &Crate, rows: &[Row]) -> Result<()> {
    let is_open = |row: &Row| [Verdict::Failed, Verdict::Inconclusive].contains(&row.verdict);
    if rows.iter().any(is_open) {
        return Ok(());
    }
    let mut text = fingerprint(context, rung, one, &more_of(rung, one))? + "\n";
    text.extend(rows.iter().map(Row::to_line));
    let file = file(context, rung, one);
    let parent = file.parent().unwrap_or(&file);
    let written = fs::create_dir_all(parent).and_then(|()| fs::write(&file, text));
    written.with_context(|| format!("writing {}", file.display()))
}

fn file(context: &Context, rung: &str, one: &Crate) -> PathBuf {
    context.dir().join("kept").join(format!("{rung}-{}", one.name))
}

/// What decides what a rung finds, and lies elsewhere.
fn more_of(rung: &str, one: &Crate) -> Vec<String> {
    match rung {
        "fuzz" => vec![format!("fuzz/fuzz_targets/{}.rs", one.name), "fuzz/Cargo.lock".to_owned()],
        "mutants" => vec!["xtask/survivors.md".to_owned()],
        _ => Vec::new(),
    }
}

/// Tells these sources, of the crate, what it stands on, what tests it by this rung and `more`, from
/// others; and a run of this length from one of another.
pub(super) fn fingerprint(
    context: &Context,
    rung: &str,
    one: &Crate,
    more: &[String],
) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    (context.minutes(), env!("CARGO_PKG_RUST_VERSION")).hash(&mut hasher);
    let root = workspace::root();
    let mut files: Vec<_> =
        own_crates(one).into_iter().map(|name| root.join("crates").join(name)).collect();
    files.extend(["Cargo.lock", "Cargo.toml"].map(|file| root.join(file)));
    files.extend(more.iter().map(|file| root.join(file)));
    let own = root.join("xtask/src/verify");
    files.extend(["suite.rs", "toolchain.rs"].map(|file| own.join(file)));
    files.extend([own.join(rung).with_extension("rs"), own.join(rung)]);
    for file in files {
        hash(&file, &mut hasher)?;
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// The crates of the workspace that `one` and its tests stand on, with itself.
pub(super) fn own_crates(one: &Crate) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut left = vec![one.name.clone()];
    while let Some(name) = left.pop() {
        let manifest = workspace::root().join("crates").join(&name).join("Cargo.toml");
        // What is no crate of the workspace.
        let Ok(text) = fs::read_to_string(&manifest) else { continue };
        if found.insert(name) {
            left.extend(text.lines().filter_map(dependency).map(str::to_owned));
        }
    }
    found
}

/// The name of the dependency that a line of a manifest tells, if it tells one.
fn dependency(line: &str) -> Option<&str> {
    let (name, rest) = line.split_once(['.', ' '])?;
    (rest.contains("workspace") && rest.contains("true")).then_some(name)
}

fn hash(path: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    if path.is_dir() {
        let entries = fs::read_dir(path).with_context(|| format!("reading {}", path.display()))?;
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        return paths.iter().try_for_each(|path| hash(path, hasher));
    }
    // What is not there is the same as long as it is not there.
    (path, fs::read(path).ok()).hash(hasher);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{dependency, own_crates};
    use crate::workspace::select;

    #[test]
    fn dependencies_are_told_from_other_lines() {
        assert_eq!(dependency("testkit.workspace = true"), Some("testkit"));
        assert_eq!(dependency("hyper = { workspace = true, features = [] }"), Some("hyper"));
        assert_eq!(dependency("name = \"testkit\""), None);
        assert_eq!(dependency("[dependencies]"), None);
    }

    #[test]
    fn a_crate_stands_on_those_that_its_dependencies_stand_on() {
        let crates = select(&["atomic-metrics".to_owned()]).unwrap();
        let own = own_crates(&crates[0]);
        let expected = ["atomic-counter", "atomic-metrics", "lockfree-core", "testkit"];
        assert!(expected.iter().all(|name| own.contains(*name)), "{own:?}");
    }
}
