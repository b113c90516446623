//! A cell whose value is replaced while others read it: hazards on one side, an exchange and a scan on
//! the other.
//!
//! Hazard pointers (Michael, 2004) with the reader's fence made light and the writer's heavy (see
//! `lockfree_core::sync::light_fence`). Readers that lose their race against a writer announce that
//! they read *something*, and are helped by those who scan, so that a load is wait-free and what a
//! stopped reader holds back is bounded all the same.
//!
//! # State
//!
//! ```text
//! current   the node with the value, owned by the cell
//! retired   nodes that were current, a list through their `next`, which ends with a note; or the note
//! ```
//!
//! A node is `current`, then *retired* (in the list, or in the hands of one thread that has taken the
//! list), then freed. A *note* is left by whoever takes the list: an odd number, never used before.
//!
//! # Invariants
//!
//! * I1: a node leaves `current` once and for good, by the exchange in `replace`, whose thread retires
//!   it. Who takes the list owns what is in it: the links, and the right to free.
//! * I2: who reads a node has a hazard with its address (*protects* it), set while the node was current
//!   or handed on by a thread that protected it.
//! * I3: a node is freed only by one who owns it, after a heavy fence that came after its exchange, and
//!   after it saw every hazard first without a mark for this cell (or exchanged it), then without the
//!   node's address.
//! * I4: what is `settled` in a node says that such a fence has come: from then on hazards with the
//!   node's address only go away.
//!
//! # Why no reader is left with a freed node
//!
//! The reader sets its hazard, passes fence R and looks at `current` again. The writer exchanges
//! `current`, passes fence W and looks at the hazards. One of the fences is first. If W is, the reader
//! finds another node and does not use this one. If R is, the writer sees the hazard, or what came
//! after it: and then the reader has finished.
//!
//! A reader that finds another node sets a mark instead, passes fence R and loads `current`: it may use
//! whatever it finds, since no node of the cell that is retired after R is freed while the mark stands.
//! It then exchanges the mark for the address. Whoever scans exchanges marks too, each for the node that
//! he finds current *after he saw the mark* and passed a fence R'. It may be used as well: say that
//! another retires it, with fence W. W is not before R', else the node would not have been found. So R'
//! is first, and the other sees the mark or what came after it: he exchanges the mark himself, or sees
//! the address. No mark comes twice, so a mark that is exchanged is the one that was seen.
//!
//! # Why nothing retired is forgotten
//!
//! A guard clears its hazard, passes fence R and looks whether its node is still current. If it is,
//! whoever exchanges it later sees the hazard cleared. If not, the guard's thread takes the list and
//! leaves a note, which tells of the cleared hazard. Before that, another may have taken the node and
//! seen the hazard as it was. He puts back what is protected by an exchange for the note that he left:
//! if it is there no more, he looks at the hazards again. It comes back in one case only, that he put
//! it back himself, since no note is used twice. So of the two, one sees the other: he the new note, or
//! the guard's thread the node in the list.
//!
//! What a panic in a value's drop puts back, and what was kept for a load that lost its race, stays for
//! the next look.
//!
//! # Progress and linearization
//!
//! * `load`: wait-free: 4 accesses after the hazard is found, 10 if it loses the race. Linearizes at the
//!   last load of `current`, its own or its helper's.
//! * a guard's end: 2 accesses and a fence, wait-free, if its node is current (one of each more unless the
//!   hazard is its thread's first and light fences are light); else a scan, which is
//!   lock-free: it begins anew only if another has looked, put back or retired meanwhile, and who has
//!   put back is done. Values are dropped by that thread.
//! * `replace`: lock-free: an attempt fails only if another's succeeded. Linearizes at the exchange.
//! * The list has at most one node for each hazard that is in use, or was at the last look, and one for
//!   each thread between its exchange and its look. A thread that is stopped in its look, or in a value's
//!   drop there, keeps what it has taken: no more than that, however many updates follow.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | current | exchange in `replace` | second load in `protect`, loads in `announce` and `help` | a node's value | `current_shows_a_whole_value` |
//! | protect | light fence in `protect`, `announce` and `help` | heavy fence in `settle` | of hazard and exchange, one is seen | `protect_keeps_what_is_read` |
//! | last-look | light fence in `left` and in a guard's drop | heavy fence in `settle` | of the cleared hazard and the exchange, one is seen | `last_look_frees_what_is_left` |
//! | unread | the stores of hazards, `vacate` | load in `protects` | that what was read before is read, so it may be freed | `unread_is_seen_before_the_free` |
//! | mark | store of the mark in `announce` | load of it in `help` | for which cell it is | `mark_tells_whom_it_is_for` |
//! | about | store of `about` in `announce` | load of it in `help` | that the marks before are gone | `about_shows_that_the_last_mark_is_gone` |
//! | help | exchange in `help` | failed exchange in `announce` | the helper's view of the node | `help_hands_a_whole_value_over` |
//! | retired | exchanges in `put` and `reclaim` | swap in `take` | a node's link, what settled it, and that its value may be dropped | `retired_nodes_are_taken_whole` |
//! | note | swap in `take` | swap in `take`, failed exchange in `reclaim` | the cleared hazard | `note_tells_of_the_cleared_hazard` |

