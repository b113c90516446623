//! What the bits of a snowflake mean, and which one follows which: pure functions.
//!
//! A *position* is the tick and the number within the tick, in one number: an id without its node.

use core::{error::Error, fmt};

/// How the 63 bits of an id are divided: the tick in the highest, then the node, then the number
/// within the tick. The highest bit is 0, so that ids are positive as `i64` too.
///
/// ```
/// use seqgen::snowflake::Layout;
///
/// assert_eq!(Layout::DEFAULT, Layout::new(41, 10, 12)?);
/// assert_eq!((Layout::DEFAULT.nodes(), Layout::DEFAULT.ids_a_tick()), (1024, 4096));
/// # Ok::<(), seqgen::snowflake::LayoutError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    tick: u32,
    node: u32,
    number: u32,
}

impl Layout {
    /// 41 bits of ticks, 10 of nodes and 12 of numbers: with ticks of a millisecond, 69 years and
    /// 4 million ids a second.
    pub const DEFAULT: Self = Self { tick: 41, node: 10, number: 12 };

    /// So many bits for the tick, the node, and the number within the tick.
    ///
    /// # Errors
    /// No bits for the tick, or more than 63 in all.
    pub const fn new(tick: u32, node: u32, number: u32) -> Result<Self, LayoutError> {
        if tick == 0 {
            return Err(LayoutError::NoTicks);
        }
        let sum = tick.saturating_add(node).saturating_add(number);
        if sum > 63 {
            Err(LayoutError::TooManyBits { sum })
        } else {
            Ok(Self { tick, node, number })
        }
    }

    /// How many nodes there can be.
    pub const fn nodes(self) -> u64 {
        1 << self.node
    }

    /// How many ids a node has in a tick.
    pub const fn ids_a_tick(self) -> u64 {
        1 << self.number
    }

    /// How many ticks there are before the ids run out.
    pub const fn ticks(self) -> u64 {
        1 << self.tick
    }

    /// The id of a node at a position.
    #[inline]
    pub(super) const fn id(self, node: u64, position: u64) -> u64 {
        let (tick, number) = (position >> self.number, position & (self.ids_a_tick() - 1));
        tick << (self.node + self.number) | node << self.number | number
    }

    /// Tick, node and number of an id; nothing if no id of this layout has these bits.
    pub(super) const fn split(self, id: u64) -> Option<(u64, u64, u64)> {
        let tick = id >> (self.node + self.number);
        if tick >= self.ticks() {
            return None;
        }
        let node = (id >> self.number) & (self.nodes() - 1);
        Some((tick, node, id & (self.ids_a_tick() - 1)))
    }

    /// The first position of a tick.
    #[inline]
    pub(super) const fn begin(self, tick: u64) -> u64 {
        tick << self.number
    }

    /// The position that is given when `free` is the first that was never given and the clock shows
    /// `now`.
    #[inline]
    pub(super) const fn next(self, free: u64, now: u64) -> Result<u64, Refused> {
        if now >= self.ticks() {
            return Err(Refused::OutOfTicks);
        }
        let begin = self.begin(now);
        if free <= begin {
            return Ok(begin);
        }
        let tick = free >> self.number;
        if tick >= self.ticks() {
            return Err(Refused::OutOfTicks);
        }
        // A tick is opened by the clock alone; in one that is open one may go on.
        if free == self.begin(tick) && tick > now {
            return Err(Refused::TickFull { opens: tick });
        }
        Ok(free)
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Why there is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    TickFull { opens: u64 },
    OutOfTicks,
}

/// These settings make no ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutError {
    /// No bit is left for the tick.
    NoTicks,
    /// More than 63 bits.
    TooManyBits {
        /// How many they are.
        sum: u32,
    },
    /// The node does not fit into its bits.
    NodeTooLarge {
        /// The node.
        node: u64,
        /// How many nodes there can be.
        nodes: u64,
    },
    /// A tick of no time, or of more than 584 years.
    NoSuchTick,
    /// The id that all others are to follow is none of this layout.
    NotAnId {
        /// The number.
        id: u64,
    },
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTicks => f.write_str("ids that are ordered by time need bits for the time"),
            Self::TooManyBits { sum } => write!(f, "an id has 63 bits, and these are {sum}"),
            Self::NodeTooLarge { node, nodes } => {
                write!(f, "node {node} is not below {nodes}, which is what its bits can tell apart")
            }
            Self::NoSuchTick => f.write_str("a tick takes from 1 ns to 584 years"),
            Self::NotAnId { id } => write!(f, "{id} is no id of this layout"),
        }
    }
}

impl Error for LayoutError {}

#[cfg(all(test, not(any(loom, stepped))))]
mod tests {
    use super::{Layout, LayoutError, Refused};

    const SMALL: Layout = Layout { tick: 4, node: 3, number: 2 };

    #[test]
    fn an_id_comes_apart_into_what_it_was_made_of() {
        for position in 0..1 << 6 {
            for node in 0..SMALL.nodes() {
                let id = SMALL.id(node, position);
                assert_eq!(SMALL.split(id), Some((position >> 2, node, position & 3)));
            }
        }
        assert_eq!((SMALL.split(1 << 9), SMALL.split(u64::MAX)), (None, None));
    }

    #[test]
    fn the_clock_opens_a_tick_and_ids_fill_it() {
        assert_eq!(SMALL.next(0, 5), Ok(20));
        assert_eq!((SMALL.next(21, 5), SMALL.next(23, 5)), (Ok(21), Ok(23)));
        assert_eq!(SMALL.next(24, 5), Err(Refused::TickFull { opens: 6 }));
        assert_eq!(SMALL.next(24, 6), Ok(24));
        assert_eq!(SMALL.next(24, 9), Ok(36));
    }

    #[test]
    fn a_clock_that_steps_back_finds_its_tick_open() {
        assert_eq!((SMALL.next(21, 0), SMALL.next(23, 4)), (Ok(21), Ok(23)));
        assert_eq!(SMALL.next(24, 0), Err(Refused::TickFull { opens: 6 }));
    }

    #[test]
    fn there_is_no_id_after_the_last_tick() {
        assert_eq!(SMALL.next(0, 15), Ok(60));
        assert_eq!(SMALL.next(63, 15), Ok(63));
        assert_eq!(SMALL.next(64, 15), Err(Refused::OutOfTicks));
        assert_eq!(SMALL.next(0, 16), Err(Refused::OutOfTicks));
        assert_eq!(SMALL.next(0, u64::MAX), Err(Refused::OutOfTicks));
    }

    #[test]
    fn bits_that_do_not_fit_are_refused() {
        assert_eq!(Layout::new(0, 1, 1), Err(LayoutError::NoTicks));
        assert_eq!(Layout::new(42, 10, 12), Err(LayoutError::TooManyBits { sum: 64 }));
        assert!(Layout::new(u32::MAX, u32::MAX, 1).is_err());
        let widest = Layout::new(63, 0, 0).unwrap();
        assert_eq!((widest.ids_a_tick(), widest.nodes()), (1, 1));
        assert_eq!(widest.next((1 << 63) - 1, (1 << 63) - 1), Ok((1 << 63) - 1));
        assert_eq!(widest.next(1 << 63, (1 << 63) - 1), Err(Refused::OutOfTicks));
    }
}
