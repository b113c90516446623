//! Property tests against numbers that are wide enough.
#![cfg(all(not(loom), feature = "std"))]

use proptest::{collection::vec, option, prelude::*};
use seqgen::{Exhausted, Sequence};

/// A sequence as one would write it with numbers that do not end.
#[derive(Debug)]
struct Wide {
    min: i128,
    max: i128,
    step: i128,
    cycle: bool,
    /// The next id, if it is in range.
    next: i128,
}

impl Wide {
    fn has(&self, id: i128) -> bool {
        self.min <= id && id <= self.max
    }

    fn next(&mut self) -> Option<u64> {
        if !self.has(self.next) {
            if !self.cycle {
                return None;
            }
            self.next = if self.step > 0 { self.min } else { self.max };
        }
        let id = self.next;
        self.next += self.step;
        Some(u64::try_from(id).unwrap())
    }

    /// A batch ends at the end, and before a cycle begins anew.
    fn batch(&mut self, n: u64) -> Vec<u64> {
        let mut ids: Vec<_> = (n > 0).then(|| self.next()).flatten().into_iter().collect();
        while !ids.is_empty() && (ids.len() as u64) < n && self.has(self.next) {
            ids.extend(self.next());
        }
        ids
    }

    fn remaining(&self) -> u64 {
        let left = if self.step > 0 { self.max - self.next } else { self.next - self.min };
        if left < 0 { 0 } else { u64::try_from(left / self.step.abs() + 1).unwrap() }
    }

    fn current(&self) -> u64 {
        u64::try_from((self.next - self.step).clamp(0, i128::from(u64::MAX))).unwrap()
    }
}

/// Numbers near both ends, in the middle, and any.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..20_u64, u64::MAX - 20..=u64::MAX, (1_u64 << 63) - 5..(1 << 63) + 5, any::<u64>()]
}

fn step() -> impl Strategy<Value = i64> {
    prop_oneof![-5..6_i64, -5000..5000_i64, any::<i64>(), Just(i64::MIN), Just(i64::MAX)]
}

#[derive(Clone, Debug)]
enum Call {
    Next,
    Batch(u64),
    Reset(u64),
    RestartWith(u64),
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = prop_oneof![
        6 => Just(Call::Next),
        3 => (0..8_u64).prop_map(Call::Batch),
        1 => (1000..1030_u64).prop_map(Call::Batch),
        1 => number().prop_map(Call::Reset),
        1 => number().prop_map(Call::RestartWith),
    ];
    vec(call, 0..60)
}

fn compare(sequence: &Sequence, wide: &mut Wide, calls: Vec<Call>) -> Result<(), TestCaseError> {
    for call in calls {
        match call {
            Call::Next => prop_assert_eq!(sequence.next(), wide.next().ok_or(Exhausted)),
            Call::Batch(n) => match sequence.next_batch(n) {
                Ok(batch) => {
                    let ids = wide.batch(n);
                    prop_assert_eq!(
                        (batch.front(), batch.back()),
                        (ids.first().copied(), ids.last().copied())
                    );
                    prop_assert!(batch.clone().rev().eq(ids.iter().rev().copied()));
                    prop_assert_eq!(batch.collect::<Vec<_>>(), ids);
                }
                Err(Exhausted) => prop_assert!(n > 0 && wide.batch(n).is_empty()),
            },
            Call::Reset(start) => {
                let next = i128::from(start) + wide.step;
                let beyond = if wide.step > 0 {
                    i128::from(start) > wide.max
                } else {
                    i128::from(start) < wide.min
                };
                let before = if wide.step > 0 { next < wide.min } else { next > wide.max };
                prop_assert_eq!(sequence.reset(start).is_ok(), !beyond && !before);
                if !beyond && !before {
                    wide.next = next;
                }
            }
            Call::RestartWith(first) => {
                prop_assert_eq!(sequence.restart_with(first).is_ok(), wide.has(i128::from(first)));
                if wide.has(i128::from(first)) {
                    wide.next = i128::from(first);
                }
            }
        }
        prop_assert_eq!(sequence.remaining(), wide.remaining());
        prop_assert_eq!(sequence.current(), wide.current());
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_sequence_from_a_start_is_what_wide_numbers_say(
        (start, max) in (number(), number()).prop_map(|(one, other)| (one.min(other), one.max(other))),
        step in prop_oneof![1..6_u64, 1..5000_u64, any::<u64>()],
        calls in calls(),
    ) {
        prop_assume!(step > 0);
        let sequence = Sequence::new(start, max, step).unwrap();
        let step = i128::from(step);
        let mut wide = Wide { min: step, max: max.into(), step, cycle: false, next: i128::from(start) + step };
        prop_assert_eq!(sequence.current(), start);
        compare(&sequence, &mut wide, calls)?;
    }

    #[test]
    fn a_built_sequence_is_what_wide_numbers_say(
        (min, max) in (number(), number()),
        step in step(),
        first in option::of(number()),
        cycle in any::<bool>(),
        calls in calls(),
    ) {
        let mut builder = Sequence::builder().min(min).max(max).step(step).cycle(cycle);
        let (least, greatest, stride) = (i128::from(min), i128::from(max), i128::from(step));
        let mut next = if step > 0 { least } else { greatest };
        if let Some(first) = first {
            builder = builder.start_with(first);
            next = first.into();
        }
        let sound = step != 0
            && min <= max
            && greatest - least + stride.abs() <= i128::from(u64::MAX)
            && (least..=greatest).contains(&next);
        let built = builder.build();
        prop_assert_eq!(built.is_ok(), sound);
        if let Ok(sequence) = built {
            prop_assert_eq!((sequence.min(), sequence.max()), (min, max));
            let mut wide = Wide { min: least, max: greatest, step: stride, cycle, next };
            compare(&sequence, &mut wide, calls)?;
        }
    }
}
