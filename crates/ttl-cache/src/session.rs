//! Sessions: what a thread does with a structure between two looks of who frees (`reclaim`).

use core::mem;

use lockfree_core::sync::{
    AtomicPtr,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
    light_fence_knowing,
};

use crate::{
    garbage::Garbage,
    reclaim::{BATCH, Domain, NONE, Purse, Record},
    shape::Cell,
};

/// A stretch of time in which what was loaded stays good.
pub(crate) struct Session<'d, T: Default> {
    domain: &'d Domain<T>,
    record: &'d Record<T>,
    /// `lower` as it was before: `NONE`, or that of the session around this one.
    before: u64,
}

impl<'d, T: Default> Session<'d, T> {
    #[inline]
    pub(crate) fn begin(domain: &'d Domain<T>, record: &'d Record<T>) -> Self {
        // Acquire [seal]: pairs with the addition in `seal`.
        let era = domain.era.load(Acquire);
        // Relaxed: only this thread writes it.
        let before = record.lower.load(Relaxed);
        if before == NONE {
            record.seen.set(era);
            // Release [leave]: who sees that this session has begun sees the last one over.
            record.lower.store(era, Release);
            // SeqCst [announce, claim]: the session has begun before its loads, and before its look at
            // the claim.
            light_fence_knowing(domain.fences_are_light, SeqCst);
        } else {
            record.announce(era, domain.fences_are_light);
        }
        Self { domain, record, before }
    }

    /// Whether there is enough garbage to be worth a look once this session is over.
    #[inline]
    pub(crate) fn collects(&self) -> bool {
        self.record.collects.get() && self.before == NONE && self.record.collects.replace(false)
    }

    /// What the word points to, good until the session ends.
    #[inline]
    pub(crate) fn load<P>(&self, word: &AtomicPtr<P>) -> *mut P {
        loop {
            // Acquire [publish, freeze]: pairs with what made it reachable, or froze it.
            let pointer = word.load(Acquire);
            // Relaxed: it comes after the load above, and so is no earlier than the object's birth; what
            // was sealed is shown by `lower`, or by the fence.
            let era = self.domain.era.load(Relaxed);
            if era == self.record.seen.get() {
                return pointer;
            }
            self.record.announce(era, self.domain.fences_are_light);
        }
    }

    /// Whether what was loaded with Acquire in this session, and in reach then, is good until the session
    /// ends: `load` in parts.
    #[inline]
    pub(crate) fn is_current(&self) -> bool {
        // Relaxed: as in `load`.
        self.domain.era.load(Relaxed) == self.record.seen.get()
    }

    /// An era no later than the present one: the birth of what is made now.
    #[inline]
    pub(crate) fn birth(&self) -> u64 {
        self.record.seen.get()
    }

    /// What this thread has beside. Nobody else writes it.
    #[inline]
    pub(crate) fn own(&self) -> &T {
        &self.record.own
    }

    /// Runs `look` with this thread's purse, unless somebody is emptying it.
    #[inline]
    pub(crate) fn purse<R>(&self, look: impl FnOnce(&mut Purse) -> R) -> Option<R> {
        // Acquire [return]: pairs with the store in `empty`.
        if self.record.claimed.load(Acquire) {
            return None;
        }
        // SAFETY: I6; `look` calls none of us.
        Some(self.record.purse.with_mut(|purse| look(unsafe { &mut *purse })))
    }

    /// Memory for an entry, which is the caller's.
    #[inline]
    pub(crate) fn cell(&self) -> Cell {
        self.purse(|purse| purse.cells.pop()).flatten().unwrap_or_else(|| self.another_cell())
    }

    #[cold]
    #[inline(never)]
    fn another_cell(&self) -> Cell {
        let mut cells = self.domain.cells(self.birth());
        let cell = cells.pop().expect("a listed block has a free cell, and so has a new one");
        // What is left over: nothing, or all if somebody is emptying the purse.
        let _ = self.purse(|purse| mem::swap(&mut purse.cells, &mut cells));
        self.domain.leave(cells);
        cell
    }

    /// As [`retire`](Self::retire), for what is large: it is looked at when the session is over.
    pub(crate) fn retire_large(&self, garbage: Garbage) {
        self.domain.seal(vec![garbage]);
        self.record.collects.set(true);
    }

    /// Frees it later. It is out of reach of new loads.
    #[inline]
    pub(crate) fn retire(&self, garbage: Garbage) {
        let mut garbage = Some(garbage);
        let is_full = self.purse(|purse| {
            purse.garbage.extend(garbage.take());
            purse.garbage.len() >= BATCH
        });
        if is_full != Some(false) {
            self.seal(garbage);
        }
    }

    /// Seals what is in the purse; or this, if somebody is emptying the purse.
    #[cold]
    #[inline(never)]
    fn seal(&self, garbage: Option<Garbage>) {
        let batch = match garbage {
            Some(garbage) => Some(vec![garbage]),
            None => self.purse(|purse| mem::replace(&mut purse.garbage, Vec::with_capacity(BATCH))),
        };
        // Who has claimed the purse just now empties it.
        let Some(batch) = batch else { return };
        let waiting = self.domain.seal(batch);
        // Relaxed: a figure.
        if waiting >= self.domain.due.load(Relaxed) {
            self.record.collects.set(true);
        }
    }
}

impl<T> Record<T> {
    #[cold]
    #[inline(never)]
    fn announce(&self, era: u64, fences_are_light: bool) {
        self.seen.set(era);
        // Relaxed: the fence orders it.
        self.upper.store(era, Relaxed);
        // SeqCst [announce, claim]: the era is announced before the loads that follow.
        light_fence_knowing(fences_are_light, SeqCst);
    }
}

impl<T: Default> Drop for Session<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Release [leave]: this session is over; or the one around it goes on, as it did before.
        self.record.lower.store(self.before, Release);
    }
}
