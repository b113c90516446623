//! `xtask/survivors.md`: the mutants that are known to survive, and why.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail, ensure};

use crate::workspace;

/// A mutant that is known to survive, or all of one function.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Survivor {
    /// As the tool names it, without its place in the file; `… in FUNCTION` stands for all of those.
    pub(super) name: String,
}

impl Survivor {
    /// The file that it is in.
    pub(super) fn file(&self) -> Option<&Path> {
        self.name.split_once(": ").map(|(file, _)| Path::new(file))
    }

    /// Is this line of the tool about it?
    pub(super) fn is(&self, line: &str) -> bool {
        let Some(name) = without_place(line) else { return false };
        match self.name.split_once('…') {
            Some((file, function)) => name.starts_with(file) && name.ends_with(function),
            None => name == self.name,
        }
    }
}

/// Those that are known.
pub(super) fn known() -> Result<Vec<Survivor>> {
    let file = workspace::root().join("xtask/survivors.md");
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    parse(&text).with_context(|| format!("reading {}", file.display()))
}

fn parse(text: &str) -> Result<Vec<Survivor>> {
    let rows = text.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        // A mutant may hold the sign that parts the cells, behind a backslash.
        let row = row.replace("\\|", "\u{0}");
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, why] = cells[..] else { bail!("a row has two cells: {row}") };
        ensure!(!why.is_empty(), "a row gives a reason: {row}");
        Ok(Survivor { name: name.trim_matches('`').replace('\u{0}', "|") })
    })
    .collect()
}

/// `FILE:LINE:COLUMN: WHAT` without the place in the file, which moves with every edit.
pub(super) fn without_place(line: &str) -> Option<String> {
    let (file, rest) = line.split_once(".rs:")?;
    let (place, what) = rest.split_once(": ")?;
    let is_place = place.chars().all(|c| c.is_ascii_digit() || c == ':');
    is_place.then(|| format!("{file}.rs: {what}"))
}

/// A regular expression for just this line.
pub(super) fn pattern(line: &str) -> String {
    let mut pattern = "^".to_owned();
    for c in line.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern + "$"
}

#[cfg(test)]
mod tests {
    use super::{Survivor, known, parse, pattern, without_place};

    #[test]
    fn mutants_are_named_without_their_place() {
        let line = "crates/refpool/src/state.rs:33:9: replace references -> usize with 0";
        let name = "crates/refpool/src/state.rs: replace references -> usize with 0";
        assert_eq!(without_place(line).as_deref(), Some(name));
        assert_eq!(without_place("no mutant"), None);
    }

    #[test]
    fn a_row_is_of_a_mutant_or_of_those_of_a_function() {
        let row = |name: &str| Survivor { name: name.to_owned() };
        let line = "a.rs:1:2: replace < with <= in Ring::add";
        assert!(row("a.rs: replace < with <= in Ring::add").is(line));
        assert!(row("a.rs: … in Ring::add").is(line));
        for other in ["a.rs: … in Ring::sweep", "b.rs: … in Ring::add", "a.rs: replace < with <="]
        {
            assert!(!row(other).is(line), "{other}");
        }
    }

    #[test]
    fn patterns_take_signs_for_themselves() {
        let expected = r"^a\.rs:1:2: replace \| with \^ in Shape::later$";
        assert_eq!(pattern("a.rs:1:2: replace | with ^ in Shape::later"), expected);
    }

    #[test]
    fn survivors_have_reasons() {
        let head = "| mutant | why |\n| --- | --- |\n";
        let rows = parse(&format!("{head}| `a.rs: replace \\| with &` | equal |\n")).unwrap();
        assert_eq!(rows, [Survivor { name: "a.rs: replace | with &".to_owned() }]);
        assert!(parse(&format!("{head}| a.rs: b | |\n")).is_err());
        assert!(parse(&format!("{head}| a.rs: b |\n")).is_err());
        known().unwrap();
    }
}
