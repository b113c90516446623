//! Words that one thread writes and many read, never torn: a stopped writer holds up nobody.
//!
//! Double buffering under a version: the writer prepares the slot that is not published, then publishes it.
//! Validation as in a seqlock (Lameter, "Effective Synchronization on Linux/NUMA Systems", 2005; its orderings
//! in Boehm, "Can Seqlocks Get Along with Programming Language Memory Models?", MSPC 2012), with the
//! difference that between two publications there always is a slot that holds still.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `version` | publications so far, see [`Version`]; their parity tells the published slot |
//! | `slots[s][..]` | the words as of the last publication into `s`, or of one under way |
//!
//! # Invariants
//!
//! * I1: only the owner writes; to others all is read only.
//! * I2: the owner writes to the slot that is not published, and to nothing that the published version leads to.
//! * I3: versions grow.
//!
//! # Progress and linearization
//!
//! * Owner: wait-free; it linearizes at the store of the version.
//! * Reader: a reading is a fixed number of loads, and is good unless something was published meanwhile. It
//!   linearizes at its first load.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | publish | store of the version in `publish` | load in `version` | the published words, and all that the owner wrote before | `publish_shows_all_words_of_a_version` |
//! | overwrite | fence in `begin` | fence in `is_still` | that the version before was published: who sees a word of a later record sees that the version moved | `overwrite_is_noticed` |

use lockfree_core::sync::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

use crate::state::Version;

/// Words, each by itself an atomic, on a cache line of their own.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Words<const W: usize>([AtomicU64; W]);

impl<const W: usize> Words<W> {
    pub(crate) fn new(words: [u64; W]) -> Self {
        Self(words.map(AtomicU64::new))
    }

    #[inline]
    #[track_caller]
    pub(crate) fn load(&self) -> [u64; W] {
        // Relaxed: the owner's own, or checked by `is_still` before they count.
        core::array::from_fn(|word| self.0[word].load(Relaxed))
    }

    pub(crate) fn word(&self, word: usize) -> u64 {
        // Relaxed: as in `load`.
        self.0[word].load(Relaxed)
    }

    #[inline]
    pub(crate) fn store(&self, words: [u64; W]) {
        for (own, word) in self.0.iter().zip(words) {
            // Relaxed: the version publishes them.
            own.store(word, Relaxed);
        }
    }
}

/// `W` words in two slots, and which one is published.
#[derive(Debug)]
pub(crate) struct Twin<const W: usize> {
    version: AtomicU64,
    slots: [Words<W>; 2],
}

impl<const W: usize> Twin<W> {
    pub(crate) fn new(words: [u64; W]) -> Self {
        Self { version: AtomicU64::new(0), slots: [words, words].map(Words::new) }
    }

    /// The version that is published, for its owner.
    #[inline]
    pub(crate) fn own(&self) -> Version {
        // Relaxed: our own last one; an earlier owner's came to us with the ownership.
        Version::of(self.version.load(Relaxed))
    }

    /// The words published with a version.
    #[inline]
    pub(crate) fn slot(&self, version: Version) -> &Words<W> {
        &self.slots[version.slot()]
    }

    /// The words that come with the version after this one, while that is not published.
    #[inline]
    pub(crate) fn next(&self, version: Version) -> &Words<W> {
        &self.slots[version.next().slot()]
    }

    /// Prepares words. The owner alone may call it, and writes nothing else of this record before.
    #[inline]
    pub(crate) fn stage(&self, now: Version, words: [u64; W]) {
        Self::begin();
        self.next(now).store(words);
    }

    /// To be called by the owner before the first word of a record.
    #[inline]
    pub(crate) fn begin() {
        // Release [overwrite]: whoever sees a word of this record sees the version before it published.
        fence(Release);
    }

    /// Publishes what was staged. The owner alone may call it.
    #[inline]
    pub(crate) fn publish(&self, version: Version) {
        // Release [publish]: the slot, and whatever else belongs to this version, is visible to its readers.
        self.version.store(version.word(), Release);
    }

    /// The version that is published.
    #[inline]
    pub(crate) fn version(&self) -> Version {
        // Acquire [publish]: pairs with the store in `publish`.
        Version::of(self.version.load(Acquire))
    }

    /// Whether all that was read since this version was loaded belongs to it.
    #[inline]
    pub(crate) fn is_still(&self, version: Version) -> bool {
        // Acquire [overwrite, entered]: pairs with the fence in `begin` of a record whose words were read, and
        // with the store of the phase that the owner was seen in: then a version before that phase is an old one.
        fence(Acquire);
        // Relaxed: after the fence, new enough to tell.
        self.version.load(Relaxed) == version.word()
    }

    /// The words of the published version, unless another is published meanwhile.
    pub(crate) fn read(&self) -> Option<[u64; W]> {
        let version = self.version();
        let words = self.slot(version).load();
        self.is_still(version).then_some(words)
    }
}
