//! The families: for each the workloads, who runs them, and the goals.

pub mod buckets;
pub mod cache;
pub mod config;
pub mod counter;
pub mod metrics;
pub mod mpmc;
pub mod refpool;
pub mod ring;
pub mod seqgen;
pub mod stack;

use crate::{case::Case, goals::Goal};

/// Structures that do the same job, measured by the same workloads.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// What the command line calls it.
    pub name: &'static str,
    /// Its cases, for the given numbers of threads where a workload has no number of its own.
    pub cases: fn(threads: &[usize]) -> Vec<Case>,
    /// What is to be reached.
    pub goals: &'static [Goal],
}

/// Every family that there is.
pub const FAMILIES: &[Family] = &[
    Family { name: buckets::FAMILY, cases: buckets::cases, goals: buckets::GOALS },
    Family { name: config::FAMILY, cases: config::cases, goals: config::GOALS },
    Family { name: cache::FAMILY, cases: cache::cases, goals: cache::GOALS },
    Family { name: counter::FAMILY, cases: counter::cases, goals: counter::GOALS },
    Family { name: metrics::FAMILY, cases: metrics::cases, goals: metrics::GOALS },
    Family { name: mpmc::FAMILY, cases: mpmc::cases, goals: mpmc::GOALS },
    Family { name: refpool::FAMILY, cases: refpool::cases, goals: refpool::GOALS },
    Family { name: ring::FAMILY, cases: ring::cases, goals: ring::GOALS },
    Family { name: stack::FAMILY, cases: stack::cases, goals: stack::GOALS },
    Family { name: seqgen::FAMILY, cases: seqgen::cases, goals: seqgen::GOALS },
];
