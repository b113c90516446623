//! A sequence that keeps its place in a file.
//!
//! The file holds a *mark*: ids up to it may have been given. It is moved a block of ids ahead before
//! the first of them is given, so a crash skips what is left of the block and repeats nothing
//! (as the sequences of databases do: `PostgreSQL` logs 32 ids ahead).
//!
//! # The file
//!
//! It has two equal copies of one record with a checksum, which are written in place, one after the
//! other, each on the disk before anything else happens. Rather than a fresh file that is renamed over
//! the old one, because so
//!
//! * the lock that keeps a second process away is on the file itself, which stays the same one;
//! * a full disk cannot stop a sequence that is in use: the file never grows;
//! * damage to either copy is survived without going back: ids are given only when both copies have
//!   their mark, so what the other one tells is enough. A copy that was torn by a crash cannot be told
//!   from one that rotted, and need not be.
//!
//! It is made whole under another name and then linked to its own.
//!
//! # Invariants
//!
//! * I1: `reserved` is at most the mark of both copies on the disk.
//! * I2: only positions below `reserved` are given.
//!
//! # Progress and linearization
//!
//! * `next`, `next_batch`: within a block lock-free: 3 accesses, 1 more for each time that somebody
//!   else was faster; it linearizes at the exchange. Once in a block a call *waits* for the disk, and
//!   those that need the next block wait for it.
//!
//! # Orderings
//!
//! There is no edge: what `reserved` tells of is on the disk, where no memory ordering reaches.

mod error;
mod record;
mod store;

use std::{path::Path, sync::PoisonError};

use lockfree_core::{
    CachePadded,
    sync::{AtomicU64, Mutex, MutexGuard, Ordering::Relaxed},
};

pub use self::error::DurableError;
use self::{
    record::{Record, essence},
    store::Store,
};
use crate::{batch::Batch, builder::Builder, sequence::Sequence, state::Claim};

/// A [`Sequence`] whose ids are not given again after a crash.
///
/// After a crash it skips at most one block of ids. After [`close`](Self::close) it skips none. The
/// block is each process's own choice: the larger, the fewer times it waits for the disk, twice for a
/// block, and the more a crash skips.
///
/// ```
/// use seqgen::{DurableSequence, Sequence};
/// # let folder = std::env::temp_dir().join(format!("seqgen-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("orders.seq");
///
/// let orders = DurableSequence::create(&path, Sequence::builder(), 100)?;
/// assert_eq!((orders.next()?, orders.next()?), (1, 2));
/// drop(orders); // as a crash would: the other 98 are skipped
///
/// let orders = DurableSequence::open(&path, Sequence::builder(), 100)?;
/// assert_eq!(orders.next()?, 101);
/// orders.close()?; // nothing is skipped
///
/// let orders = DurableSequence::open(&path, Sequence::builder(), 100)?;
/// assert_eq!(orders.next()?, 102);
/// # drop(orders);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DurableSequence {
    sequence: Sequence,
    /// I1: ids at positions below are behind the mark on the disk.
    reserved: CachePadded<AtomicU64>,
    store: Mutex<Store>,
    block: u64,
}

impl DurableSequence {
    /// Makes the file, which must not exist, and begins at its beginning.
    ///
    /// A block of 0 is taken as one of 1.
    ///
    /// Until it is whole the file is called as it will be, with `.seqgen-draft` behind: a file of that
    /// name counts as what a crash has left, and is written over.
    ///
    /// # Errors
    /// The file exists, or cannot be made; the limits make no sequence, or one that cycles.
    pub fn create(
        path: impl AsRef<Path>,
        limits: Builder,
        block: u64,
    ) -> Result<Self, DurableError> {
        let (rule, mark) = limits.plan()?;
        if rule.cycle {
            return Err(DurableError::Cycles);
        }
        let record = Record { generation: 0, rule: essence(&rule), mark };
        let store = Store::create(path.as_ref(), record)?;
        Ok(Self::from_parts(Sequence::from_parts(rule, mark), store, block))
    }

