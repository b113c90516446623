//! The families as they are: each contender does its work, and the goals speak of what there is.

use benches::case::{Case, Role};
use benches::contenders::{FAMILIES, Family};
use benches::schedule::{self, Plan};
use benches::stamp::version;
use core::time::Duration;

/// Runs a case; tells of a contender that did nothing in its time.
fn idle_in(case: Case, budget: Duration) -> Option<String> {
    let finding = schedule::run(case, Plan { rounds: 1, budget }, |_| ());
    let mut idle = None;
    for outcome in &finding.outcomes {
        let what = format!("{}: {}: {}", finding.family, finding.name, outcome.name);
        assert_eq!(outcome.failure, None, "{what}");
        if outcome.samples.iter().any(|sample| sample.speed <= 0.0) {
            idle = Some(what);
        }
    }
    idle
}

/// On a busy machine a thread may get no turn in a millisecond: then it has longer.
fn pass_their_checks_and_rounds(family: &Family) {
    let cases = || (family.cases)(&[1, 3]);
    for (index, case) in cases().into_iter().enumerate() {
        let mut idle = idle_in(case, Duration::from_millis(1));
        for budget in [4, 16, 64, 256].map(Duration::from_millis) {
            if idle.is_none() {
                break;
            }
            idle = idle_in(cases().swap_remove(index), budget);
        }
        assert_eq!(idle, None, "it did nothing");
    }
}

/// A test for each family, so that they run side by side, and one that none is left out.
macro_rules! every_contender_passes_its_check_and_its_rounds {
    ($($name:ident),+) => {
        mod every_contender_passes_its_check_and_its_rounds {
            use super::{FAMILIES, pass_their_checks_and_rounds};
            use benches::contenders;

            $(
                #[test]
                fn $name() {
                    let family = FAMILIES.iter().find(|it| it.name == contenders::$name::FAMILY);
                    pass_their_checks_and_rounds(family.unwrap());
                }
            )+

            #[test]
            fn of_every_family() {
                let tested = [$(contenders::$name::FAMILY),+];
                assert!(FAMILIES.iter().map(|family| family.name).eq(tested));
            }
        }
    };
}

every_contender_passes_its_check_and_its_rounds! {
    buckets, config, cache, counter, metrics, mpmc, refpool, ring, stack, seqgen
}

#[test]
fn every_goal_names_a_case_and_contenders_of_it() {
    for family in FAMILIES {
        let cases = (family.cases)(&[1, 2]);
        for goal in family.goals {
            let case = cases.iter().find(|case| case.name == goal.case);
            let case = case.unwrap_or_else(|| panic!("no case is called {}", goal.case));
            for name in goal.peers.iter().chain([&goal.ours]) {
                let found = case.contenders.iter().find(|contender| contender.name == *name);
                let found = found.unwrap_or_else(|| panic!("{name} has no part in {}", goal.case));
                assert_eq!(found.role == Role::Ours, *name == goal.ours, "{name}");
            }
        }
    }
}

#[test]
fn the_lock_file_knows_the_version_of_every_contender() {
    for case in FAMILIES.iter().flat_map(|family| (family.cases)(&[1])) {
        for contender in &case.contenders {
            assert_ne!(version(contender.package), "?", "{contender:?}");
        }
    }
}
