//! The state of a sliding window: how many were admitted, and how many before each part of it.
//!
//! Prefix sums again: what a window holds is the difference of two totals, so that nothing has to be
//! taken back when time goes on, and one word decides.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `head` | the newest tick in which somebody was admitted, and the total |
//! | `marks` | for each place of a ring a tick, and the total before it |
//! | `terms` | the limit, and how many whole ticks make a window |
//!
//! See [`state::mark`](crate::state::mark) for the words. A tick is a sixteenth of the first window.
//!
//! # Invariants
//!
//! * I1: an event is admitted by the compare-exchange that adds it to `head`, and by nothing else.
//! * I2: when `head` goes on to a tick, the total that it had is in that tick's mark already; and no
//!   mark of a tick ever holds more than what was admitted before it. So a window may be taken for
//!   fuller than it is, never for emptier.
//! * I3: a mark that was overwritten by a later tick's is of no tick that a window of the present
//!   reaches: the ring is longer than any window by two.
//! * I4: the mark in a place is of a tick of that place. So one that was overwritten tells of a later tick than
//!   the window's last.
//!
//! # Progress and linearization
//!
//! * `acquire`: lock-free: it repeats when another was admitted or a later tick has begun. 7 accesses
//!   where somebody was admitted in the present tick and in the first of the window; else 11 more and one
//!   for each tick of the window. Linearizes at the compare-exchange of `head`.
//! * A denial writes nothing, and linearizes at its load of `head`.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | head | compare-exchange of `head` | load of `head` | the marks up to its tick | `head_shows_the_marks_of_a_window` |

use core::{num::NonZeroU64, ops::RangeInclusive};

use lockfree_core::{
    Backoff, CachePadded,
    sync::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
        hint,
    },
};

use super::live::Live;
use crate::{
    error::{BadQuota, Denied},
    reciprocal::Reciprocal,
    state::mark::Mark,
};

/// Ticks in the first window. Few under the models: each is an access.
const TICKS: u64 = if cfg!(loom) { 1 } else { 16 };
const PLACES: usize = if cfg!(loom) { 4 } else { 64 };

pub(super) struct Sliding {
    head: CachePadded<AtomicU64>,
    marks: CachePadded<[AtomicU64; PLACES]>,
    terms: Live<2>,
    tick: Reciprocal,
}

/// What one look at the window found.
struct Look {
    head: Mark,
    tick: u64,
    held: u64,
    limit: u64,
    ticks: u64,
}

impl Look {
    #[inline]
    fn admits(&self, n: u32) -> bool {
        self.held + u64::from(n) <= self.limit
    }
}

impl Sliding {
    /// With nothing admitted before `now`: each place has the mark of one of the last ticks.
    pub(super) fn new(limit: u32, window: u64, now: u64) -> Self {
        let tick = NonZeroU64::new(window.div_ceil(TICKS)).unwrap_or(NonZeroU64::MIN);
        let tick = Reciprocal::new(tick);
        let present = tick.quotient(now);
        let mark = |place| {
            let ahead = present.wrapping_sub(place as u64) % PLACES as u64;
            AtomicU64::new(Mark::new(present.wrapping_sub(ahead), 0).0)
        };
        Self {
            head: CachePadded::new(AtomicU64::new(Mark::new(present, 0).0)),
            marks: CachePadded::new(core::array::from_fn(mark)),
            terms: Live::new([limit.into(), window.div_ceil(tick.divisor())]),
            tick,
        }
    }

    #[inline]
    pub(super) fn acquire(&self, now: u64, n: u32) -> Result<(), Denied> {
        let Some(look) = self.glance(now) else { return self.acquire_slowly(now, n) };
        if !look.admits(n) {
            return Err(self.denial(&look, now, n));
        }
        let (seen, next) = (look.head, look.head.plus(n));
        // Relaxed: who began the tick has published its mark, and whoever adds to its head passes that on.
        match self.head.compare_exchange(seen.0, next.0, Relaxed, Relaxed) {
            Ok(_) => Ok(()),
            Err(_) => self.acquire_slowly(now, n),
        }
    }

    #[inline(never)]
    fn acquire_slowly(&self, now: u64, n: u32) -> Result<(), Denied> {
        let backoff = Backoff::new();
        loop {
            let look = self.look(now);
            if !look.admits(n) {
                return Err(self.denial(&look, now, n));
            }
            if look.head.ahead(look.tick) != Some(0) {
                self.raise(look.tick, look.head);
            }
            let (seen, next) = (look.head, Mark::new(look.tick, look.head.total()).plus(n));
            // Release [head]: the mark of its tick.
            // Relaxed: on failure it is loaded again.
            if self.head.compare_exchange_weak(seen.0, next.0, Release, Relaxed).is_ok() {
                return Ok(());
            }
            backoff.spin();
        }
    }

