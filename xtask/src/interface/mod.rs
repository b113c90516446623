//! `cargo xtask interface`: what each crate offers, written down, so that a change of it is seen.
//!
//! Read from the sources as users compile them, with every feature: public items by their paths, their
//! generics and bounds, fields, variants, functions, implementations, and the features that they need.
//! What the compiler adds by itself (`Send`, `Sync`, what holds for all types) is not in it.

mod calls;
mod describe;
mod expand;
mod print;
mod read;
mod tree;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::{Context as _, Result, bail};

use crate::{
    tidy::Violation,
    workspace::{self, Crate},
};

/// Shows how the public interface of each crate has changed since it was written down
#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "It stands in docs/interface/CRATE.txt. `cargo xtask test` fails where it is not that \
of the sources."
)]
pub(crate) struct Args {
    /// The crates to look at [default: all]
    #[arg(value_name = "CRATE")]
    crates: Vec<String>,
    /// Write the interface down as it is
    #[arg(long)]
    write: bool,
}

/// What a crate offers.
#[derive(Debug, Default)]
pub(crate) struct Interface {
    items: Vec<(String, Vec<String>)>,
    /// Other names of types: for `pub type A = B`, B by A.
    aliases: BTreeMap<String, String>,
    /// The paths of types for users, by those for the compiler.
    types: BTreeMap<String, String>,
    /// What users can call.
    pub(crate) operations: Vec<Operation>,
}

/// A function that users can call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Operation {
    /// Its path for users, without the crate's name: `contiguous::Producer::push`.
    pub(crate) name: String,
    /// Its path for the compiler, without generics.
    pub(crate) symbol: String,
    /// May it come to a word that threads share?
    pub(crate) shared: bool,
}

impl Interface {
    /// Reads it from the sources.
    pub(crate) fn of(one: &Crate) -> Result<Self> {
        read::interface(one).with_context(|| format!("reading the interface of {}", one.name))
    }

    /// The type that another name stands for, each by its path for users.
    pub(crate) fn aliased(&self, name: &str) -> Option<&str> {
        self.aliases.get(name).map(String::as_str)
    }

    /// The path for users of the type that the compiler knows by this one.
    pub(crate) fn type_of(&self, symbol: &str) -> Option<&str> {
        self.types.get(symbol).map(String::as_str)
    }

    fn add(&mut self, path: &str, declared: &str, when: &[String], lines: Vec<String>) {
        let head = format!("{path}: {declared}{}", describe::needs(when));
        self.items.push((head, lines));
    }

    /// A paragraph for each item.
    fn text(&self) -> String {
        let mut items: Vec<_> = self
            .items
            .iter()
            .map(|(head, lines)| {
                let lines = lines.iter().map(|line| format!("    {line}\n"));
                format!("{head}\n{}", lines.collect::<String>())
            })
            .collect();
        items.sort();
        items.dedup();
        items.join("\n")
    }
}

fn file(one: &Crate) -> String {
    format!("docs/interface/{}.txt", one.name)
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut changed = Vec::new();
    for one in workspace::select(&args.crates)? {
        let file = file(&one);
        let path = workspace::root().join(&file);
        let interface = Interface::of(&one)?;
        let text = interface.text();
        let recorded = fs::read_to_string(&path).unwrap_or_default();
        let changes = changes(&recorded, &text);
        for change in &changes {
            println!("{file}: {change}");
        }
        if args.write {
            let parent = path.parent().unwrap_or(&path);
            let written = fs::create_dir_all(parent).and_then(|()| fs::write(&path, text));
            written.with_context(|| format!("writing {file}"))?;
        } else if !changes.is_empty() {
            changed.push(one.name);
        }
    }
    if !changed.is_empty() {
        bail!(
            "the interface of {} has changed: `cargo xtask interface --write` accepts it",
            changed.join(", ")
        );
    }
    Ok(())
}

/// Where an interface is not what was written down.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn stale(one: &Crate, interface: &Interface) -> Result<Vec<Violation>> {
    let file = file(one);
    let path = workspace::root().join(&file);
    let recorded = fs::read_to_string(&path);
    let recorded = recorded.with_context(|| format!("reading {file}"))?;
    let violation = |change: String| Violation {
        file: file.clone(),
        line: 0,
        message: format!("{change}; `cargo xtask interface --write` accepts it"),
    };
    Ok(changes(&recorded, &interface.text()).into_iter().map(violation).collect())
}

/// Lines that went and came, each with the item that it belongs to.
fn changes(before: &str, after: &str) -> Vec<String> {
    let (old, new) = (qualified(before), qualified(after));
    let gone = old.difference(&new).map(|line| format!("- {line}"));
    let come = new.difference(&old).map(|line| format!("+ {line}"));
    let mut all: Vec<_> = gone.chain(come).collect();
    all.sort_by(|a, b| a[2..].cmp(&b[2..]));
    all
}

/// Each line behind those that it is indented under.
fn qualified(text: &str) -> BTreeSet<String> {
    let mut above: Vec<&str> = Vec::new();
    let mut lines = BTreeSet::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let bare = line.trim_start();
        above.truncate((line.len() - bare.len()) / 4);
        above.push(bare);
        lines.insert(above.join(" / "));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::changes;

    #[test]
    fn a_change_is_told_with_its_item() {
        let before = "a::B: pub struct B\n    impl B\n        pub fn f(&self)\n";
        let after = "a::B: pub struct B\n    impl B\n        pub fn f(&self, n: u8)\n";
        assert_eq!(
            changes(before, after),
            [
                "- a::B: pub struct B / impl B / pub fn f(&self)",
                "+ a::B: pub struct B / impl B / pub fn f(&self, n: u8)",
            ]
        );
        assert!(changes(before, before).is_empty());
    }
}
