//! One producer and one consumer over a ring of 1,024 slots.

use core::time::Duration;
use std::{sync::mpsc, thread, time::Instant};

use lockfree_core::Backoff;
use ring_spsc::{Full, ring};

use super::{rivals::Bounded, scene::Scene, team::pin};
use crate::term::grouped;

const CAPACITY: usize = 1_024;
const ITEMS: u64 = 5_000_000;

pub(super) fn run(scene: &mut Scene) {
    alone(scene);
    across(scene);
}

/// Push 10, pop 5; then until it is full, and until it is empty.
fn alone(scene: &mut Scene) {
    scene.program("push 10, pop 5, fill, drain");
    let (mut producer, mut consumer) = ring::<u64>(CAPACITY);
    let pushed = (0..10).filter(|&item| producer.push(item).is_ok()).count();
    let popped: Vec<_> = (0..5).filter_map(|_| consumer.pop()).collect();
    let length = consumer.len();
    scene.tell(&format!("pushed {pushed}, popped {popped:?}, {length} are left"));
    scene.check(
        "the first in are the first out, and 5 are left",
        popped == [0, 1, 2, 3, 4] && length == 5,
    );

    let mut next = 10;
    let refused = loop {
        match producer.push(next) {
            Ok(()) => next += 1,
            Err(Full(item)) => break item,
        }
    };
    scene.tell(&format!("full with {} items: item {refused} is handed back", producer.len()));
    scene.check(
        "full at 1,024, and the refused item comes back",
        producer.len() == CAPACITY && refused == next,
    );
    let drained: Vec<_> = core::iter::from_fn(|| consumer.pop()).collect();
    scene.check(
        "drained in order, then empty",
        drained.into_iter().eq(5..next) && consumer.pop().is_none(),
    );
}

/// Fed by one thread and drained by another.
fn across(scene: &mut Scene) {
    scene.program("fed and drained across two threads");
    let (mut producer, mut consumer) = ring::<u64>(CAPACITY);
    let ours = stream(|item| producer.push(item).is_ok(), || consumer.pop());
    scene.rate("ring_spsc", ITEMS, ours.elapsed);

    let queue = Bounded::new(CAPACITY);
    let push = |item| {
        queue.push(item);
        true
    };
    let mutex = stream(push, || Some(queue.pop()));
    scene.rate("mutex and VecDeque", ITEMS, mutex.elapsed);

    let (sender, receiver) = mpsc::sync_channel(CAPACITY);
    let channel = stream(move |item| sender.send(item).is_ok(), move || receiver.recv().ok());
    scene.rate("mpsc::sync_channel", ITEMS, channel.elapsed);

    let items = grouped(ITEMS);
    let in_order = [&ours, &mutex, &channel].iter().all(|stream| stream.in_order);
    scene.check(
        &format!("all {items} items arrive, once and in order, in each of the three"),
        in_order,
    );
}

struct Stream {
    elapsed: Duration,
    in_order: bool,
}

/// Sends the numbers from 0 on through `push` and takes them out of `pop` on another thread. Both
/// spin, and then yield, while the other side has nothing for them.
fn stream(
    mut push: impl FnMut(u64) -> bool + Send,
    mut pop: impl FnMut() -> Option<u64> + Send,
) -> Stream {
    let started = Instant::now();
    let misplaced = thread::scope(|scope| {
        scope.spawn(move || {
            pin(0);
            for item in 0..ITEMS {
                let backoff = Backoff::new();
                while !push(item) {
                    backoff.snooze();
                }
            }
        });
        let receiver = scope.spawn(move || {
            pin(1);
            let take = || {
                let backoff = Backoff::new();
                loop {
                    match pop() {
                        Some(item) => break item,
                        None => backoff.snooze(),
                    }
                }
            };
            let items = core::iter::repeat_with(take);
            items.zip(0..ITEMS).filter(|(item, expected)| item != expected).count()
        });
        receiver.join().expect("a program of the tour does not panic")
    });
    Stream { elapsed: started.elapsed(), in_order: misplaced == 0 }
}
