//! Threads stopped at any access, and the steps that the docs promise.
#![cfg(stepped)]

use core::{task::Waker, time::Duration};
use std::sync::Arc;

use lockfree_core::{
    clock::{Clock, CoarseClock, ManualClock},
    wait::WakerCell,
};
use testkit::progress::{assert_steps, steps, stop_anywhere};

fn pair<T>(build: impl Fn() -> T) -> impl Fn() -> (Arc<T>, Arc<T>) {
    move || {
        let value = Arc::new(build());
        (Arc::clone(&value), value)
    }
}

fn armed() -> WakerCell {
    let cell = WakerCell::new();
    cell.register(Waker::noop());
    cell
}

#[expect(clippy::needless_pass_by_value, reason = "the harness gives it away")]
fn wake_and_register(cell: Arc<WakerCell>) {
    for _ in 0..100 {
        cell.wake();
        cell.register(Waker::noop());
    }
}

#[test]
fn a_stopped_waker_stops_nobody() {
    let stops =
        stop_anywhere("WakerCell::wake", pair(armed), |cell| cell.wake(), wake_and_register);
    assert_eq!(stops, 4);
    stop_anywhere(
        "WakerCell::wake, nobody",
        pair(WakerCell::new),
        |cell| cell.wake(),
        wake_and_register,
    );
}

#[test]
fn a_stopped_registration_stops_nobody() {
    let register = |cell: Arc<WakerCell>| cell.register(Waker::noop());
    let stops =
        stop_anywhere("WakerCell::register", pair(WakerCell::new), register, wake_and_register);
    assert_eq!(stops, 4);
    stop_anywhere("WakerCell::register again", pair(armed), register, wake_and_register);
}

#[test]
fn a_stopped_tick_stops_no_clock() {
    let build = || CoarseClock::with_source(ManualClock::new());
    let turn = |clock: Arc<CoarseClock<ManualClock>>| {
        for _ in 0..100 {
            clock.source().advance(Duration::from_nanos(1));
            clock.source().set(Duration::from_nanos(1)).ok();
            clock.tick();
            clock.now();
        }
    };
    stop_anywhere("CoarseClock::tick, ManualClock::advance", pair(build), turn, turn);
}

#[test]
fn waking_takes_the_steps_that_its_docs_promise() {
    let cell = WakerCell::new();
    let nobody = steps(|| cell.wake()).1;
    assert_steps("WakerCell::wake, nobody", nobody, 2);
    let register = steps(|| cell.register(Waker::noop())).1;
    assert_steps("WakerCell::register", register, 5);
    let somebody = steps(|| cell.wake()).1;
    assert_steps("WakerCell::wake", somebody, 4);
    let clock = ManualClock::new();
    assert_steps("ManualClock::now", steps(|| clock.now()).1, 1);
}
