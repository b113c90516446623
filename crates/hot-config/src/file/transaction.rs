//! From the bytes of a file to a value: parse, override, build, validate, compare.

use core::panic::AssertUnwindSafe;
use std::{
    env, fs,
    io::{self, Read as _},
    panic::catch_unwind,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    ErrorKind, FileError, Format, Invalid, environment,
    keys::{self, Step},
};

pub(super) type Validate<T> = Box<dyn FnMut(&T) -> Result<(), Invalid> + Send>;

/// The longest file in bytes: one that grows while it is read must come to an end.
const LONGEST: usize = 64 << 20;

/// What was found at the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Missing,
    Unreadable(String),
    Content(Vec<u8>),
}

impl Reading {
    pub(super) fn of(path: &Path) -> Self {
        match read(path) {
            Ok(content) => Self::Content(content),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Missing,
            // A component that is no directory, for a moment or for good.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Self::Missing,
            Err(error) => Self::Unreadable(error.to_string()),
        }
    }
}

/// Reads a file, and nothing that would be waited for or has no end.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let other = || io::Error::other("it is not a regular file");
    let regular = |found: &fs::Metadata| found.is_file().then_some(()).ok_or_else(other);
    // Before it is opened, which a device may notice.
    regular(&fs::metadata(path)?)?;
    let mut options = fs::OpenOptions::new();
    options.read(true);
    // A pipe that has taken its place is not waited for.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    regular(&file.metadata()?)?;
    let mut content = Vec::new();
    file.take(LONGEST as u64 + 1).read_to_end(&mut content)?;
    if content.len() > LONGEST {
        return Err(io::Error::other("it is longer than 64 MiB"));
    }
    Ok(content)
}

/// A value that is good, and differs from the last.
pub(super) struct Good<T> {
    pub(super) value: T,
    pub(super) changed: Vec<String>,
    tree: Value,
}

pub(super) struct Transaction<T> {
    pub(super) path: PathBuf,
    pub(super) format: Option<Format>,
    pub(super) prefix: Option<String>,
    pub(super) validate: Option<Validate<T>>,
    /// The tree of the last good value.
    last: Option<Value>,
}

impl<T: DeserializeOwned> Transaction<T> {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, format: None, prefix: None, validate: None, last: None }
    }

    /// What the reading comes to; nothing if it is what the last good one came to.
    pub(super) fn run(&mut self, reading: &Reading) -> Result<Option<Good<T>>, FileError> {
        // The user's code builds, validates and drops values.
        catch_unwind(AssertUnwindSafe(|| self.evaluate(reading))).unwrap_or_else(|_| {
            let message = "the code that builds, validates or drops the value panicked";
            Err(self.error(ErrorKind::Panicked, message))
        })
    }

    fn evaluate(&mut self, reading: &Reading) -> Result<Option<Good<T>>, FileError> {
        let text = self.text(reading)?;
        let format = self.format.or_else(|| Format::of(&self.path)).ok_or_else(|| {
            self.error(ErrorKind::UnknownFormat, "its name ends in no format that is built in")
        })?;
        let mut tree = format.parse(text).map_err(|misfit| FileError {
            line: misfit.line,
            ..self.error(ErrorKind::Syntax, misfit.message)
        })?;
        let overrides = match &self.prefix {
            Some(prefix) => environment::apply(&mut tree, prefix, variables()),
            None => Vec::new(),
        };
        let at = |error: FileError, steps: &[Step]| {
            let key = Some(keys::text(steps)).filter(|key| !key.is_empty());
            match environment::of(&overrides, steps) {
                Some(one) => {
                    let kind = ErrorKind::Environment(one.variable.clone());
                    FileError { kind, key, ..error }
                }
                None => FileError { line: format.line_of(text, steps), key, ..error },
            }
        };
        let value = loop {
            let failure = match serde_path_to_error::deserialize::<_, T>(tree.clone()) {
                Ok(value) => break value,
                Err(failure) => failure,
            };
            let steps = keys::of_failure(failure.path());
            // A text that looks like a number is one, unless a text is wanted.
            let retry = environment::of(&overrides, &steps)
                .is_some_and(|one| environment::as_text(&mut tree, one));
            if !retry {
                let error = self.error(ErrorKind::Type, failure.into_inner().to_string());
                return Err(at(error, &steps));
            }
        };
        if let Some(Err(invalid)) = self.validate.as_mut().map(|validate| validate(&value)) {
            // First: where its drop panics, a result that is on its way would be lost.
            drop(value);
            let (key, message) = invalid.into_parts();
            let error = self.error(ErrorKind::Invalid, message);
            return Err(match key {
                Some(key) => at(error, &keys::steps(&key)),
                None => error,
            });
        }
        let changed = keys::changed(self.last.as_ref(), &tree);
        let same = self.last.is_some() && changed.is_empty();
        Ok((!same).then_some(Good { value, changed, tree }))
    }

    /// The value is in use: what comes is compared with it. Returns it, and what has changed.
    pub(super) fn commit(&mut self, good: Good<T>) -> (T, Vec<String>) {
        self.last = Some(good.tree);
        (good.value, good.changed)
    }

    fn text<'r>(&self, reading: &'r Reading) -> Result<&'r str, FileError> {
        let content = match reading {
            Reading::Missing => return Err(self.error(ErrorKind::Missing, "there is no such file")),
            Reading::Unreadable(why) => return Err(self.error(ErrorKind::Unreadable, why)),
            Reading::Content(content) => content,
        };
        let text = core::str::from_utf8(content).map_err(|error| {
            let before = &content[..error.valid_up_to()];
            let line = before.split(|byte| *byte == b'\n').count();
            FileError { line: Some(line), ..self.error(ErrorKind::Syntax, "it is not UTF-8") }
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim().is_empty() {
            return Err(self.error(ErrorKind::Empty, "there is nothing in it"));
        }
        Ok(text)
    }

    fn error(&self, kind: ErrorKind, message: impl Into<String>) -> FileError {
        FileError::new(kind, self.path.clone(), message)
    }
}

/// Those that are text.
fn variables() -> impl Iterator<Item = (String, String)> {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
