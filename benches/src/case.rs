//! What is measured: a case is one workload and the contenders that run it.

use crate::team::{Sample, float};
use core::{fmt, time::Duration};

/// Whose a contender is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// This workspace's: every other row is compared with it.
    Ours,
    /// Somebody else's.
    Peer,
    /// Bare atomics that do less than anybody's structure must: what the hardware lets one do.
    /// Losing against it is no defeat.
    Floor,
}

/// What a case's figures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds an operation takes its thread, `threads` of which are at it: less is better.
    Nanoseconds {
        /// How many threads the operations of a sample are spread over.
        threads: usize,
    },
    /// Million operations a second, of all threads together: more is better.
    MillionsPerSecond,
    /// How many of a hundred requests find what they ask for; a speed stands for the share: more is
    /// better.
    Percent,
    /// Bytes an entry or a structure, a speed being how many of them there are in a byte: less is better.
    Bytes,
}

impl Unit {
    /// The figure that a speed in operations a nanosecond comes to.
    pub fn figure(self, speed: f64) -> f64 {
        match self {
            Self::Nanoseconds { threads } => float(threads as u64) / speed,
            Self::MillionsPerSecond => speed * 1e3,
            Self::Percent => speed * 1e2,
            Self::Bytes => speed.recip(),
        }
    }

    /// What stands behind a figure.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Nanoseconds { .. } => "ns/op",
            Self::MillionsPerSecond => "M/s",
            Self::Percent => "%",
            Self::Bytes => "bytes",
        }
    }

    /// Which way is better, for a table's caption.
    pub const fn direction(self) -> &'static str {
        match self {
            Self::Nanoseconds { .. } | Self::Bytes => "less is better",
            Self::MillionsPerSecond | Self::Percent => "more is better",
        }
    }
}

type Check = Box<dyn FnOnce() -> Result<(), String>>;
pub(crate) type Round = Box<dyn FnMut(Duration) -> Result<Sample, String>>;

/// One who runs a case's workload.
pub struct Contender {
    /// What it is called in tables, unique in its case.
    pub name: &'static str,
    /// The package that it comes from; none is the standard library.
    pub package: Option<&'static str>,
    /// Whose it is.
    pub role: Role,
    pub(crate) check: Check,
    pub(crate) round: Round,
}

impl Contender {
    /// A contender that must pass `check` before `round` is ever timed.
    ///
    /// `round` works for about the time that it is given, on threads that it starts through
    /// [`team::run`](crate::team::run), and may itself report that it saw something wrong.
    pub fn new(
        name: &'static str,
        package: Option<&'static str>,
        role: Role,
        check: impl FnOnce() -> Result<(), String> + 'static,
        round: impl FnMut(Duration) -> Result<Sample, String> + 'static,
    ) -> Self {
        Self { name, package, role, check: Box::new(check), round: Box::new(round) }
    }
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contender")
            .field("name", &self.name)
            .field("package", &self.package)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// One workload and who runs it.
#[derive(Debug)]
pub struct Case {
    /// The family: one of [`contenders::FAMILIES`](crate::contenders::FAMILIES).
    pub family: &'static str,
    /// The workload, unique in its family: goals and plots refer to it.
    pub name: String,
    /// What its figures are.
    pub unit: Unit,
    /// Whether a quick run leaves it out, unless it is asked for by name.
    pub full_only: bool,
    /// In the order in which tables list them.
    pub contenders: Vec<Contender>,
}
