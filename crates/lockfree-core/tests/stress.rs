//! Real threads.
#![cfg(not(loom))]

use core::{future, time::Duration};
use std::{sync::Arc, thread, time::Instant};

use lockfree_core::{
    AtomicTaggedIndex, Backoff, TaggedIndex,
    clock::{Clock, CoarseClock, ManualClock, MonotonicClock, Ticker},
    sync::{
        AtomicU64,
        Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
        heavy_fence, light_fence,
    },
    wait::{self, WakerCell},
};
use testkit::stress::scaled;

/// One thread passes what it has read on to another, who must not read less.
fn never_goes_back_across_threads(
    clock: &(impl Clock + Sync),
    rounds: u64,
    each: impl Fn() + Sync,
) {
    let (ball, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let play = || {
        let mut own = 0;
        for _ in 0..rounds {
            each();
            let seen = ball.load(Acquire);
            let now = clock.now_nanos();
            assert!(now >= seen, "another thread had read {seen}, then this one reads {now}");
            assert!(now >= own, "this thread had read {own}, and then reads {now}");
            own = now;
            ball.fetch_max(now, AcqRel);
        }
        done.fetch_add(1, Relaxed);
    };
    thread::scope(|scope| {
        scope.spawn(play);
        scope.spawn(play);
    });
    assert_eq!(done.load(Relaxed), 2);
}

#[test]
fn no_clock_steps_back() {
    let rounds = scaled(200_000);
    never_goes_back_across_threads(&MonotonicClock::new(), rounds, || {});
    let manual = ManualClock::new();
    never_goes_back_across_threads(&manual, rounds, || {
        manual.advance(Duration::from_nanos(1));
    });
    assert_eq!(manual.now_nanos(), 2 * rounds, "no advance is lost");
    let coarse = Arc::new(CoarseClock::new());
    let ticker = Ticker::start(Arc::clone(&coarse), Duration::from_micros(50)).unwrap();
    never_goes_back_across_threads(&coarse, rounds, || {});
    never_goes_back_across_threads(&coarse, rounds, || {
        coarse.tick();
    });
    drop(ticker);
    #[cfg(feature = "raw-clock")]
    never_goes_back_across_threads(&lockfree_core::clock::RawClock::new(), rounds, || {});
}

#[test]
fn tags_count_each_change() {
    let word = AtomicTaggedIndex::<24>::new(TaggedIndex::new(0, 0));
    let changes = scaled(50_000);
    thread::scope(|scope| {
        for index in [1, 2] {
            let word = &word;
            scope.spawn(move || {
                for _ in 0..changes {
                    let backoff = Backoff::new();
                    let mut seen = word.load(Relaxed);
                    while let Err(now) = word.compare_exchange_weak(
                        seen,
                        seen.advance(index).unwrap(),
                        Relaxed,
                        Relaxed,
                    ) {
                        backoff.spin();
                        seen = now;
                    }
                }
            });
        }
    });
    assert_eq!(word.load(Relaxed).tag(), 2 * changes);
}

/// Two threads hand a number to and fro, and each sleeps until it is its turn.
#[test]
fn no_wake_up_is_lost() {
    let rounds = scaled(20_000);
    let turn = AtomicU64::new(0);
    let sides = [WakerCell::new(), WakerCell::new()];
    let side = |own: u64| {
        for round in (own..2 * rounds).step_by(2) {
            let mine = || (turn.load(Acquire) == round).then_some(());
            let cell = &sides[usize::from(own == 1)];
            let its_turn = future::poll_fn(|cx| cell.poll_until(cx, mine));
            let patience = Instant::now() + Duration::from_secs(30);
            let came = wait::block_until(its_turn, Some(patience));
            assert!(came.is_some(), "round {round} never came");
            turn.store(round + 1, Release);
            sides[usize::from(own == 0)].wake();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| side(0));
        scope.spawn(|| side(1));
    });
    assert_eq!(turn.load(Relaxed), 2 * rounds);
}

#[test]
fn of_many_wakers_none_is_overheard() {
    const WAKERS: u64 = 3;
    let wakes = scaled(10_000);
    let (sent, cell) = (AtomicU64::new(0), WakerCell::new());
    thread::scope(|scope| {
        for _ in 0..WAKERS {
            scope.spawn(|| {
                for _ in 0..wakes {
                    sent.fetch_add(1, Release);
                    cell.wake();
                }
            });
        }
        let mut heard = 0;
        while heard < WAKERS * wakes {
            let more = || Some(sent.load(Acquire)).filter(|&sent| sent > heard);
            let patience = Instant::now() + Duration::from_secs(30);
            let news = future::poll_fn(|cx| cell.poll_until(cx, more));
            heard = wait::block_until(news, Some(patience)).expect("a wake-up was lost");
        }
    });
}

#[cfg(feature = "double-width")]
#[test]
fn halves_change_together() {
    use lockfree_core::sync::double_word::{AtomicDoubleWord, Pair};

    let word = AtomicDoubleWord::new(Pair { low: 0, high: 0 });
    let changes = scaled(20_000);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..changes {
                    let mut seen = word.load(Relaxed);
                    loop {
                        assert_eq!(seen.low, seen.high, "torn");
                        let next = Pair { low: seen.low + 1, high: seen.high + 1 };
                        match word.compare_exchange_weak(seen, next, Relaxed, Relaxed) {
                            Ok(_) => break,
                            Err(now) => seen = now,
                        }
                    }
                }
            });
        }
    });
    let sum = word.load(Relaxed);
    assert_eq!(
        (u128::from(sum.low), u128::from(sum.high)),
        (2 * u128::from(changes), 2 * u128::from(changes))
    );
}

/// Each writes its word and then reads the other's: not both may miss.
#[test]
fn of_a_light_and_a_heavy_fence_one_sees_the_other() {
    let rounds = scaled(20_000);
    let words = || (0..rounds).map(|_| AtomicU64::new(0)).collect::<Vec<_>>();
    let (frequent, rare, arrived) = (words(), words(), AtomicU64::new(0));
    let meet = |round: u64| {
        arrived.fetch_add(1, AcqRel);
        let backoff = Backoff::new();
        while arrived.load(Acquire) < 2 * (round + 1) {
            backoff.snooze();
        }
    };
    let play = |mine: &[AtomicU64], theirs: &[AtomicU64], fence: &dyn Fn()| -> Vec<u64> {
        let pairs = mine.iter().zip(theirs);
        let round = |(round, (mine, theirs)): (u64, (&AtomicU64, &AtomicU64))| {
            meet(round);
            mine.store(1, Relaxed);
            fence();
            theirs.load(Relaxed)
        };
        (0..).zip(pairs).map(round).collect()
    };
    thread::scope(|scope| {
        let light = scope.spawn(|| play(&frequent, &rare, &|| light_fence(SeqCst)));
        let heavy = play(&rare, &frequent, &|| assert!(heavy_fence(SeqCst)));
        let light = light.join().unwrap();
        assert!(light.iter().zip(&heavy).all(|(one, other)| one + other > 0));
    });
}
