//! What is to be done now and then: sweep what has expired, shrink the table, free what was removed.

use crate::{
    engine::{Age, Engine, Left, Session},
    evict::{InTable, try_lock},
    state::{self, Content, DueStamps, NEVER},
    stats::Cause,
    table::{Found, LEAST},
};

/// A pass over the table, and where it stands.
#[derive(Default)]
pub(crate) struct Sweep {
    position: usize,
    buckets: usize,
    /// The slices in which this pass and the one before began.
    began: u64,
    before: u64,
    ended: bool,
}

impl<K, V, S> Engine<K, V, S> {
    /// Sweeps the next `buckets`, unless somebody else sweeps; moves a table on instead, if one moves.
    /// False if there is nothing to do at present: a slice has one pass, unless `again`.
    #[inline(never)]
    pub(crate) fn sweep(
        &self,
        session: &Session<'_>,
        buckets: usize,
        again: bool,
        left: &mut Left<K, V>,
    ) -> bool {
        let Some(mut sweep) = try_lock(&self.sweep) else { return false };
        if self.tables.advance(session, buckets) {
            return true;
        }
        let now = self.time.now();
        let table = self.tables.root(session);
        let sweep = &mut *sweep;
        if sweep.buckets != table.buckets.len() {
            // Another table: all over again, for what this pass was to find.
            *sweep = Sweep { position: 0, buckets: table.buckets.len(), ended: false, ..*sweep };
            sweep.began = state::slice(now);
        } else if sweep.ended {
            if sweep.began == state::slice(now) && !again {
                return false;
            }
            let (before, began) = (sweep.began, state::slice(now));
            *sweep = Sweep { position: 0, before, began, ended: false, ..*sweep };
        }
        let due = DueStamps::between(sweep.before, sweep.began);
        let end = table.buckets.len().min(sweep.position + buckets);
        for first in &table.buckets[sweep.position..end] {
            for slot in first.chain(session).flat_map(|bucket| &bucket.slots) {
                let word = session.load(slot);
                if state::is_frozen(word.addr()) {
                    return true;
                }
                if state::content(word.addr()) == Content::Taken && due.covers(word.addr()) {
                    // SAFETY: it was loaded in this session and is not frozen.
                    let found = unsafe { Found::new(slot, word) };
                    if self.age(found.entry, now) == Age::Gone {
                        self.take_out(session, &found, Cause::Expired, left);
                    } else if self.settings.time_to_idle < NEVER {
                        found.restamp(state::stamp(self.due(found.entry, now)));
                    }
                }
            }
        }
        sweep.position = end;
        sweep.ended = end == table.buckets.len();
        if sweep.ended {
            self.shrink(session);
        }
        true
    }

    /// Gives memory back, after a pass.
    fn shrink(&self, session: &Session<'_>) {
        let live = self.len();
        let buckets = self.tables.root(session).buckets.len();
        if state::buckets_for(live, LEAST) <= buckets / 4 {
            self.tables.begin_move(session, live);
        }
        if let Some(mut policy) = try_lock(&self.policy) {
            policy.trim(live, &InTable { engine: self, session });
        }
    }

    /// A share of what is to be done; for the sweeper.
    #[cfg(not(loom))]
    pub(crate) fn tick(&self, ticks: u64) {
        self.settling(|session, left| {
            // A pass takes some 256 ticks, whatever the table's size.
            let share = 64 + self.tables.root(session).buckets.len() / 256;
            self.sweep(session, share, false, left);
        });
        if ticks.is_multiple_of(16) {
            self.domain.collect_all();
        }
    }

    /// All that is to be done at present.
    pub(crate) fn maintain(&self) {
        // The pass that is under way, and one that begins now.
        for pass in 0..2 {
            // A move that the last pass has begun, so that the next one is a pass.
            self.domain.session(|session| while self.tables.advance(session, 256) {});
            let mut again = pass > 0;
            loop {
                let more = self.settling(|session, left| self.sweep(session, 256, again, left));
                if !more {
                    break;
                }
                again = false;
            }
        }
        // What the first look could not free since this thread had just been looking at it.
        self.domain.collect_all();
        self.domain.collect_all();
    }
}
