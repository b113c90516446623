#![doc = include_str!("../README.md")]

mod callback;
mod cell;
mod config;
mod error;
#[cfg(feature = "file")]
pub mod file;
mod guard;
mod hazard;
#[cfg(loom)]
#[doc(hidden)]
pub mod parts;
mod put_off;
mod reader;
mod shared;
mod snapshot;
mod subscription;

pub use callback::Callback;
pub use config::HotConfig;
pub use error::{NotKept, WaitError};
#[cfg(feature = "file")]
pub use file::FileSource;
pub use guard::Guard;
pub use reader::{Projected, Reader};
pub use snapshot::{Snapshot, Status};
pub use subscription::Subscription;
