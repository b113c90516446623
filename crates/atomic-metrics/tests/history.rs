//! What real threads saw of records of one value is what one thread could have seen.
#![cfg(all(not(loom), feature = "std"))]

use atomic_metrics::{Aggregator, Histogram};
use testkit::{
    history::{Recorder, Spec, check, is_linearizable, on_threads},
    stress::scaled,
};

const THREADS: usize = 3;
const OPERATIONS: usize = 12;

/// How many records there were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Records(u64);

#[derive(Clone, Copy, Debug)]
enum Call {
    Record,
    Snapshot,
    Summary,
}
use Call::{Record, Snapshot, Summary};

impl Spec for Records {
    type Operation = Call;
    /// The count and the sum, both as whole numbers.
    type Outcome = [u64; 2];

    fn apply(&mut self, call: &Call) -> [u64; 2] {
        match call {
            Record => {
                self.0 += 1;
                [0; 2]
            }
            Snapshot | Summary => [self.0; 2],
        }
    }
}

/// Of `metric`, whose summary is one of a moment only where no record is completed meanwhile again and
/// again: a few operations are too few for that.
fn histories<M: Sync>(
    metric: impl Fn() -> M,
    record: impl Fn(&M) + Sync,
    read: impl Fn(&M, Call) -> atomic_metrics::Snapshot + Sync,
) {
    let choose = |random: u64| match random % 4 {
        0 | 1 => Record,
        2 => Snapshot,
        _ => Summary,
    };
    for round in 0..scaled(200) {
        let metric = metric();
        let history = on_threads::<THREADS, _, _>(round, OPERATIONS, choose, |call| {
            if let Record = call {
                record(&metric);
                return [0; 2];
            }
            let read = read(&metric, *call);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
            let sum = read.sum as u64;
            [read.count, sum]
        });
        check(&Records::default(), history);
    }
}

#[test]
fn the_aggregator_is_linearizable_for_one_value() {
    histories(
        Aggregator::new,
        |metric| metric.record(1.0),
        |metric, call| if let Summary = call { metric.summary() } else { metric.snapshot() },
    );
}

#[test]
fn the_histogram_is_linearizable_for_one_value() {
    histories(
        Histogram::new,
        |metric| metric.record(1.0),
        |metric, call| {
            if let Summary = call { metric.summary() } else { *metric.snapshot().summary() }
        },
    );
}

/// The oracle is worth what it refuses: a record that was completed is missed.
#[test]
fn the_checker_refuses_a_record_that_is_missed() {
    let recorder = Recorder::new();
    for (call, outcome) in [(Record, [0; 2]), (Snapshot, [0; 2])] {
        recorder.record(call, || outcome);
    }
    assert!(!is_linearizable(&Records::default(), &recorder.take()));
}
