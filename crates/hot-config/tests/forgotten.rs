//! What is forgotten keeps its address for as long as the program runs, and with it what comes to lie there
//! in another configuration: so this test, whose like would disturb others that count, is alone.
#![cfg(not(loom))]

use std::thread;

use hot_config::HotConfig;
use testkit::drops::Drops;

#[test]
fn a_forgotten_guard_costs_its_value_and_no_more() {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.counted(1), 0);
    let other = config.clone();
    let next = drops.counted(2);
    thread::spawn(move || {
        core::mem::forget(other.load());
        other.update(next);
    })
    .join()
    .unwrap();
    config.update(drops.counted(3));
    assert_eq!(drops.alive(), 2);
    drop(config);
    assert_eq!(drops.alive(), 0);
}
