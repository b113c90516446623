//! Names, and the labels of a series.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::fmt;

use super::RegisterError;

/// Pairs of names and values, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Labels(Vec<(String, String)>);

impl Labels {
    pub(super) fn new<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, RegisterError> {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let mut pairs: Vec<_> = pairs.into_iter().map(owned).collect();
        pairs.sort();
        for (name, _) in &pairs {
            // `le` tells the buckets of a histogram apart; names that begin with `__` are the server's.
            if !is_name(name, false) || name == "le" || name.starts_with("__") {
                return Err(RegisterError::Label(name.clone()));
            }
        }
        if let Some(twice) = pairs.windows(2).find(|two| two[0].0 == two[1].0) {
            return Err(RegisterError::Label(twice[0].0.clone()));
        }
        // To a server a label without a value is not there.
        pairs.retain(|(_, value)| !value.is_empty());
        Ok(Self(pairs))
    }

    /// Those of the series that stands for all that are too many.
    pub(super) fn overflow() -> Self {
        Self(alloc::vec![("overflow".to_owned(), "true".to_owned())])
    }

    /// A name that none of them has: this one, or with `_` behind it.
    pub(super) fn free(&self, name: &str) -> String {
        let mut free = name.to_owned();
        while self.0.iter().any(|(own, _)| *own == free) {
            free.push('_');
        }
        free
    }

    /// Writes `{a="b",le="1.0"}`, or nothing where there is no label.
    pub(super) fn write(&self, to: &mut dyn fmt::Write, more: Option<(&str, &str)>) -> fmt::Result {
        let own = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut first = true;
        for (name, value) in own.chain(more) {
            write!(to, "{}{name}=\"{}\"", if first { '{' } else { ',' }, Escaped(value))?;
            first = false;
        }
        if first { Ok(()) } else { to.write_char('}') }
    }
}

/// A text with backslash, quote and line feed escaped.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            other => fmt::Write::write_char(f, other),
        })
    }
}

/// A letter or `_` and then also digits; the names of metrics may have colons.
pub(super) fn is_name(name: &str, colons: bool) -> bool {
    let fits = |(i, c): (usize, char)| {
        c == '_' || c.is_ascii_alphabetic() || (colons && c == ':') || (i > 0 && c.is_ascii_digit())
    };
    !name.is_empty() && name.chars().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use alloc::{string::String, string::ToString as _};

    use super::{Escaped, Labels, is_name};

    #[test]
    fn names_have_letters_and_digits_behind_them() {
        assert!(is_name("a_1", false) && is_name("a:b", true) && is_name("_", false));
        for bad in ["", "1a", "a-b", "a:b", "ä"] {
            assert!(!is_name(bad, false), "{bad}");
        }
    }

    #[test]
    fn labels_are_sorted_escaped_and_once_each() {
        let labels = Labels::new([("b", "x\"y\\z\n"), ("a", "1")]).unwrap();
        let mut text = String::new();
        labels.write(&mut text, Some(("le", "+Inf"))).unwrap();
        assert_eq!(text, r#"{a="1",b="x\"y\\z\n",le="+Inf"}"#);
        for bad in [["a", "a"], ["le", "b"], ["__x", "b"], ["a b", "c"]] {
            assert!(Labels::new(bad.map(|name| (name, "v"))).is_err(), "{bad:?}");
        }
        assert_eq!(Escaped("plain").to_string(), "plain");
    }
}
