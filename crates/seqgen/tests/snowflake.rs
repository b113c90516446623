//! Snowflakes and their clocks.
#![cfg(all(not(loom), feature = "std"))]

use core::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use std::{collections::HashSet, sync::Arc, thread, time::Instant};

use lockfree_core::clock::{Clock, ManualClock};
use seqgen::{
    Snowflake,
    snowflake::{Layout, LayoutError, NoId, UnixClock},
};
use testkit::stress::scaled;

const MILLISECOND: Duration = Duration::from_millis(1);

/// A clock that does what it must not: it steps back when it is told to.
#[derive(Debug, Default)]
struct Wild(AtomicU64);

impl Wild {
    fn show(&self, millis: u64) {
        self.0.store(millis, Relaxed);
    }
}

impl Clock for Wild {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Relaxed))
    }
}

fn small() -> Layout {
    Layout::new(8, 4, 2).unwrap()
}

#[test]
fn a_stopped_clock_gives_a_tick_of_ids_and_then_says_how_long() {
    let clock = ManualClock::new();
    clock.advance(Duration::from_micros(5_300));
    let ids = Snowflake::with_clock(&clock).layout(small()).node(9).build().unwrap();
    let given: Vec<_> = (0..4).map(|_| ids.parse(ids.next().unwrap()).unwrap()).collect();
    assert!(given.iter().all(|parts| (parts.tick, parts.node) == (5, 9)));
    assert_eq!(given.iter().map(|parts| parts.number).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let wait = Duration::from_micros(700);
    for _ in 0..10 {
        assert_eq!(ids.next(), Err(NoId::TickFull { wait }));
    }
    assert_eq!(NoId::TickFull { wait }.to_string(), "all ids of the tick are given; wait 700µs");
    clock.advance(wait);
    assert_eq!(ids.parse(ids.next().unwrap()).unwrap().tick, 6);
}

#[test]
fn ticks_are_counted_from_the_epoch() {
    let clock = ManualClock::new();
    clock.advance(10 * MILLISECOND);
    for (epoch, tick, expected) in [(0, 1, 10), (4, 1, 6), (4, 2, 3), (11, 1, 0)] {
        let ids = Snowflake::with_clock(&clock).layout(small()).epoch(epoch * MILLISECOND);
        let ids = ids.tick(tick * MILLISECOND).build().unwrap();
        assert_eq!(ids.parse(ids.next().unwrap()).unwrap().tick, expected, "{epoch} ms");
    }
}

#[test]
fn a_clock_that_steps_back_finds_ids_in_the_tick_that_was_reached() {
    let clock = Wild::default();
    clock.show(100);
    let ids = Snowflake::with_clock(&clock).layout(small()).build().unwrap();
    let first = ids.next().unwrap();
    clock.show(3);
    let then = ids.next().unwrap();
    assert!(then > first);
    assert_eq!(ids.parse(then).unwrap().tick, 100);
    assert!(ids.next().is_ok() && ids.next().is_ok());
    assert_eq!(ids.next(), Err(NoId::TickFull { wait: 98 * MILLISECOND }));
    clock.show(101);
    assert_eq!(ids.parse(ids.next().unwrap()).unwrap().tick, 101);
}

#[test]
fn a_clock_that_jumps_takes_the_ids_with_it_until_there_are_no_ticks() {
    let clock = Wild::default();
    let ids = Snowflake::with_clock(&clock).layout(small()).build().unwrap();
    let mut last = ids.next().unwrap();
    for tick in [1, 200, 255] {
        clock.show(tick);
        let id = ids.next().unwrap();
        assert!(id > last);
        assert_eq!(ids.parse(id).unwrap().tick, tick);
        last = id;
    }
    clock.show(256);
    assert_eq!((ids.next(), ids.wait_next()), (Err(NoId::OutOfTicks), Err(NoId::OutOfTicks)));
    clock.show(u64::MAX / 1_000_000);
    assert_eq!(ids.next().unwrap_err().wait(), None);
    clock.show(0);
    assert!(ids.next().unwrap() > last, "the last tick had ids left");
}

/// Whatever a clock does, ids grow, and each was due.
#[test]
fn ids_grow_whatever_the_clock_does() {
    let clock = Wild::default();
    let ids = Snowflake::with_clock(&clock).layout(Layout::new(20, 0, 3).unwrap()).build().unwrap();
    let (mut last, mut greatest, mut refused, mut noise) = (None, 0, 0_u32, 1_u64);
    for _ in 0..200_000 {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let now = (greatest + (noise >> 60)).saturating_sub(noise >> 33 & 31);
        clock.show(now);
        greatest = greatest.max(now);
        match ids.next() {
            Ok(id) => {
                assert!(Some(id) > last);
                assert!(ids.parse(id).unwrap().tick <= greatest);
                last = Some(id);
            }
            Err(NoId::TickFull { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0);
}

#[test]
fn who_waits_is_woken_by_the_clock_or_gives_up() {
    let clock = Arc::new(ManualClock::new());
    let layout = Layout::new(20, 0, 0).unwrap();
    let ids = Snowflake::with_clock(Arc::clone(&clock)).layout(layout).build().unwrap();
    assert_eq!(ids.next(), Ok(0));
    let started = Instant::now();
    let patience = Duration::from_millis(30);
    assert_eq!(ids.wait_next_for(patience), Err(NoId::TickFull { wait: MILLISECOND }));
    assert!(started.elapsed() >= patience);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| ids.wait_next());
        thread::sleep(Duration::from_millis(5));
        clock.advance(MILLISECOND);
        assert_eq!(waiting.join().unwrap(), Ok(1));
    });
}

#[test]
fn threads_have_ids_of_their_own_in_order() {
    let each = scaled(25_000);
    let ids = Snowflake::unix().node(5).build().unwrap();
    let take = || -> Vec<u64> { (0..each).map(|_| ids.wait_next().unwrap()).collect() };
    let given: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(given.iter().all(|ids| ids.is_sorted_by(|one, next| one < next)));
    let unique: HashSet<_> = given.iter().flatten().collect();
    assert_eq!(unique.len() as u64, 4 * each);
    assert!(unique.iter().all(|id| ids.parse(**id).unwrap().node == 5));
}

#[test]
fn an_id_tells_the_time_of_day() {
    let ids = Snowflake::unix().build().unwrap();
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let parts = ids.parse(ids.next().unwrap()).unwrap();
    assert!(parts.time.abs_diff(now) < Duration::from_secs(5), "{:?} {now:?}", parts.time);
    assert!(UnixClock::new().now().abs_diff(now) < Duration::from_secs(5));
    assert_eq!(ids.parse(u64::MAX), None);
}

#[test]
fn a_second_life_begins_behind_the_first() {
    let clock = ManualClock::new();
    let build = || Snowflake::with_clock(&clock).layout(small()).node(2);
    let first = build().build().unwrap();
    let last = [first.next(), first.next()][1].unwrap();
    let second = build().after(last).build().unwrap();
    assert!(second.next().unwrap() > last);
    let end = build().after((1 << 14) - 1).build().unwrap();
    assert_eq!(end.next(), Err(NoId::OutOfTicks));
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    let build = || Snowflake::with_clock(ManualClock::new()).layout(small());
    let error = build().node(16).build().unwrap_err();
    assert_eq!(error, LayoutError::NodeTooLarge { node: 16, nodes: 16 });
    assert_eq!(build().tick(Duration::ZERO).build().unwrap_err(), LayoutError::NoSuchTick);
    assert_eq!(build().tick(Duration::MAX).build().unwrap_err(), LayoutError::NoSuchTick);
    assert_eq!(build().after(1 << 14).build().unwrap_err(), LayoutError::NotAnId { id: 1 << 14 });
    let late = build().epoch(Duration::MAX).build().unwrap();
    assert_eq!(late.parse(late.next().unwrap()).unwrap().tick, 0);
}
