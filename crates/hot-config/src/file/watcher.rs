//! The thread that waits for changes of a file and makes versions of them.

use core::{convert::Infallible, panic::AssertUnwindSafe, time::Duration};
use std::{
    panic::catch_unwind,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    time::Instant,
};

use serde::de::DeserializeOwned;

use super::{
    Change, ErrorKind, Event, FileError, FileStatus,
    system::System,
    transaction::{Reading, Transaction},
};
use crate::{Guard, HotConfig};

/// The first pause before a file that failed is read again; it doubles.
const FIRST_RETRY: Duration = Duration::from_millis(5);

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// This long nothing must happen before the file is read.
    pub(super) quiet: Duration,
    /// At most this long after the first event.
    pub(super) longest: Duration,
    /// This long a failure may be one that goes away.
    pub(super) grace: Duration,
    /// This long without any event, and the file is read.
    pub(super) poll: Duration,
}

pub(super) enum Message {
    /// Something on the way to the file has changed.
    #[cfg_attr(not(feature = "notify"), expect(dead_code, reason = "no system tells"))]
    Touched {
        stale: bool,
    },
    /// Read the file now, and say what came of it.
    Reload(Option<Sender<Result<u64, FileError>>>),
    Stop,
}

pub(super) type OnEvent = Box<dyn FnMut(&Event) + Send>;

/// The state of the thread.
pub(super) struct Watcher<T> {
    pub(super) config: HotConfig<T>,
    pub(super) transaction: Transaction<T>,
    pub(super) timing: Timing,
    pub(super) on_event: Option<OnEvent>,
    pub(super) status: Arc<Mutex<FileStatus>>,
    pub(super) inbox: Receiver<Message>,
    pub(super) sender: Sender<Message>,
    /// What the system tells; none in poll-only mode.
    pub(super) system: Option<System>,
    pub(super) progress: Progress,
}

/// Where the thread stands with the file.
#[derive(Default)]
pub(super) struct Progress {
    /// What was read last.
    last: Option<Reading>,
    /// The first and the last event since.
    touched: Option<(Instant, Instant)>,
    stale: bool,
    /// What is wrong with what was read last, and not told yet.
    failing: Option<Failing>,
    /// What was told last, and has not been mended since.
    told: Option<FileError>,
    looked: Option<Instant>,
}

impl Progress {
    /// This was read, and was good.
    pub(super) fn after(last: Option<Reading>) -> Self {
        Self { last, ..Self::default() }
    }
}

struct Failing {
    error: FileError,
    since: Instant,
    pause: Duration,
    next: Instant,
}

