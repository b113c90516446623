//! What a pool tells of itself.

/// What a pool has and has had; from [`Pool::stats`](crate::Pool::stats).
///
/// Each figure is exact: nothing is sampled, and none is lost. They are read one after the other, so
/// beside threads that acquire and release they are no common snapshot; once those are joined, they
/// are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How many resources the pool keeps at most.
    pub max: usize,
    /// How often a resource was handed out.
    pub acquired: u64,
    /// How many resources were ever made, extra ones among them.
    pub created: u64,
    /// How many extra resources were ever made.
    pub extra: u64,
    /// How many resources are out, extra ones among them; also those that are being made, checked,
    /// reset or dropped just now.
    pub in_use: usize,
    /// How many resources lie ready.
    pub idle: usize,
    /// The most resources that were out at once, extra ones among them.
    ///
    /// Never less than it was. More by one where an acquisition ran beside a release, did not see it,
    /// and so took another resource than the one that had just come back.
    pub high_water: usize,
}
