//! How a file is to be read and watched.

use core::{fmt, time::Duration};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Instant,
};

use serde::de::DeserializeOwned;

use super::{
    ErrorKind, Event, FileError, FileStatus, FileWatch, Format, Invalid,
    system::System,
    transaction::{Reading, Transaction},
    watcher::{OnEvent, Progress, Timing, Watcher},
};
use crate::HotConfig;

/// As long as it takes: what is longer might not be told as a time.
const YEARS: Duration = Duration::from_hours(24 * 365 * 30);

/// A file that makes a configuration, and how it is read and watched.
///
/// ```
/// # #[cfg(all(feature = "json", feature = "notify"))] {
/// use std::{fs, time::Duration};
/// use hot_config::{FileSource, file::Invalid};
///
/// #[derive(serde::Deserialize)]
/// struct Settings { port: u16, debug: bool }
///
/// let path = std::env::temp_dir().join(format!("hot-config-{}.json", std::process::id()));
/// fs::write(&path, r#"{ "port": 8080, "debug": false }"#)?;
///
/// let settings = FileSource::new(&path)
///     .environment("MYSERVICE")
///     .validate(|settings: &Settings| match settings.port {
///         0 => Err(Invalid::at("port", "must not be 0")),
///         _ => Ok(()),
///     })
///     .open()?;
/// let mut changes = settings.subscribe();
///
/// fs::write(&path, r#"{ "port": 9090, "debug": false }"#)?;
/// let change = changes.wait_timeout(Duration::from_secs(10))?;
/// assert_eq!((change.version, change.port, change.debug), (2, 9090, false));
///
/// fs::write(&path, r#"{ "port": 0, "debug": false }"#)?;
/// let error = settings.reload().unwrap_err();
/// assert_eq!((error.line, error.key.as_deref()), (Some(1), Some("port")));
/// assert_eq!(settings.load().port, 9090, "the last good value stays");
/// # drop(settings);
/// # fs::remove_file(&path)?;
/// # }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing is read before `open` or `attach`"]
pub struct FileSource<T> {
    transaction: Transaction<T>,
    timing: Timing,
    on_event: Option<OnEvent>,
    told_by_system: bool,
    hangup: bool,
}

