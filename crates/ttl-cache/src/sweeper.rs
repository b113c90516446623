//! One thread for all caches of the program, which frees what has expired, and one that publishes the
//! time.

use core::panic::AssertUnwindSafe;
use std::{
    io, panic,
    sync::{
        Mutex, MutexGuard, PoisonError, Weak,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
};

use crate::{
    engine::Engine,
    time::{TICK, published},
};

/// What is to be done for a cache now and then.
pub(crate) trait Chore: Send + Sync {
    fn tick(&self, ticks: u64);
}

impl<K: Send + Sync, V: Send + Sync, S: Send + Sync> Chore for Engine<K, V, S> {
    fn tick(&self, ticks: u64) {
        self.tick(ticks);
    }
}

type Chores = Vec<Weak<dyn Chore>>;

/// The caches, while the thread lives.
static CACHES: Mutex<Option<Chores>> = Mutex::new(None);

fn caches() -> MutexGuard<'static, Option<Chores>> {
    CACHES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has the sweeper look after a cache until that is dropped.
///
/// # Errors
/// The system has no thread to give.
pub(crate) fn look_after(cache: Weak<dyn Chore>) -> io::Result<()> {
    let mut caches = caches();
    if caches.is_none() {
        thread::Builder::new().name("ttl-cache".into()).spawn(run)?;
    }
    caches.get_or_insert_default().push(cache);
    Ok(())
}

/// Publishes the time until the other end is dropped: on a thread of its own, since a user's drop or
/// listener may keep the sweeper for long.
fn keep_time(stopped: &Receiver<()>) {
    while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        published().tick();
    }
}

fn run() {
    let (_stops, stopped) = mpsc::channel();
    // Where there is no thread for it, the sweeper's own ticks and the readers' have to do.
    let clock = thread::Builder::new().name("ttl-cache-clock".into());
    let _ = clock.spawn(move || keep_time(&stopped));
    let mut ticks: u64 = 0;
    loop {
        thread::sleep(TICK);
        published().tick();
        ticks = ticks.wrapping_add(1);
        let chores: Chores = {
            let mut caches = caches();
            let Some(chores) = &mut *caches else { return };
            chores.retain(|cache| cache.strong_count() > 0);
            if chores.is_empty() {
                // With the lock held: the next cache starts another thread.
                *caches = None;
                return;
            }
            chores.clone()
        };
        for cache in chores.iter().filter_map(Weak::upgrade) {
            // A user's drop or listener that panics has been reported by the panic itself.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| cache.tick(ticks)));
            // It may be the last reference, whose drop drops the user's values.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(cache)));
        }
    }
}