    pub(super) fn peek(&self, now: u64, n: u32) -> Result<(), Denied> {
        let look = self.look(now);
        if look.admits(n) { Ok(()) } else { Err(self.denial(&look, now, n)) }
    }

    pub(super) fn available(&self, now: u64) -> u32 {
        let look = self.look(now);
        u32::try_from(look.limit.saturating_sub(look.held)).unwrap_or(u32::MAX)
    }

    pub(super) fn reconfigure(&self, limit: u32, window: u64) -> Result<(), BadQuota> {
        let ticks = window.div_ceil(self.tick.divisor());
        if window < self.tick.divisor() || ticks > PLACES as u64 - 2 {
            return Err(BadQuota::OutOfScale);
        }
        self.terms.store([limit.into(), ticks]);
        Ok(())
    }

    /// The window at `now`, if it takes two marks to tell: somebody was admitted in its first tick, and
    /// in the present one.
    #[inline]
    fn glance(&self, now: u64) -> Option<Look> {
        let [limit, ticks] = self.terms.load();
        let tick = self.tick.quotient(now);
        let first = tick.wrapping_sub(ticks);
        // Relaxed: the compare-exchange checks it; and a mark of the first tick is never too high (I2).
        let head = Mark(self.head.load(Relaxed));
        let mark = self.mark(first);
        let told = head.is_of(tick) && mark.is_of(first);
        told.then(|| Look { head, tick, held: head.since(mark), limit, ticks })
    }

    /// The window at `now`; at a later time, if somebody has read one.
    fn look(&self, now: u64) -> Look {
        let [limit, ticks] = self.terms.load();
        let mut tick = self.tick.quotient(now);
        loop {
            // Acquire [head]: pairs with `acquire_slowly`.
            let head = Mark(self.head.load(Acquire));
            tick = tick.max(head.tick_from(tick));
            match self.held(head, tick, ticks) {
                Ok(held) => return Look { head, tick, held, limit, ticks },
                Err(later) => tick = later,
            }
            hint::spin_loop();
        }
    }

    /// How many the window that ends with `tick` holds; or a later tick, if one has begun.
    fn held(&self, head: Mark, tick: u64, ticks: u64) -> Result<u64, u64> {
        for one in window(head, tick, ticks) {
            let mark = self.mark(one);
            match mark.ahead(one) {
                Some(0) => return Ok(head.since(mark)),
                // Nobody was admitted in that tick.
                Some(_) => {}
                None => return Err(mark.tick_from(one)),
            }
        }
        Ok(0)
    }

    #[inline]
    fn denial(&self, look: &Look, now: u64, n: u32) -> Denied {
        match look.limit.checked_sub(n.into()) {
            Some(most) => self.retry(look.head, look.tick, look.ticks, most, now),
            None => Denied::NEVER,
        }
    }

    /// When at most `most` will be held of what is now.
    #[cold]
    #[inline(never)]
    fn retry(&self, head: Mark, tick: u64, ticks: u64, most: u64, now: u64) -> Denied {
        // The last tick whose events leave no room: the window must begin after it.
        let full = window(head, tick, ticks).rfind(|&one| {
            let mark = self.mark(one);
            mark.ahead(one) == Some(0) && head.since(mark) > most
        });
        let then = full.unwrap_or(tick) + 1 + ticks;
        Denied::for_nanos(then.saturating_mul(self.tick.divisor()).saturating_sub(now))
    }

    #[inline]
    fn mark(&self, tick: u64) -> Mark {
        // Relaxed: `head` has shown us those of its ticks; later ones tell themselves.
        Mark(self.place(tick).load(Relaxed))
    }

    #[inline]
    fn place(&self, tick: u64) -> &AtomicU64 {
        #[expect(clippy::cast_possible_truncation, reason = "it is below the length")]
        &self.marks[tick as usize % PLACES]
    }

    /// Notes the total of `head` as that before `tick`, unless more is noted there.
    fn raise(&self, tick: u64, head: Mark) {
        let place = self.place(tick);
        let mark = Mark::new(tick, head.total());
        // Relaxed: the compare-exchange checks it.
        let mut seen = Mark(place.load(Relaxed));
        while seen.yields_to(mark) {
            // Relaxed: `head` publishes it.
            match place.compare_exchange_weak(seen.0, mark.0, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(found) => seen = Mark(found),
            }
        }
    }
}

/// The ticks of the window that ends with `tick`, as far as somebody was admitted in them.
fn window(head: Mark, tick: u64, ticks: u64) -> RangeInclusive<u64> {
    tick.saturating_sub(ticks)..=head.tick_from(tick)
}
