//! Configurations: threads that read one value as fast as they can, alone and while another replaces it
//! 1,000 times a second.

use crate::case::{Case, Contender, Role, Unit};
use crate::goals::{Bound, Goal};
use crate::team::{self, BATCH, Job};
use core::{hint::black_box, time::Duration};
use lockfree_core::sync::{AtomicBool, Ordering::Relaxed};
use std::{sync::mpsc, thread};

mod kinds;

pub use kinds::{
    ArcShift, ArcSwapCache, ArcSwapLoad, Bare, HotGuard, HotReader, LeftRight, ParkingLot, Std,
    Watch,
};

/// What the command line calls this family.
pub const FAMILY: &str = "config";

/// The writer's pause between two updates.
const PERIOD: Duration = Duration::from_millis(1);

/// What is read: words that belong together.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    number: u64,
    words: [u64; 8],
}

impl Settings {
    /// Those of this number.
    pub fn new(number: u64) -> Self {
        Self { number, words: [number; 8] }
    }

    /// Their number.
    pub fn number(&self) -> u64 {
        self.number
    }

    fn is_whole(&self) -> bool {
        self.words == [self.number; 8]
    }
}

/// A value that is replaced while others read it.
pub trait Config: 'static {
    /// Its name in tables.
    const NAME: &'static str;
    /// Where it comes from.
    const PACKAGE: Option<&'static str>;
    /// Whose it is.
    const ROLE: Role = Role::Peer;
    /// Who replaces.
    type Writer: Write;
    /// Who reads: one for each thread.
    type Reader: Read;
    /// With the settings of number 0: the one who replaces, and `readers` who read.
    fn config(readers: usize) -> (Self::Writer, Vec<Self::Reader>);
}

/// Who replaces.
pub trait Write: Send {
    /// Puts these in the place of those that are there.
    fn update(&mut self, settings: Settings);
}

/// Who reads.
pub trait Read: Send {
    /// Lends the settings that are there.
    fn read<R>(&mut self, look: impl FnOnce(&Settings) -> R) -> R;
}

/// Calls a generic function for each contender: one list for tables and criterion.
#[macro_export]
macro_rules! configs {
    ($each:ident($($argument:expr),*)) => {{
        use $crate::contenders::config::*;
        [
            $each::<HotReader>($($argument),*),
            $each::<HotGuard>($($argument),*),
            $each::<Bare>($($argument),*),
            $each::<ArcSwapLoad>($($argument),*),
            $each::<ArcSwapCache>($($argument),*),
            $each::<ArcShift>($($argument),*),
            $each::<Watch>($($argument),*),
            $each::<Std>($($argument),*),
            $each::<ParkingLot>($($argument),*),
            $each::<LeftRight>($($argument),*),
        ]
    }};
}

/// Two cases for each number of threads.
pub fn cases(threads: &[usize]) -> Vec<Case> {
    let case = |(&threads, updates): (&usize, bool)| Case {
        family: FAMILY,
        name: format!(
            "read, {threads} thread{}{}",
            if threads == 1 { "" } else { "s" },
            if updates { ", 1,000 updates/s" } else { "" },
        ),
        unit: Unit::Nanoseconds { threads },
        full_only: false,
        contenders: configs!(reads(threads, updates)).into(),
    };
    [false, true]
        .into_iter()
        .flat_map(|updates| threads.iter().map(move |n| (n, updates)))
        .map(case)
        .collect()
}

/// The peers whose every read takes what is current, without a handle.
const BY_GUARD: &[&str] = &["arc-swap load", "tokio watch", "RwLock"];

/// What a configuration is to reach.
pub const GOALS: &[Goal] = &[
    goal("read, 1 thread", "Reader", &["AtomicPtr"], Bound::TimeAtMost(1.3)),
    goal("read, 2 threads", "Reader", &["AtomicPtr"], Bound::TimeAtMost(1.3)),
    goal("read, 2 threads, 1,000 updates/s", "Reader", &["AtomicPtr"], Bound::TimeAtMost(1.3)),
    goal("read, 1 thread", "load", BY_GUARD, Bound::SpeedAtLeast(5.0)),
    goal("read, 2 threads", "load", BY_GUARD, Bound::SpeedAtLeast(5.0)),
    goal("read, 2 threads, 1,000 updates/s", "load", BY_GUARD, Bound::SpeedAtLeast(5.0)),
];

const fn goal(
    case: &'static str,
    ours: &'static str,
    peers: &'static [&'static str],
    bound: Bound,
) -> Goal {
    Goal { family: FAMILY, case, ours, peers, bound }
}

/// Each of `threads` reads; beside them one updates, if `updates`.
fn reads<C: Config>(threads: usize, updates: bool) -> Contender {
    Contender::new(C::NAME, C::PACKAGE, C::ROLE, check::<C>, move |budget| {
        let (mut writer, readers) = C::config(threads);
        let job = |mut reader: C::Reader| -> Job<'static> {
            Box::new(move |member| {
                let (mut operations, mut sum) = (0, 0_u64);
                while !member.is_over() {
                    for _ in 0..BATCH {
                        let number = black_box(&mut reader).read(|settings| settings.number);
                        sum = sum.wrapping_add(number);
                    }
                    operations += BATCH;
                }
                black_box(sum);
                operations
            })
        };
        let jobs = readers.into_iter().map(job).collect();
        let over = AtomicBool::new(false);
        let (sample, _) = thread::scope(|scope| {
            if updates {
                scope.spawn(|| {
                    for number in 1.. {
                        thread::sleep(PERIOD);
                        if over.load(Relaxed) {
                            return;
                        }
                        writer.update(Settings::new(number));
                    }
                });
            }
            let outcome = team::run(budget, jobs);
            over.store(true, Relaxed);
            outcome
        });
        Ok(sample)
    })
}

/// Two threads read while 10,000 updates go by: whole, in order, and at last the last.
fn check<C: Config>() -> Result<(), String> {
    const LAST: u64 = 10_000;
    let (mut writer, readers) = C::config(2);
    let (report, reports) = mpsc::channel();
    thread::scope(|scope| {
        for mut reader in readers {
            let report = report.clone();
            scope.spawn(move || {
                let mut last = 0;
                while last < LAST {
                    let (number, is_whole) = reader.read(|seen| (seen.number, seen.is_whole()));
                    if !is_whole || number < last {
                        let _ = report.send(format!("{number} after {last}, whole: {is_whole}"));
                        return;
                    }
                    last = number;
                }
            });
        }
        for number in 1..=LAST {
            writer.update(Settings::new(number));
        }
    });
    reports.try_recv().map_or(Ok(()), Err)
}
