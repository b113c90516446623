//! Five producers and three consumers over a queue of 1,024 slots.

use core::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use std::{
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Instant,
};

use lockfree_core::Backoff;
use mpmc_queue::{Queue, WaitFreeQueue};

use super::{rivals::Bounded, scene::Scene, team::pin};
use crate::term::grouped;

const CAPACITY: usize = 1_024;
const PRODUCERS: usize = 5;
const CONSUMERS: usize = 3;
const EACH: u64 = 1_000;
/// Items of each producer where time is taken.
const EACH_OF_MANY: u64 = 200_000;
/// After this a consumer gets nothing more.
const END: u64 = u64::MAX;

pub(super) fn run(scene: &mut Scene) {
    few(scene);
    many(scene);
    by_count(scene);
}

fn few(scene: &mut Scene) {
    scene.program("5 producers with 1,000 items each, 3 consumers");
    let queue = Queue::new(CAPACITY);
    let ours = stream(EACH, |item| offer(|| queue.push(item).is_ok()), || poll(|| queue.pop()));
    scene.tell(&format!("Queue: {}", ours.shares()));
    let queue = WaitFreeQueue::new(CAPACITY);
    let push = |item| offer(|| queue.push(item).is_ok());
    let wait_free = stream(EACH, push, || poll(|| queue.pop()));
    scene.tell(&format!("WaitFreeQueue: {}", wait_free.shares()));
    check(scene, EACH, &[ours, wait_free]);
}

fn many(scene: &mut Scene) {
    scene.program("5 producers with 200,000 items each, 3 consumers");
    let total = total_of(EACH_OF_MANY);
    let queue = Queue::new(CAPACITY);
    let push = |item| offer(|| queue.push(item).is_ok());
    let ours = stream(EACH_OF_MANY, push, || poll(|| queue.pop()));
    scene.rate("Queue", total, ours.elapsed);

    let queue = WaitFreeQueue::new(CAPACITY);
    let push = |item| offer(|| queue.push(item).is_ok());
    let wait_free = stream(EACH_OF_MANY, push, || poll(|| queue.pop()));
    scene.rate("WaitFreeQueue", total, wait_free.elapsed);

    let queue = Bounded::new(CAPACITY);
    let mutex = stream(EACH_OF_MANY, |item| queue.push(item), || queue.pop());
    scene.rate("mutex and VecDeque", total, mutex.elapsed);

    // It has one receiver: the consumers share it.
    let (sender, receiver) = mpsc::sync_channel(CAPACITY);
    let receiver = Mutex::new(receiver);
    let push = |item| sender.send(item).expect("the receiver lives as long");
    let pop = || {
        let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.recv().expect("the sender lives as long")
    };
    let channel = stream(EACH_OF_MANY, push, pop);
    scene.rate("mpsc::sync_channel", total, channel.elapsed);
    check(scene, EACH_OF_MANY, &[ours, wait_free, mutex, channel]);
}

/// 5,000 is no multiple of 3: consumers that wait for a third each leave items behind, or wait for
/// ever. These draw from one count.
fn by_count(scene: &mut Scene) {
    scene.program("3 consumers stop by a count of 5,000");
    let queue = Queue::new(CAPACITY);
    let push = |item| offer(|| queue.push(item).is_ok());
    let lock_free = draw(push, || poll(|| queue.pop()));
    let left = queue.len();
    let queue = WaitFreeQueue::new(CAPACITY);
    let push = |item| offer(|| queue.push(item).is_ok());
    let wait_free = draw(push, || poll(|| queue.pop()));
    let left = left + queue.len();
    scene.tell(&format!("Queue: {}", shares(&lock_free)));
    scene.tell(&format!("WaitFreeQueue: {}", shares(&wait_free)));
    let ends = [lock_free, wait_free].iter().all(|by| by.iter().sum::<u64>() == total_of(EACH));
    scene.check("every consumer ends, and nothing is left", ends && left == 0);
}

/// Tries until it is done.
fn offer(mut push: impl FnMut() -> bool) {
    let backoff = Backoff::new();
    while !push() {
        backoff.snooze();
    }
}

