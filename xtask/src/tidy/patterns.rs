//! The table of patterns in docs/ORDERING.md names edges that there are.

use std::collections::BTreeSet;

use super::Violation;
use crate::record;

pub(super) const DOCUMENT: &str = "docs/ORDERING.md";
const HEADING: &str = "## The patterns";

/// Checks the last cell of each row: a word there in backticks is an edge of some ledger, a crate, or a
/// type.
pub(super) fn check(
    document: &str,
    edges: &BTreeSet<String>,
    crates: &BTreeSet<String>,
) -> Vec<Violation> {
    let say = |message: String| Violation { file: DOCUMENT.to_owned(), line: 0, message };
    let (_, section) = document.split_once(HEADING).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut found = Vec::new();
    let mut rows = 0;
    for row in record::rows(section) {
        rows += 1;
        let words = row.last().copied().unwrap_or_default().split('`').skip(1).step_by(2);
        let is_type = |word: &str| word.starts_with(char::is_uppercase);
        let unknown = words
            .filter(|word| !is_type(word) && !edges.contains(*word) && !crates.contains(*word));
        found.extend(unknown.map(|word| say(format!("{}: there is no edge {word}", row[0]))));
    }
    if rows == 0 {
        found.push(say(format!("{HEADING} has no rows")));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::check;

    #[test]
    fn an_edge_that_is_gone_is_told() {
        let document =
            "## The patterns\n\n| a | b |\n| --- | --- |\n| p | `ring`\'s `push`, `T` |\n";
        let set = |word: &str| BTreeSet::from([word.to_owned()]);
        assert!(check(document, &set("push"), &set("ring")).is_empty());
        assert_eq!(check(document, &set("pop"), &set("ring")).len(), 1);
        assert_eq!(check("", &set("push"), &set("ring")).len(), 1);
    }
}
