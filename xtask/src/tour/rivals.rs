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

/// A bounded queue behind a mutex, whose threads sleep while it is full or empty.
pub(super) struct Bounded {
    state: Mutex<State>,
    capacity: usize,
    has_items: Condvar,
    has_room: Condvar,
}

struct State {
    items: VecDeque<u64>,
    /// Sleepers: to wake nobody is a system call too.
    waiting_to_pop: usize,
    waiting_to_push: usize,
}

impl Bounded {
    pub(super) fn new(capacity: usize) -> Self {
        let items = VecDeque::with_capacity(capacity);
        let state = Mutex::new(State { items, waiting_to_pop: 0, waiting_to_push: 0 });
        Self { state, capacity, has_items: Condvar::new(), has_room: Condvar::new() }
    }

    pub(super) fn push(&self, item: u64) {
        let mut state = self.lock();
        while state.items.len() == self.capacity {
            state.waiting_to_push += 1;
            state = self.has_room.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting_to_push -= 1;
        }
        state.items.push_back(item);
        if state.waiting_to_pop > 0 {
            self.has_items.notify_one();
        }
    }

    pub(super) fn pop(&self) -> u64 {
        let mut state = self.lock();
        let item = loop {
            if let Some(item) = state.items.pop_front() {
                break item;
            }
            state.waiting_to_pop += 1;
            state = self.has_items.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting_to_pop -= 1;
        };
        if state.waiting_to_push > 0 {
            self.has_room.notify_one();
        }
        item
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
