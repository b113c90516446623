//! Panics that wait until what is under way is done.

use core::{any::Any, panic::AssertUnwindSafe};
use std::panic::{catch_unwind, resume_unwind};

/// The first panic of several things of which each is to be done.
#[derive(Default)]
#[must_use]
pub(crate) struct PutOff(Option<Box<dyn Any + Send>>);

impl PutOff {
    pub(crate) fn catch(&mut self, run: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
            self.0.get_or_insert(panic);
        }
    }

    /// What came of it, unless there was a panic: then that goes on.
    pub(crate) fn or_resume<R>(self, outcome: R) -> R {
        let Some(panic) = self.0 else { return outcome };
        // One panic at a time.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(outcome)));
        resume_unwind(panic)
    }
}
