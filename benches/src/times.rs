//! How long single calls took.

use std::time::Instant;

/// How many calls took how long, each known to one part in 32.
#[derive(Debug)]
pub(crate) struct Times {
    counts: Box<[u64]>,
    slowest: u64,
}

impl Default for Times {
    fn default() -> Self {
        Self { counts: vec![0; Self::place(u64::MAX) + 1].into(), slowest: 0 }
    }
}

impl Times {
    /// Values of one place share their highest 6 bits.
    fn place(nanoseconds: u64) -> usize {
        let shift = (u64::BITS - nanoseconds.leading_zeros()).saturating_sub(6);
        shift as usize * 32 + usize::try_from(nanoseconds >> shift).expect("it has 6 bits")
    }

    /// The least value of a place.
    fn value(place: usize) -> u64 {
        let shift = (place / 32).saturating_sub(1);
        ((place - shift * 32) as u64) << shift
    }

    /// Times a call if it counts.
    #[inline]
    pub(crate) fn record<O>(
        &mut self,
        call: impl FnOnce() -> O,
        counts: impl FnOnce(&O) -> bool,
    ) -> O {
        let start = Instant::now();
        let outcome = call();
        let elapsed = start.elapsed();
        if counts(&outcome) {
            let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
            self.counts[Self::place(nanoseconds)] += 1;
            self.slowest = self.slowest.max(nanoseconds);
        }
        outcome
    }

    /// Adds another worker's.
    pub(crate) fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.slowest = self.slowest.max(other.slowest);
    }

    /// What no call exceeded.
    pub(crate) fn slowest(&self) -> u64 {
        self.slowest
    }

    /// What one call in so many exceeded.
    pub(crate) fn exceeded_by_one_in(&self, calls: u64) -> u64 {
        let mut slower = self.counts.iter().sum::<u64>() / calls;
        let found = self.counts.iter().enumerate().rev().find(|(_, count)| {
            let here = **count > slower;
            slower = slower.saturating_sub(**count);
            here
        });
        found.map_or(0, |(place, _)| Self::value(place))
    }
}
