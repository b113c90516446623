//! Pools.
//!
//! # Invariants
//!
//! * P3: each `Pool` is one reference of `keepers`, and so is each owned handle through its own; the
//!   last one frees what they share.

use alloc::boxed::Box;
use core::{fmt, future::poll_fn, marker::PhantomData, ptr::NonNull, time::Duration};
use std::time::Instant;

use crate::{
    builder::Builder,
    error::{AcquireTimeoutError, Closed, TryAcquireError},
    handle::{Handle, Ref},
    shared::Shared,
    stats::Stats,
};

/// A pool of resources, each of which is handed out behind a reference count.
///
/// At most `max` are kept; they are made up front, or on demand. A clone is the same pool. It is
/// freed, with what is idle in it, when the last clone and the last [`Owned`](crate::Owned) handle
/// are gone.
///
/// ```
/// use refpool::{Handle, Pool};
///
/// let pool = Pool::builder(5, || vec![0_u8; 1024]).reset(|buffer| buffer.fill(0)).build();
/// let mut buffer = pool.acquire();
/// Handle::get_mut(&mut buffer).unwrap()[0] = 1;
/// let shared = buffer.clone();
/// drop((buffer, shared));
/// assert_eq!(pool.acquire()[0], 0);
/// ```
///
/// # When it is empty
///
/// | extra resources | `acquire` | `try_acquire` | `acquire_blocking`, `_timeout`, `_async` |
/// | --- | --- | --- | --- |
/// | without limit: [`Pool::new`] | makes an extra one | makes an extra one | make an extra one |
/// | at most n: [`Builder::extras`] | makes one, or panics | makes one, or an error | make one, or wait |
/// | none: `extras(0)` | panics | an error | wait |
///
/// An extra resource is dropped when its last handle is. *Empty* means that a search saw each
/// resource in use, one after the other: that is no snapshot, and one that was passed may be free by
/// then. Those who wait lose nothing by it: what becomes free is found, or wakes one of them, in the
/// order in which they came. Who does not wait may overtake them.
///
/// # Panics in the user's code
///
/// `make`, `reset`, `validate` or a resource's `Drop` may panic: the resource that they were called
/// for is lost, the panic goes on to the caller, and the pool makes another one in that place when
/// one is needed. A panic in `Drop` while another panic unwinds aborts, as everywhere.
///
/// # Threads
///
/// As a resource goes from thread to thread, the pool is `Send` and `Sync` if `T: Send`; the handles
/// are so if `T: Send + Sync`, as an `Arc`. A pool of something that is not `Send` serves one thread:
///
/// ```
/// use std::rc::Rc;
/// let pool = refpool::Pool::new(1, || Rc::new(7));
/// assert_eq!(**pool.acquire(), 7);
/// ```
/// ```compile_fail
/// use std::rc::Rc;
/// let pool = refpool::Pool::new(1, || Rc::new(7));
/// std::thread::spawn(move || drop(pool));
/// ```
pub struct Pool<T> {
    shared: NonNull<Shared<T>>,
    owns: PhantomData<Shared<T>>,
}

// SAFETY: a resource is one thread's at a time, or shared by handles, which ask for more; the hooks
// are `Send` and `Sync`; the last keeper drops what other threads made.
unsafe impl<T: Send> Send for Pool<T> {}
// SAFETY: as above: through a shared pool resources move from thread to thread.
unsafe impl<T: Send> Sync for Pool<T> {}

impl<T> Pool<T> {
    /// A pool that keeps `max` resources, made here, and hands out extra ones when all of them are
    /// in use. For everything else there is [`builder`](Self::builder).
    ///
    /// # Panics
    /// `make` panics; what was made is dropped.
    #[must_use]
    pub fn new(max: usize, make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self::builder(max, make).build()
    }

    /// Sets up a pool that keeps at most `max` resources, which `make` makes.
    pub fn builder(max: usize, make: impl Fn() -> T + Send + Sync + 'static) -> Builder<T> {
        Builder::new(max, make)
    }

    pub(crate) fn new_shared(shared: Shared<T>) -> Self {
        Self { shared: NonNull::from(Box::leak(Box::new(shared))), owns: PhantomData }
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Shared<T> {
        // SAFETY: P3: each pool is a keeper, and the last one frees it.
        unsafe { self.shared.as_ref() }
    }

    /// A resource; an extra one if all are in use. Never waits.
    ///
    /// Wait-free but for `make` and the allocator: with n slots (`max`, and the limit of extra ones),
    /// at most 4·n + 12 accesses, and usually 4.
    ///
    /// # Panics
    /// The pool is closed; or its extra resources have a limit, and all of them are in use too. Where
    /// that may be, take [`try_acquire`](Self::try_acquire) or one that waits.
    #[inline]
    #[track_caller]
    pub fn acquire(&self) -> Ref<'_, T> {
        match self.try_acquire() {
            Ok(handle) => handle,
            Err(error) => refuse(error),
        }
    }

