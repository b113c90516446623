//! The families as they are: each contender does its work, and the goals speak of what there is.

use crate::stage::plan;
use benches::case::Role;
use benches::contenders::FAMILIES;
use benches::schedule;
use benches::stamp::version;

#[test]
fn every_contender_passes_its_check_and_its_rounds() {
    for family in FAMILIES {
        for case in (family.cases)(&[1, 3]) {
            let finding = schedule::run(case, plan(1), |_| ());
            for outcome in &finding.outcomes {
                let what = format!("{}: {}: {}", finding.family, finding.name, outcome.name);
                assert_eq!(outcome.failure, None, "{what}");
                assert!(outcome.samples.iter().all(|sample| sample.speed > 0.0), "{what}");
            }
        }
    }
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
