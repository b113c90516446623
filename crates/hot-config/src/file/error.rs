//! What can be wrong with a file.

use core::{error::Error, fmt};
use std::path::PathBuf;

/// Why a file did not become the configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// The file, as it was named to the source.
    pub path: PathBuf,
    /// The line, from 1, if it is about a place in the file.
    pub line: Option<usize>,
    /// The key that it is about, with dots between its parts: `database.url`, `peers[2].port`.
    pub key: Option<String>,
    /// The rest, in words.
    pub message: String,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no file at that path.
    Missing,
    /// The file could not be read: the system refuses, it is no regular file, or it is longer than 64 MiB.
    Unreadable,
    /// The file has nothing in it.
    Empty,
    /// Its format is not known by its name, or is not among the crate's features.
    UnknownFormat,
    /// It is not in its format.
    Syntax,
    /// A value is missing or of another type than the configuration has.
    Type,
    /// A value from the environment does not fit; the variable.
    Environment(String),
    /// The validator refused it.
    Invalid,
    /// The validator, or the code that builds the value, panicked.
    Panicked,
    /// The system does not let it be watched.
    Unwatchable,
}

impl FileError {
    pub(super) fn new(kind: ErrorKind, path: PathBuf, message: impl Into<String>) -> Self {
        Self { kind, path, line: None, key: None, message: message.into() }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let ErrorKind::Environment(variable) = &self.kind {
            write!(f, ": {variable} from the environment")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Error for FileError {}

/// Why a validator refuses a value. A text becomes one: `Err("no port".into())`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    key: Option<String>,
    message: String,
}

impl Invalid {
    /// A reason that is about this key (`database.url`), whose line is then told.
    pub fn at(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: Some(key.into()), message: message.into() }
    }

    pub(super) fn into_parts(self) -> (Option<String>, String) {
        (self.key, self.message)
    }
}

impl<S: Into<String>> From<S> for Invalid {
    fn from(message: S) -> Self {
        Self { key: None, message: message.into() }
    }
}
