//! Values from the environment, put over those of the file.

use serde_json::{Map, Value};

use super::keys::{Step, text};

/// What an override set.
#[derive(Debug)]
pub(super) struct Override {
    pub(super) variable: String,
    pub(super) steps: Vec<Step>,
    /// As it was written, for a place that wants a text.
    pub(super) text: String,
}

/// Puts every variable that begins with `prefix` and `_` into the tree. Parts are divided by `__`:
/// `APP_DATABASE__URL` is `database.url`. Returns what was set where.
pub(super) fn apply(
    tree: &mut Value,
    prefix: &str,
    variables: impl Iterator<Item = (String, String)>,
) -> Vec<Override> {
    let named = variables.filter_map(|(variable, text)| {
        let key = variable.strip_prefix(prefix)?.strip_prefix('_')?;
        let parts: Vec<String> = key.split("__").map(str::to_ascii_lowercase).collect();
        (!parts.iter().any(String::is_empty)).then_some((variable, parts, text))
    });
    // In an order of their own, so that of two for one key the same one wins each time.
    let mut named: Vec<_> = named.collect();
    named.sort();
    let set = |(variable, parts, text): (String, Vec<String>, String)| {
        let steps = put(tree, &parts, &text);
        Override { variable, steps, text }
    };
    named.into_iter().map(set).collect()
}

/// The override that set this key, or something in it or around it.
pub(super) fn of<'o>(overrides: &'o [Override], steps: &[Step]) -> Option<&'o Override> {
    let at = text(steps);
    overrides.iter().find(|one| text(&one.steps) == at)
}

/// Sets the value that the parts lead to; what is in the way and is no map gives way.
fn put(tree: &mut Value, parts: &[String], text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut at = tree;
    for part in parts {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(map) = at else { return steps };
        // As the file writes it, whatever its case.
        let known = map.keys().find(|key| key.eq_ignore_ascii_case(part)).cloned();
        let key = known.unwrap_or_else(|| part.clone());
        steps.push(Step::Key(key.clone()));
        at = map.entry(key).or_insert(Value::Null);
    }
    *at = value_of(text, at);
    steps
}

/// Text where the file has text; else what it looks like: a number, a boolean, a list, text.
fn value_of(text: &str, present: &Value) -> Value {
    if present.is_string() {
        return Value::String(text.to_owned());
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Sets the text itself, where what it looks like did not fit.
pub(super) fn as_text(tree: &mut Value, one: &Override) -> bool {
    let mut at = tree;
    for step in &one.steps {
        let Step::Key(key) = step else { return false };
        let Some(inner) = at.get_mut(key) else { return false };
        at = inner;
    }
    let fits_not = !at.is_string();
    *at = Value::String(one.text.clone());
    fits_not
}

#[cfg(all(test, not(loom)))]
mod tests {
    use serde_json::json;

    use super::{apply, as_text};

    #[test]
    fn variables_go_over_the_file() {
        let mut tree =
            json!({ "port": 1, "databaseUrl": "x", "database": { "url": "y" }, "flat": 3 });
        let variables = [
            ("APP_PORT", "80"),
            ("APP_DATABASEURL", "7"),
            ("APP_DATABASE__URL", "z"),
            ("APP_NEW__ON", "true"),
            ("APP_FLAT__DEEP", "[1]"),
            ("APP_", "no"),
            ("OTHER_PORT", "no"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let set = apply(&mut tree, "APP", variables.into_iter());
        assert_eq!(set.len(), 5);
        let expected = json!({
            "port": 80, "databaseUrl": "7", "database": { "url": "z" }, "new": { "on": true },
            "flat": { "deep": [1] },
        });
        assert_eq!(tree, expected);
        let new = set.iter().find(|one| one.variable == "APP_NEW__ON").unwrap();
        assert!(as_text(&mut tree, new));
        assert_eq!(tree["new"]["on"], "true");
        assert!(!as_text(&mut tree, new));
    }
}
