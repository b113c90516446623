//! Statics and thread-locals, which a model must build anew for each iteration.

/// What [`global!`](crate::global) lends: a `&'static T`, or under `--cfg loom` a counted handle,
/// since the value lives as long as the iteration's last user of it.
#[cfg(not(loom))]
pub type Global<T> = &'static T;
/// What [`global!`](crate::global) lends: a handle that keeps the iteration's value alive.
#[cfg(loom)]
pub type Global<T> = std::sync::Arc<T>;

/// Declares a function that lends one value of the whole program, as a [`Global`].
///
/// Really a `const` static; under `--cfg loom` a value for each iteration of the model. Loom ends
/// its statics before the thread-locals of the main thread: a destructor there keeps the handle
/// that it will need.
///
/// ```
/// use lockfree_core::sync::{AtomicUsize, Ordering::Relaxed};
///
/// lockfree_core::global! {
///     /// How often somebody asked.
///     fn questions() -> AtomicUsize = AtomicUsize::new(0);
/// }
///
/// questions().fetch_add(1, Relaxed);
/// assert_eq!(questions().load(Relaxed), 1);
/// ```
#[cfg(not(loom))]
#[macro_export]
macro_rules! global {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident() -> $T:ty = $value:expr;) => {
        $(#[$attribute])*
        $visibility fn $name() -> $crate::sync::Global<$T> {
            static VALUE: $T = $value;
            &VALUE
        }
    };
}

/// Declares a function that lends one value of the whole iteration, as a [`Global`].
#[cfg(loom)]
#[macro_export]
macro_rules! global {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident() -> $T:ty = $value:expr;) => {
        $(#[$attribute])*
        $visibility fn $name() -> $crate::sync::Global<$T> {
            $crate::sync::macros::lazy_static! {
                static ref VALUE: $crate::sync::Global<$T> = $crate::sync::Global::new($value);
            }
            $crate::sync::Global::clone(&VALUE)
        }
    };
}

/// Declares a thread-local with a constant initial value. Use it through `try_with`, which both
/// faces have and which a destructor may call.
///
/// ```
/// use core::cell::Cell;
///
/// lockfree_core::per_thread! {
///     /// How deep this thread is.
///     static DEPTH: Cell<usize> = Cell::new(0);
/// }
///
/// assert_eq!(DEPTH.try_with(Cell::get), Ok(0));
/// ```
#[cfg(all(feature = "std", not(loom)))]
#[macro_export]
macro_rules! per_thread {
    ($(#[$attribute:meta])* $visibility:vis static $NAME:ident: $T:ty = $value:expr;) => {
        $crate::sync::macros::thread_local! {
            $(#[$attribute])* $visibility static $NAME: $T = const { $value };
        }
    };
}

/// Declares a thread-local of the iteration's threads.
#[cfg(all(feature = "std", loom))]
#[macro_export]
macro_rules! per_thread {
    ($(#[$attribute:meta])* $visibility:vis static $NAME:ident: $T:ty = $value:expr;) => {
        $crate::sync::macros::thread_local! {
            $(#[$attribute])* $visibility static $NAME: $T = $value;
        }
    };
}

/// An array whose elements are all built by one expression, constant except under `--cfg loom`.
#[cfg(not(loom))]
#[macro_export]
macro_rules! array_of {
    ($element:expr; $length:expr) => {
        [const { $element }; $length]
    };
}

/// An array whose elements are all built by one expression.
#[cfg(loom)]
#[macro_export]
macro_rules! array_of {
    ($element:expr; $length:expr) => {
        ::core::array::from_fn::<_, { $length }, _>(|_| $element)
    };
}

/// What the macros above expand to.
#[doc(hidden)]
pub mod macros {
    #[cfg(loom)]
    pub use loom::{lazy_static, thread_local};
    #[cfg(all(feature = "std", not(loom)))]
    pub use std::thread_local;
}
