//! When a goal counts as reached.

use crate::stage::{liar, ours, peer, play};
use benches::goals::{Bound, Goal, Standing};
use benches::schedule::Finding;

fn goal(peers: &'static [&'static str], bound: Bound) -> Goal {
    Goal { family: "stage", case: "play", ours: "ours", peers, bound }
}

/// The hardest peer, the median ratio and whether it was reached.
fn measured(goal: Goal, findings: &[Finding]) -> (&'static str, f64, bool) {
    match goal.standing(findings) {
        Standing::Measured { peer, ratio, reached } => (peer, ratio.median, reached),
        Standing::NotMeasured => panic!("{goal:?} was not measured"),
    }
}

fn findings() -> [Finding; 1] {
    [play(3, vec![ours("ours", &[6.0]), peer("slow", &[1.0]), peer("fast", &[4.0])])]
}

#[test]
fn a_bound_on_speed_is_reached_at_the_bound_and_not_below() {
    let findings = findings();
    let held = measured(goal(&["slow"], Bound::SpeedAtLeast(6.0)), &findings);
    assert_eq!(held, ("slow", 6.0, true));
    let missed = measured(goal(&["slow"], Bound::SpeedAtLeast(6.1)), &findings);
    assert_eq!(missed, ("slow", 6.0, false));
}

#[test]
fn a_bound_on_time_is_the_inverse() {
    let findings = findings();
    let (_, ratio, reached) = measured(goal(&["fast"], Bound::TimeAtMost(0.75)), &findings);
    assert!((ratio - 4.0 / 6.0).abs() < 1e-9 && reached);
    assert!(!measured(goal(&["fast"], Bound::TimeAtMost(0.6)), &findings).2);
}

#[test]
fn the_best_of_several_decides() {
    let both = goal(&["slow", "fast"], Bound::SpeedAtLeast(2.0));
    assert_eq!(measured(both, &findings()), ("fast", 1.5, false));
}

#[test]
fn the_spread_of_times_is_turned_around_with_them() {
    let findings = [play(3, vec![ours("ours", &[1.0, 2.0, 4.0]), peer("peer", &[1.0])])];
    let goal = goal(&["peer"], Bound::TimeAtMost(1.0));
    let Standing::Measured { ratio, .. } = goal.standing(&findings) else { panic!("measured") };
    assert_eq!((ratio.min, ratio.median, ratio.max), (0.25, 0.5, 1.0));
    assert!(ratio.lower <= ratio.median && ratio.median <= ratio.upper);
}

#[test]
fn without_figures_of_every_peer_nothing_is_claimed() {
    let goal = |peers| goal(peers, Bound::SpeedAtLeast(1.0));
    assert_eq!(goal(&["slow"]).standing(&[]), Standing::NotMeasured);
    assert_eq!(goal(&["slow", "absent"]).standing(&findings()), Standing::NotMeasured);
    let failed = [play(3, vec![ours("ours", &[6.0]), liar("slow")])];
    assert_eq!(goal(&["slow"]).standing(&failed), Standing::NotMeasured);
}
