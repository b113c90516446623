//! A count behind a mutex and a count behind a channel, as one would write them without this
//! workspace.

use core::time::Duration;
use std::{
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Instant,
};

use super::scene::together;

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
    let owner = thread::spawn(move || receiver.into_iter().sum());
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
