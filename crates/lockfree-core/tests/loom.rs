//! Models of what the crate synchronizes itself: waking, and clocks that only grow.
#![cfg(loom)]

use core::{
    future,
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::sync::Arc;

use lockfree_core::{
    clock::{Clock, CoarseClock, ManualClock},
    sync::{
        AtomicBool, AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
        UnsafeCell, hint,
    },
    wait::{self, WakerCell},
};
use testkit::model::{Model, must_fail, thread};

/// A flag, and the task that waits for it.
struct Gate {
    open: AtomicBool,
    waiting: WakerCell,
}

impl Gate {
    fn new() -> Arc<Self> {
        Arc::new(Self { open: AtomicBool::new(false), waiting: WakerCell::new() })
    }

    fn open(&self) {
        // Relaxed: the cell must see to the wake-up, whatever orders the flag.
        self.open.store(true, Relaxed);
        self.waiting.wake();
    }

    fn is_open(&self) -> Option<()> {
        self.open.load(Relaxed).then_some(())
    }
}

#[test]
fn second_look_loses_no_wake_up() {
    Model::new("second_look_loses_no_wake_up", 138).check(|| {
        let gate = Gate::new();
        let opener = thread::spawn({
            let gate = Arc::clone(&gate);
            move || gate.open()
        });
        wait::block_on(future::poll_fn(|cx| gate.waiting.poll_until(cx, || gate.is_open())));
        opener.join().unwrap();
    });
}

#[test]
fn twin_without_a_second_look() {
    must_fail("twin_without_a_second_look", "deadlock", || {
        let gate = Gate::new();
        let opener = thread::spawn({
            let gate = Arc::clone(&gate);
            move || gate.open()
        });
        wait::block_on(future::poll_fn(|cx| {
            if gate.is_open().is_some() {
                return Poll::Ready(());
            }
            gate.waiting.register(cx.waker());
            Poll::Pending
        }));
        opener.join().unwrap();
    });
}

/// Two wakers, each of whom the task must hear: what one does while the other wakes is not lost.
#[test]
fn second_look_with_two_wakers() {
    Model::new("second_look_with_two_wakers", 6700).check(|| {
        let arrived = Arc::new((AtomicUsize::new(0), WakerCell::new()));
        let wakers = [(); 2].map(|()| {
            let arrived = Arc::clone(&arrived);
            thread::spawn(move || {
                arrived.0.fetch_add(1, Relaxed);
                arrived.1.wake();
            })
        });
        let both = || (arrived.0.load(Relaxed) == 2).then_some(());
        wait::block_on(future::poll_fn(|cx| arrived.1.poll_until(cx, both)));
        for waker in wakers {
            waker.join().unwrap();
        }
    });
}

#[test]
fn arm_hands_the_waker_over() {
    Model::new("arm_hands_the_waker_over", 100).check(|| {
        let cell = Arc::new(WakerCell::new());
        let taker = thread::spawn({
            let cell = Arc::clone(&cell);
            move || cell.take().is_some()
        });
        cell.register(Waker::noop());
        assert!(format!("{cell:?}").starts_with("WakerCell"));
        let there = cell.take().is_some();
        let taken = taker.join().unwrap();
        // A registration that meets a wake-up is answered at once: then nobody takes it.
        assert!(!(there && taken), "one registration, taken twice");
    });
}

/// The task moves: two threads register, one after the other by a relaxed word.
#[test]
fn arm_hands_the_waker_to_the_next_registration() {
    Model::new("arm_hands_the_waker_to_the_next_registration", 45).check(|| {
        let cell = Arc::new(WakerCell::new());
        let other = thread::spawn({
            let cell = Arc::clone(&cell);
            move || cell.register(Waker::noop())
        });
        cell.register(Waker::noop());
        other.join().unwrap();
    });
}

#[test]
fn vacate_hands_the_slot_back() {
    Model::new("vacate_hands_the_slot_back", 180).check(|| {
        let cell = Arc::new(WakerCell::new());
        let taker = thread::spawn({
            let cell = Arc::clone(&cell);
            move || drop(cell.take())
        });
        cell.register(Waker::noop());
        cell.register(Waker::noop());
        drop(cell.take());
        taker.join().unwrap();
    });
}

#[test]
fn notify_carries_what_the_waker_did() {
    Model::new("notify_carries_what_the_waker_did", 130).check(|| {
        struct Letter(UnsafeCell<u32>);
        // SAFETY: one thread writes it and then wakes the one that reads it.
        unsafe impl Sync for Letter {}

        let shared = Arc::new((Letter(UnsafeCell::new(0)), Gate::new()));
        let writer = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                shared.1.open.store(true, Relaxed);
                // The cell's own fence is past when the letter is written.
                if let Some(waker) = shared.1.waiting.take() {
                    // SAFETY: nobody reads before the wake-up.
                    shared.0.0.with_mut(|letter| unsafe { *letter = 7 });
                    waker.wake();
                }
            }
        });
        let mut polls = 0;
        let read = |cx: &mut Context<'_>| {
            polls += 1;
            if polls > 1 {
                // SAFETY: a second poll follows a wake-up: the writer's, or our own if none wrote.
                return Poll::Ready(Some(shared.0.0.with(|letter| unsafe { *letter })));
            }
            // Seen without being woken, the relaxed flag says nothing about the letter.
            shared.1.waiting.poll_until(cx, || shared.1.is_open()).map(|()| None)
        };
        let letter = wait::block_on(future::poll_fn(read));
        assert!(matches!(letter, None | Some(0 | 7)));
        writer.join().unwrap();
    });
}