mod retired;

use core::{
    marker::PhantomData,
    ops::Deref,
    ptr::{self, NonNull},
};

use lockfree_core::{
    Backoff,
    sync::{
        AtomicBool, AtomicPtr, Global,
        Ordering::{Acquire, Relaxed, Release, SeqCst},
        UnsafeCell, light_fence, light_fence_knowing,
    },
};

use crate::{
    hazard::{self, Domain, Hazard},
    put_off::PutOff,
};

pub(crate) struct HazardCell<V> {
    current: AtomicPtr<Node<V>>,
    retired: AtomicPtr<Node<V>>,
    domain: Global<Domain>,
    owns: PhantomData<Box<Node<V>>>,
}

/// On lines of its own, since handles look at it at each read.
#[repr(align(64))]
struct Node<V> {
    value: V,
    /// Somebody is about to exchange it, or has. Not set, it is current.
    leaving: AtomicBool,
    link: UnsafeCell<Link<V>>,
}

/// What becomes of a node that is retired: its owner's (I1).
struct Link<V> {
    next: *mut Node<V>,
    settled: bool,
}

// SAFETY: I1: the cell owns its nodes as a box does.
unsafe impl<V: Send> Send for HazardCell<V> {}
// SAFETY: I2, I3: a shared cell lends `&V` to any thread, takes values and drops them on any.
unsafe impl<V: Send + Sync> Sync for HazardCell<V> {}

impl<V> HazardCell<V> {
    pub(crate) fn new(value: V) -> Self {
        Self {
            current: AtomicPtr::new(Node::new(value)),
            retired: AtomicPtr::new(ptr::null_mut()),
            domain: hazard::domain(),
            owns: PhantomData,
        }
    }

