//! A ring of buckets that all threads share: one word each, with the lap that its count belongs to.
//!
//! The lap in the word is that of timestamped slots (Vyukov's bounded queue, 2010), here with the
//! count beside it, so that a bucket begins anew and counts its first events in one step.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `words` | for each place a lap and what was added on it, see [`state::bucket`](crate::state::bucket) |
//! | `evicted` | what was counted in buckets that made room, or had none |
//! | `late` | what landed on another lap than its own, or in no bucket |
//! | `era` | the newest era that somebody added in |
//!
//! # Invariants
//!
//! * I1: each event is in one word, or in `evicted`, or in the hands of the one thread that has just
//!   replaced its word and is about to add it to `evicted`.
//! * I2: all words are of the era in `era`, of the one before it or of the one after it. (Of two threads
//!   that sweep at once, after a gap of just 2^32 laps, one may fold what the other has just added.)
//! * I3: a lap in a place only grows, as long as no thread is stopped within an add for 2^31 laps.
//!
//! # Progress and linearization
//!
//! * `add`: wait-free for up to 65,536 events at once: a load of the era, one of the word, one failed
//!   compare-exchange at most, an add, the tally: 5 accesses. Linearizes at the access that changes the
//!   word, or `evicted`. Larger adds are lock-free. Once an era (2^29 laps) an add sweeps: 4 accesses a
//!   place, and more only if others add late there meanwhile.
//! * `visit`, `newest`: wait-free, one load a place and two.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | fold | `fetch_add` to `evicted` | load of `evicted` in `visit` | that the bucket was replaced: nothing counts twice | `fold_counts_nothing_twice` |
//! | era | `fetch_max` of `era` in `sweep` | load of `era` | that old words were swept | `era_hides_words_that_are_too_old_to_tell` |

use alloc::boxed::Box;

use lockfree_core::{
    CachePadded,
    sync::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use crate::{
    read::Tally,
    state::bucket::{self, Bucket},
};

pub(crate) struct Ring {
    words: Box<[AtomicU64]>,
    shift: u32,
    era: AtomicU64,
    evicted: CachePadded<AtomicU64>,
    late: CachePadded<AtomicU64>,
}

impl Ring {
    /// A ring of this many places, a power of two.
    pub(crate) fn new(places: usize) -> Self {
        Self {
            words: (0..places).map(|_| AtomicU64::new(0)).collect(),
            shift: places.trailing_zeros(),
            era: AtomicU64::new(0),
            evicted: CachePadded::default(),
            late: CachePadded::default(),
        }
    }

    /// Adds `n` events to bucket `tick`; false if they landed elsewhere.
    #[inline]
    pub(crate) fn add(&self, tick: u64, n: u64) -> bool {
        let lap = tick >> self.shift;
        if self.era() < bucket::era(lap) {
            self.sweep(lap);
        }
        let word = self.word(tick);
        // Relaxed: what it holds is checked by what follows.
        let mut seen = Bucket(word.load(Relaxed));
        if seen.age(lap) > 0 || n > bucket::SMALL {
            match self.replace(word, seen, lap, n) {
                Ok(in_time) => return in_time,
                Err(found) => seen = found,
            }
        }
        if seen.with(lap, n).is_none() {
            return self.spill(n);
        }
        // Relaxed: a count, which publishes nothing.
        let found = Bucket(word.fetch_add(n, Relaxed));
        found.age(lap) == 0 || self.is_late(n)
    }

    pub(crate) fn late(&self) -> u64 {
        // Relaxed: a count, which publishes nothing.
        self.late.load(Relaxed)
    }

    /// The buckets that hold something, with their numbers.
    fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        let from = bucket::first_lap(self.era());
        self.words.iter().enumerate().filter_map(move |(place, word)| {
            // Relaxed: a count, which publishes nothing.
            let seen = Bucket(word.load(Relaxed));
            let tick = (seen.lap(from) << self.shift) + place as u64;
            (seen.count() > 0).then_some((tick, seen.count()))
        })
    }

    fn era(&self) -> u64 {
        // Acquire [era]: pairs with `sweep`.
        self.era.load(Acquire)
    }

    #[inline]
    fn word(&self, tick: u64) -> &AtomicU64 {
        #[expect(clippy::cast_possible_truncation, reason = "the mask is below the length")]
        &self.words[tick as usize & (self.words.len() - 1)]
    }

    /// Begins a bucket anew, with `n` in it. If another was faster it gives back what that one left,
    /// where `n` can be added blindly; elsewhere it tries on.
    #[cold]
    fn replace(
        &self,
        word: &AtomicU64,
        mut seen: Bucket,
        lap: u64,
        n: u64,
    ) -> Result<bool, Bucket> {
        while let Some(next) = seen.with(lap, n) {
            // Relaxed: a count, which publishes nothing.
            match word.compare_exchange(seen.0, next.0, Relaxed, Relaxed) {
                Ok(_) if seen.age(lap) > 0 => {
                    self.fold(seen.count());
                    return Ok(true);
                }
                Ok(_) => return Ok(seen.age(lap) == 0 || self.is_late(n)),
                Err(found) if n <= bucket::SMALL => return Err(Bucket(found)),
                Err(found) => seen = Bucket(found),
            }
        }
        Ok(self.spill(n))
    }

    fn fold(&self, count: u64) {
        if count > 0 {
            // Release [fold]: who sees it in here sees it gone from its bucket.
            self.evicted.fetch_add(count, Release);
        }
    }

    fn spill(&self, n: u64) -> bool {
        self.fold(n);
        self.is_late(n)
    }

    #[cold]
    fn is_late(&self, n: u64) -> bool {
        // Relaxed: a count, which publishes nothing.
        self.late.fetch_add(n, Relaxed);
        false
    }

    /// Empties what is too old to be told from what is new, and begins the era of `lap`. Each thread
    /// that comes meanwhile does the same, and none adds before one is done.
    #[cold]
    fn sweep(&self, lap: u64) {
        let era = self.era();
        let all = bucket::era(lap) > era + 1;
        let empty = Bucket::new(lap, 0);
        for word in &self.words {
            // Relaxed: the compare-exchange checks it.
            let mut seen = Bucket(word.load(Relaxed));
            while all || seen.age(lap) > 1 {
                if self.era() != era {
                    return;
                }
                // Relaxed: the era publishes it.
                match word.compare_exchange_weak(seen.0, empty.0, Relaxed, Relaxed) {
                    Ok(_) => {
                        self.fold(seen.count());
                        break;
                    }
                    // Another has swept it, or added to it late.
                    Err(found) if found == empty.0 => break,
                    Err(found) => seen = Bucket(found),
                }
            }
        }
        // Release [era]: who sees the era sees its words swept.
        self.era.fetch_max(bucket::era(lap), Release);
    }
}

impl Tally for Ring {
    fn visit(&self, first: u64, each: &mut dyn FnMut(u64, u64)) -> u64 {
        // Acquire [fold]: pairs with `fold`; so this comes before the words.
        let mut older = self.evicted.load(Acquire);
        for (tick, count) in self.buckets() {
            if tick < first {
                older += count;
            } else {
                each(tick, count);
            }
        }
        older
    }

    fn newest(&self) -> Option<u64> {
        self.buckets().map(|(tick, _)| tick).max()
    }
}
