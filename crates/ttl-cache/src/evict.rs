//! Making room: by the policy, or by the table's order where another thread has the policy.
//!
//! # Orderings
//!
//! The one word of this module, the hand, is a hint.

use std::sync::TryLockError;

use lockfree_core::sync::{Mutex, MutexGuard, Ordering::Relaxed};

use crate::{
    engine::{Engine, Left, Session},
    kept::Kept,
    policy::Residents,
    stats::Cause,
    table::Found,
};

impl<K, V, S> Engine<K, V, S> {
    /// Evicts until the entries weigh no more than `capacity`, but not `new`.
    #[inline(never)]
    pub(crate) fn make_room(
        &self,
        session: &Session<'_>,
        capacity: u64,
        new: Kept<'_, K, V>,
        mut is_newcomer: bool,
        left: &mut Left<K, V>,
    ) {
        let Some(mut policy) = try_lock(&self.policy) else {
            if is_newcomer {
                self.newcomers.lay(new.hash);
            }
            if self.weight() > capacity + capacity / 8 {
                self.evict_by_hand(session, new, left);
            }
            return;
        };
        let residents = InTable { engine: self, session };
        let live = self.len();
        // The pile's top is its latest.
        let mut others: Vec<u32> = self.newcomers.take().collect();
        others.reverse();
        for hash in others {
            policy.admit(hash, live, &residents);
        }
        while self.weight() > capacity {
            match policy.victim(&residents) {
                // It stays; what it stood for may be another entry of its hash.
                Some(hash) if hash == new.hash => is_newcomer = true,
                Some(hash) => {
                    if let Some(found) = residents.find(hash) {
                        self.take_out(session, &found, Cause::Evicted, left);
                    }
                }
                None if self.evict_by_hand(session, new, left) => {}
                None => break,
            }
        }
        if is_newcomer {
            policy.admit(new.hash, live, &residents);
        }
    }

    /// Evicts one entry by the table's order: the first that was not used since the hand last came
    /// by, or one of many, but not `new`. False if none was found.
    fn evict_by_hand(
        &self,
        session: &Session<'_>,
        new: Kept<'_, K, V>,
        left: &mut Left<K, V>,
    ) -> bool {
        const PATIENCE: usize = if cfg!(loom) { 2 } else { 64 };
        let groups = self.tables.root(session).buckets.len();
        for attempt in 0..PATIENCE + groups {
            // Relaxed: a hint of where to look.
            let hand = self.hand.fetch_add(1, Relaxed) % groups;
            #[expect(clippy::cast_possible_truncation, reason = "a table has at most 2^32 buckets")]
            for found in self.tables.scan(session, hand as u32).0 {
                let spared = attempt < PATIENCE && found.entry.visits() > 0;
                found.entry.forget_visit();
                if !spared
                    && found.entry.pointer() != new.pointer()
                    && self.take_out(session, &found, Cause::Evicted, left)
                {
                    return true;
                }
            }
        }
        false
    }
}

/// The lock, unless somebody has it.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// The entries, as the policy knows them.
pub(crate) struct InTable<'s, 'd, K, V, S> {
    pub(crate) engine: &'s Engine<K, V, S>,
    pub(crate) session: &'s Session<'d>,
}

impl<'s, K, V, S> InTable<'s, '_, K, V, S> {
    fn find(&self, hash: u32) -> Option<Found<'s, K, V>> {
        self.engine.tables.find(self.session, hash, |entry| entry.hash == hash)
    }
}

impl<K, V, S> Residents for InTable<'_, '_, K, V, S> {
    fn visits(&self, hash: u32) -> Option<u32> {
        self.find(hash).map(|found| found.entry.visits())
    }

    fn forget_visit(&self, hash: u32) {
        if let Some(found) = self.find(hash) {
            found.entry.forget_visit();
        }
    }
}
