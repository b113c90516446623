//! What real threads saw is what one thread could have seen.
#![cfg(not(loom))]

use hot_config::{HotConfig, Reader};
use testkit::{
    history::{Recorder, Spec, check, is_linearizable, together},
    stress::scaled,
};

const THREADS: usize = 3;
const OPERATIONS: usize = 12;

/// A value with its version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Setting {
    version: u64,
    value: u64,
}

#[derive(Clone, Copy, Debug)]
enum Call {
    /// Tells the old value.
    Update(u64),
    /// Tells the old value.
    Double,
    Load,
    /// Tells the value, by the thread's own reader.
    Read,
    Version,
    /// Tells the version and the value.
    Snapshot,
}
use Call::{Double, Load, Read, Snapshot, Update, Version};

impl Spec for Setting {
    type Operation = Call;
    type Outcome = [u64; 2];

    fn apply(&mut self, call: &Call) -> [u64; 2] {
        let (version, value) = (self.version, self.value);
        match *call {
            Update(new) => *self = Self { version: version + 1, value: new },
            Double => *self = Self { version: version + 1, value: 2 * value + 1 },
            Version => return [version, 0],
            Snapshot => return [version, value],
            Load | Read => {}
        }
        [0, value]
    }
}

const FIRST: Setting = Setting { version: 1, value: 0 };

fn call(config: &HotConfig<u64>, reader: &mut Reader<u64>, call: Call) -> [u64; 2] {
    match call {
        Update(value) => [0, *config.update(value)],
        Double => [0, *config.rcu(|old| 2 * old + 1)],
        Load => [0, *config.load()],
        Read => [0, *reader.load()],
        Version => [config.version(), 0],
        Snapshot => {
            let snapshot = config.snapshot();
            [snapshot.version, *snapshot.value]
        }
    }
}

#[test]
fn the_configuration_is_linearizable() {
    for round in 0..scaled(300) {
        let config = HotConfig::new(FIRST.value);
        let steps = [(); THREADS].map(|()| {
            let (config, mut reader) = (&config, config.reader());
            move |recorder: &Recorder<Call, [u64; 2]>, random: u64| {
                let what = match random % 9 {
                    0 | 1 => Update(random >> 48),
                    2 => Double,
                    3 | 4 => Load,
                    5 | 6 => Read,
                    7 => Version,
                    _ => Snapshot,
                };
                recorder.record(what, || call(config, &mut reader, what));
            }
        });
        check(&FIRST, together(steps, round, OPERATIONS));
    }
}

/// The oracle is worth what it refuses: a reader that goes back.
#[test]
fn the_checker_refuses_a_reader_that_goes_back() {
    let recorder = Recorder::new();
    for (call, outcome) in [(Update(5), 0), (Read, 5), (Read, 0)] {
        recorder.record(call, || [0, outcome]);
    }
    assert!(!is_linearizable(&FIRST, &recorder.take()));
}
