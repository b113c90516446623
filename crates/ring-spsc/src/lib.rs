#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(any(feature = "async", feature = "blocking"))]
pub mod channel;
mod consumer;
pub mod contiguous;
mod ends;
mod error;
mod fixed;
mod producer;
mod ring;
mod state;
mod storage;

pub use consumer::{Consumer, PopIter};
pub use error::Full;
pub use fixed::{Fixed, StaticEnds, StaticRing};
pub use producer::Producer;

/// A ring that holds at most `capacity` values, and its two ends. Allocates once, here.
///
/// Any capacity is exact. The ring is freed, with what is left inside, when both ends are dropped.
///
/// # Panics
/// `capacity` is 0, or the slots exceed `isize::MAX` bytes.
///
/// ```
/// let (mut producer, mut consumer) = ring_spsc::ring(1024);
/// std::thread::spawn(move || producer.push("hello").unwrap());
/// let greeting = loop {
///     if let Some(greeting) = consumer.pop() {
///         break greeting;
///     }
/// };
/// assert_eq!(greeting, "hello");
/// ```
#[cfg(feature = "alloc")]
#[must_use = "a ring without its ends is freed at once"]
pub fn ring<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    let (one, other) = storage::Heap::pair(capacity);
    (Producer::new(one), Consumer::new(other))
}

/// An end is invariant in what it moves: a producer that may push what lives shorter than what the
/// consumer yields would make dangling references.
///
/// ```compile_fail
/// fn shorter<'a>(producer: ring_spsc::Producer<&'static str>) -> ring_spsc::Producer<&'a str> {
///     producer
/// }
/// ```
/// ```compile_fail
/// use ring_spsc::contiguous::Producer;
///
/// fn shorter<'a>(producer: Producer<&'static str>) -> Producer<&'a str> {
///     producer
/// }
/// ```
#[cfg(doctest)]
struct Invariance;
