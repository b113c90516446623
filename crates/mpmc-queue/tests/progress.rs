//! A thread stopped anywhere blocks nobody, and the wait-free queue's steps are bounded.
#![cfg(stepped)]

mod fixtures;

use core::{cell::RefCell, panic::AssertUnwindSafe};
use std::{
    panic::catch_unwind,
    rc::Rc,
    sync::{Arc, mpsc},
    thread,
};

use fixtures::SequenceNumbers;
use lockfree_core::sync::stepped;
use mpmc_queue::{
    Bounded, Queue, WaitFreeQueue,
    ring::{IndexRing, LockFreeRing, Rules, WaitFreeRing},
};
use testkit::progress::{assert_steps, steps, stop_anywhere};

/// Every operation is a request, and everybody looks at one after each operation.
struct Asking;

// SAFETY: nothing is broken.
unsafe impl Rules for Asking {
    const DELAY: usize = 1;

    fn patience(_hand: usize) -> u32 {
        0
    }
}

const CAPACITY: usize = 3;

/// Fills and empties the queue twice over, whatever the stopped thread has left undone: of its value
/// and of one that it took nobody can know.
fn goes_on<R: IndexRing>(queue: &Bounded<u64, R>) {
    for _ in 0..2 {
        let pushed = (10..100).take_while(|&value| queue.push(value).is_ok()).count();
        let popped = queue.drain().count();
        assert!(pushed <= CAPACITY);
        assert!(popped >= pushed);
        assert_eq!(queue.pop(), None);
    }
    assert_eq!((10..100).take_while(|&value| queue.push(value).is_ok()).count(), CAPACITY);
}

fn stopped_anywhere<R: IndexRing + 'static>(name: &str) {
    type Operation<R> = fn(&Bounded<u64, R>);
    let operations: [(&str, Operation<R>); 4] = [
        ("push", |queue| _ = queue.push(1)),
        ("pop", |queue| _ = queue.pop()),
        ("force_push", |queue| _ = queue.force_push(1)),
        ("handle", |queue| _ = queue.handle().and_then(|mut handle| handle.pop())),
    ];
    for (operation, run) in operations {
        for filled in 0..=3 {
            let stops = stop_anywhere(
                &format!("{name}, {operation} with {filled} inside"),
                || {
                    let queue = Bounded::<u64, R>::new(CAPACITY);
                    assert!(queue.push_many(1..=filled).is_ok());
                    let queue = Arc::new(queue);
                    (Arc::clone(&queue), queue)
                },
                move |queue| run(&queue),
                |queue| goes_on(&queue),
            );
            assert!(stops > 0);
        }
    }
}

#[test]
fn a_thread_stopped_in_the_lock_free_queue_blocks_nobody() {
    stopped_anywhere::<LockFreeRing>("lock-free");
}

#[test]
fn a_thread_stopped_in_the_wait_free_queue_blocks_nobody() {
    stopped_anywhere::<WaitFreeRing>("wait-free");
}

#[test]
fn a_thread_stopped_in_a_request_blocks_nobody() {
    stopped_anywhere::<WaitFreeRing<Asking>>("wait-free by requests");
}

/// Threads without a hand of their own lease one, and leave it taken when they are stopped.
#[test]
fn a_thread_stopped_with_a_hand_of_the_rest_blocks_nobody() {
    stop_anywhere(
        "lock-free, push by a leased hand",
        || {
            let queue = Arc::new(Queue::with_hands(3, 0, 0));
            (Arc::clone(&queue), queue)
        },
        |queue| _ = queue.push(1),
        |queue| goes_on(&queue),
    );
}

/// The queue that most crates ship: a thread between claim and publication blocks the others.
#[test]
fn twin_sequence_numbers_are_not_lock_free() {
    let blocked = catch_unwind(AssertUnwindSafe(|| {
        stop_anywhere(
            "sequence numbers, push",
            || {
                let queue = Arc::new(SequenceNumbers::new(4));
                (Arc::clone(&queue), queue)
            },
            |queue| assert!(queue.push(1)),
            |queue| {
                assert!(queue.push(2));
                assert!(queue.pop().is_some(), "a value that was pushed cannot be popped");
            },
        )
    }));
    assert!(blocked.is_err(), "the sequence-number queue passed as lock-free");
    println!("progress sequence numbers, push: a stopped thread blocks the others, as it must");
}

/// What the docs of a queue say of its steps, and the most that any operation took.
#[derive(Default)]
struct Worst(usize);

impl Worst {
    fn of<O>(&mut self, operation: impl FnOnce() -> O) -> O {
        let (outcome, steps) = steps(operation);
        self.0 = self.0.max(steps);
        outcome
    }
}

