//! What a reader makes of buckets: counts, rates, history.

use alloc::vec::Vec;
use core::{fmt, time::Duration};

use crate::span::{Span, ratio};

/// What counts events in buckets.
pub(crate) trait Tally {
    /// Calls `each` with the number and the count of every bucket from `first` on; returns what was
    /// counted before.
    fn visit(&self, first: u64, each: &mut dyn FnMut(u64, u64)) -> u64;

    /// The newest bucket that it knows, if it does.
    fn newest(&self) -> Option<u64>;
}

/// One look at all buckets of the history.
///
/// What each thread counted is read once, so that in every snapshot, also of a counter that is busy,
/// `total` is what the `counts` and `evicted` add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The events in each bucket of the history, the oldest first and the present one last.
    pub counts: Vec<u64>,
    /// When the present bucket began, on the counter's clock.
    pub began: Duration,
    /// Events that are older than the history.
    pub evicted: u64,
    /// All events ever counted.
    pub total: u64,
}

/// The buckets of a tally at a time.
pub(crate) struct Reading<'a, T> {
    tally: &'a T,
    span: Span,
    now: u64,
}

impl<'a, T: Tally> Reading<'a, T> {
    /// A reading at `now`, or at the start of the newest bucket if that is later: a clock that steps
    /// back does not make the present older than the events.
    pub(crate) fn new(tally: &'a T, span: Span, now: u64) -> Self {
        let newest = tally.newest().map_or(0, |tick| span.start(tick));
        Self { tally, span, now: now.max(newest) }
    }

    pub(crate) fn count(&self, window: Duration) -> u64 {
        let buckets = self.span.whole(window);
        let mut sum = 0;
        if buckets > 0 {
            let first = self.span.tick(self.now).saturating_sub(buckets - 1);
            self.tally.visit(first, &mut |_, count| sum += count);
        }
        sum
    }

    pub(crate) const fn now(&self) -> u64 {
        self.now
    }

    pub(crate) fn rate(&self, window: Duration) -> f64 {
        match self.span.whole(window) {
            0 => 0.0,
            buckets => {
                let nanos = self.span.width().as_nanos() * u128::from(buckets);
                ratio(self.count(window).into(), nanos) * 1e9
            }
        }
    }

    /// The interpolated count, and the seconds that it is of.
    pub(crate) fn interpolated(&self, window: Duration) -> (f64, f64) {
        let Some(weights) = self.span.weights(self.now, window) else { return (0.0, 1.0) };
        let mut sum = 0.0;
        let each = &mut |tick, count: u64| sum += weights.of(tick) * ratio(count.into(), 1);
        self.tally.visit(weights.first.0, each);
        (sum, weights.seconds)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let (present, first) = (self.span.tick(self.now), self.span.oldest(self.now));
        #[expect(clippy::cast_possible_truncation, reason = "it came out of a usize")]
        let mut counts = alloc::vec![0; self.span.buckets() as usize];
        // Before the clock has run for a whole history, the oldest buckets are of no time.
        let last = counts.len() - 1;
        let evicted = self.tally.visit(first, &mut |tick, count| {
            // What is newer than the present came while we looked.
            let age = present.saturating_sub(tick);
            #[expect(clippy::cast_possible_truncation, reason = "below the length")]
            let place = last - age as usize;
            counts[place] += count;
        });
        let total = counts.iter().sum::<u64>() + evicted;
        Snapshot { counts, began: Duration::from_nanos(self.span.start(present)), evicted, total }
    }
}

pub(crate) fn debug<T: Tally>(
    name: &str,
    reading: &Reading<'_, T>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let span = reading.span;
    let total = reading.tally.visit(u64::MAX, &mut |_, _| {});
    let mut fields = f.debug_struct(name);
    fields.field("bucket", &span.width()).field("buckets", &span.buckets()).field("total", &total);
    fields.finish_non_exhaustive()
}

/// The reading half of a counter's interface.
macro_rules! readers {
    ($Counter:ident) => {
        impl<C: Clock> $Counter<C> {
            /// Events of the present bucket and the whole ones before it that `window` reaches, see
            /// [what a window is](crate::EventCounter#what-a-window-is). Wait-free.
            pub fn count(&self, window: Duration) -> u64 {
                self.reading().count(window)
            }

            /// The same in events a second: divided by as many whole buckets; 0 for a window of 0.
            pub fn rate(&self, window: Duration) -> f64 {
                self.reading().rate(window)
            }

            /// Events in the window before now, cut to the history, as far as buckets can tell.
            pub fn count_interpolated(&self, window: Duration) -> f64 {
                self.reading().interpolated(window).0
            }

            /// The same in events a second, divided by the window; 0 for a window of 0.
            pub fn rate_interpolated(&self, window: Duration) -> f64 {
                let (count, seconds) = self.reading().interpolated(window);
                count / seconds
            }

            /// The events in each bucket of the history, the oldest first and the present one last.
            /// Allocates what it returns.
            pub fn history(&self) -> alloc::vec::Vec<u64> {
                self.snapshot().counts
            }

            /// One look at the whole history, whose parts add up. Allocates what it returns.
            pub fn snapshot(&self) -> Snapshot {
                self.reading().snapshot()
            }

            /// Events that are older than the history: the total less what is in the buckets.
            pub fn evicted(&self) -> u64 {
                let now = self.reading().now();
                self.visit(self.span.oldest(now), &mut |_, _| {})
            }

            /// The bucket that a time of the clock lies in, for [`add_at`](Self::add_at).
            #[inline]
            pub fn tick_of(&self, time: Duration) -> u64 {
                self.span.tick(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
            }

            /// The width of a bucket.
            pub fn bucket(&self) -> Duration {
                self.span.width()
            }

            /// How many buckets make the history.
            pub fn buckets(&self) -> usize {
                #[expect(clippy::cast_possible_truncation, reason = "it came out of a usize")]
                let buckets = self.span.buckets() as usize;
                buckets
            }

            /// The clock.
            pub fn clock(&self) -> &C {
                &self.clock
            }
        }
    };
}
pub(crate) use readers;
