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
//! Cells of the modelled face have no `const` constructor; [`const_unless_loom!`] declares functions
//! that are `const` wherever they can be, and [`array_of!`] builds arrays in them. Its statics and
//! thread-locals last one iteration; [`global!`] and [`per_thread!`] declare both kinds.
//!
//! [`const_unless_loom!`]: crate::const_unless_loom
//! [`array_of!`]: crate::array_of
//! [`global!`]: crate::global
//! [`per_thread!`]: crate::per_thread

mod cell;
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

pub use cell::UnsafeCell;
pub use globals::*;
#[cfg(any(loom, stepped))]
pub use instrumented::*;
#[cfg(loom)]
pub use modelled::{hint, thread};
#[cfg(not(any(loom, stepped)))]
pub use real::*;
#[cfg(all(stepped, not(loom)))]
pub use stepped::{hint, thread};
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

/// An array of `N` equal cells: built in a constant wherever [`const_unless_loom!`] allows that.
///
/// [`const_unless_loom!`]: crate::const_unless_loom
///
/// ```
/// use lockfree_core::sync::AtomicUsize;
///
/// let cells: [AtomicUsize; 4] = lockfree_core::array!(4 => AtomicUsize::new(0));
/// # let _ = cells;
/// ```
#[cfg(not(loom))]
#[macro_export]
macro_rules! array {
    ($length:expr => $cell:expr) => {
        [const { $cell }; $length]
    };
}

/// An array of `N` equal cells.
#[cfg(loom)]
#[macro_export]
macro_rules! array {
    ($length:expr => $cell:expr) => {
        core::array::from_fn::<_, { $length }, _>(|_| $cell)
    };
}
