//! What is told of a file.

use std::path::PathBuf;

use super::FileError;

/// What became of a change of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The configuration has a new version.
    Changed(Change),
    /// It has not, for this reason. Told once for as long as the reason is the same.
    Failed(FileError),
}

/// A new version, from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The version of the configuration.
    pub version: u64,
    /// The file, as it was named to the source.
    pub path: PathBuf,
    /// The keys whose values differ from those of the last good file, with dots between their parts;
    /// all, if there was none.
    pub changed: Vec<String>,
}

/// How a file stands, see [`FileWatch::status`](super::FileWatch::status).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileStatus {
    /// The version that the last good file made.
    pub version: Option<u64>,
    /// How many versions it has made.
    pub changes: u64,
    /// How many failures were told.
    pub failures: u64,
    /// What is wrong with the file that is there now.
    pub error: Option<FileError>,
    /// Why the system tells of no events, if it does not: the file is then looked at at intervals.
    pub unwatched: Option<String>,
}
