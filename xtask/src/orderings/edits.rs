//! What else one could get wrong: edits of the sources, each of which a named model must kill.
//!
//! They stand in `xtask/mutants/CRATE.toml`, as `[[mutant]]` with `what`, `file` (in the crate), `from`
//! and `to`, which replaces the one place where `from` stands, and `killed-by`, a loom test.

use core::{
    hash::{Hash as _, Hasher as _},
    time::Duration,
};
use std::{
    fs,
    hash::DefaultHasher,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use super::{
    Memory, Report,
    mutant::{self, Verdict},
};
use crate::{
    cargo::{self, Face},
    process, term, workspace,
};

/// A model is built anew for each edit and fails within moments: only loom itself is optimized.
const QUICKLY_BUILT: [&str; 4] = [
    "profile.release.opt-level=0",
    "profile.release.package.'*'.opt-level=0",
    "profile.release.package.loom.opt-level=3",
    "profile.release.package.generator.opt-level=3",
];

/// One edit.
#[derive(Debug)]
pub(crate) struct Edit {
    /// What goes wrong, in words.
    pub(super) what: String,
    /// Where it is made, from the workspace's root: file and line.
    pub(super) place: String,
    file: PathBuf,
    edited: String,
    killed_by: String,
}

impl Edit {
    /// Tells this edit of this text from any other.
    fn key(&self) -> String {
        let mut hasher = DefaultHasher::new();
        (&self.edited, &self.killed_by).hash(&mut hasher);
        format!("{} {:016x}", self.place, hasher.finish())
    }
}

/// The edits of `package`.
fn read(package: &str) -> Result<Vec<Edit>> {
    let list = workspace::root().join("xtask/mutants").join(package).with_extension("toml");
    if !list.exists() {
        return Ok(Vec::new());
    }
    let within = || format!("reading {}", list.display());
    let table: toml::Table =
        fs::read_to_string(&list).with_context(within)?.parse().with_context(within)?;
    let Some(rows) = table.get("mutant").and_then(toml::Value::as_array) else {
        bail!("{} holds no [[mutant]]", list.display());
    };
    rows.iter().map(|row| of(package, row)).collect::<Result<_>>().with_context(within)
}

fn of(package: &str, row: &toml::Value) -> Result<Edit> {
    let text = |key: &str| {
        let text = row.get(key).and_then(toml::Value::as_str);
        text.map(|text| text.trim_matches('\n').to_owned())
            .with_context(|| format!("a mutant without {key}"))
    };
    let (what, from) = (text("what")?, text("from")?);
    let file = Path::new("crates").join(package).join(text("file")?);
    let source = fs::read_to_string(workspace::root().join(&file))
        .with_context(|| format!("reading {}", file.display()))?;
    let mut places = source.match_indices(&from);
    let (Some((at, _)), None) = (places.next(), places.next()) else {
        bail!("{what}: `from` must stand once in {}", file.display());
    };
    let line = source[..at].lines().count() + 1;
    let place = format!("{}:{line}", file.display());
    Ok(Edit {
        what,
        place,
        edited: source.replacen(&from, &text("to")?, 1),
        file,
        killed_by: text("killed-by")?,
    })
}

/// Makes each edit of `package` in a copy of the crates, and runs the model that must kill it.
///
/// Each core has a copy of its own: one builds while another's model runs.
pub(super) fn judge_all(package: &str, memory: &Memory, report: &mut Report) -> Result<()> {
    let edits = read(package)?;
    let bar = term::bar(edits.len(), &format!("{package}, edited"));
    let copies = workspace::root().join("target/edited");
    let judged = process::on_numbered_cores(edits, |core, edit| {
        let key = edit.key();
        let (verdict, time) = if let Some(known) = memory.recall(&key) {
            known
        } else {
            let (verdict, time) = judge(package, &copies.join(core.to_string()), &edit)?;
            memory.keep(&key, &verdict, time)?;
            (verdict, time)
        };
        bar.inc(1);
        anyhow::Ok((edit, verdict, time))
    });
    bar.finish_and_clear();
    for one in judged {
        let (edit, verdict, time) = one?;
        report.enter_edit(&edit, verdict, time);
    }
    Ok(())
}

fn judge(package: &str, copy: &Path, edit: &Edit) -> Result<(Verdict, Duration)> {
    let original = mirror(copy, &edit.file)?;
    let file = copy.join(&edit.file);
    fs::write(&file, &edit.edited).with_context(|| format!("writing {}", file.display()))?;
    let outcome = run(package, copy, &edit.killed_by);
    fs::write(&file, original).with_context(|| format!("writing {}", file.display()))?;
    outcome.with_context(|| format!("{} ({})", edit.what, edit.place))
}

fn run(package: &str, copy: &Path, killed_by: &str) -> Result<(Verdict, Duration)> {
    let mut build = cargo::cargo(Face::Modelled);
    build.args(QUICKLY_BUILT.iter().flat_map(|line| ["--config", line]));
    build.current_dir(copy).env("CARGO_TARGET_DIR", copy.join("target"));
    // One build differs by a few lines from the one before.
    build.env("CARGO_INCREMENTAL", "1");
    build.env("CARGO_ENCODED_RUSTFLAGS", cargo::FLAGS_OF_EDITED);
    let target = target(&copy.join("crates").join(package).join("tests"), killed_by)?;
    let tests = cargo::build_targets(build, &[package], &target)?;
    let Some(test) = tests.iter().find(|test| test.name == killed_by) else {
        bail!("{package} has no loom test {killed_by}");
    };
    let outcome = process::run(test.command(), Duration::from_mins(2))?;
    let verdict = match mutant::cause(&outcome) {
        Ok(Some(how)) => Verdict::Killed { by: killed_by.to_owned(), how },
        Ok(None) => Verdict::Survived { tests: 1 },
        Err(why) => Verdict::Inconclusive { why: format!("{killed_by} {why}") },
    };
    Ok((verdict, outcome.elapsed))
}

/// The test target in `dir` that holds a test; all of them where it lies in a module of its own file.
fn target(dir: &Path, test: &str) -> Result<String> {
    let declared = format!("fn {test}(");
    for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let file = entry?.path();
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with("loom")
            && fs::read_to_string(&file).is_ok_and(|text| text.contains(&declared))
        {
            return Ok(name);
        }
    }
    Ok("*loom".to_owned())
}

/// Makes `copy` a workspace of the crates as they are, and returns the text of `file` among them.
fn mirror(copy: &Path, file: &Path) -> Result<String> {
    let root = workspace::root();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).context("reading Cargo.toml")?;
    let members = manifest.lines().find(|line| line.starts_with("members")).unwrap_or_default();
    write(
        &copy.join("Cargo.toml"),
        manifest.replace(members, "members = [\"crates/*\"]").as_bytes(),
    )?;
    write(
        &copy.join("Cargo.lock"),
        &fs::read(root.join("Cargo.lock")).context("reading Cargo.lock")?,
    )?;
    mirror_folder(&root.join("crates"), &copy.join("crates"))?;
    let file = root.join(file);
    fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
}

fn mirror_folder(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let (entry, kind) = entry.and_then(|entry| entry.file_type().map(|kind| (entry, kind)))?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if kind.is_dir() {
            mirror_folder(&from, &to)?;
        } else {
            write(&to, &fs::read(&from).with_context(|| format!("reading {}", from.display()))?)?;
        }
    }
    Ok(())
}

/// A file that is so already keeps its time, and cargo builds nothing again.
fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(file).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let written =
        file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(file, bytes));
    written.with_context(|| format!("writing {}", file.display()))
}
