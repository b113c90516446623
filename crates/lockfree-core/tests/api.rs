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
        assert_eq!(word.swap(first, AcqRel), next);
        assert_eq!(word.load(Acquire), first);
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
            let address = 1 << (usize::BITS - 2);
            let high = core::ptr::without_provenance_mut::<u64>(address);
            let refused = TaggedPtr::new(high, 0).unwrap_err();
            assert_eq!(refused, Unpackable::Address(address));
            assert!(refused.to_string().contains("0x4000000000000000"));
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

    #[test]
    fn its_pauses_are_those_asked_for() {
        for (first, last, expected) in [(16, 64, 3), (1, 1, 1), (0, 3, 2), (64, 16, 1)] {
            let backoff = Backoff::within(first, last);
            let mut pauses = 0;
            while !backoff.is_completed() {
                backoff.spin();
                pauses += 1;
            }
            assert_eq!(pauses, expected, "within {first} and {last}");
        }
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
