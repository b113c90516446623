//! The harness, tried on contenders whose speeds are made up, and on the real ones for an instant.

mod contenders;
mod goals;
mod report;
mod schedule;
mod stage;
