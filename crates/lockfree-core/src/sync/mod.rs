//! The façade: the only place in the workspace that names atomics, cells, fences and spin hints.
//!
//! | face | chosen by | what an access is |
//! | --- | --- | --- |
//! | real | default | `core::sync::atomic` itself, re-exported: nothing to optimize away |
//! | modelled | `--cfg loom` | a loom access whose orderings can be recorded and weakened from outside |
//! | stepped | `--cfg stepped` | a real access that first reports to a hook of the calling thread |
//!
//! The three have one interface: what compiles under one face compiles under all. It is that of
//! `core::sync::atomic` with two house rules. [`UnsafeCell`] lends its pointer to a closure, so that
//! a model can see each access to plain data begin and end. And `compare_exchange_weak` stands in
//! loops only: the modelled face yields where it fails, since the caller is about to read again.
//!
//! Some of `core`'s methods are left out on purpose; they compile in the real face and in no other.
//! `fetch_update` hides a retry loop: write the loop, so that the models see it turn and a
//! [`Backoff`](crate::Backoff) can pace it. `fetch_nand`, which no processor has, is a loop too.
//! `get_mut` and `into_inner` look at a word past the models; a relaxed `load` costs the same.
//! Atomics of 64 bits exist where the target has them, in each face. `Mutex` and the module `thread`
//! (`current`, `park`, `park_timeout`, `yield_now`, `Thread::unpark`) need `std` in the real face. A
//! lock is for slow paths that wait anyway; its operations do not count as steps. `Arc` needs `alloc`: by it
//! the models see that the last owner comes after the others.
//!
//! [`light_fence`] and [`heavy_fence`] are a pair of which the first is nearly free and the second asks
//! the operating system, where it can; elsewhere both are full fences. In the models a light one is ordered
//! with heavy ones only.
//!
//! Cells of the modelled face have no `const` constructor; [`const_unless_loom!`] declares functions
//! that are `const` wherever they can be, and [`array_of!`] builds arrays in them. Its statics and
//! thread-locals last one iteration; [`global!`] and [`per_thread!`] declare both kinds.
//!
//! [`const_unless_loom!`]: crate::const_unless_loom
//! [`array_of!`]: crate::array_of
//! [`global!`]: crate::global
//! [`per_thread!`]: crate::per_thread

#[cfg(not(any(loom, stepped)))]
mod asymmetric;
mod cell;
#[cfg(all(feature = "double-width", target_has_atomic = "64"))]
pub mod double_word;
mod globals;
#[cfg(any(loom, stepped))]
mod instrumented;
#[cfg(loom)]
mod modelled;
#[cfg(not(any(loom, stepped)))]
mod real;
#[cfg(all(stepped, not(loom)))]
pub mod stepped;
mod witness;

pub use core::sync::atomic::Ordering;

#[cfg(not(any(loom, stepped)))]
pub use asymmetric::{fences_are_light, heavy_fence, light_fence, light_fence_knowing};
pub use cell::UnsafeCell;
pub use globals::*;
#[cfg(any(loom, stepped))]
pub use instrumented::*;
#[cfg(loom)]
pub use loom::sync::{Arc, Mutex, MutexGuard};
#[cfg(loom)]
pub use modelled::{hint, thread};
#[cfg(not(any(loom, stepped)))]
pub use real::*;
#[cfg(all(stepped, not(loom)))]
pub use stepped::{Arc, Mutex, MutexGuard, hint, thread};
pub use witness::{SliceCell, Witness};

/// Declares a function that is `const`, except under `--cfg loom`, whose cells cannot be built in
/// constants.
///
/// ```
/// use lockfree_core::{const_unless_loom, sync::AtomicUsize};
///
/// struct Hits(AtomicUsize);
///
/// impl Hits {
///     const_unless_loom! {
///         /// A count of zero.
///         pub fn new() -> Self {
///             Self(AtomicUsize::new(0))
///         }
///     }
/// }
///
/// static HITS: Hits = Hits::new();
/// ```
#[macro_export]
macro_rules! const_unless_loom {
    ($(#[$attribute:meta])* $visibility:vis fn $($rest:tt)*) => {
        #[cfg(not(loom))]
        $(#[$attribute])* $visibility const fn $($rest)*
        #[cfg(loom)]
        $(#[$attribute])* $visibility fn $($rest)*
    };
}
