//! What each part promises to one thread.
#![cfg(not(loom))]

mod tagged {
    use lockfree_core::{
        AtomicTaggedIndex, AtomicTaggedPtr, TaggedIndex, TaggedPtr, Unpackable,
        sync::Ordering::{AcqRel, Acquire, Relaxed, Release},
    };

    #[test]
    fn the_last_tag_seals() {
        let last = <TaggedIndex>::new(1, <TaggedIndex>::MAX_TAG - 1).advance(2);
        let last = last.expect("one tag is left");
        assert!(last.is_sealed());
        assert_eq!((last.index(), last.advance(3)), (2, None));
        assert_eq!(last.advance_wrapping(3), TaggedIndex::new(3, 0));
    }

    #[test]
    #[should_panic(expected = "the index does not fit")]
    fn an_index_too_great_is_refused() {
        let _ = <TaggedIndex>::new(0, 0).advance(1 << 24);
    }

    #[test]
    #[should_panic(expected = "the tag does not fit")]
    fn a_tag_too_great_is_refused() {
        let _ = TaggedIndex::<16>::new(0, 1 << 48);
    }

    #[test]
    fn the_same_index_with_another_tag_is_another_word() {
        let first = TaggedIndex::new(5, 0);
        let word = AtomicTaggedIndex::<24>::new(first);
        let again = first.advance(5).unwrap();
        word.store(again, Release);
        assert_eq!(word.compare_exchange(first, first, AcqRel, Acquire), Err(again));
        let next = again.advance(6).unwrap();
        assert_eq!(word.compare_exchange(again, next, AcqRel, Acquire), Ok(again));
        assert_eq!(word.load(Acquire), next);
        assert!(format!("{next:?}").contains("index: 6, tag: 2"));
    }

    #[test]
    fn a_pointer_comes_back_with_each_tag() {
        let mut value = 42_u64;
        let ptr = &raw mut value;
        for bit in 0..TaggedPtr::<u64>::TAG_BITS {
            let word = TaggedPtr::new(ptr, 1 << bit).unwrap();
            assert_eq!((word.ptr(), word.tag()), (ptr, 1 << bit));
            // SAFETY: the pointer to `value` has come back.
            assert_eq!(unsafe { *word.ptr() }, 42);
        }
        let beyond = TaggedPtr::<u64>::MAX_TAG + 1;
        assert_eq!(TaggedPtr::new(ptr, beyond), Err(Unpackable::Tag(beyond)));
    }

    #[test]
    fn an_address_with_bits_to_lose_is_refused() {
        let odd = core::ptr::without_provenance_mut::<u64>(0x1001);
        assert_eq!(TaggedPtr::new(odd, 0), Err(Unpackable::Address(0x1001)));
        if TaggedPtr::<u64>::HIGH_BITS > 0 {
            let high = core::ptr::without_provenance_mut::<u64>(1 << 62);
            assert_eq!(TaggedPtr::new(high, 0), Err(Unpackable::Address(1 << 62)));
            assert!(Unpackable::Address(1 << 62).to_string().contains("0x4000000000000000"));
        }
    }

    #[test]
    fn a_zero_sized_pointee_leaves_no_low_bits() {
        assert_eq!(TaggedPtr::<()>::TAG_BITS, TaggedPtr::<()>::HIGH_BITS);
        let mut unit = ();
        let word = TaggedPtr::new(&raw mut unit, TaggedPtr::<()>::MAX_TAG).unwrap();
        assert_eq!((word.ptr(), word.tag()), (&raw mut unit, TaggedPtr::<()>::MAX_TAG));
    }

    #[test]
    fn an_atomic_pointer_compares_the_tag_too() {
        let mut value = 1_u32;
        let plain = TaggedPtr::new(&raw mut value, 0).unwrap();
        let marked = plain.with_tag(3).unwrap();
        let word = AtomicTaggedPtr::new(TaggedPtr::null());
        word.store(marked, Release);
        assert_eq!(word.compare_exchange(plain, plain, AcqRel, Acquire), Err(marked));
        while word.compare_exchange_weak(marked, plain, AcqRel, Relaxed).is_err() {}
        assert_eq!(word.load(Acquire), plain);
    }
}

#[cfg(feature = "double-width")]
mod double_word {
    use lockfree_core::sync::{
        Ordering::{AcqRel, Acquire, Release},
        double_word::{AtomicDoubleWord, AtomicNarrowPair, Half, Pair},
    };

    #[test]
    fn both_halves_are_compared() {
        let first = Pair { low: Half::MAX, high: 1 };
        let word = AtomicDoubleWord::new(first);
        let other = Pair { high: 2, ..first };
        assert_eq!(word.compare_exchange(other, first, AcqRel, Acquire), Err(first));
        assert_eq!(word.compare_exchange(first, other, AcqRel, Acquire), Ok(first));
        assert_eq!(word.load(Acquire), other);
        word.store(first, Release);
        while word.compare_exchange_weak(first, other, AcqRel, Acquire).is_err() {}
        assert!(format!("{word:?}").starts_with("Atomic"));
        assert!(AtomicNarrowPair::is_lock_free());
        println!("the double word is lock-free here: {}", AtomicDoubleWord::is_lock_free());
    }

