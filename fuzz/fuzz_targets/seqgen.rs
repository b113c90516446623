//! A sequence beside numbers that are wide enough.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use seqgen::Sequence;

#[derive(Arbitrary, Debug)]
enum Step {
    Next,
    Batch(u16),
    Reset(u64),
    ResetNear(u8),
    Current,
    Remaining,
}

fuzz_target!(|input: (u64, u64, u64, bool, Vec<Step>)| {
    let (start, max, step, at_the_end, steps) = input;
    let max = if at_the_end { u64::MAX - max % 64 } else { max };
    let Ok(ids) = Sequence::new(start, max, step) else {
        assert!(step == 0 || start > max);
        return;
    };
    let (mut last, max, step) = (u128::from(start), u128::from(max), u128::from(step));
    let ask = |last: &mut u128, n: u128| {
        let there = n.min((max - *last) / step);
        let first = *last + step;
        *last += there * step;
        (first, there)
    };
    for what in steps {
        match what {
            Step::Next => {
                let (first, there) = ask(&mut last, 1);
                assert_eq!(ids.next().ok().map(u128::from), (there > 0).then_some(first));
            }
            Step::Batch(n) => {
                // One that comes near the end of `u64` may end early: it tells how many it has.
                let got: Vec<_> = ids.next_batch(n.into()).into_iter().flatten().collect();
                let left = (max - last) / step;
                assert_eq!(got.is_empty(), n == 0 || left == 0);
                assert!(got.len() <= usize::from(n));
                let (first, there) = ask(&mut last, got.len() as u128);
                assert_eq!(there, got.len() as u128);
                for (at, id) in got.iter().enumerate() {
                    assert_eq!(u128::from(*id), first + at as u128 * step);
                }
            }
            Step::Reset(to) => {
                assert_eq!(ids.reset(to).is_ok(), u128::from(to) <= max);
                last = if u128::from(to) <= max { to.into() } else { last };
            }
            Step::ResetNear(below) => {
                let to = ids.max().saturating_sub(below.into());
                ids.reset(to).unwrap();
                last = to.into();
            }
            Step::Current => assert_eq!(u128::from(ids.current()), last),
            Step::Remaining => assert_eq!(u128::from(ids.remaining()), (max - last) / step),
        }
    }
});
