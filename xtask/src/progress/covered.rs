//! Which public operations the tests of progress have gone through, and which need not be.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};

use crate::{
    interface::{Interface, Operation},
    record,
};

const EXEMPT: &str = "xtask/progress.exempt.md";

/// How an operation was gone through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Covered {
    /// A thread was stopped for ever inside of it.
    pub(crate) stopped: bool,
    /// Its steps were counted.
    pub(crate) counted: bool,
}

impl Covered {
    pub(super) fn shown(self) -> &'static str {
        match (self.stopped, self.counted) {
            (true, true) => "stopped, counted",
            (true, false) => "stopped",
            (false, true) => "counted",
            (false, false) => "",
        }
    }

    pub(super) fn read(shown: &str) -> Self {
        Self { stopped: shown.contains("stopped"), counted: shown.contains("counted") }
    }
}

/// The operations of a crate that have been gone through, by their names for users.
pub(crate) type Coverage = BTreeMap<String, Covered>;

/// What the lines of a test's output tell of the operations of `interface`.
pub(super) fn told<'a>(
    lines: impl Iterator<Item = &'a str>,
    interface: &Interface,
    coverage: &mut Coverage,
) {
    // What two types of one generic type do bears one name.
    let mut names: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for one in &interface.operations {
        names.entry(one.symbol.as_str()).or_default().push(one);
    }
    for line in lines {
        let Some((how, symbol)) = line.split_once(' ') else { continue };
        let (stopped, counted) = (how == "stopped-in", how == "counted-in");
        if !stopped && !counted {
            continue;
        }
        let named = names.get(bare(symbol).as_str()).into_iter().flatten();
        let named = named.map(|operation| operation.name.clone());
        // What a type does at its end by its parts alone is an operation too.
        let ended = || {
            let of = symbol.strip_prefix("core::ptr::drop_in_place")?;
            let of = of.trim_start_matches("::").strip_prefix('<')?.strip_suffix('>')?;
            Some(format!("{}::drop", interface.type_of(&bare(of))?))
        };
        for name in named.chain(ended()) {
            let covered = coverage.entry(name).or_default();
            covered.stopped |= stopped;
            covered.counted |= counted;
        }
    }
}

/// A function's path as the sources have it: `<a::B<T> as c::D>::e::{closure#0}` is `a::B::e`.
fn bare(symbol: &str) -> String {
    if let Some(inside) = symbol.strip_prefix('<') {
        let mut depth = 1;
        let mut before = ' ';
        for (at, sign) in inside.char_indices() {
            match sign {
                '<' => depth += 1,
                '>' if before != '-' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let (of, rest) = (&inside[..at], &inside[at + 1..]);
                return bare(&format!("{}{rest}", self_type(of)));
            }
            before = sign;
        }
    }
    let (mut text, mut depth, mut before) = (String::new(), 0_usize, ' ');
    for sign in symbol.chars() {
        match sign {
            '<' => depth += 1,
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ if depth == 0 => text.push(sign),
            _ => {}
        }
        before = sign;
    }
    let segments = text.split("::").filter(|segment| !segment.is_empty());
    let segments = segments.take_while(|segment| !segment.starts_with('{'));
    segments.collect::<Vec<_>>().join("::")
}

/// The type in `Type as Trait`, without its references.
fn self_type(text: &str) -> &str {
    let (mut depth, mut before) = (0_usize, ' ');
    let mut end = text.len();
    for (at, sign) in text.char_indices() {
        match sign {
            '<' => depth += 1,
            '>' if before != '-' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && text[at..].starts_with(" as ") => {
                end = at;
                break;
            }
            _ => {}
        }
        before = sign;
    }
    text[..end].trim_start_matches('&').trim_start_matches("mut ")
}

/// A row of `xtask/progress.exempt.md`.
#[derive(Debug)]
pub(crate) struct Exempt {
    package: String,
    patterns: Vec<String>,
}

/// Reads it: crate, operations (`*` stands for anything), why.
pub(crate) fn exempt() -> Result<Vec<Exempt>> {
    let text = record::read(EXEMPT)?;
    record::rows(&text)
        .map(|row| {
            let [package, operations, why] = row[..] else {
                bail!("{EXEMPT}: a row has three cells: {row:?}");
            };
            ensure!(!why.is_empty(), "{EXEMPT}: a row without a reason: {row:?}");
            let patterns = operations.split(',').map(|one| one.trim().trim_matches('`').to_owned());
            Ok(Exempt { package: package.to_owned(), patterns: patterns.collect() })
        })
        .collect()
}

/// The operations of `package` that were not gone through and have no exemption; and what of the
/// exemptions is not needed.
pub(crate) fn missing(
    package: &str,
    interface: &Interface,
    coverage: &Coverage,
    exempt: &[Exempt],
) -> Vec<String> {
    let own = exempt.iter().filter(|row| row.package == package);
    let patterns: Vec<_> = own.flat_map(|row| &row.patterns).collect();
    let mut needed: BTreeSet<&String> = BTreeSet::new();
    let mut found = Vec::new();
    let open = interface.operations.iter();
    let open = open.filter(|one| one.shared && !coverage.contains_key(&one.name));
    for name in open.map(|one| one.name.as_str()) {
        let fitting: Vec<_> = patterns.iter().filter(|pattern| fits(pattern, name)).collect();
        if fitting.is_empty() {
            found.push(format!(
                "no test of progress stops a thread in {name} or counts its steps, and {EXEMPT} does \
                 not say why"
            ));
        }
        needed.extend(fitting);
    }
    let needless = patterns.iter().filter(|pattern| !needed.contains(*pattern));
    found.extend(needless.map(|pattern| format!("{EXEMPT} exempts {pattern}, which needs it not")));
    found
}

/// Does `pattern`, in which each `*` stands for anything, describe all of `name`?
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|after| {
            (0..=after.len()).any(|at| after.is_char_boundary(at) && fits(rest, &after[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{bare, fits};

    #[test]
    fn a_function_is_known_however_it_is_mangled() {
        for symbol in [
            "ring::stack::Stack<T,R>::push",
            "<ring::stack::Stack<u64, fn(u8) -> u8>>::push",
            "<ring::stack::Stack<T> as core::ops::drop::Drop>::push",
            "<&mut ring::stack::Stack<<u8 as A>::B> as Drop>::push::{{closure}}",
            "ring::stack::Stack<T>::push::<u8>::{closure#0}",
        ] {
            assert_eq!(bare(symbol), "ring::stack::Stack::push", "{symbol}");
        }
        assert_eq!(bare("core_::slots::with::<(), f::{closure#1}>"), "core_::slots::with");
    }

    #[test]
    fn a_star_stands_for_anything() {
        assert!(fits("Stack::*", "Stack::push") && fits("*::len", "a::B::len") && fits("a", "a"));
        assert!(
            !fits("Stack::*", "a::Stack::push") && !fits("*::len", "a::len_of") && !fits("a", "ab")
        );
    }
}
