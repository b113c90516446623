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
//! retired   nodes that were current, a list through their `next`
//! looks     how often somebody left a node that was no longer current
//! ```
//!
//! A node is `current`, then *retired* (in the list, or in the hands of one thread that has taken the
//! list), then freed.
//!
//! # Invariants
//!
//! * I1: a node leaves `current` once and for good, by the exchange in `replace`, whose thread retires
//!   it. Who takes the list owns what is in it: the plain fields, and the right to free.
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
//! It then exchanges the mark for the address. Whoever scans exchanges marks too, each for a node that
//! he protects *since he saw the mark*. Say he is H, his fence between seeing the mark and finding the
//! node current is R', and another who retires that node has fence W. W is not before R', else H would
//! have found another node. So R' is first, and the other sees the mark or what came after it: he exchanges
//! the mark himself, or sees the address that H put there. No mark comes twice, so the mark that H
//! exchanges is the one that he saw.
//!
//! # Why nothing retired is forgotten
//!
//! A guard clears its hazard, passes fence R and looks whether its node is still current. If not, it
//! adds one to `looks` and then takes the list. Who has taken the list before it puts back what is still
//! protected, and then reads `looks` again: either he sees the one that was added, and looks again, or
//! the guard's thread finds what he put back. If the node is still current, whoever exchanges it later
//! sees the hazard cleared. What was kept for a load that lost its race stays for the next update.
//!
//! # Progress and linearization
//!
//! * `load`: wait-free: 4 accesses after the hazard is found, 10 if it loses the race. Linearizes at the
//!   last load of `current`, its own or its helper's.
//! * a guard's end: 3 accesses, wait-free, if its node is current; else a scan, which is lock-free: it
//!   begins anew only if another guard has ended meanwhile. Values are dropped by that thread.
//! * `replace`: lock-free: an attempt fails only if another's succeeded. Linearizes at the exchange.
//! * At most one node for each hazard in use is kept, and one for each thread between its exchange and
//!   the end of its scan.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | current | exchange in `replace` | second load in `protect`, load in `announce` | a node's value | `current_shows_a_whole_value` |
//! | protect | light fence in `protect` and `announce` | heavy fence in `settle` | of hazard and exchange, one is seen | `protect_keeps_what_is_read` |
//! | last-look | light fence in `left` | heavy fence in `settle` | of the cleared hazard and the exchange, one is seen | `last_look_frees_what_is_left` |
//! | unread | the stores of hazards, `vacate` | load in `protects` | that what was read before is read, so it may be freed | `unread_is_seen_before_the_free` |
//! | mark | store of the mark in `announce` | load of it in `help` | for which cell it is | `mark_tells_whom_it_is_for` |
//! | about | store of `about` in `announce` | load of it in `help` | that the marks before are gone | `about_shows_that_the_last_mark_is_gone` |
//! | help | exchange in `help` | failed exchange in `announce` | the helper's view of the node | `help_hands_a_whole_value_over` |
//! | retired | exchange in `retire` | swap in `pass` | the plain fields of a node, and what settled it | `retired_nodes_are_taken_whole` |
//! | looks | additions in `reclaim` and `help` | addition and load in `reclaim`, addition in `help` | the cleared hazard, or the list as it was put back | `looks_see_what_was_put_back` |

mod taken;

use core::{
    marker::PhantomData,
    ops::Deref,
    ptr::{self, NonNull},
};

use lockfree_core::{
    Backoff,
    sync::{
        AtomicPtr, AtomicUsize, Global,
        Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
        light_fence,
    },
};

use self::taken::Taken;
use crate::hazard::{self, Domain, Hazard};

pub(crate) struct HazardCell<V> {
    current: AtomicPtr<Node<V>>,
    retired: AtomicPtr<Node<V>>,
    looks: AtomicUsize,
    domain: Global<Domain>,
    owns: PhantomData<Box<Node<V>>>,
}

