//! What is asked for: sequences of keys, the same on each run.

/// A kind of requests.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trace {
    /// Some keys are asked for much more often than others.
    Zipf,
    /// The same, and between them runs of keys that are asked for once.
    Scans,
}

/// Of so many keys requests are made where a hit ratio is taken.
pub(super) const KEYS: usize = 100_000;
/// A scan of so many keys follows on as many requests.
const SCAN: usize = 20_000;

/// Marsaglia's xorshift.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Ranks below `keys`, the n-th with a weight of 1 / n^0.99; spread over the numbers, so that
/// neighbours in rank are no neighbours as keys.
pub(super) fn zipf(keys: usize, count: usize, start: u64) -> Vec<u64> {
    let mut sum = 0.0;
    let sums: Vec<f64> = (1..=keys)
        .map(|rank| {
            #[expect(clippy::cast_precision_loss, reason = "ranks are small")]
            let weight = (rank as f64).powf(-0.99);
            sum += weight;
            sum
        })
        .collect();
    let mut random = Random(start | 1);
    let draw = || {
        #[expect(clippy::cast_precision_loss, reason = "of 64 bits 53 are enough")]
        let point = (random.next() >> 11) as f64 / (1_u64 << 53) as f64 * sum;
        let rank = sums.partition_point(|sum| *sum < point).min(keys - 1);
        ((rank * 7919 + 13) % keys) as u64
    };
    core::iter::repeat_with(draw).take(count).collect()
}

/// A million requests of this kind.
pub(super) fn requests(trace: Trace) -> Vec<u64> {
    const COUNT: usize = 1_000_000;
    let asked = zipf(KEYS, COUNT, 0x1234_5678_9abc);
    match trace {
        Trace::Zipf => asked,
        Trace::Scans => {
            let mut once = KEYS as u64..;
            let part =
                |asked: &[u64]| [asked, &once.by_ref().take(SCAN).collect::<Vec<_>>()].concat();
            asked.chunks(SCAN).flat_map(part).collect()
        }
    }
}
