//! What each crate brings along, and what stands in no file.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use super::{Violation, read};
use crate::workspace::Crate;

/// The most lines of a file of sources.
pub const FILE_LINES: usize = 450;

/// What each crate has, and what a structure has besides.
const FILES: [&str; 4] = ["README.md", "CHANGELOG.md", "tests/api.rs", "tests/loom.rs"];
const FILES_OF_STRUCTURES: [&str; 3] = ["tests/model.rs", "tests/stress.rs", "tests/progress.rs"];

pub(super) fn missing(one: &Crate) -> Vec<Violation> {
    let more = FILES_OF_STRUCTURES.iter().filter(|_| one.is_structure());
    let missing = FILES.iter().chain(more).filter(|file| !one.dir.join(file).exists());
    let violation = |file: &&str| Violation {
        file: format!("crates/{}/{file}", one.name),
        line: 0,
        message: "is missing".to_owned(),
    };
    missing.map(violation).collect()
}

/// Checks the text of one file: its length, tests and examples that do not run, work left over.
pub fn check_text(path: &Path, text: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut say = |line, message: String| {
        found.push(Violation { file: path.display().to_string(), line, message });
    };
    let is_rust = path.extension().is_some_and(|extension| extension == "rs");
    let lines = text.lines().count();
    if is_rust && lines > FILE_LINES {
        say(0, format!("{lines} lines, more than {FILE_LINES}: split it by responsibility"));
    }
    // Put together here, so that this file holds none of them.
    let left_over = [["TO", "DO"], ["FIX", "ME"], ["to", "do!("], ["unimple", "mented!("]];
    for (i, line) in text.lines().enumerate() {
        for word in left_over.map(|parts| parts.concat()) {
            if line.contains(&word) {
                say(i + 1, format!("{word}: work left over is an issue"));
            }
        }
        let bare = line.trim_start_matches(['/', '!', '*', ' ']);
        if let Some(tags) = bare.strip_prefix("```")
            && tags.split([',', ' ']).any(|tag| tag == "ignore")
        {
            say(i + 1, "an example that does not run".to_owned());
        }
        if is_rust && line.trim_start().starts_with("#[ignore") {
            say(i + 1, "a test that does not run".to_owned());
        }
    }
    found
}

/// Calls `each` with every source and text under `dir`, by its path from there.
pub(super) fn each_text(dir: &Path, each: &mut dyn FnMut(&Path, &str)) -> Result<()> {
    let mut pending = vec![dir.to_owned()];
    while let Some(folder) = pending.pop() {
        let entries = fs::read_dir(&folder);
        for entry in entries.with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    pending.push(path);
                }
            } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "md") {
                let relative = path.strip_prefix(dir).unwrap_or(&path);
                each(relative, &read(&path)?);
            }
        }
    }
    Ok(())
}