    /// The value, which stays as it is while the guard lives.
    #[inline(always)]
    pub(crate) fn load(&self) -> Guard<'_, V> {
        match self.domain.own() {
            Some(hazard) => {
                let node = self.protect(hazard, true);
                Guard::new(self, node, hazard, node.as_ptr())
            }
            None => self.load_with_another(),
        }
    }

    #[cold]
    #[inline(never)]
    fn load_with_another(&self) -> Guard<'_, V> {
        let hazard = self.domain.hazard();
        Guard::new(self, self.protect(hazard, false), hazard, ptr::null_mut())
    }

    /// A handle's hazard: taken for as long as the handle lives, and protecting the current node.
    pub(crate) fn attach(&self) -> (NonNull<Hazard>, Held<V>) {
        let hazard = self.domain.take();
        (NonNull::from(hazard), Held(self.protect(hazard, false)))
    }

    /// Ends what `attach` began.
    ///
    /// # Safety
    /// The hazard is of this cell's `attach`, and what it protected is not used any more.
    pub(crate) unsafe fn detach(&self, hazard: NonNull<Hazard>, held: &Held<V>) {
        // SAFETY: hazards live as long as the domain.
        unsafe { hazard.as_ref() }.vacate();
        self.let_go(held);
    }

    /// Protects the current node in place of one that was held, which is then to be [`let_go`](Self::let_go).
    ///
    /// # Safety
    /// The hazard is of this cell's `attach`, and what it protected is not used any more.
    #[cold]
    pub(crate) unsafe fn renew(&self, hazard: NonNull<Hazard>) -> Held<V> {
        // SAFETY: hazards live as long as the domain.
        Held(self.protect(unsafe { hazard.as_ref() }, false))
    }

    /// What was held is not any more. May drop values, and so panic.
    pub(crate) fn let_go(&self, held: &Held<V>) {
        self.left(held.0);
    }

    /// Whether `held` is the current node. One access.
    pub(crate) fn is_current(&self, held: &Held<V>) -> bool {
        // Relaxed: a node that is protected is none but itself, and its value was acquired with it.
        self.current.load(Relaxed) == held.0.as_ptr()
    }

    /// Replaces the value by what `make` makes of it, and lends the one before.
    ///
    /// `make` is called again if somebody else was faster. What it made in vain is dropped; if that
    /// panics, there is an outcome all the same.
    pub(crate) fn replace<E>(
        &self,
        mut make: impl FnMut(&V) -> Result<V, E>,
    ) -> (Result<Guard<'_, V>, E>, PutOff) {
        let backoff = Backoff::new();
        let mut panics = PutOff::default();
        loop {
            let old = self.load();
            let new = match make(&old) {
                Ok(value) => Node::new(value),
                Err(error) => return (Err(error), panics),
            };
            // Relaxed: before the exchange, which passes it on.
            old.node().leaving.store(true, Relaxed);
            // Release [current]: the new value is seen whole, and what it replaces as left.
            // Relaxed: what is there instead is loaded again.
            match self.current.compare_exchange(old.node.as_ptr(), new, Release, Relaxed) {
                Ok(_) => {
                    self.retire(old.node.as_ptr());
                    return (Ok(old), panics);
                }
                // SAFETY: nobody else has seen it.
                Err(_) => panics.catch(|| unsafe { Node::free(new) }),
            }
            panics.catch(|| drop(old));
            backoff.spin();
        }
    }

    /// Sets the hazard to the current node. `is_light` is as [`light_fence_knowing`] wants it.
    #[inline(always)]
    fn protect(&self, hazard: &Hazard, is_light: bool) -> NonNull<Node<V>> {
        // Relaxed: looked at again below.
        let seen = self.current.load(Relaxed);
        // Release [unread]: what the hazard said before has been read.
        hazard.word.store(seen.cast(), Release);
        // SeqCst [protect]: the hazard comes before the second look.
        light_fence_knowing(is_light, SeqCst);
        // Acquire [current]: pairs with the exchange in `replace`.
        let now = self.current.load(Acquire);
        let node = if now == seen { now } else { self.announce(hazard) };
        // SAFETY: I1: `current` is never null.
        unsafe { NonNull::new_unchecked(node) }
    }

    /// As `protect`, after a writer was faster.
    #[cold]
    #[inline(never)]
    fn announce(&self, hazard: &Hazard) -> *mut Node<V> {
        let mark = self.domain.mark();
        // Release [about]: whatever the hazard has said before, it does not say any more.
        hazard.about.store(self.address(), Release);
        // Release [unread, mark]: what the hazard said before has been read; and whom the mark is for.
        hazard.word.store(mark, Release);
        // SeqCst [protect]: the mark comes before the look at `current`.
        light_fence(SeqCst);
        // Acquire [current]: pairs with the exchange in `replace`.
        let seen = self.current.load(Acquire);
        // Relaxed: as a read-modify-write it passes on what the mark's store has released.
        // Acquire [help]: the node as the helper has seen it.
        match hazard.word.compare_exchange(mark, seen.cast(), Relaxed, Acquire) {
            Ok(_) => seen,
            Err(helped) => helped.cast(),
        }
    }

    /// A node was used and its hazard set to something else: is anybody to free it?
    fn left(&self, node: NonNull<Node<V>>) {
        // SeqCst [last-look]: the cleared hazard comes before the look at `current`.
        light_fence(SeqCst);
        // Relaxed: the fence orders it.
        if self.current.load(Relaxed) != node.as_ptr() {
            self.reclaim();
        }
    }

    /// As `left`, where a guard cannot tell without more ado.
    #[cold]
    #[inline(never)]
    fn left_in_doubt(&self, node: NonNull<Node<V>>) {
        self.left(node);
    }

    fn address(&self) -> *mut () {
        ptr::from_ref(self).cast_mut().cast()
    }
}

impl<V> Drop for HazardCell<V> {
    fn drop(&mut self) {
        // Relaxed: exclusive access; whoever gave it to us ordered the rest.
        let current = self.current.load(Relaxed);
        // SAFETY: I1: the cell's own; guards borrow the cell, so there is none.
        drop(unsafe { Box::from_raw(current) });
        // Relaxed: exclusive access.
        let mut next = self.retired.load(Relaxed);
        while is_node(next) {
            // SAFETY: I1: as for `current`.
            let node = unsafe { Box::from_raw(next) };
            // SAFETY: I1: as for `current`.
            next = node.link.with(|link| unsafe { (*link).next });
        }
    }
}

