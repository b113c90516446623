//! A sequence of ids in one word.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `at` | the position of the next id; at `end` or above, the last id was given |
//! | `careful` | a hint: the position may be at the brink or past it |
//! | `resets` | how many resets there were, for leases |
//!
//! The word is the whole truth, so that an operation takes effect where it changes or reads it. A
//! *blind* add takes an id, or finds that there is none, in one `fetch_add`, and may carry the word
//! past the end; a *careful* claim is a compare-exchange that cannot. Which of them is due is what
//! `careful` hints at, on a line that is hardly ever written. A blind add needs room behind the end to
//! overshoot into: a range that reaches up to the last number, or with giant steps, has none there.
//! That is what the *brink* is for: below it, 2^30 blind adds of 1024 steps fit under 2^64.
//!
//! # Invariants
//!
//! * I1: who adds blindly has read `careful` as false; who then finds himself at the brink sets it
//!   before his next operation.
//! * I2: `careful` is cleared only by who has read a position below the brink since.
//! * I3: `at` never wraps around. While it stays at the brink or above, each thread adds once, and once
//!   more for each time that the flag is cleared; that is once a thread at most, by who read the word
//!   before. So 2^30 adds take 2^15 threads that are all stopped in just that place.
//! * I4: ids below the end are given once between two resets, since `at` only grows between them
//!   (or begins anew, in a sequence that cycles).
//!
//! # Progress and linearization
//!
//! * `next`, `next_batch`: below the brink wait-free, in 2 accesses, or 3 for the call that comes upon the
//!   brink; it linearizes at the add. On an exhausted sequence wait-free in 2, at the load. From the brink
//!   to the end, for batches of more than 1024, and in the calls that follow a reset or the beginning of
//!   a new cycle: lock-free, and it linearizes at the exchange or, exhausted, at the load before it.
//! * `reset`, `restart_with`: wait-free, 2 accesses; at the store.
//! * `current`, `remaining`: wait-free, 1 access, at the load.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | reset | the count in `begin_at` | the count in `resets` | the word as it is after the reset, to who takes a block | `reset_takes_back_what_a_lease_holds` |
//!
//! An id carries nothing: to the rest coherence is enough.

use core::fmt;

use lockfree_core::{
    CachePadded, const_unless_loom,
    sync::{
        AtomicBool, AtomicU64,
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
    careful: AtomicBool,
    resets: AtomicU64,
}

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
            let careful = AtomicBool::new(position >= rule.brink);
            Self {
                at: CachePadded::new(AtomicU64::new(position)),
                steady: CachePadded::new(Steady { rule, careful, resets: AtomicU64::new(0) }),
            }
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
        let rule = self.rule();
        // Relaxed: a hint.
        if !self.steady.careful.load(Relaxed) {
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
        self.claim_carefully(1).map(|claim| rule.id(claim.first))
    }

    /// The next `n` ids, or as many as there are: a batch ends where the range does, and is followed
    /// by an error, or, in a sequence that cycles, by one that begins anew.
    ///
    /// Of `n` = 0 it is empty, and no error. Up to 1024 ids cost what one does; above that the claim
    /// is lock-free.
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
        let rule = self.rule();
        // Relaxed: a hint.
        if n <= MAX_BLIND && !self.steady.careful.load(Relaxed) {
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
        self.claim_carefully(n.min(usize::MAX as u64))
    }

    /// I1: whoever comes upon the brink tells the others.
    #[cold]
    fn be_careful(&self) {
        // Relaxed: a hint.
        self.steady.careful.store(true, Relaxed);
    }

    /// Takes up to `n` ids without ever moving the word past what it takes.
    #[cold]
    #[inline(never)]
    fn claim_carefully(&self, n: u64) -> Result<Claim, Exhausted> {
        let rule = self.rule();
        // Relaxed: the exchange checks it.
        let mut at = self.at.load(Relaxed);
        loop {
            let (claim, behind) = rule.claim_around(at, n).ok_or(Exhausted)?;
            // Relaxed: an id carries nothing.
            match self.at.compare_exchange_weak(at, behind, Relaxed, Relaxed) {
                Ok(_) => {
                    self.relax(behind);
                    return Ok(claim);
                }
                Err(now) => at = now,
            }
        }
    }

    /// I2: back below the brink, adds may be blind again.
    fn relax(&self, position: u64) {
        // Relaxed: a hint.
        if position < self.rule().brink && self.steady.careful.load(Relaxed) {
            // Relaxed: a hint.
            self.steady.careful.store(false, Relaxed);
        }
    }

    /// Takes up to `n` ids at positions below `end`, or tells the position of the next.
    #[cfg(feature = "durable")]
    pub(crate) fn claim_below(&self, n: u64, end: u64) -> Result<Claim, u64> {
        // Relaxed: the exchange checks it.
        let mut at = self.at.load(Relaxed);
        loop {
            let (claim, behind) = self.rule().claim(at, n, end).ok_or(at)?;
            // Relaxed: an id carries nothing.
            match self.at.compare_exchange_weak(at, behind, Relaxed, Relaxed) {
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
    /// skipped. Wait-free, 2 accesses.
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
        // Relaxed: coherence keeps later calls from what was before.
        self.at.store(position, Relaxed);
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
        self.at.load(Relaxed)
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
