//! What commands write into files that people read: a block between two marks, a fingerprint of the
//! sources that it is true of, the rows of a table.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use crate::workspace::{self, Crate};

const END: &str = "<!-- end -->\n";

/// A part of a file that a command writes.
pub(crate) struct Block {
    /// The file, relative to the workspace.
    pub(crate) file: &'static str,
    /// The command, as it is typed.
    pub(crate) command: &'static str,
}

impl Block {
    /// What stands there.
    pub(crate) fn read(&self) -> Result<String> {
        let text = read(self.file)?;
        Ok(self.parts(&text)?.1.to_owned())
    }

    /// Puts `within` there.
    pub(crate) fn write(&self, within: &str) -> Result<()> {
        let text = read(self.file)?;
        let (before, _, after) = self.parts(&text)?;
        let text = [before, within, after].concat();
        fs::write(workspace::root().join(self.file), text)
            .with_context(|| format!("writing {}", self.file))
    }

    /// What stands before it, in it, and after it.
    fn parts<'t>(&self, text: &'t str) -> Result<(&'t str, &'t str, &'t str)> {
        let begin = format!("<!-- written by `{}` -->\n", self.command);
        let at = text.find(&begin).map(|at| at + begin.len());
        let parts = at.and_then(|at| {
            let length = text[at..].find(END)?;
            Some((&text[..at], &text[at..at + length], &text[at + length..]))
        });
        parts.with_context(|| {
            format!("{} has no place for what `{}` writes", self.file, self.command)
        })
    }
}

/// The text of a file, by its path from the root of the workspace.
pub(crate) fn read(file: &str) -> Result<String> {
    fs::read_to_string(workspace::root().join(file)).with_context(|| format!("reading {file}"))
}

/// The cells of a table's rows, without the row of its heads and the one below it.
pub(crate) fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let mut lines = text.lines().peekable();
    core::iter::from_fn(move || {
        loop {
            let line = lines.next()?;
            let is_rule = |line: &str| line.starts_with("| --") || line.starts_with("|--");
            if lines.next_if(|next| is_rule(next)).is_none() && line.starts_with("| ") {
                return Some(line.trim_matches('|').split('|').map(str::trim).collect());
            }
        }
    })
}

/// Tells apart the sources that something was found of: those of `one` and of the core, on which all
/// stand, its tests of this `kind` with what they share, and `more` files.
pub(crate) fn fingerprint(one: &Crate, kind: &str, more: &[&str]) -> Result<String> {
    let root = workspace::root();
    let mut files = Vec::new();
    collect(&one.dir.join("src"), &mut files)?;
    ensure!(!files.is_empty(), "{} has no sources", one.name);
    if one.is_structure() {
        collect(&root.join("crates/lockfree-core/src"), &mut files)?;
    }
    let dir = one.dir.join("tests");
    let mut tests = Vec::new();
    collect(&dir, &mut tests)?;
    files.extend(tests.into_iter().filter(|file| {
        // What lies in a folder is shared by tests, or part of one.
        let is_one = file.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(kind));
        is_one || file.parent() != Some(&dir)
    }));
    files.extend(more.iter().map(|file| root.join(file)).filter(|file| file.exists()));
    files.sort();

    // FNV-1a (Fowler, Noll, Vo, 1991): the same with every toolchain.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for &byte in bytes {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for file in files {
        add(file.strip_prefix(root).unwrap_or(&file).as_os_str().as_encoded_bytes());
        add(&fs::read(&file).with_context(|| format!("reading {}", file.display()))?);
    }
    Ok(format!("{hash:016x}"))
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
    use super::{Block, rows};

    #[test]
    fn a_block_is_found_between_its_marks() {
        let block = Block { file: "x", command: "c" };
        let text = "a\n<!-- written by `c` -->\nb\n<!-- end -->\nd\n";
        let parts = block.parts(text).expect("it is there");
        assert_eq!(parts, ("a\n<!-- written by `c` -->\n", "b\n", "<!-- end -->\nd\n"));
        assert!(block.parts("a\n<!-- end -->\n").is_err());
    }

    #[test]
    fn rows_are_read_without_their_heads() {
        let text = "| a | b |\n| --- | ---: |\n| 1 | 2 |\ntext\n| a |\n| --- |\n| 3 |\n";
        assert_eq!(rows(text).collect::<Vec<_>>(), [vec!["1", "2"], vec!["3"]]);
    }
}