struct Node<V> {
    value: V,
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
            looks: AtomicUsize::new(0),
            domain: hazard::domain(),
            owns: PhantomData,
        }
    }

    /// The value, which stays as it is while the guard lives.
    #[inline(always)]
    pub(crate) fn load(&self) -> Guard<'_, V> {
        let hazard = self.domain.hazard();
        Guard { cell: self, node: self.protect(hazard), hazard, of_its_thread: PhantomData }
    }

    /// A handle's hazard: taken for as long as the handle lives, and protecting the current node.
    pub(crate) fn attach(&self) -> (NonNull<Hazard>, Held<V>) {
        let hazard = self.domain.take();
        (NonNull::from(hazard), Held(self.protect(hazard)))
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
        Held(self.protect(unsafe { hazard.as_ref() }))
    }

    /// What was held is not any more. May drop values, and so panic.
    pub(crate) fn let_go(&self, held: &Held<V>) {
        self.left(held.0);
    }

    /// Whether `held` is the current node. One access.
    #[inline(always)]
    pub(crate) fn is_current(&self, held: &Held<V>) -> bool {
        // Relaxed: a node that is protected is none but itself, and its value was acquired with it.
        self.current.load(Relaxed) == held.0.as_ptr()
    }

    /// Replaces the value by what `make` makes of it, and lends the one before.
    ///
    /// `make` is called again if somebody else was faster.
    pub(crate) fn replace<E>(
        &self,
        mut make: impl FnMut(&V) -> Result<V, E>,
    ) -> Result<Guard<'_, V>, E> {
        let backoff = Backoff::new();
        loop {
            let old = self.load();
            let new = Node::new(make(&old)?);
            // Release [current]: the new value is seen whole.
            // Relaxed: what is there instead is loaded again.
            match self.current.compare_exchange_weak(old.node.as_ptr(), new, Release, Relaxed) {
                Ok(_) => {
                    self.retire(old.node.as_ptr(), old.node.as_ptr());
                    return Ok(old);
                }
                // SAFETY: nobody else has seen it.
                Err(_) => drop(unsafe { Box::from_raw(new) }),
            }
            drop(old);
            backoff.spin();
        }
    }

    /// Sets the hazard to the current node.
    #[inline(always)]
    fn protect(&self, hazard: &Hazard) -> NonNull<Node<V>> {
        // Relaxed: looked at again below.
        let seen = self.current.load(Relaxed);
        // Release [unread]: what the hazard said before has been read.
        hazard.word.store(seen.cast(), Release);
        // SeqCst [protect]: the hazard comes before the second look.
        light_fence(SeqCst);
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
    #[inline(always)]
    fn left(&self, node: NonNull<Node<V>>) {
        // SeqCst [last-look]: the cleared hazard comes before the look at `current`.
        light_fence(SeqCst);
        // Relaxed: the fence orders it.
        if self.current.load(Relaxed) != node.as_ptr() {
            self.reclaim();
        }
    }

    /// Frees what is retired and not protected.
    #[cold]
    #[inline(never)]
    fn reclaim(&self) {
        // AcqRel [looks]: the cleared hazard, for who has the list; the list, from who put it back.
        self.looks.fetch_add(1, AcqRel);
        loop {
            // Acquire [looks]: the hazards of all who are counted.
            let seen = self.looks.load(Acquire);
            // Release [looks]: the list is put back before anybody counts himself from now on.
            if self.pass() || self.looks.fetch_add(0, Release) == seen {
                return;
            }
        }
    }

    /// Takes the list, frees what it may and puts the rest back. True if nothing is left.
    fn pass(&self) -> bool {
        // Acquire [retired]: the nodes as they were put there.
        let first = self.retired.swap(ptr::null_mut(), Acquire);
        let mut taken = Taken { cell: self, first };
        if !first.is_null() && taken.settle() {
            self.help();
            taken.free();
        }
        taken.first.is_null()
    }

    /// Gives a node to everyone who has announced that he reads here.
    fn help(&self) {
        for hazard in self.domain.iter() {
            // Acquire [mark]: `about` is what was set for this mark, or for a later one.
            let mark = hazard.word.load(Acquire);
            // Acquire [about]: if for a later one, the hazard says something later too.
            if !hazard::is_mark(mark) || hazard.about.load(Acquire) != self.address() {
                continue;
            }
            let own = self.domain.hazard();
            let node = self.protect_by_trial(own);
            // Release [help]: the node as this thread has seen it.
            // Relaxed: helped already, or done.
            let _ = hazard.word.compare_exchange(mark, node.cast(), Release, Relaxed);
            own.vacate();
            // AcqRel [looks]: as one who has left a node: it may have been kept for this hazard's sake.
            self.looks.fetch_add(1, AcqRel);
        }
    }

    /// Protects the current node however long that takes: lock-free.
    fn protect_by_trial(&self, hazard: &Hazard) -> *mut Node<V> {
        // Relaxed: looked at again below.
        let mut seen = self.current.load(Relaxed);
        loop {
            // Release [unread]: what the hazard said before has been read.
            hazard.word.store(seen.cast(), Release);
            // SeqCst [protect]: the hazard comes before the second look.
            light_fence(SeqCst);
            // Acquire [current]: pairs with the exchange in `replace`.
            let now = self.current.load(Acquire);
            if now == seen {
                return now;
            }
            seen = now;
        }
    }

    /// Whether somebody may read the node. Asked after `help`, so marks need no look.
    fn protects(hazard: &Hazard, node: *mut Node<V>) -> bool {
        // Acquire [unread]: what the hazard does not say any more has been read.
        hazard.word.load(Acquire) == node.cast()
    }

    /// Puts the nodes from `first` to `last` into the list.
    fn retire(&self, first: *mut Node<V>, last: *mut Node<V>) {
        // Relaxed: checked by the exchange.
        let mut head = self.retired.load(Relaxed);
        loop {
            // SAFETY: I1: the node is retired by this thread, which has not put it into the list yet.
            unsafe { (*last).next = head };
            // Release [retired]: the nodes are taken as they are put here.
            // Relaxed: only looks where to put them.
            match self.retired.compare_exchange_weak(head, first, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
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
        while !next.is_null() {
            // SAFETY: I1: as for `current`.
            let node = unsafe { Box::from_raw(next) };
            next = node.next;
        }
    }
}

impl<V> Node<V> {
    fn new(value: V) -> *mut Self {
        Box::into_raw(Box::new(Self { value, next: ptr::null_mut(), settled: false }))
    }
}

/// A node that a handle's hazard protects.
pub(crate) struct Held<V>(NonNull<Node<V>>);

impl<V> Held<V> {
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
    /// The hazard is its thread's.
    of_its_thread: PhantomData<*mut ()>,
}

// SAFETY: a shared guard lends `&V`, no more.
unsafe impl<V: Sync> Sync for Guard<'_, V> {}

impl<V> Deref for Guard<'_, V> {
    type Target = V;

    #[inline(always)]
    fn deref(&self) -> &V {
        // SAFETY: I2: the hazard protects it; its value is never written.
        unsafe { &(*self.node.as_ptr()).value }
    }
}

impl<V> Drop for Guard<'_, V> {
    #[inline(always)]
    fn drop(&mut self) {
        self.hazard.vacate();
        self.cell.left(self.node);
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
        Guard { cell: self, node, hazard, of_its_thread: PhantomData }
    }
}
