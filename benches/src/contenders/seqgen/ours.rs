//! Ours: sequences, leases and snowflakes.

use super::Ids;
use crate::case::Role;
use core::time::Duration;
use lockfree_core::clock::{CoarseClock, Ticker};
use seqgen::snowflake::{Layout, UnixClock};
use seqgen::{Batch, Lease, Sequence, Snowflake};
use std::sync::Arc;

const OURS: Option<&str> = Some("seqgen");
const ENDLESS: &str = "no round takes 2^64 ids";

fn sequence() -> Sequence {
    Sequence::new(0, u64::MAX, 1).expect("these limits are sound")
}

/// One id at a time.
#[derive(Debug)]
pub struct Next(Sequence);

impl Ids for Next {
    const NAME: &'static str = "Sequence::next";
    const PACKAGE: Option<&'static str> = OURS;
    const ROLE: Role = Role::Ours;
    type Id = u64;
    type Way<'a> = &'a Sequence;

    fn new() -> Self {
        Self(sequence())
    }

    fn way(&self) -> &Sequence {
        &self.0
    }

    #[inline]
    fn next(way: &mut &Sequence) -> u64 {
        way.next().expect(ENDLESS)
    }

    fn taken(&self) -> Option<u64> {
        Some(self.0.current())
    }
}

/// Batches of 64, gone through one by one.
#[derive(Debug)]
pub struct Batches(Sequence);

impl Ids for Batches {
    const NAME: &'static str = "Sequence::next_batch, 64";
    const PACKAGE: Option<&'static str> = OURS;
    const ROLE: Role = Role::Ours;
    type Id = u64;
    type Way<'a> = (&'a Sequence, Option<Batch>);

    fn new() -> Self {
        Self(sequence())
    }

    fn way(&self) -> Self::Way<'_> {
        (&self.0, None)
    }

    #[inline]
    fn next((sequence, batch): &mut Self::Way<'_>) -> u64 {
        if let Some(id) = batch.as_mut().and_then(Batch::next) {
            return id;
        }
        let fresh = batch.insert(sequence.next_batch(64).expect(ENDLESS));
        fresh.next().expect("a batch is not empty")
    }
}

/// A lease for each thread.
#[derive(Debug)]
pub struct Leases<const BLOCK: u64>(Sequence);

impl<const BLOCK: u64> Ids for Leases<BLOCK> {
    const NAME: &'static str = if BLOCK == 64 { super::LEASE_64 } else { super::LEASE_1024 };
    const PACKAGE: Option<&'static str> = OURS;
    const ROLE: Role = Role::Ours;
    type Id = u64;
    type Way<'a> = Lease<&'a Sequence>;

    fn new() -> Self {
        Self(sequence())
    }

    fn way(&self) -> Self::Way<'_> {
        self.0.lease(BLOCK)
    }

    #[inline]
    fn next(way: &mut Self::Way<'_>) -> u64 {
        way.next().expect(ENDLESS)
    }
}

/// As many numbers a tick as ferroid's ids have.
fn layout() -> Layout {
    Layout::new(41, 0, 16).expect("these are 57 bits")
}

/// Snowflakes by the system's clock, read for each.
#[derive(Debug)]
pub struct System(Snowflake<UnixClock>);

impl Ids for System {
    const NAME: &'static str = "Snowflake";
    const PACKAGE: Option<&'static str> = OURS;
    const ROLE: Role = Role::Ours;
    type Id = u64;
    type Way<'a> = &'a Snowflake<UnixClock>;

    fn new() -> Self {
        Self(Snowflake::unix().layout(layout()).build().expect("these settings are sound"))
    }

    fn way(&self) -> Self::Way<'_> {
        &self.0
    }

    #[inline]
    fn next(way: &mut Self::Way<'_>) -> u64 {
        way.wait_next().expect("ticks last for 69 years")
    }
}

/// Snowflakes by a clock that a thread of its own ticks each millisecond, as ferroid's does.
#[derive(Debug)]
pub struct Coarse {
    ids: Snowflake<Arc<CoarseClock<UnixClock>>>,
    _ticker: Ticker,
}

impl Ids for Coarse {
    const NAME: &'static str = "Snowflake, coarse clock";
    const PACKAGE: Option<&'static str> = OURS;
    const ROLE: Role = Role::Ours;
    type Id = u64;
    type Way<'a> = &'a Snowflake<Arc<CoarseClock<UnixClock>>>;

    fn new() -> Self {
        let clock = Arc::new(CoarseClock::with_source(UnixClock::new()));
        let ticker = Ticker::start(Arc::clone(&clock), Duration::from_millis(1));
        let ids = Snowflake::with_clock(clock).layout(layout()).build();
        Self {
            ids: ids.expect("these settings are sound"),
            _ticker: ticker.expect("the system has a thread to give"),
        }
    }

    fn way(&self) -> Self::Way<'_> {
        &self.ids
    }

    #[inline]
    fn next(way: &mut Self::Way<'_>) -> u64 {
        way.wait_next().expect("ticks last for 69 years")
    }
}
