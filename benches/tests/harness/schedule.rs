//! Who is timed, when, and which rounds count.

use crate::stage::{case, contender, liar, ours, peer, plan, play};
use benches::case::{Contender, Role};
use benches::schedule::{self, Distance};
use benches::stats::{Summary, paired};
use benches::team::{self, BATCH, Member, Sample};
use core::{cell::RefCell, time::Duration};
use std::rc::Rc;

#[test]
fn quantiles_are_interpolated_and_order_is_no_matter() {
    let summary = Summary::of([5.0, 1.0, 4.0, 2.0, 3.0]).expect("there are values");
    let expected = Summary { min: 1.0, lower: 2.0, median: 3.0, upper: 4.0, max: 5.0 };
    assert_eq!(summary, expected);
    let between = Summary::of([10.0, 20.0]).expect("there are values");
    assert_eq!((between.lower, between.median, between.upper), (12.5, 15.0, 17.5));
    let one = Summary::of([7.0]).expect("there is a value");
    assert_eq!((one.min, one.lower, one.max), (7.0, 7.0, 7.0));
    assert_eq!(Summary::of([]), None);
}

#[test]
fn drift_between_rounds_cancels_in_paired_ratios() {
    // Twice as fast in each round, though the rounds differ by a factor of 50.
    let (ours, theirs) = ([2.0, 20.0, 100.0].map(Some), [1.0, 10.0, 50.0].map(Some));
    let ratio = paired(&ours, &theirs).expect("there are pairs");
    assert_eq!((ratio.min, ratio.median, ratio.max), (2.0, 2.0, 2.0));
}

#[test]
fn a_round_that_one_side_lacks_makes_no_pair() {
    let ratio = paired(&[Some(3.0), None, Some(8.0)], &[Some(1.0), Some(1.0), None]);
    assert_eq!(ratio.map(|ratio| (ratio.min, ratio.max)), Some((3.0, 3.0)));
    assert_eq!(paired(&[None], &[Some(1.0)]), None);
}

#[test]
fn the_warm_up_counts_for_nothing() {
    let finding = play(3, vec![ours("one", &[1.0, 2.0, 3.0])]);
    let speeds: Vec<_> = finding.outcomes[0].samples.iter().map(|sample| sample.speed).collect();
    assert_eq!(speeds, [1.0, 2.0, 3.0]);
}

#[test]
fn who_fails_the_check_is_reported_and_never_timed() {
    let finding = play(3, vec![liar("liar"), peer("honest", &[1.0])]);
    let [liar, honest] = &finding.outcomes[..] else { panic!("two contenders") };
    assert!(liar.failure.as_deref().is_some_and(|reason| reason.contains("made 3")));
    assert!(liar.samples.is_empty());
    assert_eq!((honest.samples.len(), &honest.failure), (3, &None));
    assert_eq!(finding.ratio(honest, liar, &finding.rounds()), None);
}

#[test]
fn a_panic_fails_one_contender_alone() {
    let check = || panic!("an item was lost");
    let lost = Contender::new("lost", None, Role::Peer, check, |_| panic!("not timed"));
    let finding = play(2, vec![lost, peer("honest", &[1.0])]);
    assert_eq!(finding.outcomes[0].failure.as_deref(), Some("an item was lost"));
    assert_eq!(finding.outcomes[1].samples.len(), 2);
}

#[test]
fn who_goes_wrong_in_a_round_has_no_figures() {
    let mut rounds = 0;
    let round = move |_| {
        rounds += 1;
        if rounds < 3 { Ok(Sample { speed: 1.0, distance: None }) } else { Err("lost".to_owned()) }
    };
    let late = Contender::new("late", None, Role::Peer, || Ok(()), round);
    let finding = play(5, vec![late, peer("honest", &[1.0])]);
    assert_eq!(finding.outcomes[0].failure.as_deref(), Some("lost"));
    assert!(finding.outcomes[0].samples.is_empty());
}

#[test]
fn each_contender_has_its_turn_in_each_round_and_nobody_keeps_its_place() {
    let calls = Rc::new(RefCell::new(Vec::new()));
    let names = ["a", "b", "c"];
    let contenders = names.map(|name| {
        let calls = Rc::clone(&calls);
        Contender::new(
            name,
            None,
            Role::Peer,
            || Ok(()),
            move |_| {
                calls.borrow_mut().push(name);
                Ok(Sample { speed: 1.0, distance: None })
            },
        )
    });
    schedule::run(case(contenders.into()), plan(6), |_| ());
    let calls = calls.borrow();
    let rounds: Vec<_> = calls.chunks(3).collect();
    assert_eq!(rounds.len(), 7);
    for round in &rounds {
        assert!(names.iter().all(|name| round.contains(name)), "{round:?}");
    }
    for place in 0..3 {
        let here: Vec<_> = rounds.iter().map(|round| round[place]).collect();
        assert!(names.iter().all(|name| here.contains(name)), "place {place}: {here:?}");
    }
}

#[test]
fn crowded_rounds_are_made_good_and_set_aside() {
    let samples =
        [100.0, 9_000.0, 400.0].map(|distance| Sample { speed: 1.0, distance: Some(distance) });
    let finding = play(4, vec![contender("one", Role::Ours, samples.into())]);
    // Near, crowded, far, near, crowded, far: four of the six count.
    assert_eq!(finding.rounds().len(), 6);
    assert_eq!(finding.counted(), [0, 2, 3, 5]);
    let seen = finding.rounds_by_distance();
    let expected = [
        (Distance::Near, vec![0, 3]),
        (Distance::Far, vec![2, 5]),
        (Distance::Crowded, vec![1, 4]),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn where_every_round_is_crowded_the_run_ends_and_shows_them() {
    let crowded = Sample { speed: 1.0, distance: Some(9_000.0) };
    let finding = play(4, vec![contender("one", Role::Ours, vec![crowded])]);
    assert_eq!(finding.rounds().len(), 8);
    assert_eq!(finding.counted().len(), 8);
}

#[test]
fn cores_that_move_within_a_round_make_it_mixed() {
    let at = |distance| vec![Sample { speed: 1.0, distance: Some(distance) }];
    let both = vec![contender("a", Role::Ours, at(90.0)), contender("b", Role::Peer, at(480.0))];
    assert_eq!(play(1, both).distance(0), Some(Distance::Mixed));
}

#[test]
fn a_team_counts_what_its_workers_did_and_ends_in_time() {
    let work = |member: &Member<'_>| {
        let mut operations = 0;
        while !member.is_over() {
            operations += BATCH;
        }
        operations
    };
    let budget = Duration::from_millis(5);
    let (alone, operations) = team::run(budget, vec![Box::new(work)]);
    assert!(alone.distance.is_none() && alone.speed > 0.0 && operations >= BATCH);
    let (pair, _) = team::run(budget, vec![Box::new(work), Box::new(work)]);
    assert!(pair.distance.is_some_and(|distance| distance > 1.0), "{pair:?}");
    // More than there are cores.
    let many = (0..6).map(|_| Box::new(work) as team::Job<'_>).collect();
    assert!(team::run(budget, many).0.speed > 0.0);
}
