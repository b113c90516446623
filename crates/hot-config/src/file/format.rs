//! The formats: text to a tree of values, and a key to its line.

use core::fmt;
use std::path::Path;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use super::keys::Step;

/// What a file is written in.
///
/// What all three can say is taken over: a tree of maps with text for keys, lists, text, booleans,
/// numbers, nothing. A number that is none (`nan`, `inf`) is read as nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// JSON. Feature `json`.
    #[cfg(feature = "json")]
    Json,
    /// TOML. Feature `toml`.
    #[cfg(feature = "toml")]
    Toml,
    /// YAML, one document. Feature `yaml`.
    #[cfg(feature = "yaml")]
    Yaml,
}

/// What is wrong with a text, and in which line, if that is known.
#[derive(Debug)]
pub(super) struct Misfit {
    pub(super) line: Option<usize>,
    pub(super) message: String,
}

impl Format {
    /// By the name's extension: `json`, `toml`, `yaml`, `yml`.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            #[cfg(feature = "json")]
            "json" => Some(Self::Json),
            #[cfg(feature = "toml")]
            "toml" => Some(Self::Toml),
            #[cfg(feature = "yaml")]
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }

    pub(super) fn parse(self, text: &str) -> Result<Value, Misfit> {
        self.read(text, Tree)
    }

    /// The line of the value at that key.
    pub(super) fn line_of(self, text: &str, steps: &[Step]) -> Option<usize> {
        self.read(text, Seek(steps)).err()?.line
    }

    #[cfg_attr(
        not(any(feature = "json", feature = "toml", feature = "yaml")),
        expect(unused_variables, reason = "without a format there is nothing to read")
    )]
    fn read<'t, S: DeserializeSeed<'t>>(self, text: &'t str, seed: S) -> Result<S::Value, Misfit> {
        match self {
            #[cfg(feature = "json")]
            Self::Json => {
                let misfit = |error: serde_json::Error| Misfit {
                    line: Some(error.line()).filter(|&line| line > 0),
                    message: without_place(&error.to_string()),
                };
                let mut json = serde_json::Deserializer::from_str(text);
                let value = seed.deserialize(&mut json).map_err(misfit)?;
                json.end().map_err(misfit)?;
                Ok(value)
            }
            #[cfg(feature = "toml")]
            Self::Toml => {
                let misfit = |error: toml::de::Error| Misfit {
                    line: error.span().map(|span| line_at(text, span.start)),
                    message: error.message().to_owned(),
                };
                let toml = toml::Deserializer::parse(text).map_err(misfit)?;
                seed.deserialize(toml).map_err(misfit)
            }
            #[cfg(feature = "yaml")]
            Self::Yaml => {
                serde_saphyr::with_deserializer_from_str(text, |yaml| seed.deserialize(yaml))
                    .map_err(|error| Misfit {
                        line: error.location().and_then(|at| usize::try_from(at.line()).ok()),
                        message: first_line(&error.without_snippet().to_string()),
                    })
            }
        }
    }
}

/// Its errors end with the place, which is told apart.
#[cfg(feature = "json")]
fn without_place(message: &str) -> String {
    message.rsplit_once(" at line ").map_or(message, |(what, _)| what).to_owned()
}

#[cfg(feature = "toml")]
fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(feature = "yaml")]
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

/// Reads everything into a tree.
struct Tree;

impl<'de> DeserializeSeed<'de> for Tree {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        Value::deserialize(from)
    }
}

/// Fails at the value that the steps lead to: its error then has the place of it.
struct Seek<'s>(&'s [Step]);

impl Seek<'_> {
    fn arrive<E: serde::de::Error>(&self) -> Result<(), E> {
        if self.0.is_empty() { Err(E::custom("here")) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        // Asked for something that it is not, the value fails where it begins; a map that was entered
        // would fail behind that.
        if self.0.is_empty() { from.deserialize_unit(self) } else { from.deserialize_any(self) }
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.arrive()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.arrive()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.arrive()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.arrive()
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.arrive()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.arrive()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.arrive()?;
        let Some((Step::Index(index), rest)) = self.0.split_first() else { return skip(list) };
        for _ in 0..*index {
            list.next_element::<IgnoredAny>()?;
        }
        list.next_element_seed(Seek(rest))?;
        skip(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.arrive()?;
        while let Some(key) = map.next_key::<String>()? {
            match self.0 {
                [Step::Key(wanted), rest @ ..] if *wanted == key => {
                    map.next_value_seed(Seek(rest))?;
                }
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }
}

fn skip<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

#[cfg(all(test, not(loom), feature = "json", feature = "toml", feature = "yaml"))]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::{super::keys::steps, Format};

    const JSON: &str =
        "{\n \"port\": 80,\n \"database\": {\n  \"url\": \"x\"\n },\n \"peers\": [1,\n 2]\n}";
    const TOML: &str = "port = 80\npeers = [1,\n 2]\n\n[database]\nurl = \"x\"\n";
    const YAML: &str = "port: 80\ndatabase:\n  url: x\npeers:\n  - 1\n  - 2\n";

    #[test]
    fn all_formats_say_the_same() {
        let tree = json!({ "port": 80, "database": { "url": "x" }, "peers": [1, 2] });
        assert_eq!(Format::Json.parse(JSON).unwrap(), tree);
        assert_eq!(Format::Toml.parse(TOML).unwrap(), tree);
        assert_eq!(Format::Yaml.parse(YAML).unwrap(), tree);
    }

    #[test]
    fn each_key_has_its_line() {
        let lines = |format: Format, text: &str| {
            ["port", "database.url", "peers[1]"].map(|key| format.line_of(text, &steps(key)))
        };
        assert_eq!(lines(Format::Json, JSON), [Some(2), Some(4), Some(7)]);
        assert_eq!(lines(Format::Toml, TOML), [Some(1), Some(6), Some(3)]);
        assert_eq!(lines(Format::Yaml, YAML), [Some(1), Some(3), Some(6)]);
        assert_eq!(Format::Json.line_of(JSON, &steps("none.such")), None);
        assert_eq!(Format::Json.line_of(JSON, &[]), Some(1));
        let maps = [(Format::Json, JSON), (Format::Toml, TOML), (Format::Yaml, YAML)];
        let lines = maps.map(|(format, text)| format.line_of(text, &steps("database")));
        assert_eq!(lines, [Some(3), Some(5), Some(3)]);
    }

    #[test]
    fn each_misfit_has_its_line() {
        let misfit = |format: Format, text| format.parse(text).unwrap_err();
        assert_eq!(misfit(Format::Json, "{\n \"a\": 1,\n b\n}").line, Some(3));
        assert_eq!(misfit(Format::Json, "{\n} x").line, Some(2));
        assert_eq!(misfit(Format::Toml, "a = 1\nb\n").line, Some(2));
        assert_eq!(misfit(Format::Yaml, "a: 1\nb: [1\nc: 2").line.map(|line| line > 1), Some(true));
    }

    #[test]
    fn names_tell_the_format() {
        assert_eq!(Format::of(Path::new("a.JSON")), Some(Format::Json));
        assert_eq!(Format::of(Path::new("a.yml")), Some(Format::Yaml));
        assert_eq!(Format::of(Path::new("a.toml.bak")), None);
    }
}
