//! The harness that times the structures of this workspace against their peers.
//!
//! ```text
//!  contenders   who runs which workload, and what is to be reached
//!      |
//!  case ──> schedule ──> team     rounds interleave; threads start together
//!               |
//!            goals, stats         paired ratios, round by round
//!               |
//!            report, stamp        terminal, Markdown, HTML, JSON
//! ```
//!
//! `docs/BENCHMARKS.md` tells how to run it and how to read what it prints.

pub mod case;
pub mod contenders;
pub mod goals;
pub mod heap;
pub mod report;
pub mod schedule;
pub mod stamp;
pub mod stats;
pub mod team;
mod times;

/// How criterion is set in every bench of this package: short, and without plots of its own.
///
/// A macro, since only the benches depend on criterion.
#[macro_export]
macro_rules! criterion {
    () => {
        criterion::Criterion::default()
            .without_plots()
            .sample_size(40)
            .nresamples(10_000)
            .warm_up_time(core::time::Duration::from_millis(200))
            .measurement_time(core::time::Duration::from_millis(600))
    };
}
