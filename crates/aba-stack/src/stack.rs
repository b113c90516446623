//! The stack: values in the nodes of a list.
//!
//! # State
//!
//! ```text
//! list      the nodes with the values that are inside, the newest first
//! nodes     those that are free
//! limit     how many values may be inside; none is no bound
//! ```
//!
//! # Invariants
//!
//! * S1: a node in the list has a value, one that is free has none. Between, a node belongs to one
//!   thread: from its acquisition to the push, and from the pop to its release.
//! * S2: in a stack with a bound a node in the list has the height `n` if `n - 1` lie below it, and that
//!   does not exceed the bound.
//!
//! # Progress and linearization
//!
//! | operation | progress | linearizes at |
//! | --- | --- | --- |
//! | `push`, `try_push`, `push_many` | lock-free, but for the allocator when the stack grows | the list's exchange; refused, its second look |
//! | `pop`, `pop_many` | lock-free | the list's exchange; empty, its load |
//! | `take_all` | wait-free, one access | the swap |
//! | `len` | lock-free | the first of two looks at the same head |
//! | `is_empty` | wait-free, one access | the load |
//!
//! The first operation of a thread may make its magazine: one allocation.
//!
//! A thread that is stopped anywhere keeps from the others the nodes that it has: at most its magazine
//! and those of its operation.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | height | the store in `lay` | the load in `height_of` | to who reads a height of a later stay: that the earlier stay is over, so that the head has changed | `height_of_a_later_stay_is_not_taken_for_this_one` |
//!
//! Values travel by the list's edge *link*.

use core::fmt;

use lockfree_core::{
    const_unless_loom,
    sync::Ordering::{Acquire, Relaxed, Release},
};

use crate::{
    Drain, Full, Taken,
    list::{List, Verdict},
    nodes::Nodes,
    rules::{Rules, Sound},
    state::{Link, MOST_NODES, NONE},
};

/// A lock-free stack of many producers and consumers, which grows by design or has a bound.
///
/// ```
/// use aba_stack::Stack;
///
/// static STACK: Stack<u64> = Stack::new();
///
/// std::thread::spawn(|| STACK.push_many([1, 2, 3])).join().unwrap();
/// assert_eq!(STACK.pop(), Some(3));
/// assert!(STACK.take_all().eq([2, 1]));
/// ```
///
/// It is `Send` and `Sync` if `T` is `Send`: values go from thread to thread, and are never shared.
///
/// ```compile_fail,E0277
/// let stack = aba_stack::Stack::from_iter([std::rc::Rc::new(1)]);
/// std::thread::scope(|scope| { scope.spawn(|| stack.pop()); });
/// ```
///
/// What was taken out in one step lies in the stack's nodes, and cannot outlive it:
///
/// ```compile_fail,E0597
/// let taken = {
///     let stack = aba_stack::Stack::from_iter([1]);
///     stack.take_all()
/// };
/// taken.count();
/// ```
///
/// Not to be used in a signal handler that may interrupt the same stack.
pub struct Stack<T, R: Rules = Sound> {
    pub(crate) list: List,
    pub(crate) nodes: Nodes<T, R>,
    limit: u32,
}

impl<T> Stack<T> {
    const_unless_loom! {
        /// An empty stack without a bound, which allocates nothing yet.
        pub fn new() -> Self {
            Self::with_rules()
        }
    }

    /// An empty stack without a bound, with memory for `capacity` values.
    ///
    /// # Panics
    /// As [`reserve`](Self::reserve).
    pub fn with_capacity(capacity: usize) -> Self {
        let stack = Self::new();
        stack.reserve(capacity);
        stack
    }

    /// An empty stack that holds at most `capacity` values, with memory for them.
    ///
    /// # Panics
    /// `capacity` is above [`MAX_CAPACITY`](Self::MAX_CAPACITY).
    pub fn bounded(capacity: usize) -> Self {
        Self::bounded_with_rules(capacity)
    }
}

impl<T, R: Rules> Stack<T, R> {
    /// How many nodes a stack can have: 268,435,455. Each value inside needs one; so does each that a
    /// thread keeps at hand.
    pub const MAX_CAPACITY: usize = MOST_NODES as usize;

    const_unless_loom! {
        /// As [`new`](Stack::new), under other [rules](crate::rules).
        pub fn with_rules() -> Self {
            Self { list: List::new(), nodes: Nodes::new(), limit: u32::MAX }
        }
    }

