//! The average of the last while, computed when it is asked for.
//!
//! # State
//!
//! A ring of spans for each thread: span `n % RING` holds tick `n` of the clock, count and sum of what the thread
//! recorded in it, or those of an older tick of the same place.
//!
//! # Invariants
//!
//! * I1: only the owner writes its spans; the ticks in a place only grow.
//! * I2: the ring has more spans than a window can touch: what is in it has not been overwritten, but for the begin of
//!   the window by a record that is later than the reading.
//!
//! # Progress and linearization
//!
//! * `record`: wait-free, 10 accesses besides those of the clock; it linearizes at the publication.
//! * `average`: lock-free: 32 spans a thread, each read anew where a record was completed in it meanwhile.
//!
//! # Orderings
//!
//! No edge of its own: see [`twin`](crate::twin).

use core::{fmt, time::Duration};

use lockfree_core::{
    Backoff,
    clock::{Clock, MonotonicClock},
};

use crate::{sharded::Sharded, snapshot::float, twin::Twin};

/// Spans of a window.
const SPANS: u64 = if cfg!(loom) { 1 } else { 30 };
/// Spans of a ring, a power of two.
const RING: usize = if cfg!(loom) { 2 } else { 32 };

/// The average of what was recorded within a window up to now, and within shorter ones.
///
/// The window is kept in 30 spans for each thread. A reader adds up what the spans in the window hold; of
/// the one that the window begins in, as large a share as lies within. So nothing has to tick: there is no
/// thread, and an idle while of any length costs nothing. Values that are not finite are left out.
///
/// A record that *happened before* the reading is in it while it is in the window, as long as the reader is not
/// held up for longer than a 30th of the window: by as much more it finds the window shortened. A record that is under
/// way may be. Memory: 6 KiB a thread.
///
/// ```
/// use core::time::Duration;
/// use atomic_metrics::RollingAverage;
/// use lockfree_core::clock::ManualClock;
///
/// let clock = ManualClock::new();
/// let load = RollingAverage::with_clock(Duration::from_secs(30), &clock);
/// load.record(10.0);
/// clock.advance(Duration::from_secs(20));
/// load.record(20.0);
/// assert_eq!(load.average(), 15.0);
/// assert_eq!(load.average_over(Duration::from_secs(10)), 20.0);
/// clock.advance(Duration::from_secs(15));
/// assert_eq!(load.average(), 20.0);
/// clock.advance(Duration::from_secs(86_400));
/// assert!(load.average().is_nan());
/// ```
pub struct RollingAverage<C = MonotonicClock> {
    clock: C,
    /// Nanoseconds.
    span: u64,
    window: u64,
    rings: Sharded<Ring>,
}

#[derive(Debug)]
struct Ring {
    spans: [Twin<3>; RING],
}

/// What a thread recorded in a tick.
#[derive(Clone, Copy, Debug)]
struct Span {
    tick: u64,
    count: u64,
    sum: f64,
}

impl Span {
    #[inline]
    const fn words(self) -> [u64; 3] {
        [self.tick, self.count, self.sum.to_bits()]
    }

    #[inline]
    const fn of([tick, count, sum]: [u64; 3]) -> Self {
        Self { tick, count, sum: f64::from_bits(sum) }
    }

    /// With one more value, in this tick. Ticks only grow.
    #[inline]
    fn and(self, tick: u64, value: f64) -> Self {
        if self.count > 0 && self.tick >= tick {
            Self { count: self.count + 1, sum: self.sum + value, ..self }
        } else {
            Self { tick, count: 1, sum: value }
        }
    }

    /// How much of it, spans being so long, lies after this time and not after that one.
    fn share(self, span: u64, from: u64, to: u64) -> f64 {
        let begin = self.tick.saturating_mul(span);
        let end = begin.saturating_add(span);
        if begin > to || end <= from {
            return 0.0;
        }
        float(end - begin.max(from)) / float(span)
    }
}

impl Default for Ring {
    fn default() -> Self {
        let empty = Span { tick: 0, count: 0, sum: 0.0 };
        Self { spans: core::array::from_fn(|_| Twin::new(empty.words())) }
    }
}

impl RollingAverage {
    /// Of the last while of this length, by the system's monotonic clock.
    ///
    /// # Panics
    /// As [`with_clock`](Self::with_clock).
    #[must_use]
    pub fn new(window: Duration) -> Self {
        Self::with_clock(window, MonotonicClock::new())
    }
}

impl<C: Clock> RollingAverage<C> {
    /// The same by another clock.
    ///
    /// # Panics
    /// The window is shorter than 30 ns, or longer than 584 years.
    #[must_use]
    pub fn with_clock(window: Duration, clock: C) -> Self {
        let window = u64::try_from(window.as_nanos()).ok().filter(|window| *window >= SPANS);
        let window = window.expect("a window is of 30 ns to 584 years");
        Self { clock, span: window.div_ceil(SPANS), window, rings: Sharded::new() }
    }

    /// Records a value, now. Wait-free: one reading of the clock and 10 accesses, none of them locked. A
    /// thread's first may allocate.
    #[inline]
    pub fn record(&self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.rings.with_own(|ring| {
            // Read here, where a shard passes from thread to thread in the order of their times.
            let tick = self.clock.now_nanos() / self.span;
            let span = &ring.spans[place(tick)];
            let now = span.own();
            let words = Span::of(span.slot(now).load()).and(tick, value).words();
            span.stage(now, words);
            span.publish(now);
        });
    }

    /// The window.
    pub const fn window(&self) -> Duration {
        Duration::from_nanos(self.window)
    }

    /// The average of what is in the window; NaN if nothing is. Lock-free.
    pub fn average(&self) -> f64 {
        self.average_over(self.window())
    }

    /// The same over a shorter window; over a longer one, that of [`window`](Self::window).
    ///
    /// What it begins in is a span of a 30th of the longest window: the shorter, the coarser.
    pub fn average_over(&self, window: Duration) -> f64 {
        let window = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX).min(self.window);
        let now = self.clock.now_nanos();
        let from = now.saturating_sub(window);
        let (mut count, mut sum) = (0.0, 0.0);
        for span in self.rings.iter().flat_map(|ring| &ring.spans) {
            let span = read(span);
            let share = span.share(self.span, from, now);
            if share > 0.0 && span.count > 0 {
                count += share * float(span.count);
                sum += share * span.sum;
            }
        }
        sum / count
    }
}

/// The place of a tick in a ring.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a place is below the length of the ring")]
const fn place(tick: u64) -> usize {
    (tick % RING as u64) as usize
}

fn read(span: &Twin<3>) -> Span {
    let backoff = Backoff::new();
    loop {
        let reading = span.read();
        if reading.whole {
            return Span::of(reading.words);
        }
        backoff.snooze();
    }
}

impl<C: Clock> fmt::Debug for RollingAverage<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RollingAverage")
            .field("window", &self.window())
            .field("average", &self.average())
            .finish_non_exhaustive()
    }
}
