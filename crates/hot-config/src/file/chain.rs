//! The way from a path to its file: every directory and every link on it.

use std::{
    collections::{BTreeSet, VecDeque},
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
};

/// More links than this, and the way is a circle.
const LINKS: usize = 40;

/// What can change which file a path leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// The directories that are looked into, from the root on.
    pub(super) dirs: BTreeSet<PathBuf>,
    /// What is looked up in them: directories, links, at last the file.
    pub(super) entries: BTreeSet<PathBuf>,
}

impl Chain {
    /// Follows the path as far as it goes.
    pub(super) fn of(path: &Path) -> Self {
        let mut chain = Self::default();
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (mut at, mut left) = (PathBuf::new(), VecDeque::new());
        take_up(&path, &mut at, &mut left);
        let mut links = 0;
        while let Some(name) = left.pop_front() {
            if name == ".." {
                at.pop();
                continue;
            }
            let entry = at.join(&name);
            chain.dirs.insert(at.clone());
            chain.entries.insert(entry.clone());
            match fs::read_link(&entry) {
                Ok(target) if links < LINKS => {
                    links += 1;
                    take_up(&target, &mut at, &mut left);
                }
                Err(_) if entry.exists() => at = entry,
                Ok(_) | Err(_) => break,
            }
        }
        chain
    }
}

/// Puts the parts of `path` before those that are left; from the root, if it begins there.
fn take_up(path: &Path, at: &mut PathBuf, left: &mut VecDeque<OsString>) {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Prefix(_) | Component::RootDir => {
                at.push(part);
            }
            Component::CurDir => {}
            Component::ParentDir | Component::Normal(_) => parts.push(part.as_os_str().to_owned()),
        }
    }
    for part in parts.into_iter().rev() {
        left.push_front(part);
    }
}
