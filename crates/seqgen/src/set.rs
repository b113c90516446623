//! Sequences by name.
//!
//! # State
//!
//! A fixed number of buckets, each the head of a list that only grows at its head. A name is in the
//! bucket that its hash (FNV-1a; Fowler, Noll, Vo, 1991) says.
//!
//! # Invariants
//!
//! * I1: a node that was published came out of a `Box`, and stays where it is, unchanged but for its
//!   sequence, until the set is dropped.
//! * I2: no two nodes of a list have one name: who adds one has looked at all that are behind it.
//!
//! # Progress and linearization
//!
//! * `get`, `iter`: wait-free, one access for each bucket that is looked at; at that access.
//! * `insert`, `get_or_insert_with`: an allocation, and lock-free: it begins again when somebody else
//!   has added to the same bucket, which is where it linearizes; a refusal, at the load of the head.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | named | the exchange in `add` | the load in `head`, the failed exchange in `add` | a node: its name and its sequence | `named_sequences_are_seen_whole`, `named_twice_is_refused_once` |

use alloc::boxed::Box;
use core::{error::Error, fmt, marker::PhantomData, ptr};

use lockfree_core::{
    array_of, const_unless_loom,
    sync::{
        AtomicPtr,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use crate::sequence::Sequence;

/// As many lists as there are. A model has one, where names meet.
const BUCKETS: usize = if cfg!(loom) { 1 } else { 256 };

/// Many sequences, each with a name, on cache lines of its own, and independent of the others.
///
/// A name is looked up once, up front; what comes back is the sequence itself, for as long as the
/// set. Sequences can be added at any time by any thread, and are never removed. Adding allocates one
/// node of 384 bytes and the name; an empty set is 256 pointers. Looking up goes through about n/256
/// names.
///
/// ```
/// use seqgen::{Sequence, SequenceSet};
///
/// static IDS: SequenceSet = SequenceSet::new();
///
/// let orders = IDS.insert("orders", Sequence::new(0, u64::MAX, 1)?).unwrap();
/// IDS.insert("invoices", Sequence::new(10_000, 99_999, 10)?).unwrap();
/// let invoices = IDS.get("invoices").unwrap();
///
/// assert_eq!((orders.next(), invoices.next(), orders.next()), (Ok(1), Ok(10_010), Ok(2)));
/// # Ok::<(), seqgen::BuildError>(())
/// ```
pub struct SequenceSet {
    buckets: [AtomicPtr<Node>; BUCKETS],
    owns: PhantomData<Box<Node>>,
}

struct Node {
    name: Box<str>,
    sequence: Sequence,
    behind: *const Node,
}

// SAFETY: I1: the set owns its nodes as a list of boxes does, and nothing in them is of one thread.
unsafe impl Send for SequenceSet {}
// SAFETY: I1: a shared set lends names and sequences, both of which any thread may use.
unsafe impl Sync for SequenceSet {}

impl SequenceSet {
    const_unless_loom! {
        /// A set with nothing in it, which has allocated nothing.
        pub fn new() -> Self {
            Self { buckets: array_of![AtomicPtr::new(ptr::null_mut()); BUCKETS], owns: PhantomData }
        }
    }

    /// The sequence of this name. Wait-free.
    pub fn get(&self, name: &str) -> Option<&Sequence> {
        find(self.list(Self::head(self.bucket(name))), name)
    }

    /// Adds a sequence and returns it.
    ///
    /// # Errors
    /// The name is taken. The sequence comes back.
    #[expect(clippy::result_large_err, reason = "what is refused comes back as it was given")]
    pub fn insert(&self, name: &str, sequence: Sequence) -> Result<&Sequence, Taken> {
        match self.add(name, sequence) {
            (mine, None) => Ok(mine),
            (_, Some(sequence)) => Err(Taken(sequence)),
        }
    }

    /// The sequence of this name, which is made if there is none. Of threads that make one at the same
    /// time one wins, and the others' are dropped. If `make` panics, nothing has happened.
    pub fn get_or_insert_with(&self, name: &str, make: impl FnOnce() -> Sequence) -> &Sequence {
        match self.get(name) {
            Some(sequence) => sequence,
            None => self.add(name, make()).0,
        }
    }

    /// All names with their sequences, in no order. What is added meanwhile may be among them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Sequence)> {
        self.buckets.iter().flat_map(|bucket| self.list(Self::head(bucket))).map(Node::pair)
    }

    /// How many there are; it looks at them all.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The sequence of this name, and the one given if that was not needed.
    fn add(&self, name: &str, sequence: Sequence) -> (&Sequence, Option<Sequence>) {
        let bucket = self.bucket(name);
        let mut head = Self::head(bucket);
        if let Some(other) = find(self.list(head), name) {
            return (other, Some(sequence));
        }
        let mut node = Box::new(Node { name: name.into(), sequence, behind: head });
        loop {
            let made = Box::into_raw(node);
            // Release [named]: name and sequence are visible to whoever finds the node.
            // Acquire [named]: so is the node that was faster, to this one.
            match bucket.compare_exchange(head.cast_mut(), made, Release, Acquire) {
                // SAFETY: I1: it is published, and stays as long as the set.
                Ok(_) => return (unsafe { &(*made).sequence }, None),
                Err(now) => head = now,
            }
            // SAFETY: it came out of a box above, and nobody else has seen it.
            node = unsafe { Box::from_raw(made) };
            // Only what has come since: I2.
            let since = self.list(head).take_while(|other| !ptr::eq(*other, node.behind));
            if let Some(other) = find(since, name) {
                return (other, Some(node.sequence));
            }
            node.behind = head;
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a bucket is a few bits of the hash")]
    fn bucket(&self, name: &str) -> &AtomicPtr<Node> {
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let folded = u64::from(hash as u32 ^ (hash >> 32) as u32);
        &self.buckets[((folded * BUCKETS as u64) >> 32) as usize]
    }

    fn head(bucket: &AtomicPtr<Node>) -> *const Node {
        // Acquire [named]: pairs with the exchange in `add`.
        bucket.load(Acquire)
    }

    /// The nodes from this one of a bucket's on.
    #[expect(clippy::unused_self, reason = "it lends what the set owns")]
    fn list(&self, head: *const Node) -> impl Iterator<Item = &Node> {
        let mut next = head;
        core::iter::from_fn(move || {
            // SAFETY: I1: it is null or a node that was published, and stays as long as the set.
            let node = unsafe { next.as_ref() }?;
            next = node.behind;
            Some(node)
        })
    }
}

impl Node {
    fn pair(&self) -> (&str, &Sequence) {
        (&self.name, &self.sequence)
    }
}

fn find<'a>(mut list: impl Iterator<Item = &'a Node>, name: &str) -> Option<&'a Sequence> {
    list.find(|node| *node.name == *name).map(|node| &node.sequence)
}

impl Drop for SequenceSet {
    fn drop(&mut self) {
        for bucket in &self.buckets {
            // Relaxed: whoever drops the set has it for himself.
            let mut next: *const Node = bucket.load(Relaxed);
            while !next.is_null() {
                // SAFETY: I1: it came out of a box, and nobody looks at the set any more.
                let node = unsafe { Box::from_raw(next.cast_mut()) };
                next = node.behind;
            }
        }
    }
}

impl Default for SequenceSet {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SequenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The name has a sequence already; this is the one that was to have it.
#[derive(Debug)]
pub struct Taken(pub Sequence);

impl Taken {
    /// The sequence that was refused.
    pub fn into_inner(self) -> Sequence {
        self.0
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence has this name already")
    }
}

impl Error for Taken {}