    #[test]
    fn the_low_half_is_the_low_bits() {
        assert_eq!(Pair { low: 1_u32, high: 2 }.to_bits(), 0x2_0000_0001);
        assert_eq!(Pair::<u64>::from_bits(3 << 64 | 4), Pair { low: 4, high: 3 });
    }
}

mod backoff {
    use lockfree_core::Backoff;

    #[test]
    fn it_is_completed_after_the_longest_pause() {
        let backoff = Backoff::new();
        let mut pauses = 0;
        while !backoff.is_completed() {
            backoff.spin();
            pauses += 1;
        }
        // 32, 64, ..., 1024.
        assert_eq!(pauses, 6);
        backoff.spin();
        backoff.snooze();
        assert!(backoff.is_completed());
        backoff.reset();
        assert!(!backoff.is_completed());
    }
}

mod clock {
    use core::time::Duration;
    use std::sync::Arc;

    use lockfree_core::clock::{Clock, CoarseClock, ManualClock, MonotonicClock, Ticker};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_manual_clock_goes_forth_only() {
        let clock = ManualClock::new();
        assert_eq!(clock.advance(SECOND), SECOND);
        assert_eq!(clock.set(3 * SECOND), Ok(()));
        assert_eq!(clock.set(3 * SECOND), Ok(()));
        let refused = clock.set(2 * SECOND).unwrap_err();
        assert_eq!((refused.shown, refused.asked), (3 * SECOND, 2 * SECOND));
        assert_eq!(refused.to_string(), "a clock at 3s does not step back to 2s");
        assert_eq!(clock.now(), 3 * SECOND);
    }

    #[test]
    fn a_manual_clock_stops_at_its_end() {
        let clock = ManualClock::new();
        let end = Duration::from_nanos(u64::MAX);
        assert_eq!(clock.advance(Duration::MAX), end);
        assert_eq!(clock.advance(SECOND), end);
        assert_eq!(clock.set(Duration::MAX), Ok(()));
        assert_eq!(clock.now_nanos(), u64::MAX);
    }

    #[test]
    fn a_coarse_clock_shows_its_last_tick() {
        let clock = CoarseClock::with_source(ManualClock::new());
        clock.source().advance(SECOND);
        assert_eq!(clock.now(), Duration::ZERO);
        assert_eq!(clock.tick(), SECOND);
        assert_eq!(clock.now(), SECOND);
    }

    /// A source that breaks its promise.
    #[derive(Debug)]
    struct Backwards(ManualClock);

    impl Clock for Backwards {
        fn now(&self) -> Duration {
            (10 * SECOND).saturating_sub(self.0.advance(SECOND))
        }
    }

    #[test]
    fn a_coarse_clock_does_not_follow_its_source_back() {
        let clock = CoarseClock::with_source(Backwards(ManualClock::new()));
        assert_eq!(clock.tick(), 9 * SECOND);
        assert_eq!(clock.now(), 9 * SECOND);
    }

    #[test]
    fn references_and_arcs_are_clocks() {
        fn both(clock: impl Clock) -> (Duration, u64) {
            (clock.now(), clock.now_nanos())
        }
        let clock = Arc::new(ManualClock::new());
        clock.advance(SECOND);
        assert_eq!(both(&*clock), (SECOND, 1_000_000_000));
        assert_eq!(both(Arc::clone(&clock)), (SECOND, 1_000_000_000));
        assert_eq!(both(&*clock as &dyn Clock), (SECOND, 1_000_000_000));
    }

    #[test]
    fn a_ticker_ticks_until_it_is_dropped() {
        let clock = Arc::new(CoarseClock::new());
        let ticker = Ticker::start(Arc::clone(&clock), Duration::from_micros(100)).unwrap();
        let started = clock.now();
        while clock.now() == started {
            std::thread::yield_now();
        }
        drop(ticker);
        assert_eq!(Arc::strong_count(&clock), 1, "its thread has ended");
    }

    #[test]
    fn the_monotonic_clock_moves() {
        let clock = MonotonicClock::new();
        let first = clock.now();
        while clock.now() == first {}
        assert!(clock.now() > first);
    }

    #[cfg(feature = "raw-clock")]
    #[test]
    fn the_raw_clock_keeps_the_systems_time() {
        let (raw, system) = (lockfree_core::clock::RawClock::new(), MonotonicClock::new());
        std::thread::sleep(Duration::from_millis(50));
        let hasty = raw.hasty_nanos();
        assert!(raw.now_nanos() >= hasty);
        let (raw, system) = (raw.now(), system.now());
        assert!(raw.abs_diff(system) < Duration::from_millis(20), "{raw:?} against {system:?}");
    }
}

mod wait {
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
}
