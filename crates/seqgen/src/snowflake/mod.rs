//! Ids that are ordered by time, unique among nodes that know nothing of each other.
//!
//! After Twitter's Snowflake (King, "Announcing Snowflake", 2010): an id is a tick of the clock, the
//! number of the node, and a number within the tick.
//!
//! # State
//!
//! One word, `free`: the first position (tick and number, see [`Layout`]) that was never given. Its
//! transitions are `Layout::next`.
//!
//! # Invariants
//!
//! * I1: `free` only grows, so no position is given twice and ids grow, whatever the clock does.
//! * I2: a tick is opened by a clock that has reached it, so ids are never ahead of the greatest time
//!   that was read.
//!
//! # Progress and linearization
//!
//! * `next`: reads the clock, then lock-free: 2 accesses, and 1 more for each time that somebody else
//!   was faster. It linearizes at the exchange; an error, at the load before.
//!
//! # Orderings
//!
//! There is no edge: one word that only grows, and an id carries nothing.

mod layout;
#[cfg(feature = "std")]
mod unix;

use core::{error::Error, fmt, time::Duration};

use lockfree_core::{
    Backoff, CachePadded,
    clock::Clock,
    sync::{AtomicU64, Ordering::Relaxed},
};

use self::layout::Refused;
pub use self::layout::{Layout, LayoutError};
#[cfg(feature = "std")]
pub use self::unix::UnixClock;

/// Gives ids that are unique among all nodes and ordered by time.
///
/// Each id is greater than all that this value gave before, also where the clock stands still, jumps,
/// or steps back: then ids go on in the tick that was reached, and when that is full, wait for the
/// clock or are refused, as the caller likes. Nothing here panics.
///
/// Two processes must not be the same node at the same time. One that starts again as the same node
/// must begin behind its last id ([`after`](Builder::after)), or at least one tick later.
///
/// ```
/// use core::time::Duration;
/// use lockfree_core::clock::ManualClock;
/// use seqgen::{Snowflake, snowflake::Layout};
///
/// let clock = ManualClock::new();
/// let ids = Snowflake::with_clock(&clock).layout(Layout::new(30, 8, 1)?).node(7).build()?;
/// clock.advance(Duration::from_millis(5));
///
/// let (one, two) = (ids.next().unwrap(), ids.next().unwrap());
/// let parts = ids.parse(two).unwrap();
/// assert_eq!((parts.time, parts.node, parts.number), (Duration::from_millis(5), 7, 1));
/// assert!(one < two);
///
/// // The number has one bit here: two ids a tick.
/// let full = ids.next().unwrap_err();
/// assert_eq!(full.wait(), Some(Duration::from_millis(1)));
/// clock.advance(Duration::from_millis(1));
/// assert!(ids.next().unwrap() > two);
/// # Ok::<(), seqgen::snowflake::LayoutError>(())
/// ```
#[derive(Debug)]
pub struct Snowflake<C> {
    free: CachePadded<AtomicU64>,
    steady: Settings,
    clock: C,
}

/// What does not change.
#[derive(Clone, Copy, Debug)]
struct Settings {
    layout: Layout,
    node: u64,
    /// Nanoseconds.
    tick: u64,
    /// What the clock shows at the beginning of tick 0, in nanoseconds.
    epoch: u64,
}

impl<C: Clock> Snowflake<C> {
    /// Settings for ids by this clock. Until told otherwise: the layout [`Layout::DEFAULT`], node 0,
    /// ticks of a millisecond from the clock's start.
    pub const fn with_clock(clock: C) -> Builder<C> {
        Builder {
            clock,
            layout: Layout::DEFAULT,
            node: 0,
            tick: Duration::from_millis(1),
            epoch: Duration::ZERO,
            after: None,
        }
    }

    /// The next id.
    ///
    /// # Errors
    /// The tick is full, or the clock is past the last tick. It never waits.
    #[inline]
    pub fn next(&self) -> Result<u64, NoId> {
        let nanos = self.clock.now_nanos();
        let now = nanos.saturating_sub(self.steady.epoch) / self.steady.tick;
        let layout = self.steady.layout;
        // Relaxed: the exchange checks it.
        let mut free = self.free.load(Relaxed);
        loop {
            let position = match layout.next(free, now) {
                Ok(position) => position,
                Err(refused) => return Err(self.refuse(refused, nanos)),
            };
            // Relaxed: an id carries nothing.
            match self.free.compare_exchange_weak(free, position + 1, Relaxed, Relaxed) {
                Ok(_) => return Ok(layout.id(self.steady.node, position)),
                Err(now) => free = now,
            }
        }
    }

    #[cold]
    fn refuse(&self, refused: Refused, now: u64) -> NoId {
        match refused {
            Refused::TickFull { opens } => {
                let Settings { epoch, tick, .. } = self.steady;
                let opens = opens.saturating_mul(tick).saturating_add(epoch);
                NoId::TickFull { wait: Duration::from_nanos(opens.saturating_sub(now)) }
            }
            Refused::OutOfTicks => NoId::OutOfTicks,
        }
    }

    /// The next id; waits for the clock while the tick is full: as long as it says (asleep, with
    /// `std`), and then looks again. If the clock stands still for ever, so does the caller.
    ///
    /// # Errors
    /// The clock is past the last tick.
    pub fn wait_next(&self) -> Result<u64, NoId> {
        self.wait_while(Some)
    }

