//! Words that one thread writes and many read, never torn: a stopped writer holds up nobody.
//!
//! Double buffering under a version: the writer prepares a slot that is not published, then publishes it.
//! Validation as in a seqlock (Lameter, "Effective Synchronization on Linux/NUMA Systems", 2005; its orderings
//! in Boehm, "Can Seqlocks Get Along with Programming Language Memory Models?", MSPC 2012), with the
//! difference that between two publications there always is a slot that holds still.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `version` | publications so far: modulo `N`, the published slot |
//! | `slots[s][..]` | the words as of the last publication into `s`, or of one under way |
//!
//! # Invariants
//!
//! * I1: only the owner writes; to others all is read only.
//! * I2: the owner writes to the slot after the published one, the oldest, and to nothing that the published
//!   version leads to.
//! * I3: versions grow.
//!
//! # Progress and linearization
//!
//! * Owner: wait-free; it linearizes at the store of the version.
//! * Reader: a reading is a fixed number of loads, and is good unless `N - 1` versions were published meanwhile. It
//!   linearizes at its first load.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | publish | store of the version in `publish` | load in `version` | the published words, and all that the owner wrote before | `publish_shows_all_words_of_a_version` |
//! | overwrite | fence in `stage` | fence in `publications_since` | that the version before was published: who sees a word of a later record sees that the version moved | `overwrite_is_noticed` |

use lockfree_core::sync::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

/// Words, each by itself an atomic, on cache lines of their own.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Words<const W: usize>([AtomicU64; W]);

impl<const W: usize> Words<W> {
    fn new(words: [u64; W]) -> Self {
        Self(words.map(AtomicU64::new))
    }

    #[inline]
    #[track_caller]
    pub(crate) fn load(&self) -> [u64; W] {
        // Relaxed: the owner's own, or checked before they count.
        core::array::from_fn(|word| self.0[word].load(Relaxed))
    }

    #[inline]
    fn store(&self, words: [u64; W]) {
        for (own, word) in self.0.iter().zip(words) {
            // Relaxed: the version publishes them.
            own.store(word, Relaxed);
        }
    }
}

/// `W` words in `N` slots, and which one is published.
#[derive(Debug)]
pub(crate) struct Twin<const W: usize, const N: usize = 2> {
    version: AtomicU64,
    slots: [Words<W>; N],
}

impl<const W: usize, const N: usize> Twin<W, N> {
    pub(crate) fn new(words: [u64; W]) -> Self {
        Self { version: AtomicU64::new(0), slots: [words; N].map(Words::new) }
    }

    /// The version that is published, for its owner.
    #[inline]
    pub(crate) fn own(&self) -> u64 {
        // Relaxed: our own last one; an earlier owner's came to us with the ownership.
        self.version.load(Relaxed)
    }

    /// The words published with a version.
    #[inline]
    pub(crate) fn slot(&self, version: u64) -> &Words<W> {
        #[expect(clippy::cast_possible_truncation, reason = "below the number of slots")]
        let slot = (version % N as u64) as usize;
        &self.slots[slot]
    }

    /// Prepares the words of the version after this one, which is published. The owner alone may call it.
    #[inline]
    pub(crate) fn stage(&self, now: u64, words: [u64; W]) {
        // Release [overwrite]: whoever sees a word of this record sees the version before it published.
        fence(Release);
        self.slot(now + 1).store(words);
    }

    /// Publishes what was staged after this version. The owner alone may call it.
    #[inline]
    pub(crate) fn publish(&self, now: u64) {
        // Release [publish]: the slot, and whatever else belongs to this version, is visible to its readers.
        self.version.store(now + 1, Release);
    }

    /// The version that is published.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        // Acquire [publish]: pairs with the store in `publish`.
        self.version.load(Acquire)
    }

    /// How many versions came after this one, at the least, before any word was changed that was read since it was
    /// loaded.
    #[inline]
    fn publications_since(&self, version: u64) -> u64 {
        // Acquire [overwrite, rewrite]: pairs with the fence in `stage` of a record whose words were read, and with
        // those of other words that the owner writes after a publication.
        fence(Acquire);
        // Relaxed: after the fence, new enough to tell.
        self.version.load(Relaxed).wrapping_sub(version)
    }

    /// Whether all that was read since this version was loaded belongs to it, whatever its owner writes.
    #[inline]
    pub(crate) fn is_still(&self, version: u64) -> bool {
        self.publications_since(version) == 0
    }

    /// The published version and its words.
    pub(crate) fn read(&self) -> Reading<W> {
        let version = self.version();
        let words = self.slot(version).load();
        let whole = self.publications_since(version) < N as u64 - 1;
        Reading { version, words, whole }
    }
}

/// What was read without any lock.
pub(crate) struct Reading<const W: usize> {
    pub(crate) version: u64,
    pub(crate) words: [u64; W],
    /// Whether all words are of this version: not if too many others were published meanwhile.
    pub(crate) whole: bool,
}
