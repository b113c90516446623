//! Keys of a tree of values: as steps, as text, and those in which two trees differ.

use core::fmt::Write as _;
use std::collections::BTreeSet;

use serde_json::Value;

/// One step down a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// `a.b[2]`
pub(super) fn text(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        let _ = match step {
            Step::Key(key) if text.is_empty() => write!(text, "{key}"),
            Step::Key(key) => write!(text, ".{key}"),
            Step::Index(index) => write!(text, "[{index}]"),
        };
    }
    text
}

/// The reverse of [`text`], for keys without dots and brackets in them.
pub(super) fn steps(text: &str) -> Vec<Step> {
    let parts = text.split(['.', '[']).filter(|part| !part.is_empty());
    let step = |part: &str| match part.strip_suffix(']').and_then(|index| index.parse().ok()) {
        Some(index) => Step::Index(index),
        None => Step::Key(part.to_owned()),
    };
    parts.map(step).collect()
}

/// The steps to where building the value failed.
pub(super) fn of_failure(path: &serde_path_to_error::Path) -> Vec<Step> {
    let step = |segment: &serde_path_to_error::Segment| match segment {
        serde_path_to_error::Segment::Seq { index } => Some(Step::Index(*index)),
        serde_path_to_error::Segment::Map { key } => Some(Step::Key(key.clone())),
        serde_path_to_error::Segment::Enum { variant } => Some(Step::Key(variant.clone())),
        serde_path_to_error::Segment::Unknown => None,
    };
    path.iter().map_while(step).collect()
}

/// The keys whose values differ. Lists of other lengths differ as a whole.
pub(super) fn changed(old: Option<&Value>, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    differ(old, Some(new), &mut Vec::new(), &mut found);
    found
}

fn differ(old: Option<&Value>, new: Option<&Value>, at: &mut Vec<Step>, found: &mut Vec<String>) {
    let mut descend = |step, old: Option<&Value>, new: Option<&Value>| {
        at.push(step);
        differ(old, new, at, found);
        at.pop();
    };
    match (old, new) {
        (None | Some(Value::Object(_)), None | Some(Value::Object(_))) => {
            let (old, new) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
            let keys = old.iter().chain(new.iter()).flat_map(|map| map.keys());
            for key in keys.collect::<BTreeSet<_>>() {
                let value = |map: Option<&serde_json::Map<String, Value>>| map?.get(key).cloned();
                descend(Step::Key(key.clone()), value(old).as_ref(), value(new).as_ref());
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                descend(Step::Index(index), Some(old), Some(new));
            }
        }
        (old, new) if old == new => {}
        _ => found.push(text(at)),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use serde_json::json;

    use super::{Step, changed, steps, text};

    #[test]
    fn keys_are_written_and_read() {
        let path = [Step::Key("a".into()), Step::Key("b".into()), Step::Index(2)];
        assert_eq!(text(&path), "a.b[2]");
        assert_eq!(steps("a.b[2]"), path);
        assert_eq!(steps(""), []);
    }

    #[test]
    fn the_keys_that_differ_are_found() {
        let old = json!({ "a": { "b": 1, "c": [1, 2] }, "gone": true, "same": null });
        let new = json!({ "a": { "b": 2, "c": [1, 3] }, "came": { "x": 1 }, "same": null });
        assert_eq!(changed(Some(&old), &new), ["a.b", "a.c[1]", "came.x", "gone"]);
        assert_eq!(changed(Some(&new), &new), [""; 0]);
        assert_eq!(changed(None, &json!({ "a": { "b": 1 }, "c": [] })), ["a.b", "c"]);
        assert_eq!(changed(Some(&json!({ "a": [1] })), &json!({ "a": [1, 2] })), ["a"]);
    }
}