    /// As [`wait_next`](Self::wait_next), at most for `timeout`.
    ///
    /// # Errors
    /// The clock is past the last tick, or the tick is still full after that time, by the system's
    /// clock.
    #[cfg(feature = "std")]
    pub fn wait_next_for(&self, timeout: Duration) -> Result<u64, NoId> {
        let started = std::time::Instant::now();
        self.wait_while(|wait| {
            let left = timeout.saturating_sub(started.elapsed());
            (!left.is_zero()).then_some(wait.min(left))
        })
    }

    /// Waits as long as `patience` makes of the time to the next tick, again and again.
    fn wait_while(&self, patience: impl Fn(Duration) -> Option<Duration>) -> Result<u64, NoId> {
        let backoff = Backoff::new();
        loop {
            let outcome = self.next();
            let Some(wait) = outcome.err().and_then(NoId::wait).and_then(&patience) else {
                return outcome;
            };
            pause(&backoff, wait);
        }
    }

    /// What an id of this layout tells, whichever node gave it; nothing if it is none.
    pub fn parse(&self, id: u64) -> Option<Parts> {
        let (tick, node, number) = self.steady.layout.split(id)?;
        let nanos = u128::from(tick) * u128::from(self.steady.tick);
        let time = Duration::from_nanos_u128(nanos + u128::from(self.steady.epoch));
        Some(Parts { tick, time, node, number })
    }

    /// The layout.
    pub const fn layout(&self) -> Layout {
        self.steady.layout
    }

    /// The node.
    pub const fn node(&self) -> u64 {
        self.steady.node
    }

    /// The clock.
    pub const fn clock(&self) -> &C {
        &self.clock
    }
}

/// Waits for some of `time`: a clock that stands may be moved on before it is over.
fn pause(backoff: &Backoff, time: Duration) {
    #[cfg(all(feature = "std", not(any(loom, stepped))))]
    if time >= Duration::from_micros(100) {
        return std::thread::sleep(time.min(Duration::from_millis(5)));
    }
    let _ = time;
    backoff.snooze();
}

/// What an id tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The tick, from 0 on.
    pub tick: u64,
    /// The beginning of the tick, as the clock shows it: for [`UnixClock`], since 1970.
    pub time: Duration,
    /// The node that gave it.
    pub node: u64,
    /// The number within the tick.
    pub number: u64,
}

/// There is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoId {
    /// All ids of the tick are given; that is the present tick, or, if the clock has stepped back, a
    /// later one.
    TickFull {
        /// How long it is, by the clock, to the next tick.
        wait: Duration,
    },
    /// The clock is past the last tick that the layout has bits for.
    OutOfTicks,
}

impl NoId {
    /// How long it is to the next id, if there will be one.
    pub const fn wait(self) -> Option<Duration> {
        match self {
            Self::TickFull { wait } => Some(wait),
            Self::OutOfTicks => None,
        }
    }
}

impl fmt::Display for NoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TickFull { wait } => write!(f, "all ids of the tick are given; wait {wait:?}"),
            Self::OutOfTicks => f.write_str("the clock is past the last tick of the layout"),
        }
    }
}

impl Error for NoId {}

/// The settings of a [`Snowflake`].
#[derive(Clone, Copy, Debug)]
#[must_use = "it gives no ids by itself"]
pub struct Builder<C> {
    clock: C,
    layout: Layout,
    node: u64,
    tick: Duration,
    epoch: Duration,
    after: Option<u64>,
}

impl<C: Clock> Builder<C> {
    /// How the bits are divided.
    pub fn layout(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }

    /// Which of the nodes this is.
    pub fn node(self, node: u64) -> Self {
        Self { node, ..self }
    }

    /// How long a tick is.
    pub fn tick(self, tick: Duration) -> Self {
        Self { tick, ..self }
    }

    /// What the clock shows at the beginning of tick 0. All nodes must have the same.
    pub fn epoch(self, epoch: Duration) -> Self {
        Self { epoch, ..self }
    }

    /// An id that all others are to follow: the last one of this node's former life.
    pub fn after(self, id: u64) -> Self {
        Self { after: Some(id), ..self }
    }

    /// Ids by these settings.
    ///
    /// # Errors
    /// The settings do not go together: see [`LayoutError`].
    pub fn build(self) -> Result<Snowflake<C>, LayoutError> {
        let Self { clock, layout, node, tick, epoch, after } = self;
        if node >= layout.nodes() {
            return Err(LayoutError::NodeTooLarge { node, nodes: layout.nodes() });
        }
        let tick = u64::try_from(tick.as_nanos()).map_err(|_| LayoutError::NoSuchTick)?;
        if tick == 0 {
            return Err(LayoutError::NoSuchTick);
        }
        let epoch = u64::try_from(epoch.as_nanos()).unwrap_or(u64::MAX);
        let free = match after {
            None => 0,
            Some(id) => {
                let (tick, _, number) = layout.split(id).ok_or(LayoutError::NotAnId { id })?;
                layout.begin(tick) + number + 1
            }
        };
        let steady = Settings { layout, node, tick, epoch };
        Ok(Snowflake { free: CachePadded::new(AtomicU64::new(free)), steady, clock })
    }
}
