//! How a pool is set up.

use alloc::boxed::Box;
use core::fmt;

use crate::{
    pool::Pool,
    shared::{Hooks, Shared},
};

/// Sets up a [`Pool`]; from [`Pool::builder`].
///
/// ```
/// use refpool::Pool;
///
/// let pool = Pool::builder(8, || Vec::<u8>::with_capacity(4096))
///     .on_demand()
///     .extras(2)
///     .reset(Vec::clear)
///     .validate(|buffer| buffer.capacity() <= 65_536)
///     .build();
/// assert_eq!(pool.stats().created, 0);
/// ```
#[must_use = "a builder builds nothing by itself"]
pub struct Builder<T> {
    max: usize,
    extras: Option<usize>,
    eager: bool,
    hooks: Hooks<T>,
}

impl<T> Builder<T> {
    pub(crate) fn new(max: usize, make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        let hooks = Hooks { make: Box::new(make), reset: None, validate: None };
        Self { max, extras: None, eager: true, hooks }
    }

    /// Makes no resource before it is asked for, and none while one of those that were made is
    /// idle. Without this, [`build`](Self::build) makes all that the pool keeps.
    pub fn on_demand(self) -> Self {
        Self { eager: false, ..self }
    }

    /// At most `most` extra resources at once, which may be 0. Without this there is no limit.
    ///
    /// Only a pool that has this limit is ever found empty, and only in such a pool does anybody
    /// wait: each release looks whether somebody does, which costs it a fence.
    pub fn extras(self, most: usize) -> Self {
        Self { extras: Some(most), ..self }
    }

    /// Calls `reset` on each resource that comes back to the pool, on the thread that released it
    /// last. Not on those that are dropped.
    ///
    /// If it panics, that resource is dropped, the panic goes on to whoever dropped the handle, and
    /// the pool makes another one when it is needed.
    pub fn reset(mut self, reset: impl Fn(&mut T) + Send + Sync + 'static) -> Self {
        self.hooks.reset = Some(Box::new(reset));
        self
    }

    /// Calls `validate` on each idle resource before it is handed out, on the thread that acquires
    /// it; if that says false, the resource is dropped and another one made in its place. Not called
    /// on one that was just made.
    ///
    /// If it panics, that resource is dropped, the panic goes on to whoever acquires, and the pool
    /// makes another one when it is needed.
    pub fn validate(mut self, validate: impl Fn(&mut T) -> bool + Send + Sync + 'static) -> Self {
        self.hooks.validate = Some(Box::new(validate));
        self
    }

    /// The pool. Makes its resources, unless [`on_demand`](Self::on_demand) was called.
    ///
    /// # Panics
    /// The pool could never hold a resource (`max` and `extras` are 0), or `make` panics; then what
    /// was made is dropped.
    #[must_use]
    pub fn build(self) -> Pool<T> {
        let Self { max, extras, eager, hooks } = self;
        assert!(max > 0 || extras != Some(0), "a pool without room for a resource");
        Pool::new_shared(Shared::new(max, extras, eager, hooks))
    }
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("max", &self.max)
            .field("extras", &self.extras)
            .field("on_demand", &!self.eager)
            .finish_non_exhaustive()
    }
}
