//! Loads under way: one at a time for each key, however many wait for it.
//!
//! A load is a *flight*. Who asks first flies it; who asks meanwhile waits for it to land. A pilot
//! who leaves early (his loader fails or panics, his future is dropped) loses the flight: those who
//! wait start over, and one of them becomes the next pilot.
//!
//! The value is in the cache before its flight is taken off the list, and a pilot looks into the
//! cache once more after the take-off: so a key is never loaded while it is there.
//!
//! These are locks: who asks for a load waits anyway.

use core::{mem, task::Poll};
use std::sync::{Arc, PoisonError};

use lockfree_core::{
    sync::{Mutex, MutexGuard},
    wait::WaitQueue,
};

use crate::EntryRef;

/// The list is in as many parts, so that loads of different keys seldom meet.
const PARTS: usize = if cfg!(loom) { 2 } else { 16 };

/// What a load gave; none where there is no value.
pub(crate) type Landing<K, V> = Option<EntryRef<K, V>>;

type Listed<K, V> = (u32, K, Arc<Flight<K, V>>);

pub(crate) struct Flights<K, V> {
    parts: [Mutex<Vec<Listed<K, V>>>; PARTS],
}

pub(crate) struct Flight<K, V> {
    outcome: Mutex<Outcome<K, V>>,
    line: WaitQueue,
}

enum Outcome<K, V> {
    Flying,
    Landed(Landing<K, V>),
    Lost,
}

/// What one who asks becomes.
pub(crate) enum Joined<'f, K, V> {
    Pilot(Pilot<'f, K, V>),
    Passenger(Arc<Flight<K, V>>),
}

/// Who flies. Dropped before it has landed, it loses the flight.
pub(crate) struct Pilot<'f, K, V> {
    part: &'f Mutex<Vec<Listed<K, V>>>,
    flight: Arc<Flight<K, V>>,
    outcome: Outcome<K, V>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K, V> Flights<K, V> {
    pub(crate) fn new() -> Self {
        Self { parts: core::array::from_fn(|_| Mutex::new(Vec::new())) }
    }
}

impl<K: Eq + Clone, V> Flights<K, V> {
    /// # Panics
    /// `Eq` or `Clone` of the key does; then nothing has changed.
    pub(crate) fn join(&self, hash: u32, key: &K) -> Joined<'_, K, V> {
        let part = &self.parts[hash as usize % PARTS];
        let mut flights = lock(part);
        let flying = flights.iter().find(|(other, its, _)| *other == hash && its == key);
        if let Some((_, _, flight)) = flying {
            return Joined::Passenger(Arc::clone(flight));
        }
        let outcome = Mutex::new(Outcome::Flying);
        let flight = Arc::new(Flight { outcome, line: WaitQueue::new() });
        flights.push((hash, key.clone(), Arc::clone(&flight)));
        Joined::Pilot(Pilot { part, flight, outcome: Outcome::Lost })
    }
}

impl<K, V> Pilot<'_, K, V> {
    /// What was loaded is in the cache: hands it to those who wait.
    pub(crate) fn land(mut self, landing: Landing<K, V>) {
        self.outcome = Outcome::Landed(landing);
    }
}

impl<K, V> Drop for Pilot<'_, K, V> {
    fn drop(&mut self) {
        // Off the list first: who starts over is not to come upon the same flight.
        let listed = {
            let mut flights = lock(self.part);
            let place = flights.iter().position(|(_, _, flight)| Arc::ptr_eq(flight, &self.flight));
            place.map(|place| flights.swap_remove(place))
        };
        *lock(&self.flight.outcome) = mem::replace(&mut self.outcome, Outcome::Lost);
        self.flight.line.notify_all();
        // Last: the key's drop may panic.
        drop(listed);
    }
}

impl<K, V> Flight<K, V> {
    /// What it lands with; none if it is lost.
    pub(crate) async fn wait(&self) -> Option<Landing<K, V>> {
        let mut waiter = self.line.waiter();
        let outcome = || match &*lock(&self.outcome) {
            Outcome::Flying => None,
            Outcome::Landed(landing) => Some(Some(landing.clone())),
            Outcome::Lost => Some(None),
        };
        core::future::poll_fn(|cx| -> Poll<_> { waiter.poll_until(cx, outcome) }).await
    }
}
