//! The families: for each the workloads, who runs them, and the goals.

pub mod cache;
pub mod counter;
pub mod mpmc;
pub mod ring;

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
    Family { name: cache::FAMILY, cases: cache::cases, goals: cache::GOALS },
    Family { name: counter::FAMILY, cases: counter::cases, goals: counter::GOALS },
    Family { name: mpmc::FAMILY, cases: mpmc::cases, goals: mpmc::GOALS },
    Family { name: ring::FAMILY, cases: ring::cases, goals: ring::GOALS },
];
