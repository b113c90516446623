//! A cell for the waker of one waiting task.
//!
//! After the `AtomicWaker` of the futures crate (Crichton and Lerche, 2018), with one state more,
//! which lets a wake-up for nobody end at a fence and a load; and Dekker's argument (in Dijkstra,
//! *Cooperating Sequential Processes*, 1965) for why none is lost.
//!
//! # State
//!
//! | state | who may touch the slot | the slot holds | goes to |
//! | --- | --- | --- | --- |
//! | `EMPTY` | nobody | nothing | `REGISTERING`, `WAKING` |
//! | `WAITING` | nobody | a waker | `REGISTERING`, `WAKING` |
//! | `REGISTERING` | who registers | anything | `EMPTY`, `WAITING`, and `WAKING` by another's hand |
//! | `WAKING` | who found `EMPTY` or `WAITING`; else who registers | anything | `EMPTY` |
//!
//! # Invariants
//!
//! * I1: who takes the state from `EMPTY` or `WAITING` to `REGISTERING` or `WAKING` owns the slot
//!   until it sets `EMPTY` or `WAITING`. Nobody else sets those two.
//! * I2: the state is `WAITING` only while the slot holds a waker.
//!
//! # Progress and linearization
//!
//! * `wake`, `take`: wait-free, at most 4 accesses; linearize at the load that finds nobody, else
//!   at the swap.
//! * `register`: wait-free, at most 5 accesses; linearizes where it sets `WAITING`. If it meets a
//!   wake-up, before or there, it wakes its own task.
//!
//! # Why no wake-up is lost
//!
//! The waiting task registers, passes fence R and looks once more at its condition. Who wakes makes
//! the condition true, passes fence W and reads the state. One of the fences is first. If W is, the
//! second look sees the condition. If R is, the read sees the registration or what came after it:
//! `WAITING`, and we wake the task; `REGISTERING`, and the task wakes itself, told by our swap;
//! `WAKING` or `EMPTY`, and another has done either. In the cases that are not our own the task
//! is polled again, and its next fence R is later than W.
//!
//! A read-modify-write in place of fence and load would do as well. Where nobody waits, fence and load
//! were measured to be the cheapest of the three on x86-64, alone and with two threads at one cell, and
//! they do not take the line away from others.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | arm | the drop of a `Registration` | `take_slowly` swaps in `WAKING`; `register` takes the slot again | the waker in the slot | `arm_hands_the_waker_over` |
//! | vacate | `vacate`, the drop of a `Registration` | `register` takes the slot; `take_slowly` swaps in `WAKING` | that the slot was emptied | `vacate_hands_the_slot_back` |
//! | second-look | fence in `take` | fence in `register` | of condition and registration, one is seen | `second_look_loses_no_wake_up` |

use core::{
    fmt,
    task::{Context, Poll, Waker},
};

use crate::{
    const_unless_loom,
    sync::{
        AtomicU8,
        Ordering::{Acquire, Relaxed, Release, SeqCst},
        UnsafeCell, fence, hint,
    },
};

const EMPTY: u8 = 0;
const WAITING: u8 = 1;
const REGISTERING: u8 = 2;
const WAKING: u8 = 3;

/// A cell for the waker of one waiting task.
///
/// The protocol, without which wake-ups get lost: who waits calls [`register`](Self::register) and
/// *then looks once more* at what it waits for, before it sleeps; [`poll_until`](Self::poll_until)
/// does both. Who wakes makes true what is waited for, and *then* calls [`wake`](Self::wake). What
/// is waited for is told by atomics, with whatever orderings their own data need.
///
/// Any thread may wake. If two tasks register, the later one replaces the earlier, which is then not
/// woken: one cell a waiting side.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use core::future;
/// use lockfree_core::{
///     sync::{AtomicU64, Ordering::{Acquire, Release}},
///     wait::{self, WakerCell},
/// };
///
/// let mailbox = AtomicU64::new(0);
/// let reader = WakerCell::new();
/// std::thread::scope(|scope| {
///     scope.spawn(|| {
///         mailbox.store(42, Release);
///         reader.wake();
///     });
///     let mail = || Some(mailbox.load(Acquire)).filter(|&mail| mail != 0);
///     let received = wait::block_on(future::poll_fn(|cx| reader.poll_until(cx, mail)));
///     assert_eq!(received, 42);
/// });
/// # }
/// ```
pub struct WakerCell {
    state: AtomicU8,
    slot: UnsafeCell<Option<Waker>>,
}

// SAFETY: I1: one thread at a time touches the slot, and a `Waker` is `Send` and `Sync`.
unsafe impl Sync for WakerCell {}

impl WakerCell {
    const_unless_loom! {
        /// A cell where nobody waits.
        #[must_use]
        pub fn new() -> Self {
            Self { state: AtomicU8::new(EMPTY), slot: UnsafeCell::new(None) }
        }
    }

