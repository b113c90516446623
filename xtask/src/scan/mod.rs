//! What the sources of a crate say: each access that names an ordering, with the comments that
//! explain it. The ordering mutation run and the tidy test stand on it.

mod cfg;
mod comments;
mod visit;

use core::{fmt, str::FromStr};
use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

pub(crate) use cfg::released;
pub use comments::{Comments, Note};
pub use visit::{Access, Foreign, Spot, Unsafe};
pub(crate) use visit::{all, order};

/// A memory ordering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// No order.
    Relaxed,
    /// Orders what comes after.
    Acquire,
    /// Orders what came before.
    Release,
    /// Both.
    AcqRel,
    /// Both, and one order of all.
    SeqCst,
}

impl Order {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Relaxed, Self::Acquire, Self::Release, Self::AcqRel, Self::SeqCst];

    /// May an edge end here?
    pub fn acquires(self) -> bool {
        matches!(self, Self::Acquire | Self::AcqRel | Self::SeqCst)
    }

    /// May an edge begin here?
    pub fn releases(self) -> bool {
        matches!(self, Self::Release | Self::AcqRel | Self::SeqCst)
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl FromStr for Order {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|order| order.to_string() == text).ok_or(())
    }
}

/// One file, read and understood.
#[derive(Debug, Default)]
pub struct Source {
    /// Its path, relative to the workspace, as the compiler names it.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Its comments, line by line.
    pub comments: Comments,
    /// Each call with an ordering among its arguments, from top to bottom.
    pub accesses: Vec<Access>,
    /// Each unsafe block and unsafe impl.
    pub unsafes: Vec<Unsafe>,
    /// Each name of an atomic, a cell, a fence or a spin hint that does not come from the façade.
    pub foreign: Vec<Foreign>,
    /// Each place in a `macro_rules!`, or in the arguments of a macro that cannot be read, where an
    /// ordering is named: no access there can be told by its place.
    pub hidden: Vec<usize>,
}

impl Source {
    /// Reads `text` as the file `path`. The names of modules in files of their own come back too,
    /// with whether they are part of a model.
    ///
    /// # Errors
    /// It is not Rust.
    pub fn parse(path: &str, text: &str) -> Result<(Self, Vec<visit::Module>)> {
        Self::parse_module(path, text, true)
    }

    fn parse_module(path: &str, text: &str, modelled: bool) -> Result<(Self, Vec<visit::Module>)> {
        let comments = Comments::read(text).with_context(|| format!("reading {path}"))?;
        let file = syn::parse_file(text).with_context(|| format!("parsing {path}"))?;
        let found = visit::file(&file, modelled);
        let source = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            comments,
            accesses: found.accesses,
            unsafes: found.unsafes,
            foreign: found.foreign,
            hidden: found.hidden,
        };
        Ok((source, found.modules))
    }

    /// The notes that may explain an access: above its statement and on its own lines.
    pub fn notes(&self, access: &Access) -> Vec<&Note> {
        let mut notes = self.comments.above(access.anchor);
        notes.extend(self.comments.within(access.at.line, access.last_line));
        notes
    }

    /// The edges that the notes of an access name for this ordering.
    pub fn edges(&self, access: &Access, order: Order) -> Vec<String> {
        let notes = self.notes(access).into_iter().filter(|note| note.order == order);
        notes.flat_map(|note| note.edges.iter().cloned()).collect()
    }
}

/// Reads the modules of the crate whose sources lie in `dir`, from its `lib.rs` on. Paths are told
/// relative to `root`.
///
/// # Errors
/// A file cannot be read or understood.
pub fn read_crate(root: &Path, dir: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut pending = vec![(dir.join("lib.rs"), dir.to_owned(), true)];
    while let Some((file, children, modelled)) = pending.pop() {
        let text =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let path = file.strip_prefix(root).unwrap_or(&file).to_string_lossy();
        let (source, modules) = Source::parse_module(&path, &text, modelled)?;
        sources.push(source);
        for module in modules {
            let folder = module.within.iter().fold(children.clone(), |dir, name| dir.join(name));
            let child = folder.join(&module.name);
            pending.push((file_of(&child), child, module.modelled));
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

/// The file of a module that is declared without a body.
pub(crate) fn file_of(module: &Path) -> PathBuf {
    let nested = module.join("mod.rs");
    if nested.exists() { nested } else { module.with_extension("rs") }
}
