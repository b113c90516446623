//! Models of the snowflakes, whose clock moves meanwhile.
#![cfg(loom)]

use core::time::Duration;
use std::sync::Arc;

use lockfree_core::clock::{Clock, ManualClock};
use seqgen::{Snowflake, snowflake::Layout};
use testkit::model::{Model, thread};

const TICK: Duration = Duration::from_millis(1);

fn ids<C: Clock>(clock: C, numbers: u32) -> Arc<Snowflake<C>> {
    let layout = Layout::new(8, 0, numbers).unwrap();
    Arc::new(Snowflake::with_clock(clock).layout(layout).build().unwrap())
}

#[test]
fn ids_are_unique_while_the_clock_moves() {
    Model::new("ids_are_unique_while_the_clock_moves", 410).check(|| {
        let ids = ids(ManualClock::new(), 2);
        let other = thread::spawn({
            let ids = Arc::clone(&ids);
            move || [ids.next().unwrap(), ids.next().unwrap()]
        });
        let one = ids.next().unwrap();
        ids.clock().advance(TICK);
        let two = ids.next().unwrap();
        let [three, four] = other.join().unwrap();
        assert!(one < two && three < four, "{one} {two} {three} {four}");
        assert!(two >= 4, "the tick has begun");
        assert!(![one, two].iter().any(|id| [three, four].contains(id)));
    });
}

/// Of three who want the two ids of a tick, one is told to wait.
#[test]
fn a_full_tick_is_full_for_one() {
    Model::new("a_full_tick_is_full_for_one", 790).check(|| {
        let ids = ids(ManualClock::new(), 1);
        let others: [_; 2] = core::array::from_fn(|_| {
            let ids = Arc::clone(&ids);
            thread::spawn(move || ids.next().ok())
        });
        let mut given = vec![ids.next().ok()];
        given.extend(others.map(|other| other.join().unwrap()));
        given.sort_unstable();
        assert_eq!(given, [None, Some(0), Some(1)]);
    });
}

#[test]
fn who_waits_goes_on_with_the_clock() {
    Model::new("who_waits_goes_on_with_the_clock", 12).check(|| {
        let ids = ids(ManualClock::new(), 0);
        assert_eq!(ids.next(), Ok(0));
        let other = thread::spawn({
            let ids = Arc::clone(&ids);
            move || ids.wait_next()
        });
        ids.clock().advance(TICK);
        assert_eq!(other.join().unwrap(), Ok(1));
    });
}
