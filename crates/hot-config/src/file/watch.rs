//! A configuration and the file that it comes from.

use core::{fmt, ops::Deref};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Sender},
    },
    thread::{self, JoinHandle},
};

use super::{ErrorKind, FileError, FileStatus, watcher::Message};
use crate::HotConfig;

/// A file that is watched, and the configuration that it makes. Ends the watching when it is dropped;
/// the configuration stays.
///
/// It derefs to the [`HotConfig`].
#[must_use = "dropping it ends the watching"]
pub struct FileWatch<T> {
    pub(super) config: HotConfig<T>,
    pub(super) status: Arc<Mutex<FileStatus>>,
    pub(super) sender: Sender<Message>,
    pub(super) thread: Option<JoinHandle<()>>,
    pub(super) path: std::path::PathBuf,
    #[cfg(all(unix, feature = "signal"))]
    pub(super) _hangup: Option<super::system::Hangup>,
}

impl<T> FileWatch<T> {
    /// Reads the file now, also if it seems unchanged (the environment may have changed), and returns
    /// the version that is current then. Waits for the thread that watches; but in what that thread
    /// calls (an event, a callback, the validator) the file is read afterwards, and the version returned
    /// is the one before.
    ///
    /// # Errors
    /// The file is not good. The last good value stays. It is told as an event too, unless it was.
    pub fn reload(&self) -> Result<u64, FileError> {
        let gone =
            || FileError::new(ErrorKind::Unwatchable, self.path.clone(), "the watching has ended");
        if self.on_its_thread() {
            self.sender.send(Message::Reload(None)).map_err(|_| gone())?;
            return Ok(self.config.version());
        }
        let (reply, outcome) = mpsc::channel();
        self.sender.send(Message::Reload(Some(reply))).map_err(|_| gone())?;
        outcome.recv().unwrap_or_else(|_| Err(gone()))
    }

    /// How the file stands.
    pub fn status(&self) -> FileStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn on_its_thread(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| thread.thread().id() == thread::current().id())
    }

    /// Another handle to the configuration, which the watching goes on to feed.
    pub fn config(&self) -> HotConfig<T> {
        self.config.clone()
    }
}

impl<T> Deref for FileWatch<T> {
    type Target = HotConfig<T>;

    fn deref(&self) -> &HotConfig<T> {
        &self.config
    }
}

/// Ends the watching: no event is told after this has returned, unless it is dropped by what is told.
impl<T> Drop for FileWatch<T> {
    fn drop(&mut self) {
        let _ = self.sender.send(Message::Stop);
        if !self.on_its_thread()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for FileWatch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileWatch")
            .field("path", &self.path)
            .field("config", &self.config)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