/// Between any two accesses of the victim, another hand completes operations that take its slot
/// away.
fn most_steps_under_interference<R: Rules>(hands: usize, kind: usize) -> usize {
    let (ring, all) = WaitFreeRing::<R>::with_hands(4, hands);
    let ring = Rc::new(ring);
    let mut all = all.collect::<Vec<_>>();
    let mut victim = all.pop().unwrap();
    assert!(ring.push(&mut victim));
    let others = Rc::new(RefCell::new(all));
    let mut most = 0;
    for round in 0..200_usize {
        let count = Rc::new(RefCell::new(0));
        let (in_hook, rival, hands) = (Rc::clone(&count), Rc::clone(&ring), Rc::clone(&others));
        stepped::install(move |_| {
            let mut count = in_hook.borrow_mut();
            *count += 1;
            let mut hands = hands.borrow_mut();
            // One hand, or all of them in turn: what meets the victim at another phase.
            let index = if round % 2 == 0 { 0 } else { *count % hands.len() };
            let hand = &mut hands[index];
            let _ = rival.push(hand);
            if kind != 0 {
                let _ = rival.pop(hand);
            }
            let _ = rival.replace(hand);
            let _ = rival.pop(hand);
        });
        match kind {
            0 => _ = ring.push(&mut victim),
            1 => _ = ring.pop(&mut victim),
            _ => _ = ring.replace(&mut victim),
        }
        stepped::uninstall();
        most = most.max(*count.borrow());
    }
    most
}

#[test]
fn steps_are_bounded_whatever_the_others_do() {
    for hands in [2, 3, 8] {
        for kind in 0..3 {
            let name = ["push", "pop", "replace"][kind];
            assert_steps(
                &format!("wait-free {name} of {hands} hands, interfered with at each access"),
                most_steps_under_interference::<mpmc_queue::ring::Sound>(hands, kind),
                <WaitFreeRing>::step_bound(hands),
            );
            assert_steps(
                &format!("wait-free {name} of {hands} hands by requests, the same"),
                most_steps_under_interference::<Asking>(hands, kind),
                WaitFreeRing::<Asking>::step_bound(hands),
            );
        }
    }
}

/// Every other thread is stopped, at each of its accesses in turn; then all operations are counted.
fn most_steps_beside_stopped<R: Rules>(filled: usize) -> usize {
    let mut worst = Worst::default();
    for k in 1.. {
        let (ring, mut hands) = WaitFreeRing::<R>::with_hands(3, 4);
        let ring = Arc::new(ring);
        let mut own = hands.next().unwrap();
        (0..filled).for_each(|_| assert!(ring.push(&mut own)));
        let (report, stopped) = mpsc::channel();
        let mut reached = false;
        for (number, mut hand) in hands.enumerate() {
            let (ring, report) = (Arc::clone(&ring), report.clone());
            thread::spawn(move || {
                let (at_stop, mut accesses) = (report.clone(), 0);
                stepped::install(move |_| {
                    accesses += 1;
                    // The others stop a little later, so that they help the one before.
                    if accesses == k + 2 * number {
                        let _ = at_stop.send(true);
                        loop {
                            thread::park();
                        }
                    }
                });
                let _ = ring.push(&mut hand);
                let _ = ring.pop(&mut hand);
                let _ = ring.replace(&mut hand);
                stepped::uninstall();
                let _ = report.send(false);
            });
            reached |= stopped.recv().unwrap();
        }
        for _ in 0..20 {
            let _ = worst.of(|| ring.push(&mut own));
            let _ = worst.of(|| ring.replace(&mut own));
            let _ = worst.of(|| ring.pop(&mut own));
            let _ = worst.of(|| ring.pop(&mut own));
            let _ = worst.of(|| ring.len());
        }
        if !reached {
            return worst.0;
        }
    }
    unreachable!("three operations have finitely many accesses")
}

#[test]
fn steps_are_bounded_with_every_other_thread_stopped() {
    for filled in 0..=3 {
        assert_steps(
            &format!("wait-free, {filled} inside, all others stopped"),
            most_steps_beside_stopped::<mpmc_queue::ring::Sound>(filled),
            <WaitFreeRing>::step_bound(4),
        );
        assert_steps(
            &format!("wait-free by requests, {filled} inside, all others stopped"),
            most_steps_beside_stopped::<Asking>(filled),
            WaitFreeRing::<Asking>::step_bound(4),
        );
    }
}

/// Undisturbed, an operation is a look at the counter, a look at the slot and an exchange; now and
/// then two steps more for the counter, and two for another's request.
#[test]
fn undisturbed_steps_are_few() {
    let (mut lock_free, mut wait_free) = (Worst::default(), Worst::default());
    let (queue, helping) = (Queue::new(100), WaitFreeQueue::new(100));
    let (mut one, mut other) = (queue.handle().unwrap(), helping.handle().unwrap());
    for value in 0..1000 {
        lock_free.of(|| one.push(value)).unwrap();
        lock_free.of(|| one.pop()).unwrap();
        wait_free.of(|| other.push(value)).unwrap();
        wait_free.of(|| other.pop()).unwrap();
    }
    assert_steps("lock-free, undisturbed", lock_free.0, 5);
    assert_steps("wait-free, undisturbed", wait_free.0, 7);
}
