//! The crates of this workspace and where they lie.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

/// One crate under `crates/`.
#[derive(Clone, Debug)]
pub struct Crate {
    /// Its package's name, which is its folder's.
    pub name: String,
    /// Its folder.
    pub dir: PathBuf,
}

impl Crate {
    /// Has it integration tests of this kind: `tests/kind.rs`, or more beside it whose names end so?
    pub fn has_tests(&self, kind: &str) -> bool {
        self.dir.join("tests").join(kind).with_extension("rs").exists()
    }

    /// Has it a feature of this name?
    ///
    /// # Errors
    /// Its manifest cannot be read.
    pub fn has_feature(&self, name: &str) -> Result<bool> {
        let file = self.dir.join("Cargo.toml");
        let manifest = fs::read_to_string(&file);
        let manifest = manifest.with_context(|| format!("reading {}", file.display()))?;
        let (_, after) = manifest.split_once("[features]").unwrap_or_default();
        let mut lines = after.lines().skip(1).take_while(|line| !line.starts_with('['));
        Ok(lines.any(|line| line.split_once('=').is_some_and(|(key, _)| key.trim() == name)))
    }

    /// A lock-free structure, which must show that it is one; `lockfree-core` is the ground of them.
    pub fn is_structure(&self) -> bool {
        self.name != "lockfree-core"
    }

    /// The folder of its sources, relative to the workspace.
    pub fn sources(&self) -> String {
        format!("crates/{}/src", self.name)
    }
}

/// The root of the workspace.
pub fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// Every crate that others may depend on: `testkit` is not one.
///
/// # Errors
/// The folder cannot be read.
pub fn crates() -> Result<Vec<Crate>> {
    let dir = root().join("crates");
    let mut crates = Vec::new();
    for entry in fs::read_dir(&dir).with_context(|| format!("reading {}", dir.display()))? {
        let dir = entry?.path();
        let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if dir.join("Cargo.toml").exists() && name != "testkit" {
            crates.push(Crate { name, dir });
        }
    }
    crates.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(crates)
}

/// The crates of these names; all where none is named.
///
/// # Errors
/// No crate has that name.
pub fn select(names: &[String]) -> Result<Vec<Crate>> {
    let all = crates()?;
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|one| one.name != **name)) {
        let known: Vec<_> = all.iter().map(|one| one.name.as_str()).collect();
        bail!("no crate is named {unknown}; there are {}", known.join(", "));
    }
    Ok(all.into_iter().filter(|one| names.is_empty() || names.contains(&one.name)).collect())
}
