//! A sequence of ids in one word.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `at` | the position of the next id; at `end` or above, the last id was given |
//! | `mode` | two bits. `CAREFUL`, a hint: the position may be at the brink or past it. `MOVED`, for good: `late` is the word, and `at` no more |
//! | `late` | the position, after a jump to where `at` may not go |
//! | `resets` | how many resets there were, for leases |
//!
//! One word is the whole truth, so that an operation takes effect where it changes or reads it. A
//! *blind* add takes an id, or finds that there is none, in one `fetch_add`, and may carry the word
//! past the end; a *careful* claim is a compare-exchange that cannot. Which of them is due is told by
//! `mode`, on a line that is hardly ever written. A blind add needs room behind the end to overshoot
//! into, and a range that reaches up to the last number, or with giant steps, has none there. That is
//! what the *brink* is for: below it, 2^30 blind adds of 1024 steps fit under 2^64.
//!
//! Ids come upon the brink one by one. A reset may jump past it, while somebody who has looked at the
//! mode before is about to add blindly. So it jumps in another word, which knows no blind adds.
//!
//! # Invariants
//!
//! * I1: who adds blindly has read `mode` as 0; who then finds himself at the brink sets `CAREFUL`
//!   before his next operation.
//! * I2: `CAREFUL` is cleared only by who has put `at` below the brink since.
//! * I3: a claim or a reset puts `at` at most one step past the brink, but for the first position of
//!   all, when nobody has read `mode` as 0.
//! * I4: `at` never wraps around. While it stays at the brink or above, each thread adds once, and once
//!   more for each time that `CAREFUL` is cleared; that is once a thread at most, by who changed the
//!   word before. So 2^30 adds take 2^15 threads that are all stopped in just that place.
//! * I5: `late` knows only careful claims, so it does not wrap around either.
//! * I6: ids below the end are given once between two resets, since the word only grows between them
//!   (or begins anew, in a sequence that cycles).
//!
//! # Progress and linearization
//!
//! * `next`, `next_batch`: below the brink wait-free, in 2 accesses, or 3 for the call that comes upon the
//!   brink; it linearizes at the add. On an exhausted sequence wait-free in 2, at the load. From the brink
//!   to the end, for batches of more than 1024, and in the calls that follow a reset or the beginning of
//!   a new cycle: lock-free, and it linearizes at the exchange or, exhausted, at the load before it.
//! * `reset`, `restart_with`: wait-free, 3 accesses, at the swap; past the brink 4, at the change of
//!   `mode` for the first one. What others, who have read `mode` before, still do to `at` after that
//!   counts as done just before.
//! * `current`, `remaining`: wait-free, 2 accesses, at the second.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | moved | the change of `mode` in `begin_at` | the load of `mode` | where `late` begins | `moved_sequence_is_seen_where_it_begins` |
//! | reset | the count in `begin_at` | the count in `resets` | the word as it is after the reset, to who takes a block | `reset_takes_back_what_a_lease_holds`, `reset_past_the_brink_takes_back_what_a_lease_holds` |
//!
//! An id carries nothing: to the rest coherence is enough.

use core::fmt;

