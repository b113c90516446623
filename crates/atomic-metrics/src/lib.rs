#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "std")]
mod aggregator;
#[cfg(feature = "std")]
mod buckets;
#[cfg(feature = "std")]
mod cut;
#[cfg(feature = "alloc")]
mod grid;
#[cfg(feature = "std")]
mod histogram;
#[cfg(feature = "std")]
mod interval;
#[cfg(feature = "std")]
mod moments;
#[cfg(feature = "serde")]
mod number;
#[cfg(feature = "alloc")]
mod quantiles;
#[cfg(feature = "metrics")]
mod recorder;
#[cfg(feature = "std")]
mod registry;
#[cfg(feature = "std")]
mod rolling;
#[cfg(feature = "std")]
mod shard;
#[cfg(feature = "std")]
mod sharded;
mod snapshot;
#[cfg(feature = "std")]
mod state;
#[cfg(feature = "std")]
mod twin;

#[cfg(feature = "std")]
pub use aggregator::Aggregator;
#[cfg(feature = "std")]
pub use histogram::Histogram;
#[cfg(feature = "std")]
pub use interval::{HistogramIntervals, Intervals};
#[cfg(feature = "alloc")]
pub use quantiles::{Bucket, HistogramSnapshot};
#[cfg(feature = "metrics")]
pub use recorder::Recorder;
#[cfg(feature = "std")]
pub use registry::{Counter, Distribution, Exemplar, Gauge, Kind, RegisterError, Registry};
#[cfg(feature = "std")]
pub use rolling::RollingAverage;
pub use snapshot::Snapshot;