    /// As [`bounded`](Stack::bounded), under other [rules](crate::rules).
    ///
    /// # Panics
    /// As `bounded`.
    pub fn bounded_with_rules(capacity: usize) -> Self {
        assert!(capacity <= Self::MAX_CAPACITY, "a stack has at most 2^28 - 1 nodes");
        let mut stack = Self::with_rules();
        #[expect(clippy::cast_possible_truncation, reason = "at most 2^28 - 1")]
        let limit = capacity as u32;
        stack.limit = limit;
        stack.reserve(capacity);
        stack
    }

    /// Adds `value` on top. Lock-free, but for the allocator when the stack grows.
    ///
    /// What the caller did before *happened before* whoever takes the value returns.
    ///
    /// # Panics
    /// There is no room: see [`try_push`](Self::try_push), which hands the value back.
    #[inline]
    pub fn push(&self, value: T) {
        if self.try_push(value).is_err() {
            no_room();
        }
    }

    /// Adds `value` on top, if there is room. Lock-free, but for the allocator when the stack grows.
    ///
    /// # Errors
    /// At some moment of the call the stack held as many values as its bound is, or all
    /// [`MAX_CAPACITY`](Self::MAX_CAPACITY) nodes were in use.
    #[inline]
    pub fn try_push(&self, value: T) -> Result<(), Full<T>> {
        let Some(link) = self.nodes.acquire() else { return Err(Full(value)) };
        let node = self.nodes.node(link);
        // SAFETY: S1: the node is ours and has no value.
        unsafe { node.put(value) };
        if self.list.push(link, |beneath| self.lay(link, link, 1, beneath)) {
            return Ok(());
        }
        // SAFETY: S1: the node is still ours, with the value.
        let value = unsafe { node.take() };
        self.nodes.release(link);
        Err(Full(value))
    }

    /// Adds all `values` in one step, the last one on top: nobody sees some of them without the others
    /// beneath. Lock-free as `push`.
    ///
    /// The iterator may use this stack. If it panics, nothing was added, and the values so far are
    /// dropped.
    ///
    /// # Panics
    /// The iterator does, or there is no room: see [`try_push_many`](Self::try_push_many).
    pub fn push_many<I: IntoIterator<Item = T>>(&self, values: I) {
        if self.try_push_many(values).is_err() {
            no_room();
        }
    }

    /// Adds all `values` in one step if there is room for all of them, the last one on top.
    ///
    /// # Errors
    /// As [`try_push`](Self::try_push). Nothing was added; all values, those that the iterator had not
    /// given yet too, are handed back: the values so far, the last one first, then the rest. No more are
    /// asked of the iterator than the bound and one.
    pub fn try_push_many<I: IntoIterator<Item = T>>(
        &self,
        values: I,
    ) -> Result<(), Full<impl Iterator<Item = T>>> {
        let mut values = values.into_iter();
        let mut chain = Taken::new(&self.nodes, NONE);
        let (mut bottom, mut count, mut left) = (NONE, 0_u32, None);
        for value in values.by_ref() {
            // An iterator without an end is refused as well.
            let node = if count < self.limit { self.nodes.acquire() } else { None };
            let Some(link) = node else {
                left = Some(value);
                break;
            };
            // SAFETY: S1: the node is ours and has no value.
            unsafe { self.nodes.node(link).put(value) };
            // Relaxed: the list's `link` publishes it.
            self.nodes.node(link).next.store(chain.top(), Relaxed);
            chain.set_top(link);
            if bottom == NONE {
                bottom = link;
            }
            count += 1;
        }
        let top = chain.top();
        if left.is_none()
            && (top == NONE || self.list.push(top, |below| self.lay(top, bottom, count, below)))
        {
            chain.set_top(NONE);
            return Ok(());
        }
        if bottom != NONE {
            // Relaxed: the chain is ours still; an attempt that failed has laid it on the stack.
            self.nodes.node(bottom).next.store(NONE, Relaxed);
        }
        Err(Full(chain.chain(left).chain(values)))
    }

