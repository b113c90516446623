//! From a file to a configuration: a transaction, and a watcher that misses nothing.
//!
//! A reload is a transaction: read, parse, override from the environment, build the value, validate,
//! compare, replace. If all goes well and something has changed, the configuration has a new version and
//! one [`Event::Changed`] tells which keys differ. If anything fails, the last good value stays and one
//! [`Event::Failed`] tells the file, the line and the key; the same failure is told once.
//!
//! # What is watched
//!
//! A file that is replaced by a rename, or is reached through links, changes without an event of its
//! own. So every directory on the way from the path to the file is watched, by way of each link; any
//! event there makes the watcher follow the path anew, watch what is there now, and only then read.
//! What it compares is the content, not times. A burst of events is waited out, though not for ever. A
//! file that is missing, empty, half-written or wrong is read again for a while before it is reported. And
//! with no event at all it is read at long intervals, for file systems that do not tell.

mod chain;
mod environment;
mod error;
mod event;
mod format;
mod keys;
mod source;
mod system;
mod transaction;
mod watch;
mod watcher;

pub use error::{ErrorKind, FileError, Invalid};
pub use event::{Change, Event, FileStatus};
pub use format::Format;
pub use source::FileSource;
pub use watch::FileWatch;