    /// A resource; an extra one if all are in use and there may be one more. Never waits. Wait-free,
    /// as [`acquire`](Self::acquire).
    ///
    /// # Errors
    /// There is none to be had, or the pool is closed.
    #[inline]
    pub fn try_acquire(&self) -> Result<Ref<'_, T>, TryAcquireError> {
        let shared = self.shared();
        if shared.is_closed() {
            return Err(TryAcquireError::Closed);
        }
        match shared.obtain() {
            Some(slot) => Ok(Handle::new(slot, self)),
            None => Err(TryAcquireError::Empty),
        }
    }

    /// A resource, as soon as there is one; parks the thread while there is none.
    ///
    /// # Errors
    /// The pool is closed.
    pub fn acquire_blocking(&self) -> Result<Ref<'_, T>, Closed> {
        self.acquire_until(None).unwrap_or(Err(Closed))
    }

    /// A resource, as soon as there is one; parks the thread while there is none, `timeout` long at
    /// most.
    ///
    /// # Errors
    /// None came back in time, or the pool is closed.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Ref<'_, T>, AcquireTimeoutError> {
        // A timeout beyond the end of time is none.
        let acquired = self.acquire_until(Instant::now().checked_add(timeout));
        Ok(acquired.ok_or(AcquireTimeoutError::Timeout)??)
    }

    /// A resource, as soon as there is one; parks the thread while there is none, until `deadline`
    /// at most.
    ///
    /// # Errors
    /// None came back in time, or the pool is closed.
    pub fn acquire_deadline(&self, deadline: Instant) -> Result<Ref<'_, T>, AcquireTimeoutError> {
        Ok(self.acquire_until(Some(deadline)).ok_or(AcquireTimeoutError::Timeout)??)
    }

    /// A resource, as soon as there is one. Works under any runtime.
    ///
    /// Cancel-safe: a future that is dropped before it is ready has acquired nothing, and if it was
    /// woken for a resource, the next one who waits is.
    ///
    /// # Errors
    /// The pool is closed.
    pub async fn acquire_async(&self) -> Result<Ref<'_, T>, Closed> {
        let mut waiter = self.shared().line.waiter();
        poll_fn(|cx| waiter.poll_until(cx, || self.attempt())).await
    }

    fn acquire_until(&self, deadline: Option<Instant>) -> Option<Result<Ref<'_, T>, Closed>> {
        self.shared().line.block_until(deadline, || self.attempt())
    }

    /// `None` if there is reason to wait.
    fn attempt(&self) -> Option<Result<Ref<'_, T>, Closed>> {
        match self.try_acquire() {
            Ok(handle) => Some(Ok(handle)),
            Err(TryAcquireError::Closed) => Some(Err(Closed)),
            Err(TryAcquireError::Empty) => None,
        }
    }

    /// Drops all idle resources; returns how many. The pool makes others when it needs them.
    ///
    /// Wait-free but for their `Drop`, 3 accesses a slot, where nobody waits.
    ///
    /// # Panics
    /// A resource's `Drop` panics. The resources behind it stay idle.
    pub fn clear_idle(&self) -> usize {
        self.shared().clear_idle()
    }

    /// Closes the pool: from now on nothing is handed out, all who wait get an error, idle resources
    /// are dropped, and those in use are when they come back. False if it was closed before.
    ///
    /// An acquisition or a release that runs meanwhile may come before or after: one that was begun
    /// may still succeed, and what came back before stays idle until the pool is dropped or
    /// [`clear_idle`](Self::clear_idle) is called.
    ///
    /// # Panics
    /// As [`clear_idle`](Self::clear_idle). The pool is closed, and everybody told.
    pub fn close(&self) -> bool {
        self.shared().close()
    }

    /// Whether the pool is closed.
    pub fn is_closed(&self) -> bool {
        self.shared().is_closed()
    }

    /// What the pool has and has had. Wait-free: 2 accesses a slot, and 5 more.
    pub fn stats(&self) -> Stats {
        self.shared().stats()
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn refuse(error: TryAcquireError) -> ! {
    panic!("nothing to acquire: {error}");
}

/// The same pool.
impl<T> Clone for Pool<T> {
    fn clone(&self) -> Self {
        self.shared().keepers.retain();
        Self { shared: self.shared, owns: PhantomData }
    }
}

/// The last one frees it, with what is idle in it.
impl<T> Drop for Pool<T> {
    fn drop(&mut self) {
        if self.shared().keepers.release() {
            // SAFETY: P3: the last keeper, and it came out of a box.
            drop(unsafe { Box::from_raw(self.shared.as_ptr()) });
        }
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("stats", &self.stats())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