impl<T: DeserializeOwned + Send + Sync + 'static> Watcher<T> {
    pub(super) fn run(mut self) {
        // What fails is told.
        let _ = self.look(false);
        loop {
            let now = Instant::now();
            if self.due(now) <= now {
                let _ = self.look(false);
            }
            // A message in any case, also if it is time to look again.
            let wait = self.due(now).saturating_duration_since(Instant::now());
            match self.inbox.recv_timeout(wait) {
                Ok(Message::Touched { stale }) => {
                    let now = Instant::now();
                    let first = self.progress.touched.map_or(now, |(first, _)| first);
                    self.progress.touched = Some((first, now));
                    self.progress.stale |= stale;
                }
                Ok(Message::Reload(reply)) => {
                    let outcome = self.look(true);
                    if let Some(reply) = reply {
                        // Who does not wait any more does not want to know.
                        let _ = reply.send(outcome);
                    }
                }
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// When to look next.
    fn due(&self, now: Instant) -> Instant {
        let Timing { quiet, longest, poll, .. } = self.timing;
        let polled = self.progress.looked.unwrap_or(now) + poll;
        let touched =
            self.progress.touched.map(|(first, last)| (last + quiet).min(first + longest));
        let retried = self.progress.failing.as_ref().map(|failing| failing.next);
        [touched, retried].into_iter().flatten().fold(polled, Instant::min)
    }

    /// Reads the file and sees what comes of it: the version, or why there is none. What failed is told
    /// at once if it was `asked` for, else when its time of grace is over.
    fn look(&mut self, asked: bool) -> Result<u64, FileError> {
        self.progress.touched = None;
        self.progress.looked = Some(Instant::now());
        self.follow();
        let reading = Reading::of(&self.transaction.path);
        let outcome = if !asked && self.progress.last.as_ref() == Some(&reading) {
            // Nothing new: at most a failure that is still there.
            match self.progress.failing.take() {
                Some(failing) => Err(failing),
                None => return Ok(self.version()),
            }
        } else {
            self.progress.failing = None;
            let result = self.transaction.run(&reading);
            self.progress.last = Some(reading);
            let now = Instant::now();
            result.map_err(|error| Failing { error, since: now, pause: FIRST_RETRY, next: now })
        };
        match outcome {
            Ok(good) => {
                self.progress.told = None;
                self.status(|status| status.error = None);
                if let Some(good) = good {
                    let (value, changed) = self.transaction.commit(good);
                    self.replace(value, changed);
                }
                Ok(self.version())
            }
            Err(failing) => {
                let error = failing.error.clone();
                self.fail(failing, asked);
                Err(error)
            }
        }
    }

    fn follow(&mut self) {
        let stale = core::mem::take(&mut self.progress.stale);
        let Some(system) = &mut self.system else { return };
        let watched = system.follow(&self.transaction.path, stale, &self.sender).err();
        let was = self.status(|status| core::mem::replace(&mut status.unwatched, watched.clone()));
        if let (None, Some(why)) = (was, watched) {
            let path = self.transaction.path.clone();
            self.tell(&Event::Failed(FileError::new(ErrorKind::Unwatchable, path, why)));
        }
    }

    /// The current version. Whoever updates meanwhile may leave a value to be dropped here, which may panic.
    fn version(&self) -> u64 {
        let mut version = 0;
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let now = self.config.load();
            version = Guard::version(&now);
        }));
        version
    }

    fn replace(&mut self, value: T, changed: Vec<String>) {
        // A value that is dropped may panic: that is told by the panic hook, and the update is done.
        let config = &self.config;
        let replaced = catch_unwind(AssertUnwindSafe(|| {
            let value = lockfree_core::sync::Arc::new(value);
            let make = |_: &_| Ok::<_, Infallible>(lockfree_core::sync::Arc::clone(&value));
            let Ok(old) = config.shared.replace(make);
            old.version + 1
        }));
        let version = replaced.unwrap_or_else(|_| self.version());
        self.status(|status| {
            status.version = Some(version);
            status.changes += 1;
        });
        let path = self.transaction.path.clone();
        self.tell(&Event::Changed(Change { version, path, changed }));
    }

    /// Tells a failure, or waits whether it goes away.
    fn fail(&mut self, mut failing: Failing, at_once: bool) {
        let now = Instant::now();
        let end = failing.since + self.timing.grace;
        if !at_once && now < end {
            failing.next = (now + failing.pause).min(end);
            failing.pause *= 2;
            self.progress.failing = Some(failing);
            return;
        }
        let Failing { error, .. } = failing;
        if self.progress.told.as_ref() == Some(&error) {
            return;
        }
        self.progress.told = Some(error.clone());
        self.status(|status| {
            status.error = Some(error.clone());
            status.failures += 1;
        });
        self.tell(&Event::Failed(error));
    }

    fn status<R>(&self, change: impl FnOnce(&mut FileStatus) -> R) -> R {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Calls the user, who may panic: that is told by the panic hook, and the file is watched on.
    fn tell(&mut self, event: &Event) {
        if let Some(call) = &mut self.on_event {
            let _ = catch_unwind(AssertUnwindSafe(|| call(event)));
        }
    }
}