/// Tries until there is something.
fn poll(mut pop: impl FnMut() -> Option<u64>) -> u64 {
    let backoff = Backoff::new();
    loop {
        match pop() {
            Some(item) => return item,
            None => backoff.snooze(),
        }
    }
}

/// What each consumer got, and how long it took.
struct Stream {
    elapsed: Duration,
    received: Vec<Vec<u64>>,
}

impl Stream {
    fn shares(&self) -> String {
        shares(&self.received.iter().map(|items| items.len() as u64).collect::<Vec<_>>())
    }

    /// Whether every item of `each` producer came to one consumer, once.
    fn is_complete(&self, each: u64) -> bool {
        let mut items = self.received.concat();
        items.sort_unstable();
        let all = (0..PRODUCERS).flat_map(|producer| (0..each).map(move |n| item(producer, n)));
        items.into_iter().eq(all)
    }

    /// Whether each consumer got each producer's items in that one's order.
    fn is_in_order(&self) -> bool {
        self.received.iter().all(|items| {
            (0..PRODUCERS).all(|producer| {
                let own = items.iter().filter(|item| **item >> 32 == producer as u64);
                own.is_sorted_by(|one, next| one < next)
            })
        })
    }
}

/// How many items go through where each producer has `each`.
const fn total_of(each: u64) -> u64 {
    PRODUCERS as u64 * each
}

/// The `n`th item of a producer.
const fn item(producer: usize, n: u64) -> u64 {
    (producer as u64) << 32 | n
}

/// Five threads push `each` items, three pop; both wait where they must.
fn stream(each: u64, push: impl Fn(u64) + Sync, pop: impl Fn() -> u64 + Sync) -> Stream {
    let (push, pop) = (&push, &pop);
    let started = Instant::now();
    let received = thread::scope(|scope| {
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                scope.spawn(move || {
                    pin(producer);
                    (0..each).for_each(|n| push(item(producer, n)));
                })
            })
            .collect();
        let consumers: Vec<_> = (0..CONSUMERS)
            .map(|consumer| {
                scope.spawn(move || {
                    pin(PRODUCERS + consumer);
                    core::iter::repeat_with(pop).take_while(|item| *item != END).collect()
                })
            })
            .collect();
        for producer in producers {
            producer.join().expect("a program of the tour does not panic");
        }
        (0..CONSUMERS).for_each(|_| push(END));
        let received = consumers.into_iter().map(thread::ScopedJoinHandle::join);
        received.map(|items| items.expect("a program of the tour does not panic")).collect()
    });
    Stream { elapsed: started.elapsed(), received }
}

/// How many items each consumer drew, until all that the producers had were drawn.
fn draw(push: impl Fn(u64) + Sync, pop: impl Fn() -> u64 + Sync) -> Vec<u64> {
    // Relaxed: each draw is one step, and says nothing of the items.
    let left = AtomicU64::new(total_of(EACH));
    let draws = || left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
    let (push, pop, draws) = (&push, &pop, &draws);
    thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            scope.spawn(move || (0..EACH).for_each(|n| push(item(producer, n))));
        }
        let consumer = || {
            let mut count = 0;
            while draws() {
                pop();
                count += 1;
            }
            count
        };
        let consumers: Vec<_> = (0..CONSUMERS).map(|_| scope.spawn(consumer)).collect();
        let counts = consumers.into_iter().map(thread::ScopedJoinHandle::join);
        counts.map(|count| count.expect("a program of the tour does not panic")).collect()
    })
}

/// Counts by consumer, in words.
fn shares(counts: &[u64]) -> String {
    let mut text = String::from("the consumers got");
    for (i, count) in counts.iter().enumerate() {
        let _ = write!(text, "{} {}", if i == 0 { "" } else { "," }, grouped(*count));
    }
    text
}

fn check(scene: &mut Scene, each: u64, streams: &[Stream]) {
    let total = grouped(total_of(each));
    let complete = streams.iter().all(|stream| stream.is_complete(each));
    scene.check(&format!("all {total} items arrive, once"), complete);
    let in_order = streams.iter().all(Stream::is_in_order);
    scene.check("each consumer gets each producer's items in order", in_order);
}
