//! What the stacks are put to.

use super::Stack;
use crate::case::Contender;
use crate::team::{self, BATCH, Job, Member, Sample, float};
use crate::times::Times;
use core::{hint::black_box, time::Duration};
use lockfree_core::sync::{AtomicU64, Ordering::Relaxed};
use std::{sync::Mutex, thread};

fn contender<S: Stack>(
    round: impl FnMut(Duration) -> Result<Sample, String> + 'static,
) -> Contender {
    Contender::new(S::NAME, S::PACKAGE, S::ROLE, check::<S>, round)
}

/// How much more was pushed than popped, by sum; 0 at the end.
#[derive(Debug, Default)]
struct Balance(AtomicU64);

impl Balance {
    fn add(&self, sum: u64) {
        // Relaxed: read after all threads were joined.
        self.0.fetch_add(sum, Relaxed);
    }

    /// Empties the stack and tells whether everything came out that went in.
    fn settle<S: Stack>(&self, stack: &S) -> Result<(), String> {
        stack.take_all(|number| self.add(number.wrapping_neg()));
        // Relaxed: all threads were joined.
        match self.0.load(Relaxed) {
            0 => Ok(()),
            _ => Err("other numbers came out than went in".to_owned()),
        }
    }
}

/// Pushes and pops a batch of times; what was pushed less what was popped, by sum.
#[inline]
fn batch_of_pairs<S: Stack>(stack: &S) -> u64 {
    (0..BATCH).fold(0, |sum: u64, number| {
        stack.push(black_box(number));
        sum.wrapping_add(number).wrapping_sub(black_box(stack.pop()).unwrap_or_default())
    })
}

fn worker<'a, S: Stack>(stack: &'a S, balance: &'a Balance) -> Job<'a> {
    Box::new(move |member: &Member<'_>| {
        let (mut count, mut sum) = (0, 0_u64);
        // Once at least: a thread that got no turn until the time was up has a speed, too.
        loop {
            sum = sum.wrapping_add(batch_of_pairs(stack));
            count += BATCH;
            if member.is_over() {
                break;
            }
        }
        balance.add(sum);
        count
    })
}

/// One push, one pop, on each of `threads` threads, on one stack.
pub(super) fn pairs<S: Stack>(threads: usize) -> Contender {
    let stack = S::stack();
    contender::<S>(move |budget| {
        let balance = Balance::default();
        let jobs = (0..threads).map(|_| worker(&stack, &balance)).collect();
        let (sample, _) = team::run(budget, jobs);
        balance.settle(&stack).map(|()| sample)
    })
}

/// The same, each thread on a stack of its own.
pub(super) fn private<S: Stack>(threads: usize) -> Contender {
    let stacks: Vec<S> = (0..threads).map(|_| S::stack()).collect();
    contender::<S>(move |budget| {
        let balance = Balance::default();
        let jobs = stacks.iter().map(|stack| worker(stack, &balance)).collect();
        let (sample, _) = team::run(budget, jobs);
        stacks.iter().try_for_each(|stack| balance.settle(stack)).map(|()| sample)
    })
}

/// Each pushes a chain and takes all there is; numbers pushed count.
pub(super) fn chains<S: Stack>(length: u64, threads: usize) -> Contender {
    let stack = S::stack();
    contender::<S>(move |budget| {
        let balance = Balance::default();
        let job = || -> Job<'_> {
            let (stack, balance) = (&stack, &balance);
            Box::new(move |member| {
                let (mut count, mut sum) = (0_u64, 0_u64);
                while !member.is_over() {
                    for _ in 0..BATCH / length {
                        let numbers = count..count + length;
                        numbers.clone().for_each(|number| sum = sum.wrapping_add(number));
                        stack.push_many(numbers);
                        stack.take_all(|number| sum = sum.wrapping_sub(black_box(number)));
                        count += length;
                    }
                }
                balance.add(sum);
                count
            })
        };
        let (sample, _) = team::run(budget, (0..threads).map(|_| job()).collect());
        balance.settle(&stack).map(|()| sample)
    })
}

/// Pairs of many threads; the speed is that of the slowest one.
pub(super) fn slowest_thread<S: Stack>(threads: usize) -> Contender {
    let stack = S::stack();
    contender::<S>(move |budget| {
        let (balance, least) = (Balance::default(), AtomicU64::new(u64::MAX));
        let job = || -> Job<'_> {
            let (job, least) = (worker(&stack, &balance), &least);
            Box::new(move |member| {
                let count = job(member);
                // Relaxed: read after all threads were joined.
                least.fetch_min(count, Relaxed);
                count
            })
        };
        let (sample, all) = team::run(budget, (0..threads).map(|_| job()).collect());
        // Relaxed: all threads were joined.
        let share = float(least.load(Relaxed)) / float(all.max(1));
        balance.settle(&stack).map(|()| Sample { speed: sample.speed * share, ..sample })
    })
}

/// Pairs, each call timed; the speed is the inverse of what one call in 1,000 exceeds.
pub(super) fn slow_call<S: Stack>(threads: usize) -> Contender {
    let stack = S::stack();
    contender::<S>(move |budget| {
        let (balance, all) = (Balance::default(), Mutex::new(Times::default()));
        let job = || -> Job<'_> {
            let (stack, balance, all) = (&stack, &balance, &all);
            Box::new(move |member| {
                let (mut count, mut sum, mut times) = (0, 0_u64, Times::default());
                while !member.is_over() {
                    for number in count..count + BATCH {
                        times.record(|| stack.push(number), |()| true);
                        let popped = times.record(|| stack.pop(), |_| true);
                        sum = sum.wrapping_add(number).wrapping_sub(popped.unwrap_or_default());
                    }
                    count += BATCH;
                }
                balance.add(sum);
                all.lock().expect("no worker panics").add(&times);
                count
            })
        };
        let (sample, _) = team::run(budget, (0..threads).map(|_| job()).collect());
        let slow = all.into_inner().expect("no worker panics").exceeded_by_one_in(1_000);
        balance.settle(&stack).map(|()| Sample { speed: 1.0 / float(slow.max(1)), ..sample })
    })
}

/// How many numbers each of two threads pushes in the check: fewer where the harness itself is tested.
const CHECKED: u64 = if cfg!(debug_assertions) { 5_000 } else { 25_000 };

/// The last one comes first; two threads' numbers come out to two others once each.
fn check<S: Stack>() -> Result<(), String> {
    let stack = S::stack();
    (0..10).for_each(|number| stack.push(number));
    stack.push_many(10..20);
    let first = stack.pop();
    let mut left = Vec::from_iter(first);
    stack.take_all(|number| left.push(number));
    if S::LAST_FIRST && !left.iter().copied().eq((0..20).rev()) {
        return Err("not last in, first out".to_owned());
    }
    let popped = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for source in 0..2 {
            let stack = &stack;
            scope.spawn(move || (0..CHECKED).for_each(|number| stack.push(number * 2 + source)));
        }
        for _ in 0..2 {
            scope.spawn(|| {
                let numbers: Vec<u64> = (0..CHECKED).filter_map(|_| stack.pop()).collect();
                popped.lock().expect("nobody panics").extend(numbers);
            });
        }
    });
    let mut popped = popped.into_inner().expect("nobody panics");
    stack.take_all(|number| popped.push(number));
    popped.sort_unstable();
    if popped.into_iter().eq(0..2 * CHECKED) {
        Ok(())
    } else {
        Err("numbers were lost or doubled".to_owned())
    }
}