/// Whether a word of the list is a node, and not its end.
fn is_node<V>(word: *mut Node<V>) -> bool {
    !word.is_null() && word.addr() & 1 == 0
}

impl<V> Node<V> {
    fn new(value: V) -> *mut Self {
        let link = UnsafeCell::new(Link { next: ptr::null_mut(), settled: false });
        Box::into_raw(Box::new(Self { value, leaving: AtomicBool::new(false), link }))
    }

    /// Drops a node.
    ///
    /// # Safety
    /// It came from `new`, and nobody else has it.
    unsafe fn free(node: *mut Self) {
        if cfg!(loom) {
            // Its memory is leaked: whether the allocator gives an address again must not decide what a
            // model sees.
            // SAFETY: as promised by the caller.
            unsafe { ptr::drop_in_place(node) }
        } else {
            // SAFETY: as promised by the caller.
            drop(unsafe { Box::from_raw(node) });
        }
    }
}

/// A node that a handle's hazard protects.
pub(crate) struct Held<V>(NonNull<Node<V>>);

impl<V> Held<V> {
    #[inline(always)]
    fn node(&self) -> &Node<V> {
        // SAFETY: I2: the node is protected while the handle keeps this.
        unsafe { self.0.as_ref() }
    }

    /// Whether it may have been replaced. If not, it is the current node. One access.
    #[inline(always)]
    pub(crate) fn may_be_left(&self) -> bool {
        // Relaxed: who has seen a later value has seen this before, by `current`.
        self.node().leaving.load(Relaxed)
    }

    /// # Safety
    /// The hazard that protects it is not changed while `'a` lasts.
    #[inline(always)]
    pub(crate) unsafe fn value<'a>(&self) -> &'a V {
        // SAFETY: I2: the node is protected; its value is never written.
        unsafe { &(*self.0.as_ptr()).value }
    }
}

/// A value that is being read: it is neither freed nor changed as long as this lives.
pub(crate) struct Guard<'c, V> {
    cell: &'c HazardCell<V>,
    node: NonNull<Node<V>>,
    hazard: &'c Hazard,
    /// What `current` still holds if there is nothing to do at the end. Null, which it never is, unless
    /// light fences are known to be light.
    expected: *mut Node<V>,
    /// The hazard is its thread's.
    of_its_thread: PhantomData<*mut ()>,
}

impl<'c, V> Guard<'c, V> {
    #[inline(always)]
    fn new(
        cell: &'c HazardCell<V>,
        node: NonNull<Node<V>>,
        hazard: &'c Hazard,
        expected: *mut Node<V>,
    ) -> Self {
        Self { cell, node, hazard, expected, of_its_thread: PhantomData }
    }

    #[inline(always)]
    fn node(&self) -> &Node<V> {
        // SAFETY: I2: the hazard protects it.
        unsafe { self.node.as_ref() }
    }
}

// SAFETY: a shared guard lends `&V`, no more.
unsafe impl<V: Sync> Sync for Guard<'_, V> {}

impl<V> Deref for Guard<'_, V> {
    type Target = V;

    #[inline(always)]
    fn deref(&self) -> &V {
        &self.node().value
    }
}

impl<V> Drop for Guard<'_, V> {
    #[inline(always)]
    fn drop(&mut self) {
        self.hazard.vacate();
        // SeqCst [last-look]: the cleared hazard comes before the look at `current`.
        light_fence_knowing(true, SeqCst);
        // Relaxed: the fence orders it.
        if self.cell.current.load(Relaxed) != self.expected {
            self.cell.left_in_doubt(self.node);
        }
    }
}

/// For models of what few schedules reach.
#[cfg(loom)]
impl<V> HazardCell<V> {
    /// As `load`, as if a writer had been faster than the first try.
    pub(crate) fn load_by_announcing(&self) -> Guard<'_, V> {
        let hazard = self.domain.hazard();
        // SAFETY: I1: `current` is never null.
        let node = unsafe { NonNull::new_unchecked(self.announce(hazard)) };
        Guard::new(self, node, hazard, node.as_ptr())
    }

    /// As `renew`, the same.
    ///
    /// # Safety
    /// As `renew`.
    pub(crate) unsafe fn renew_by_announcing(&self, hazard: NonNull<Hazard>) -> Held<V> {
        // SAFETY: hazards live as long as the domain.
        let node = self.announce(unsafe { hazard.as_ref() });
        // SAFETY: I1: `current` is never null.
        Held(unsafe { NonNull::new_unchecked(node) })
    }
}
