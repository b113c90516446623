//! The face of the progress tests: real atomics that report to a hook of the calling thread.
//!
//! The hook runs *before* the access. A test that parks in it for ever has stopped the thread at
//! that access; a test that counts in it has counted the thread's steps.

use core::{
    cell::{Cell, RefCell},
    panic::Location,
};
use std::{boxed::Box, thread_local};

pub(super) use core::sync::atomic;
pub use std::sync::{Arc, Mutex, MutexGuard};

use super::{Access, Ordering};

/// Hints to the processor.
pub mod hint {
    pub use core::hint::spin_loop;
}

/// What waits or yields.
pub mod thread {
    pub use std::thread::{Thread, current, park, park_timeout, yield_now};
}

/// One access that is about to happen.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What it will do.
    pub access: Access,
    /// Where it stands in the source.
    pub location: &'static Location<'static>,
}

type Hook = Box<dyn FnMut(Step)>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    static INSTALLED: Cell<bool> = const { Cell::new(false) };
}

/// From now on calls `hook` before each access of this thread. Accesses of the hook itself do not
/// report.
pub fn install(hook: impl FnMut(Step) + 'static) {
    HOOK.set(Some(Box::new(hook)));
    INSTALLED.set(true);
}

/// Ends what [`install`] began.
pub fn uninstall() {
    INSTALLED.set(false);
    HOOK.take();
}

#[track_caller]
fn report(access: Access) {
    if !INSTALLED.get() {
        return;
    }
    let location = Location::caller();
    // A thread that is past its destructors has no hook any more.
    let _ = HOOK.try_with(|hook| {
        let taken = hook.take();
        if let Some(mut taken) = taken {
            taken(Step { access, location });
            hook.replace(Some(taken));
        }
    });
}

/// Reports the accesses of one atomic.
pub(super) struct Probe;

impl Probe {
    pub(super) const fn new() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "the modelled face's probe has a word of its own")]
    #[track_caller]
    pub(super) fn before(&self, access: Access, order: Ordering) -> Ordering {
        report(access);
        order
    }

    #[track_caller]
    pub(super) fn fence(order: Ordering) -> Ordering {
        report(Access::Fence);
        order
    }

    #[track_caller]
    pub(super) fn light_fence(order: Ordering) {
        atomic::fence(Self::fence(order));
    }

    #[track_caller]
    pub(super) fn heavy_fence(order: Ordering) {
        atomic::fence(Self::fence(order));
    }

    pub(super) fn on_failure(order: Ordering) -> Ordering {
        order
    }

    pub(super) fn before_retry() {}
}