    /// Looks whether `attempt` gives something; if not, registers the task and looks once more.
    /// What it registered in vain it takes back. Lock-free if `attempt` is.
    pub fn poll_until<R>(
        &self,
        cx: &Context<'_>,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        if let Some(found) = attempt() {
            return Poll::Ready(found);
        }
        self.register(cx.waker());
        match attempt() {
            Some(found) => {
                drop(self.take());
                Poll::Ready(found)
            }
            None => Poll::Pending,
        }
    }

    /// Waits, spinning for some microseconds and then asleep, until `attempt` gives something; `None`
    /// if it has given nothing by `deadline`. It is called once at least.
    ///
    /// # Panics
    /// `attempt` panics.
    #[cfg(feature = "std")]
    pub fn block_until<R>(
        &self,
        deadline: Option<std::time::Instant>,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        use super::block::{FIRST_PAUSE, block_until, spin};

        attempt().or_else(|| spin(FIRST_PAUSE, &mut attempt)).or_else(|| {
            let asleep = core::future::poll_fn(|cx| self.poll_until(cx, &mut attempt));
            block_until(asleep, deadline)
        })
    }

    /// Leaves `waker` for the next [`wake`](Self::wake) and takes the place of what was left before.
    /// Clones it only if it wakes another task than that one would.
    ///
    /// Look at what you wait for once more before you sleep. If a wake-up comes at the same
    /// time, the task is woken at once.
    ///
    /// # Panics
    /// The waker's `clone`, `wake` or `drop` panics. The cell stays valid, and what was in it before
    /// a panicking `clone` stays in it.
    pub fn register(&self, waker: &Waker) {
        // Relaxed: the compare-exchange checks it.
        let seen = self.state.load(Relaxed);
        // Acquire [arm, vacate]: the slot is as the last one left it.
        // Relaxed: on failure the slot is not touched.
        let taken = matches!(seen, EMPTY | WAITING)
            && self.state.compare_exchange(seen, REGISTERING, Acquire, Relaxed).is_ok();
        if !taken {
            // Somebody wakes this very task, or has just done so.
            waker.wake_by_ref();
            hint::spin_loop();
            return;
        }
        let registration = Registration(self);
        let replaced = self.slot.with_mut(|slot| {
            // SAFETY: I1: the slot is ours until the registration ends.
            let slot = unsafe { &mut *slot };
            match slot {
                Some(present) if present.will_wake(waker) => None,
                _ => slot.replace(waker.clone()),
            }
        });
        drop(registration);
        // SeqCst [second-look]: the caller's second look comes after the registration.
        fence(SeqCst);
        drop(replaced);
    }

    /// Wakes the task that is registered, if one is, and forgets it.
    ///
    /// With nobody there it costs a fence and a load. A task that registers at the same time is
    /// woken, or sees in its second look what this thread did before this call.
    ///
    /// # Panics
    /// The waker's `wake` panics. The cell stays valid.
    #[inline]
    pub fn wake(&self) {
        if let Some(waker) = self.take() {
            waker.wake();
        }
    }

    /// As [`wake`](Self::wake), but hands the waker to the caller, who must wake it or be its task.
    #[inline]
    #[must_use]
    pub fn take(&self) -> Option<Waker> {
        // SeqCst [second-look]: what the caller did comes before the look at the state.
        fence(SeqCst);
        // Relaxed: the fence orders it; the swap reads again what matters.
        if self.state.load(Relaxed) == EMPTY { None } else { self.take_slowly() }
    }

    #[cold]
    fn take_slowly(&self) -> Option<Waker> {
        // Acquire [arm, vacate]: the slot is as the last one left it.
        match self.state.swap(WAKING, Acquire) {
            EMPTY | WAITING => self.vacate(),
            // Whoever registers sees it and wakes itself; whoever wakes does so for us.
            _ => None,
        }
    }

    /// Empties the slot, which must be ours by I1, and gives it back.
    fn vacate(&self) -> Option<Waker> {
        // SAFETY: I1: the slot is ours until the store.
        let waker = self.slot.with_mut(|slot| unsafe { &mut *slot }.take());
        // Release [vacate]: the slot is empty for whoever takes it next.
        self.state.store(EMPTY, Release);
        waker
    }
}

impl Default for WakerCell {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WakerCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: a snapshot.
        let waiting = self.state.load(Relaxed) == WAITING;
        f.debug_struct("WakerCell").field("waiting", &waiting).finish_non_exhaustive()
    }
}

/// The slot is ours. Ends by giving it back, also when the waker's `clone` panics.
struct Registration<'a>(&'a WakerCell);

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        let cell = self.0;
        // SAFETY: I1: the slot is ours until the compare-exchange or the store in `vacate`.
        let present = cell.slot.with(|slot| unsafe { &*slot }.is_some());
        let rest = if present { WAITING } else { EMPTY };
        // Release [arm, vacate]: the slot is as we leave it.
        // Relaxed: on failure the slot is still ours, and nothing is read that another wrote.
        let met = cell.state.compare_exchange(REGISTERING, rest, Release, Relaxed).is_err();
        if met && let Some(waker) = cell.vacate() {
            waker.wake();
        }
    }
}
