//! What the operating system tells: that something on the way to the file has changed, and SIGHUP.

use std::{path::Path, sync::mpsc::Sender};

use super::{chain::Chain, watcher::Message};

/// How often the way is followed anew because it changed while it was being watched.
const TRIES: usize = 8;

/// The system's events along one path.
#[derive(Default)]
pub(super) struct System {
    chain: Option<Chain>,
    #[cfg(feature = "notify")]
    watcher: Option<notify::RecommendedWatcher>,
}

impl System {
    /// Watches all that is on the way to `path` now. What is changed after this returns is told; what
    /// was changed before is seen by whoever reads now. `stale` if a directory was replaced by another
    /// of its name.
    ///
    /// # Errors
    /// Something that is there cannot be watched. The rest is.
    pub(super) fn follow(
        &mut self,
        path: &Path,
        mut stale: bool,
        sender: &Sender<Message>,
    ) -> Result<(), String> {
        let mut outcome = Ok(());
        for _ in 0..TRIES {
            let chain = Chain::of(path);
            if !stale && self.chain.as_ref() == Some(&chain) {
                break;
            }
            stale = false;
            outcome = self.watch(&chain, sender);
            self.chain = Some(chain);
        }
        if outcome.is_err() {
            // To be tried again at the next look.
            self.chain = None;
        }
        outcome
    }

    /// A watcher of its own for each chain: one that is changed while the directories under it go and
    /// come forgets some.
    #[cfg(feature = "notify")]
    fn watch(&mut self, chain: &Chain, sender: &Sender<Message>) -> Result<(), String> {
        use notify::{RecursiveMode, Watcher as _};

        let (told, on) = (sender.clone(), chain.clone());
        let tell = move |event: notify::Result<notify::Event>| {
            if let Some(stale) = touches(&on, event) {
                // Who does not listen any more does not want to know.
                let _ = told.send(Message::Touched { stale });
            }
        };
        let mut watcher = notify::recommended_watcher(tell).map_err(|error| error.to_string())?;
        let mut failure = None;
        for dir in &chain.dirs {
            match watcher.watch(dir, RecursiveMode::NonRecursive) {
                // If it comes back, the one around it tells, which is watched already.
                Err(error) if is_gone(&error) => {}
                Err(error) => failure = Some(format!("{}: {error}", dir.display())),
                Ok(()) => {}
            }
        }
        self.watcher = Some(watcher);
        failure.map_or(Ok(()), Err)
    }

    #[cfg(not(feature = "notify"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the system is not asked")]
    fn watch(&mut self, _: &Chain, _: &Sender<Message>) -> Result<(), String> {
        Ok(())
    }
}

/// Whether there is no such directory any more.
#[cfg(feature = "notify")]
fn is_gone(error: &notify::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};

    match &error.kind {
        notify::ErrorKind::PathNotFound => true,
        notify::ErrorKind::Io(error) => matches!(error.kind(), NotFound | NotADirectory),
        _ => false,
    }
}

/// Whether the event is about something on the way, and whether that is a watched directory itself.
#[cfg(feature = "notify")]
fn touches(on: &Chain, event: notify::Result<notify::Event>) -> Option<bool> {
    use notify::{
        EventKind,
        event::{AccessKind, AccessMode},
    };

    // Events were lost, or their meaning is not known: look everywhere.
    let Ok(event) = event else { return Some(true) };
    if event.need_rescan() {
        return Some(true);
    }
    // Our own readings are accesses too.
    let reading = matches!(event.kind, EventKind::Access(_))
        && event.kind != EventKind::Access(AccessKind::Close(AccessMode::Write));
    // Elsewhere the system names paths as it knows them.
    let exact = cfg!(target_os = "linux");
    let near = |path: &std::path::PathBuf| on.entries.contains(path) || on.dirs.contains(path);
    if reading || (exact && !event.paths.is_empty() && !event.paths.iter().any(near)) {
        return None;
    }
    let moved = !matches!(
        event.kind,
        EventKind::Access(_) | EventKind::Modify(notify::event::ModifyKind::Data(_))
    );
    Some(moved && event.paths.iter().any(|path| on.dirs.contains(path)))
}

/// Sends a message for each SIGHUP until it is dropped.
#[cfg(all(unix, feature = "signal"))]
pub(super) struct Hangup {
    handle: signal_hook::iterator::Handle,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[cfg(all(unix, feature = "signal"))]
impl Hangup {
    pub(super) fn listen(sender: Sender<Message>) -> std::io::Result<Self> {
        let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGHUP])?;
        let handle = signals.handle();
        let listen = move || {
            for _ in signals.forever() {
                if sender.send(Message::Reload(None)).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("hot-config-signal".into()).spawn(listen)?;
        Ok(Self { handle, thread: Some(thread) })
    }
}

#[cfg(all(unix, feature = "signal"))]
impl Drop for Hangup {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(all(test, target_os = "linux", feature = "notify", not(any(loom, stepped))))]
mod tests {
    use core::time::Duration;
    use std::{env, fs, process, sync::mpsc};

    use super::*;

    #[test]
    fn a_directory_that_is_gone_is_no_failure_and_is_told_of_when_it_comes_back() {
        let around = env::temp_dir().join(format!("hot-config-gone-{}", process::id()));
        let dir = around.join("a");
        fs::create_dir_all(&dir).unwrap();
        let chain = Chain::of(&dir.join("settings.json"));
        fs::remove_dir(&dir).unwrap();
        let (sender, inbox) = mpsc::channel();
        let mut system = System::default();
        assert_eq!(system.watch(&chain, &sender), Ok(()));
        fs::create_dir(&dir).unwrap();
        let told = inbox.recv_timeout(Duration::from_secs(20));
        assert!(matches!(told, Ok(Message::Touched { stale: true })));
        fs::remove_dir_all(around).unwrap();
    }
}
