//! What the queues are put to: a pair, streams, batches, a round trip.

use super::{Hand, Item, Queue};
use crate::case::Contender;
use crate::team::{self, BATCH, Job, Member, Patience, Sample};
use core::{hint::black_box, time::Duration};
use lockfree_core::sync::{
    AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::{sync::Mutex, thread};

pub(super) fn contender<T: Item, Q: Queue<T>>(
    capacity: usize,
    round: impl FnMut(Duration) -> Result<Sample, String> + 'static,
) -> Contender {
    Contender::new(Q::NAME, Q::PACKAGE, Q::ROLE, move || check::<T, Q>(capacity), round)
}

/// What went in and did not come out, by number and by sum, and who still puts in.
#[derive(Debug)]
pub(super) struct Balance {
    sources: AtomicUsize,
    count: AtomicU64,
    sum: AtomicU64,
}

impl Balance {
    fn new(sources: usize) -> Self {
        let [count, sum] = [0; 2].map(AtomicU64::new);
        Self { sources: AtomicUsize::new(sources), count, sum }
    }

    /// A source put in the numbers below `count` and is done.
    pub(super) fn put(&self, count: u64) {
        // Relaxed: read after all threads were joined.
        self.count.fetch_add(count, Relaxed);
        // Relaxed: as above.
        self.sum.fetch_add(sum_below(count), Relaxed);
        // Release: who sees no source left sees what all of them pushed.
        self.sources.fetch_sub(1, Release);
    }

    /// Somebody took out `count` numbers of this sum.
    pub(super) fn take(&self, count: u64, sum: u64) {
        // Relaxed: read after all threads were joined.
        self.count.fetch_sub(count, Relaxed);
        // Relaxed: as above.
        self.sum.fetch_sub(sum, Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        // Acquire: pairs with the last source's end.
        self.sources.load(Acquire) == 0
    }

    /// Takes what is left out of the queue, and tells whether all came out that went in.
    fn settle<T: Item>(&self, hand: &mut impl Hand<T>) -> Result<(), String> {
        while let Some(item) = hand.pop() {
            self.take(1, item.number());
        }
        // Relaxed: all threads were joined.
        let [count, sum] = [&self.count, &self.sum].map(|word| word.load(Relaxed));
        match (count.cast_signed(), sum) {
            (0, 0) => Ok(()),
            (0, _) => Err("other items came out than went in".to_owned()),
            (lost, _) => Err(format!("{lost} more items went in than came out")),
        }
    }
}

/// The sum of the numbers below `count`, as far as a word holds it.
const fn sum_below(count: u64) -> u64 {
    // One of the two factors is even.
    if count.is_multiple_of(2) {
        (count / 2).wrapping_mul(count.wrapping_sub(1))
    } else {
        count.wrapping_mul((count - 1) / 2)
    }
}

/// One push, one pop, on one thread.
pub(super) fn pair<T: Item, Q: Queue<T>>(capacity: usize) -> Contender {
    let mut queue = None;
    contender::<T, Q>(capacity, move |budget| {
        let queue = &*queue.get_or_insert_with(|| Q::queue(capacity));
        let mut wrong = false;
        let worker = |member: &Member<'_>| {
            let mut hand = queue.hand();
            let mut count = 0;
            while !member.is_over() {
                for number in count..count + BATCH {
                    let pushed = hand.push(T::new(number));
                    wrong |= !pushed | (black_box(hand.pop()).map(T::number) != Some(number));
                }
                count += BATCH;
            }
            count
        };
        let (sample, _) = team::run(budget, vec![Box::new(worker)]);
        if wrong { Err("an item did not come back".to_owned()) } else { Ok(sample) }
    })
}

/// `sources` and as many sinks that `source` and `sink` run by, on one queue for a round.
pub(super) fn between<T: Item, Q: Queue<T>>(
    queue: &Q,
    threads: usize,
    budget: Duration,
    source: impl Fn(&Member<'_>, &mut Q::Hand<'_>) -> u64 + Sync,
    sink: impl Fn(&Balance, &mut Q::Hand<'_>) -> (u64, u64) + Sync,
) -> Result<Sample, String> {
    let balance = &Balance::new(threads);
    let (source, sink) = (&source, &sink);
    let sources = (0..threads).map(|_| -> Job<'_> {
        Box::new(move |member| {
            balance.put(source(member, &mut queue.hand()));
            0
        })
    });
    let sinks = (0..threads).map(|_| -> Job<'_> {
        Box::new(move |_| {
            let (count, sum) = sink(balance, &mut queue.hand());
            balance.take(count, sum);
            count
        })
    });
    let (sample, _) = team::run(budget, sources.chain(sinks).collect());
    balance.settle(&mut queue.hand()).map(|()| sample)
}

