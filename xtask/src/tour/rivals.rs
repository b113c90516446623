//! A count behind a mutex, a count behind a channel, a queue behind a mutex: as one would write them
//! without this workspace.

use core::time::Duration;
use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Instant,
};

use super::team::{pin, together};

pub(super) fn mutex(threads: usize, each: u64) -> (u64, Duration) {
    let count = Mutex::new(0);
    let elapsed = together(threads, |_| {
        for _ in 0..each {
            *count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
    });
    (count.into_inner().unwrap_or_else(PoisonError::into_inner), elapsed)
}

/// One more thread owns the count; the others send it their increments.
pub(super) fn channel(threads: usize, each: u64) -> (u64, Duration) {
    let (sender, receiver) = mpsc::channel::<u64>();
    let owner = thread::spawn(move || {
        pin(threads);
        receiver.into_iter().sum()
    });
    let started = Instant::now();
    together(threads, |_| {
        for _ in 0..each {
            sender.send(1).expect("the receiver stays until the last sender is gone");
        }
    });
    drop(sender);
    let count = owner.join().expect("a receiver does not panic");
    (count, started.elapsed())
}

/// A bounded queue behind a mutex, for one producer and one consumer, who sleep while it is full or
/// empty.
pub(super) struct Bounded {
    queue: Mutex<VecDeque<u64>>,
    capacity: usize,
    changed: Condvar,
}

impl Bounded {
    pub(super) fn new(capacity: usize) -> Self {
        let queue = Mutex::new(VecDeque::with_capacity(capacity));
        Self { queue, capacity, changed: Condvar::new() }
    }

    pub(super) fn push(&self, item: u64) {
        let mut queue = self.once(|queue| queue.len() < self.capacity);
        queue.push_back(item);
        // The consumer sleeps on an empty queue only.
        if queue.len() == 1 {
            self.changed.notify_one();
        }
    }

    pub(super) fn pop(&self) -> u64 {
        let mut queue = self.once(|queue| !queue.is_empty());
        let was_full = queue.len() == self.capacity;
        let item = queue.pop_front().expect("it was found not empty under the same lock");
        if was_full {
            self.changed.notify_one();
        }
        item
    }

    fn once(&self, ready: impl Fn(&VecDeque<u64>) -> bool) -> MutexGuard<'_, VecDeque<u64>> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let woken = self.changed.wait_while(queue, |queue| !ready(queue));
        woken.unwrap_or_else(PoisonError::into_inner)
    }
}