    /// Opens the file, which must exist, and begins behind all ids that may have been given. A file
    /// that has gone is an error here, and no new beginning.
    ///
    /// `limits` are those that it was made with; `start_with` says nothing any more.
    ///
    /// # Errors
    /// The file cannot be opened for reading and writing, is locked, damaged, or another's.
    pub fn open(path: impl AsRef<Path>, limits: Builder, block: u64) -> Result<Self, DurableError> {
        let (rule, _) = limits.plan()?;
        let store = Store::open(path.as_ref())?;
        if rule.cycle || store.record().rule != essence(&rule) {
            return Err(DurableError::OtherRule);
        }
        let sequence = Sequence::from_parts(rule, store.record().mark);
        Ok(Self::from_parts(sequence, store, block))
    }

    /// Opens the file, or makes it where there is none.
    ///
    /// # Errors
    /// As of `open` and `create`.
    pub fn open_or_create(
        path: impl AsRef<Path>,
        limits: Builder,
        block: u64,
    ) -> Result<Self, DurableError> {
        let path = path.as_ref();
        match Self::open(path, limits, block) {
            Err(DurableError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Self::create(path, limits, block)
            }
            other => other,
        }
    }

    fn from_parts(sequence: Sequence, store: Store, block: u64) -> Self {
        let reserved = CachePadded::new(AtomicU64::new(store.record().mark));
        Self { sequence, reserved, store: Mutex::new(store), block: block.max(1) }
    }

    /// The next id. Once in a block it waits for the disk.
    ///
    /// # Errors
    /// The last id was given, or the next block cannot be written down: then no id was used up, and a
    /// later call tries again.
    pub fn next(&self) -> Result<u64, DurableError> {
        self.claim(1).map(|claim| self.sequence.rule().id(claim.first))
    }

    /// The next `n` ids, or as many as there are in the block. Of `n` = 0 it is empty.
    ///
    /// # Errors
    /// As of [`next`](Self::next).
    pub fn next_batch(&self, n: u64) -> Result<Batch, DurableError> {
        if n == 0 {
            return Ok(Batch::empty());
        }
        self.claim(n).map(|claim| Batch::new(self.sequence.rule(), claim))
    }

    fn claim(&self, n: u64) -> Result<Claim, DurableError> {
        let n = n.min(usize::MAX as u64);
        loop {
            // Relaxed: what it tells of is on the disk.
            let reserved = self.reserved.load(Relaxed);
            match self.sequence.claim_below(n, reserved) {
                Ok(claim) => return Ok(claim),
                Err(at) if at >= self.sequence.rule().end => return Err(DurableError::Exhausted),
                Err(_) => self.reserve()?,
            }
        }
    }

    /// Moves the mark a block ahead, unless somebody else just has.
    #[cold]
    fn reserve(&self) -> Result<(), DurableError> {
        let mut store = self.store();
        let at = self.sequence.position();
        // Relaxed: it is written under the lock.
        if at < self.reserved.load(Relaxed) {
            return Ok(());
        }
        let rule = self.sequence.rule();
        let Some((_, mark)) = rule.claim(at, self.block, rule.end) else { return Ok(()) };
        store.write(mark)?;
        // Relaxed: what it tells of is on the disk. I1: both copies are.
        self.reserved.store(mark, Relaxed);
        Ok(())
    }

    /// Begins anew behind `start`, as [`Sequence::reset`]. It waits for the disk.
    ///
    /// # Errors
    /// `start` is out of range. Or the file cannot be written: then the sequence goes on as it was,
    /// but until it has given another id or was closed, a crash may leave the file with the reset.
    pub fn reset(&mut self, start: u64) -> Result<(), DurableError> {
        let at = self.sequence.rule().position_after(start)?;
        // Relaxed: nobody else is there. I1: whatever becomes of the file, it has no less than this.
        self.reserved.store(0, Relaxed);
        self.store().write(at)?;
        self.sequence.reset(start)?;
        Ok(())
    }

    /// Writes down the exact place, so that nothing is skipped. It waits for the disk.
    ///
    /// # Errors
    /// The file cannot be written: then a block is skipped, as by a crash.
    pub fn close(self) -> Result<(), DurableError> {
        self.store().write(self.sequence.position())
    }

    /// The last id given since it was opened; before that, the last that may have been given.
    pub fn current(&self) -> u64 {
        self.sequence.current()
    }

    /// How many ids are left before the end of the range. A snapshot.
    pub fn remaining(&self) -> u64 {
        self.sequence.remaining()
    }

    /// How many ids are reserved at a time: the most that a crash skips.
    pub const fn block(&self) -> u64 {
        self.block
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // Nothing in it panics; a record is changed as a whole.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