/// `threads` push numbers, as many pop them and add them up.
pub(super) fn stream<T: Item, Q: Queue<T>>(capacity: usize, threads: usize) -> Contender {
    let mut queue = None;
    contender::<T, Q>(capacity, move |budget| {
        let queue = queue.get_or_insert_with(|| Q::queue(capacity));
        let source = |member: &Member<'_>, hand: &mut Q::Hand<'_>| {
            let mut count = 0;
            while !member.is_over() {
                (count..count + BATCH).for_each(|number| push(hand, T::new(number)));
                count += BATCH;
            }
            count
        };
        between(queue, threads, budget, source, |balance, hand| drain(hand, balance))
    })
}

/// The same by the queue's own calls for many items, `batch` at a time.
pub(super) fn batches<T: Item, Q: Queue<T>>(batch: u32, threads: usize) -> Contender {
    const CAPACITY: usize = 1_024;
    let mut queue = None;
    contender::<T, Q>(CAPACITY, move |budget| {
        let queue = queue.get_or_insert_with(|| Q::queue(CAPACITY));
        let source = |member: &Member<'_>, hand: &mut Q::Hand<'_>| {
            let mut count = 0;
            while !member.is_over() {
                for _ in 0..BATCH / u64::from(batch) {
                    push_many(hand, count..count + u64::from(batch));
                    count += u64::from(batch);
                }
            }
            count
        };
        let sink = |balance: &Balance, hand: &mut Q::Hand<'_>| {
            let (mut count, mut sum, mut closed) = (0, 0_u64, false);
            let mut patience = Patience::default();
            loop {
                let each = |item: T| sum = sum.wrapping_add(item.number());
                match hand.pop_many(batch as usize, each) {
                    0 if closed => return (count, sum),
                    0 => {
                        closed = balance.is_closed();
                        patience.wait();
                    }
                    some => {
                        count += some;
                        patience = Patience::default();
                    }
                }
            }
        };
        between(queue, threads, budget, source, sink)
    })
}

/// A number goes to another thread through one queue and comes back through a second.
pub(super) fn round_trip<T: Item, Q: Queue<T>>() -> Contender {
    const CAPACITY: usize = 1_024;
    const TRIPS: u64 = BATCH / 16;
    let mut queues = None;
    contender::<T, Q>(CAPACITY, move |budget| {
        let (there, back) =
            &*queues.get_or_insert_with(|| (Q::queue(CAPACITY), Q::queue(CAPACITY)));
        let mut wrong = false;
        let caller = |member: &Member<'_>| {
            let (mut out, mut home) = (there.hand(), back.hand());
            let mut count = 0;
            while !member.is_over() {
                for number in count..count + TRIPS {
                    push(&mut out, T::new(number));
                    wrong |= pop(&mut home).number() != number;
                }
                count += TRIPS;
            }
            push(&mut out, T::new(u64::MAX));
            count
        };
        let echo = |_: &Member<'_>| {
            let (mut far_in, mut far_out) = (there.hand(), back.hand());
            loop {
                match pop(&mut far_in) {
                    end if end.number() == u64::MAX => return 0,
                    item => push(&mut far_out, item),
                }
            }
        };
        let (sample, _) = team::run(budget, vec![Box::new(caller), Box::new(echo)]);
        if wrong { Err("another item came back".to_owned()) } else { Ok(sample) }
    })
}

#[inline]
fn push<T: Item>(hand: &mut impl Hand<T>, item: T) {
    let mut patience = Patience::default();
    while !hand.push(item) {
        patience.wait();
    }
}

#[inline]
fn pop<T: Item>(hand: &mut impl Hand<T>) -> T {
    let mut patience = Patience::default();
    loop {
        match hand.pop() {
            Some(item) => return item,
            None => patience.wait(),
        }
    }
}

