//! Packages outside the workspace, written for one check.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::workspace;

/// A package of its own workspace, in a folder of its own.
#[derive(Debug)]
pub struct Package(PathBuf);

impl Package {
    /// Writes `files` (path and text) under `dir`, and a lock file with the versions of this
    /// workspace, so that nothing else is resolved.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(dir: PathBuf, files: &[(&str, &str)]) -> Result<Self> {
        for (name, text) in files {
            let file = dir.join(name);
            let parent = file.parent().unwrap_or(&dir);
            fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
            // An unchanged file keeps its time, and cargo builds nothing again.
            if fs::read_to_string(&file).ok().as_deref() != Some(*text) {
                fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
            }
        }
        let lock = workspace::root().join("Cargo.lock");
        fs::copy(&lock, dir.join("Cargo.lock")).context("copying Cargo.lock")?;
        Ok(Self(dir))
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.0
    }
}

/// A line for `[dependencies]`: the crate of this name by its path, with these features alone.
pub fn dependency(name: &str, features: &[&str]) -> String {
    let path = workspace::root().join("crates").join(name);
    let path = path.display().to_string();
    format!("{name} = {{ path = {path:?}, default-features = false, features = {features:?} }}\n")
}
