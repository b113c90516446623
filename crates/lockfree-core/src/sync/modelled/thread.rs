//! Parking for the models.
//!
//! loom's own park and unpark are not enough: its unpark also wakes a thread that is blocked in
//! something else, and makes all before it visible to the other thread at once, parked or not, so
//! that no ordering beside it would ever be found wanting. Here a thread has a token, as in `std`:
//! unpark leaves it, park waits for it and takes it, and only that orders the two.

use core::time::Duration;
use std::sync::{Arc, PoisonError};

pub use loom::thread::yield_now;
use loom::{
    sync::{Condvar, Mutex},
    thread_local,
};

thread_local! {
    static CURRENT: Thread = Thread(Arc::new(Token {
        left: Mutex::new(false),
        arrived: Condvar::new(),
    }));
}

/// A thread, to be unparked.
#[derive(Clone, Debug)]
pub struct Thread(Arc<Token>);

#[derive(Debug)]
struct Token {
    left: Mutex<bool>,
    arrived: Condvar,
}

/// The thread that calls.
pub fn current() -> Thread {
    CURRENT.with(Clone::clone)
}

/// Waits until somebody unparks this thread, unless somebody has.
pub fn park() {
    let Thread(token) = current();
    let mut left = token.left.lock().unwrap_or_else(PoisonError::into_inner);
    while !*left {
        left = token.arrived.wait(left).unwrap_or_else(PoisonError::into_inner);
    }
    *left = false;
}

/// A model has no time: it yields, and its caller looks again.
pub fn park_timeout(_: Duration) {
    yield_now();
}

impl Thread {
    /// Ends the park that the thread is in, or else its next one.
    pub fn unpark(&self) {
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.arrived.notify_one();
    }
}