use lockfree_core::{
    CachePadded, const_unless_loom,
    sync::{
        AtomicU32, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use crate::{
    batch::Batch,
    builder::Builder,
    error::{BuildError, Exhausted, OutOfRange},
    lease::Lease,
    state::{Claim, MAX_BLIND, Rule},
};

/// Gives each id once, in order, to any number of threads, and an error after the last one.
///
/// Every operation is linearizable: all that it does to the sequence happens at one access of one
/// word, as the module's head tells. Ids of one thread follow each other, and an id that was taken
/// before another one began to be taken is the earlier. After a [`reset`](Self::reset) no call gives
/// an id from before it. Nothing else becomes visible by an id: the accesses are relaxed.
///
/// [`new`](Self::new) counts as the reference program does: `start` is where one was, the first id is
/// `start + step`, and no id exceeds `max`. [`builder`](Self::builder) has what databases have.
///
/// ```
/// use seqgen::{Exhausted, Sequence};
///
/// let orders = Sequence::new(999_990, 1_000_000, 1)?;
/// assert_eq!(orders.next(), Ok(999_991));
/// assert!(orders.next_batch(5).unwrap().eq(999_992..=999_996));
/// assert_eq!((orders.current(), orders.remaining()), (999_996, 4));
///
/// // A batch ends where the range does; after that there is an error, as often as one asks.
/// assert_eq!(orders.next_batch(100).unwrap().len(), 4);
/// assert_eq!(orders.next(), Err(Exhausted));
/// orders.reset(0).unwrap();
/// assert_eq!(orders.next(), Ok(1));
/// # Ok::<(), seqgen::BuildError>(())
/// ```
pub struct Sequence {
    at: CachePadded<AtomicU64>,
    steady: CachePadded<Steady>,
}

/// What is read often and written hardly ever.
struct Steady {
    rule: Rule,
    mode: AtomicU32,
    resets: AtomicU64,
    late: AtomicU64,
}

/// The word may be at the brink or past it.
const CAREFUL: u32 = 1;
/// The word is `late`.
const MOVED: u32 = 2;

impl Sequence {
    const_unless_loom! {
        /// The ids `start + step`, `start + 2 * step`, ... up to `max`, upwards.
        ///
        /// There may be none: if `start` is `max`, or the step larger than what is left. `reset` may go
        /// back to 0.
        ///
        /// # Errors
        /// `step` is 0, or `start` above `max`.
        pub fn new(start: u64, max: u64, step: u64) -> Result<Self, BuildError> {
            match Rule::from_zero(start, max, step) {
                Ok((rule, position)) => Ok(Self::from_parts(rule, position)),
                Err(error) => Err(error),
            }
        }
    }

    /// Limits, direction and start as databases have them.
    pub const fn builder() -> Builder {
        Builder::new()
    }

    const_unless_loom! {
        pub(crate) fn from_parts(rule: Rule, position: u64) -> Self {
            let steady = Steady {
                rule,
                mode: AtomicU32::new(if position < rule.brink { 0 } else { CAREFUL }),
                resets: AtomicU64::new(0),
                late: AtomicU64::new(0),
            };
            let at = CachePadded::new(AtomicU64::new(position));
            Self { at, steady: CachePadded::new(steady) }
        }
    }

    /// The next id.
    ///
    /// Wait-free: 2 accesses, or 3 once at the end; lock-free near the end of `u64`, with giant steps,
    /// and in the call after a reset. See the table in the crate's documentation.
    ///
    /// # Errors
    /// The last id was given.
    #[inline]
    pub fn next(&self) -> Result<u64, Exhausted> {
        let (rule, mode) = (self.rule(), self.mode());
        if mode == 0 {
            // Relaxed: an id carries nothing.
            let at = self.at.fetch_add(rule.step, Relaxed);
            if at < rule.brink {
                return Ok(rule.id(at));
            }
            self.be_careful();
            if at < rule.end {
                return Ok(rule.id(at));
            }
            if !rule.cycle {
                return Err(Exhausted);
            }
        }
        self.claim_carefully(1, mode).map(|claim| rule.id(claim.first))
    }

    /// The next `n` ids, or as many as there are: a batch ends where the range does, and is followed
    /// by an error, or, in a sequence that cycles, by one that begins anew.
    ///
    /// Of `n` = 0 it is empty, and no error. Up to 1024 ids cost what one does; above that the claim
    /// is lock-free. One that would come within 2^40 steps of the last `u64` may end there, and the
    /// next call goes on.
    ///
    /// # Errors
    /// The last id was given.
    #[inline]
    pub fn next_batch(&self, n: u64) -> Result<Batch, Exhausted> {
        if n == 0 {
            return Ok(Batch::empty());
        }
        self.claim(n).map(|claim| Batch::new(self.rule(), claim))
    }

    #[inline]
    fn claim(&self, n: u64) -> Result<Claim, Exhausted> {
        let (rule, mode) = (self.rule(), self.mode());
        if n <= MAX_BLIND && mode == 0 {
            // Relaxed: an id carries nothing. There is a brink, so the product is far below 2^64.
            let at = self.at.fetch_add(n * rule.step, Relaxed);
            if at >= rule.brink {
                self.be_careful();
            }
            if let Some((claim, _)) = rule.claim(at, n, rule.end) {
                return Ok(claim);
            }
            if !rule.cycle {
                return Err(Exhausted);
            }
        }
        self.claim_carefully(n.min(usize::MAX as u64), mode)
    }

    #[inline]
    fn mode(&self) -> u32 {
        // Acquire [moved]: pairs with the change in `begin_at`.
        self.steady.mode.load(Acquire)
    }

    /// The word, as it was when `mode` was read.
    #[inline]
    fn word(&self, mode: u32) -> &AtomicU64 {
        if mode & MOVED == 0 { &self.at } else { &self.steady.late }
    }

    /// I1: whoever comes upon the brink tells the others.
    #[cold]
    fn be_careful(&self) {
        // Relaxed: a hint.
        self.steady.mode.fetch_or(CAREFUL, Relaxed);
    }

    /// Takes up to `n` ids without ever moving the word past what it takes.
    #[cold]
    #[inline(never)]
    fn claim_carefully(&self, n: u64, mode: u32) -> Result<Claim, Exhausted> {
        let (rule, word) = (self.rule(), self.word(mode));
        // Relaxed: the exchange checks it.
        let mut at = word.load(Relaxed);
        loop {
            // I3: whoever begins below the brink ends there.
            let (claim, behind) = rule.claim_around(at, n).ok_or(Exhausted)?;
            // Relaxed: an id carries nothing.
            match word.compare_exchange_weak(at, behind, Relaxed, Relaxed) {
                Ok(_) => {
                    if mode == CAREFUL && behind < rule.brink {
                        // I2: adds may be blind again.
                        // Relaxed: a hint.
                        self.steady.mode.fetch_and(!CAREFUL, Relaxed);
                    }
                    return Ok(claim);
                }
                Err(now) => at = now,
            }
        }
    }

    /// Takes up to `n` ids at positions below `end`, or tells the position of the next.
    #[cfg(feature = "durable")]
    pub(crate) fn claim_below(&self, n: u64, end: u64) -> Result<Claim, u64> {
        let word = self.word(self.mode());
        // Relaxed: the exchange checks it.
        let mut at = word.load(Relaxed);
        loop {
            let (claim, behind) = self.rule().claim(at, n, end).ok_or(at)?;
            // Relaxed: an id carries nothing.
            match word.compare_exchange_weak(at, behind, Relaxed, Relaxed) {
                Ok(_) => return Ok(claim),
                Err(now) => at = now,
            }
        }
    }

    /// A handle that takes `block` ids at a time and gives them out one by one, for less than a
    /// read-modify-write each. See [`Lease`].
    pub const fn lease(&self, block: u64) -> Lease<&Self> {
        Lease::new(self, block)
    }

    /// Begins anew behind `start`: the next id is one step after it.
    ///
    /// It takes effect at once: no call that begins after it has returned, or that comes after one
    /// that saw it, gives an id from before it. What batches hold stays theirs; what leases hold is
    /// skipped. Wait-free, 3 accesses, or 4.
    ///
    /// ```
    /// let sequence = seqgen::Sequence::new(0, 100, 1)?;
    /// sequence.next();
    /// sequence.reset(50).unwrap();
    /// assert_eq!((sequence.current(), sequence.next()), (50, Ok(51)));
    /// assert!(sequence.reset(101).is_err());
    /// # Ok::<(), seqgen::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// `start` lies past the end of the range, or more than a step before its beginning.
    pub fn reset(&self, start: u64) -> Result<(), OutOfRange> {
        self.rule().position_after(start).map(|position| self.begin_at(position))
    }

    /// Begins anew with `first`, which is the next id. Otherwise as [`reset`](Self::reset).
    ///
    /// # Errors
    /// `first` is no number of the range.
    pub fn restart_with(&self, first: u64) -> Result<(), OutOfRange> {
        self.rule().position_of(first).map(|position| self.begin_at(position))
    }

    fn begin_at(&self, position: u64) {
        let (rule, mode) = (self.rule(), self.mode());
        let stays = mode & MOVED != 0 || rule.may_jump_to(position);
        let word = if stays { self.word(mode) } else { &self.steady.late };
        // Relaxed: coherence keeps later calls from what was before.
        word.swap(position, Relaxed);
        if !stays {
            // Release [moved]: who sees that the sequence has moved sees where to.
            self.steady.mode.fetch_or(MOVED, Release);
        }
        // Release [reset]: who counts this reset takes a block from behind it.
        self.steady.resets.fetch_add(1, Release);
    }

    /// How many resets there were, before a block is taken.
    pub(crate) fn resets(&self) -> u64 {
        // Acquire [reset]: pairs with the count in `begin_at`.
        self.steady.resets.load(Acquire)
    }

    /// Whether there were `resets` resets and no more.
    #[inline]
    pub(crate) fn still_has(&self, resets: u64) -> bool {
        // Relaxed: coherence shows each reset that happened before; what it did is not looked at.
        self.steady.resets.load(Relaxed) == resets
    }

    /// The last id given or, before the first one, the start: the number one step before the first
    /// id (0, where that would be below 0; `u64::MAX`, where it would be above).
    ///
    /// A snapshot: by the time it is looked at there may be a later one.
    #[inline]
    pub fn current(&self) -> u64 {
        self.rule().before(self.position())
    }

    /// How many ids are left before the end of the range. A snapshot.
    #[inline]
    pub fn remaining(&self) -> u64 {
        self.rule().count(self.position(), self.rule().end)
    }

    /// The position of the next id.
    pub(crate) fn position(&self) -> u64 {
        // Relaxed: a snapshot.
        self.word(self.mode()).load(Relaxed)
    }

    /// The least number that may be an id: of [`new`](Self::new), the step, since 0 is the least
    /// start.
    pub fn min(&self) -> u64 {
        self.rule().bounds().0
    }

    /// The greatest number that may be an id.
    pub fn max(&self) -> u64 {
        self.rule().bounds().1
    }

    /// The distance of two ids.
    pub fn step(&self) -> u64 {
        self.rule().step
    }

    /// Whether ids fall.
    pub fn is_descending(&self) -> bool {
        self.rule().falls()
    }

    /// Whether it begins anew after its last id.
    pub fn cycles(&self) -> bool {
        self.rule().cycle
    }

    #[inline]
    pub(crate) fn rule(&self) -> &Rule {
        &self.steady.rule
    }
}

impl fmt::Debug for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequence")
            .field("current", &self.current())
            .field("remaining", &self.remaining())
            .field("step", &self.step())
            .finish_non_exhaustive()
    }
}
