//! What waiting promises to one thread.
#![cfg(not(loom))]

use core::{
    cell::Cell,
    future,
    panic::AssertUnwindSafe,
    pin::pin,
    task::{Context, Poll, RawWaker, RawWakerVTable, Waker},
    time::Duration,
};
use std::{
    panic::catch_unwind,
    sync::{Arc, Mutex},
    task::Wake,
    thread,
    time::Instant,
};

use lockfree_core::wait::{WakerCell, block_on, block_until};

#[derive(Default)]
struct Woken(Mutex<usize>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        *self.0.lock().unwrap() += 1;
    }
}

impl Woken {
    fn times(&self) -> usize {
        *self.0.lock().unwrap()
    }
}

#[test]
fn a_registration_is_woken_once() {
    let (cell, task) = (WakerCell::new(), Arc::new(Woken::default()));
    cell.wake();
    cell.register(&Waker::from(Arc::clone(&task)));
    assert_eq!(task.times(), 0);
    cell.wake();
    cell.wake();
    assert_eq!(task.times(), 1);
    assert_eq!(Arc::strong_count(&task), 1, "the cell keeps no waker");
}

#[test]
fn it_clones_only_for_another_task() {
    let (cell, task) = (WakerCell::new(), Arc::new(Woken::default()));
    let waker = Waker::from(Arc::clone(&task));
    cell.register(&waker);
    assert_eq!(Arc::strong_count(&task), 3);
    cell.register(&waker);
    assert_eq!(Arc::strong_count(&task), 3);

    let other = Arc::new(Woken::default());
    cell.register(&Waker::from(Arc::clone(&other)));
    assert_eq!(Arc::strong_count(&task), 2, "the first was replaced");
    assert!(cell.take().is_some_and(|taken| !taken.will_wake(&waker)));
    assert!(cell.take().is_none());
}

#[test]
fn dropping_the_cell_drops_the_waker() {
    let task = Arc::new(Woken::default());
    let cell = WakerCell::new();
    cell.register(&Waker::from(Arc::clone(&task)));
    drop(cell);
    assert_eq!(Arc::strong_count(&task), 1);
}

#[test]
fn a_registration_in_vain_is_taken_back() {
    let (cell, task) = (WakerCell::new(), Arc::new(Woken::default()));
    let waker = Waker::from(Arc::clone(&task));
    let cx = Context::from_waker(&waker);
    let looks = Cell::new(0);
    let second = || {
        looks.set(looks.get() + 1);
        (looks.get() == 2).then_some("there")
    };
    assert_eq!(cell.poll_until(&cx, second), Poll::Ready("there"));
    cell.wake();
    assert_eq!(task.times(), 0);
    assert_eq!(cell.poll_until(&cx, || None::<()>), Poll::Pending);
    cell.wake();
    assert_eq!(task.times(), 1);
}

/// A waker each of whose functions panics while its switch is on.
mod hostile {
    use super::*;

    thread_local! {
        pub(super) static PANICS: Cell<&'static str> = const { Cell::new("") };
    }

    fn act(name: &str) {
        assert!(PANICS.get() != name, "a waker whose {name} panics");
    }

    fn clone(_: *const ()) -> RawWaker {
        act("clone");
        raw()
    }

    fn raw() -> RawWaker {
        static VTABLE: RawWakerVTable =
            RawWakerVTable::new(clone, |_| act("wake"), |_| act("wake"), |_| act("drop"));
        RawWaker::new(core::ptr::null(), &VTABLE)
    }

    pub(super) fn waker() -> Waker {
        // SAFETY: the functions of the table use no data, and may be called from any thread.
        unsafe { Waker::from_raw(raw()) }
    }
}

#[test]
fn a_panic_in_a_waker_leaves_the_cell_valid() {
    let cell = WakerCell::new();
    let task = Arc::new(Woken::default());
    let good = Waker::from(Arc::clone(&task));
    let bad = hostile::waker();
    let panics = |name, act: &dyn Fn()| {
        hostile::PANICS.set(name);
        let outcome = catch_unwind(AssertUnwindSafe(act));
        hostile::PANICS.set("");
        assert!(outcome.is_err(), "{name} was to panic");
    };

    panics("clone", &|| cell.register(&bad));
    assert!(cell.take().is_none());

    cell.register(&good);
    panics("clone", &|| cell.register(&bad));
    cell.wake();
    assert_eq!(task.times(), 1, "what was registered before stays");

    cell.register(&bad);
    panics("wake", &|| cell.wake());
    cell.register(&bad);
    panics("drop", &|| cell.register(&good));
    cell.wake();
    assert_eq!(task.times(), 2);
}

#[test]
fn what_is_ready_needs_no_wake_up() {
    assert_eq!(block_on(future::ready(1)), 1);
    assert_eq!(block_until(future::ready(2), Some(Instant::now())), Some(2));
}

#[test]
fn a_deadline_ends_the_wait() {
    let started = Instant::now();
    let deadline = started + Duration::from_millis(20);
    assert_eq!(block_until(future::pending::<()>(), Some(deadline)), None);
    assert!(started.elapsed() >= Duration::from_millis(20));
}

#[test]
fn a_deadline_ends_a_future_that_wakes_itself_for_ever() {
    let busy = future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    });
    let deadline = Instant::now() + Duration::from_millis(5);
    assert_eq!(block_until(busy, Some(deadline)), None);
}

#[test]
fn a_call_within_a_call_leaves_the_outer_its_wake_up() {
    let mut polls = 0;
    let outer = future::poll_fn(|cx| {
        polls += 1;
        if polls == 2 {
            return Poll::Ready("woken");
        }
        cx.waker().wake_by_ref();
        let mut inner_polls = 0;
        block_on(future::poll_fn(|cx| {
            inner_polls += 1;
            if inner_polls == 1 {
                let waker = cx.waker().clone();
                thread::spawn(move || waker.wake());
                return Poll::Pending;
            }
            Poll::Ready(())
        }));
        Poll::Pending
    });
    assert_eq!(block_on(outer), "woken");
}

#[test]
fn a_thread_waits_with_one_waker() {
    let waker = || block_on(future::poll_fn(|cx| Poll::Ready(cx.waker().clone())));
    assert!(waker().will_wake(&waker()));
}

#[test]
fn it_works_in_the_destructor_of_a_thread_local() {
    struct AtExit;
    impl Drop for AtExit {
        fn drop(&mut self) {
            assert_eq!(block_on(async { 3 }), 3);
        }
    }
    thread_local!(static AT_EXIT: AtExit = const { AtExit });
    let thread = thread::spawn(|| {
        AT_EXIT.with(|_| {});
        block_on(async {});
    });
    thread.join().unwrap();
}

#[test]
fn a_panic_in_the_future_passes_through() {
    let outcome = catch_unwind(|| block_on(async { panic!("in the future") }));
    assert!(outcome.is_err());
    assert_eq!(block_on(async { 5 }), 5);
}

#[test]
fn futures_may_borrow() {
    let mut text = String::from("a");
    let mut future = pin!(async { text.push('b') });
    block_on(future.as_mut());
    assert_eq!(text, "ab");
}