impl<T: DeserializeOwned + Send + Sync + 'static> FileSource<T> {
    /// The file at this path, in the format that its name ends in, told of by the system (feature
    /// `notify`) and looked at every 5 seconds; without that feature, every second.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let told_by_system = cfg!(feature = "notify");
        Self {
            transaction: Transaction::new(path.into()),
            timing: Timing {
                quiet: Duration::from_millis(20),
                longest: Duration::from_millis(500),
                grace: Duration::from_millis(250),
                poll: Duration::from_secs(if told_by_system { 5 } else { 1 }),
            },
            on_event: None,
            told_by_system,
            hangup: false,
        }
    }

    /// In this format, whatever its name.
    pub fn format(mut self, format: Format) -> Self {
        self.transaction.format = Some(format);
        self
    }

    /// Puts the environment's variables that begin with `prefix` and `_` over the file's values, at each
    /// reload: with `APP`, `APP_PORT` sets `port`, and `APP_DATABASE__URL` sets `url` in `database`.
    ///
    /// A key is found whatever its case. What looks like JSON is taken as that, unless a text is wanted.
    pub fn environment(mut self, prefix: impl Into<String>) -> Self {
        self.transaction.prefix = Some(prefix.into());
        self
    }

    /// Refuses values. A panic refuses too.
    pub fn validate(
        mut self,
        validate: impl FnMut(&T) -> Result<(), Invalid> + Send + 'static,
    ) -> Self {
        self.transaction.validate = Some(Box::new(validate));
        self
    }

    /// Is told what becomes of each change, on the thread that watches, after the fact. A panic is
    /// caught.
    pub fn on_event(mut self, call: impl FnMut(&Event) + Send + 'static) -> Self {
        self.on_event = Some(Box::new(call));
        self
    }

    /// Reads the file once nothing has happened for `quiet`, or `longest` after the first event of a
    /// burst. 20 and 500 ms, unless said.
    pub fn debounce(mut self, quiet: Duration, longest: Duration) -> Self {
        (self.timing.quiet, self.timing.longest) = (quiet.min(YEARS), longest.min(YEARS));
        self
    }

    /// Reports a file that is missing, empty, half-written or wrong only if it has been so, unchanged,
    /// for this long. 250 ms, unless said.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.timing.grace = grace.min(YEARS);
        self
    }

    /// Reads the file at least that often, whatever the system tells.
    pub fn poll(mut self, every: Duration) -> Self {
        self.timing.poll = every.min(YEARS);
        self
    }

    /// Does not ask the system for events, which network file systems do not have: reads the file that
    /// often.
    pub fn poll_only(mut self, every: Duration) -> Self {
        self.told_by_system = false;
        self.poll(every)
    }

    /// Reloads on SIGHUP too, as [`FileWatch::reload`] does.
    #[cfg(all(unix, feature = "signal"))]
    pub fn on_hangup(mut self) -> Self {
        self.hangup = true;
        self
    }

    /// Reads the file, makes a configuration of it whose version 1 is the file's value, and watches.
    ///
    /// Waits for a file that is not good until its time of grace is over.
    ///
    /// # Errors
    /// The file is not good, or the thread that watches cannot be started.
    pub fn open(mut self) -> Result<FileWatch<T>, FileError> {
        let (value, reading) = self.read_first()?;
        let status = FileStatus { version: Some(1), changes: 1, ..FileStatus::default() };
        self.start(HotConfig::new(value), status, Some(reading))
    }

    /// Lets the file change a configuration that is there already, beginning now: if the file is good,
    /// its value is current when this returns.
    ///
    /// A file that is not good, or not there yet, is told as an event.
    ///
    /// # Errors
    /// The thread that watches cannot be started.
    pub fn attach(self, config: &HotConfig<T>) -> Result<FileWatch<T>, FileError> {
        let watch = self.start(config.clone(), FileStatus::default(), None)?;
        // What is wrong with it was told.
        let _ = watch.reload();
        Ok(watch)
    }

    fn read_first(&mut self) -> Result<(T, Reading), FileError> {
        let end = Instant::now() + self.timing.grace;
        loop {
            let reading = Reading::of(&self.transaction.path);
            let error = match self.transaction.run(&reading) {
                Ok(Some(good)) => return Ok((self.transaction.commit(good).0, reading)),
                Ok(None) => unreachable!("the first value differs from none"),
                Err(error) => error,
            };
            if Instant::now() >= end {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn start(
        self,
        config: HotConfig<T>,
        status: FileStatus,
        last: Option<Reading>,
    ) -> Result<FileWatch<T>, FileError> {
        let Self { transaction, timing, on_event, told_by_system, hangup } = self;
        let path = transaction.path.clone();
        let unwatchable = |error: std::io::Error| {
            FileError::new(ErrorKind::Unwatchable, path.clone(), error.to_string())
        };
        let (sender, inbox) = mpsc::channel();
        let status = Arc::new(Mutex::new(status));
        #[cfg(all(unix, feature = "signal"))]
        let hangup = hangup
            .then(|| super::system::Hangup::listen(sender.clone()))
            .transpose()
            .map_err(unwatchable)?;
        #[cfg(not(all(unix, feature = "signal")))]
        debug_assert!(!hangup, "there is no way to ask for it");
        let watcher = Watcher {
            config: config.clone(),
            transaction,
            timing,
            on_event,
            status: Arc::clone(&status),
            inbox,
            sender: sender.clone(),
            system: told_by_system.then(System::default),
            progress: Progress::after(last),
        };
        let thread = thread::Builder::new()
            .name("hot-config".into())
            .spawn(move || watcher.run())
            .map_err(unwatchable)?;
        Ok(FileWatch {
            config,
            status,
            sender,
            thread: Some(thread),
            path,
            #[cfg(all(unix, feature = "signal"))]
            _hangup: hangup,
        })
    }
}

impl<T: DeserializeOwned + Send + Sync + 'static> HotConfig<T> {
    /// Lets the file at `path` change this configuration until the result is dropped. See
    /// [`FileSource`], which has more to choose.
    ///
    /// # Errors
    /// The thread that watches cannot be started.
    pub fn watch_file(&self, path: impl Into<PathBuf>) -> Result<FileWatch<T>, FileError> {
        FileSource::new(path).attach(self)
    }
}

impl<T> fmt::Debug for FileSource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSource")
            .field("path", &self.transaction.path)
            .field("timing", &self.timing)
            .finish_non_exhaustive()
    }
}