#[test]
fn block_until_gives_up_and_leaves_the_cell_sound() {
    Model::new("block_until_gives_up_and_leaves_the_cell_sound", 640).check(|| {
        let gate = Gate::new();
        let opener = thread::spawn({
            let gate = Arc::clone(&gate);
            move || gate.open()
        });
        let now = std::time::Instant::now();
        let wait = || future::poll_fn(|cx| gate.waiting.poll_until(cx, || gate.is_open()));
        if wait::block_until(wait(), Some(now)).is_none() {
            wait::block_on(wait());
        }
        opener.join().unwrap();
    });
}

/// Reads on another thread, and then here, in an order that `handed` makes.
fn never_goes_back<C: Clock + Send + Sync + 'static>(clock: C, move_on: fn(&C)) {
    let shared = Arc::new((clock, AtomicBool::new(false), AtomicUsize::new(0)));
    let mover = thread::spawn({
        let shared = Arc::clone(&shared);
        move || {
            move_on(&shared.0);
            move_on(&shared.0);
        }
    });
    let reader = thread::spawn({
        let shared = Arc::clone(&shared);
        move || {
            let seen = shared.0.now_nanos();
            shared.2.store(usize::try_from(seen).unwrap(), Relaxed);
            shared.1.store(true, Release);
        }
    });
    while !shared.1.load(Acquire) {
        hint::spin_loop();
    }
    let earlier = shared.2.load(Relaxed) as u64;
    let first = shared.0.now_nanos();
    let second = shared.0.now_nanos();
    assert!(earlier <= first && first <= second, "{earlier}, {first}, {second}");
    mover.join().unwrap();
    reader.join().unwrap();
}

#[test]
fn clocks_never_go_back_manual() {
    Model::new("clocks_never_go_back_manual", 2400).check(|| {
        never_goes_back(ManualClock::new(), |clock| {
            clock.advance(Duration::from_nanos(1));
        });
    });
}

#[test]
fn clocks_never_go_back_coarse() {
    Model::new("clocks_never_go_back_coarse", 2100).check(|| {
        never_goes_back(CoarseClock::with_source(ManualClock::new()), |clock| {
            clock.source().advance(Duration::from_nanos(1));
            clock.tick();
        });
    });
}

#[test]
fn clocks_never_go_back_with_two_tickers() {
    Model::new("clocks_never_go_back_with_two_tickers", 80).check(|| {
        let clock = Arc::new(CoarseClock::with_source(ManualClock::new()));
        let other = thread::spawn({
            let clock = Arc::clone(&clock);
            move || {
                clock.source().advance(Duration::from_nanos(1));
                clock.tick()
            }
        });
        clock.source().advance(Duration::from_nanos(1));
        let ticked = clock.tick();
        assert!(ticked <= clock.now());
        let ticked = other.join().unwrap();
        assert!(ticked <= clock.now());
        assert!(clock.tick() == Duration::from_nanos(2));
    });
}

#[cfg(feature = "double-width")]
#[test]
fn halves_change_together() {
    use lockfree_core::sync::double_word::{AtomicDoubleWord, Pair};

    Model::new("halves_change_together", 18).check(|| {
        let word = Arc::new(AtomicDoubleWord::new(Pair { low: 0, high: 0 }));
        let change = |word: &AtomicDoubleWord| {
            let mut seen = word.load(Relaxed);
            loop {
                assert_eq!(seen.low, seen.high, "torn");
                let next = Pair { low: seen.low + 1, high: seen.high + 1 };
                match word.compare_exchange_weak(seen, next, Relaxed, Relaxed) {
                    Ok(_) => break,
                    Err(now) => seen = now,
                }
            }
        };
        let other = thread::spawn({
            let word = Arc::clone(&word);
            move || change(&word)
        });
        change(&word);
        other.join().unwrap();
        assert_eq!(word.load(Relaxed), Pair { low: 2, high: 2 });
    });
}
