//! A few words that are replaced together while others read them.
//!
//! Two places take turns, so that there is always one that nobody writes to: Lamport's versions
//! ("Concurrent Reading and Writing", 1977), with the number of the version read before and after.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `turn` | 2·v: version v is in place v mod 2; 2·v + 1: somebody also writes version v + 1 to the other |
//! | `places` | the words of two versions |
//!
//! # Invariants
//!
//! * I1: version v is complete before `turn` is 2·v.
//! * I2: the place of version v is written to only while `turn` is 2·v + 3 or more.
//! * I3: whoever writes has seen what all before have written: so of two that write one word, the later
//!   turn's stays.
//!
//! # Progress and linearization
//!
//! * `load`: lock-free: it repeats only if another began to replace the words meanwhile, or was done. 2
//!   accesses and one a word. Linearizes at the first load of `turn`.
//! * `store`: waits for another that is under way. Linearizes at the store of `turn`.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | version | store of `turn` | load of `turn`, compare-exchange of `turn` | the words of the version | `version_shows_all_its_words` |
//! | reused | store of a word | load of a word | that its place was claimed for a later version | `reused_places_are_noticed` |

use lockfree_core::{
    Backoff, array_of, const_unless_loom,
    sync::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
        Witness,
    },
};

pub(super) struct Live<const N: usize> {
    turn: AtomicU64,
    places: [[AtomicU64; N]; 2],
    /// Tells the models whose turn it is to write, since they keep stores in the order in which they
    /// ran, whatever orders them.
    writers: Witness,
}

impl<const N: usize> Live<N> {
    const_unless_loom! {
        fn empty() -> Self {
            let places = array_of![array_of![AtomicU64::new(0); N]; 2];
            Self { turn: AtomicU64::new(0), places, writers: Witness::new(1) }
        }
    }

    pub(super) fn new(words: [u64; N]) -> Self {
        let live = Self::empty();
        live.store(words);
        live
    }

    /// All words of a version, or the first ones, for who needs no more.
    #[inline]
    pub(super) fn load<const M: usize>(&self) -> [u64; M] {
        const { assert!(M <= N) };
        loop {
            // Acquire [version]: pairs with `store`.
            let turn = self.turn.load(Acquire);
            let place = &self.places[((turn >> 1) & 1) as usize];
            // Acquire [reused]: pairs with `store`.
            let words = core::array::from_fn(|i| place[i].load(Acquire));
            // Relaxed: the words have shown it to us, if they are a later version's.
            if self.turn.load(Relaxed) == turn {
                return words;
            }
            lockfree_core::sync::hint::spin_loop();
        }
    }

    pub(super) fn store(&self, words: [u64; N]) {
        let backoff = Backoff::new();
        // Relaxed: the compare-exchange checks it.
        let mut turn = self.turn.load(Relaxed);
        loop {
            // Acquire [version]: our words come after those of the version that was here.
            // Relaxed: on failure nothing is read.
            let claimed = self.turn.compare_exchange_weak(turn & !1, turn | 1, Acquire, Relaxed);
            match claimed {
                Ok(_) => break,
                Err(found) => {
                    turn = found;
                    backoff.snooze();
                }
            }
        }
        self.writers.write(0..1);
        let place = &self.places[(((turn >> 1) + 1) & 1) as usize];
        for (word, value) in place.iter().zip(words) {
            // Release [reused]: who sees it sees the claim.
            word.store(value, Release);
        }
        // Release [version]: the words.
        self.turn.store((turn | 1) + 1, Release);
    }
}