    /// Takes the value on top. Lock-free.
    ///
    /// What its pusher did before *happened before* this returns it.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        // Relaxed: the list's `link` has shown it.
        let link = self.list.pop(|top| self.nodes.node(top).next.load(Relaxed))?;
        // SAFETY: S1: we took the node out of the list, with its value.
        let value = unsafe { self.nodes.node(link).take() };
        self.nodes.release(link);
        Some(value)
    }

    /// Takes up to `most` values from the top in one step: they are a piece of the stack as it was at
    /// one moment. Lock-free; it reads as many nodes as it takes, and begins again where another thread
    /// was faster, so for everything take [`take_all`](Self::take_all).
    #[must_use = "what is not taken out is dropped"]
    pub fn pop_many(&self, most: usize) -> Taken<'_, T, R> {
        let mut last = NONE;
        let top = (most > 0).then(|| {
            self.list.pop(|top| {
                last = top;
                // Relaxed: the list's `link` has shown the links of all that we take.
                let mut next = self.nodes.node(top).next.load(Relaxed);
                for _ in 1..most {
                    // `NONE`, or a word that was not there when the head was read: then that has
                    // changed.
                    let Some(node) = self.nodes.get(next) else { break };
                    last = next;
                    // Relaxed: as above; if it is another's by now, the head has changed.
                    next = node.next.load(Relaxed);
                }
                next
            })
        });
        let top = top.flatten().unwrap_or(NONE);
        if top != NONE {
            // Relaxed: the chain is ours.
            self.nodes.node(last).next.store(NONE, Relaxed);
        }
        Taken::new(&self.nodes, top)
    }

    /// Takes all values in one step, the newest first. Wait-free: one access; the iterator then gives
    /// them one by one.
    #[must_use = "what is not taken out is dropped"]
    pub fn take_all(&self) -> Taken<'_, T, R> {
        Taken::new(&self.nodes, self.list.take_all())
    }

    /// Pops values, one at each step of the iterator, until the stack is empty: also those that others
    /// push meanwhile.
    pub fn drain(&self) -> Drain<'_, T, R> {
        Drain::new(self)
    }

    /// Makes memory for `additional` values beside those inside. Nodes that are free already are not
    /// counted: it may make more than is needed.
    ///
    /// # Panics
    /// `additional` is above [`MAX_CAPACITY`](Self::MAX_CAPACITY), or more memory than there can be.
    pub fn reserve(&self, additional: usize) {
        assert!(additional <= Self::MAX_CAPACITY, "a stack has at most 2^28 - 1 nodes");
        #[expect(clippy::cast_possible_truncation, reason = "at most 2^28 - 1")]
        self.nodes.reserve(additional as u32);
    }

    /// Whether no value was inside at some moment of the call. Wait-free.
    pub fn is_empty(&self) -> bool {
        self.list.first() == NONE
    }

    /// How many values may be inside at once; none for a stack without a bound.
    pub fn capacity(&self) -> Option<usize> {
        (self.limit != u32::MAX).then_some(self.limit as usize)
    }

    /// How many values were inside at some moment of the call; none for a stack without a bound, which
    /// does not count. Lock-free.
    pub fn len(&self) -> Option<usize> {
        self.capacity()?;
        loop {
            let first = self.list.first();
            let height = self.height_of(first);
            // The height was that of this stay if the head is still the same (L1).
            if self.list.first() == first {
                return Some(height as usize);
            }
        }
    }

    /// For how many nodes the stack holds memory. It never falls, and grows only if as many nodes are in
    /// use; see the crate's docs.
    pub fn nodes(&self) -> usize {
        self.nodes.count()
    }

    /// Lays a chain of `count` nodes on what is beneath, and refuses if that makes it too high.
    #[inline(always)]
    pub(crate) fn lay(&self, top: Link, bottom: Link, count: u32, beneath: Link) -> Verdict {
        if self.limit != u32::MAX {
            let height = self.height_of(beneath);
            if count > self.limit - height.min(self.limit) {
                return Verdict::Refused;
            }
            let mut link = top;
            for above in (1..=count).rev() {
                let node = self.nodes.node(link);
                // Release [height]: who reads it sees that the node has left where it was before.
                node.height.store(height + above, Release);
                // Relaxed: the chain is ours.
                link = node.next.load(Relaxed);
            }
        }
        // Relaxed: the list's `link` publishes it.
        self.nodes.node(bottom).next.store(beneath, Relaxed);
        Verdict::Goes
    }

    /// The height of a node, if the head is still the same afterwards.
    fn height_of(&self, link: Link) -> u32 {
        if link == NONE {
            return 0;
        }
        // Acquire [height]: pairs with the store of a later stay, which the head then shows.
        self.nodes.node(link).height.load(Acquire)
    }
}

#[cold]
#[inline(never)]
fn no_room() -> ! {
    panic!("there is no room in the stack");
}

/// Drops what is left, the newest first. A panic in a drop does not keep the others from being dropped.
impl<T, R: Rules> Drop for Stack<T, R> {
    fn drop(&mut self) {
        if core::mem::needs_drop::<T>() {
            drop(self.take_all());
        }
    }
}

impl<T> Default for Stack<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, R: Rules> fmt::Debug for Stack<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack")
            .field("is_empty", &self.is_empty())
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("nodes", &self.nodes())
            .finish_non_exhaustive()
    }
}