#[inline]
fn push_many<T: Item>(hand: &mut impl Hand<T>, mut numbers: core::ops::Range<u64>) {
    let mut patience = Patience::default();
    loop {
        numbers.start += hand.push_many(numbers.clone());
        if numbers.is_empty() {
            return;
        }
        patience.wait();
    }
}

/// Pops until the queue is empty after the last source was done: how many, and their sum.
#[inline]
fn drain<T: Item>(hand: &mut impl Hand<T>, balance: &Balance) -> (u64, u64) {
    let (mut count, mut sum) = (0, 0_u64);
    receive(hand, balance, |item| {
        count += 1;
        sum = sum.wrapping_add(item.number());
    });
    (count, sum)
}

#[inline]
fn receive<T: Item>(hand: &mut impl Hand<T>, balance: &Balance, mut each: impl FnMut(T)) {
    let mut closed = false;
    loop {
        let mut patience = Patience::default();
        let item = loop {
            match hand.pop() {
                Some(item) => break item,
                None if closed => return,
                None => {
                    closed = balance.is_closed();
                    patience.wait();
                }
            }
        };
        each(item);
    }
}

/// How many items each of two threads pushes in the check: fewer where the harness itself is tested.
const CHECKED: u64 = if cfg!(debug_assertions) { 5_000 } else { 50_000 };

/// What promises a capacity holds it; two threads' items come out of two others once each, and at
/// each of these in the order of each of those.
fn check<T: Item, Q: Queue<T>>(capacity: usize) -> Result<(), String> {
    let queue = Q::queue(capacity);
    fill_and_drain(&mut queue.hand(), capacity)?;
    let (balance, received) = (Balance::new(2), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for source in 0..2 {
            let (queue, balance) = (&queue, &balance);
            scope.spawn(move || {
                let mut hand = queue.hand();
                let numbers = (0..CHECKED).map(|number| number * 2 + source);
                numbers.for_each(|number| push(&mut hand, T::new(number)));
                balance.put(CHECKED);
            });
        }
        for _ in 0..if Q::MANY_CONSUMERS { 2 } else { 1 } {
            scope.spawn(|| {
                let mut items = Vec::new();
                receive(&mut queue.hand(), &balance, |item| items.push(item));
                received.lock().expect("no sink panics").push(items);
            });
        }
    });
    let mut received = received.into_inner().expect("no sink panics");
    let mut left = queue.hand();
    received.push(core::iter::from_fn(|| left.pop()).collect());
    let whole = received.iter().flatten().all(T::is_whole);
    let numbers: Vec<Vec<u64>> =
        received.into_iter().map(|items| items.into_iter().map(T::number).collect()).collect();
    if !whole {
        return Err("items were torn".to_owned());
    }
    each_once_in_order(&numbers, 2, CHECKED)
}

/// Whether each number below `sources * each` was received, once, and by everybody in the order of its
/// source, which is the number modulo `sources`.
pub(super) fn each_once_in_order(
    received: &[Vec<u64>],
    sources: u64,
    each: u64,
) -> Result<(), String> {
    let in_order = received.iter().all(|numbers| {
        (0..sources).all(|source| {
            numbers.iter().filter(|number| **number % sources == source).is_sorted_by(|a, b| a < b)
        })
    });
    let mut all = received.concat();
    all.sort_unstable();
    if !all.into_iter().eq(0..sources * each) {
        return Err("items were lost or doubled".to_owned());
    }
    if in_order { Ok(()) } else { Err("items of one producer came out of order".to_owned()) }
}

/// On one thread.
fn fill_and_drain<T: Item>(hand: &mut impl Hand<T>, capacity: usize) -> Result<(), String> {
    let most = 2 * capacity as u64;
    let held = (0..most).take_while(|&number| hand.push(T::new(number))).count();
    if held < capacity {
        return Err(format!("a queue of {capacity} held {held}"));
    }
    let in_order = (0..held as u64).all(|number| hand.pop().map(T::number) == Some(number));
    if in_order && hand.pop().is_none() {
        Ok(())
    } else {
        Err("not first in, first out".to_owned())
    }
}
