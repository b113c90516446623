//! Contenders whose speeds are made up, so that what is computed from them is known.

use benches::case::{Case, Contender, Role, Unit};
use benches::schedule::{self, Finding, Plan};
use benches::team::Sample;
use core::time::Duration;

/// One of ours that passes its check and has these speeds in turn.
pub(crate) fn ours(name: &'static str, speeds: &'static [f64]) -> Contender {
    contender(name, Role::Ours, near(speeds))
}

/// A peer likewise.
pub(crate) fn peer(name: &'static str, speeds: &'static [f64]) -> Contender {
    contender(name, Role::Peer, near(speeds))
}

/// A peer whose check fails.
pub(crate) fn liar(name: &'static str) -> Contender {
    let check = || Err("1 | 2 <made 3>".to_owned());
    Contender::new(name, None, Role::Peer, check, |_| panic!("it must never be timed"))
}

/// A contender with these samples in turn, again from the start where there are too few.
pub(crate) fn contender(name: &'static str, role: Role, samples: Vec<Sample>) -> Contender {
    let mut samples = samples.into_iter().cycle();
    // The warm-up yields one that counts for nothing.
    let mut warm = false;
    Contender::new(
        name,
        None,
        role,
        || Ok(()),
        move |_| {
            let warming = !core::mem::replace(&mut warm, true);
            let warm_up = warming.then_some(Sample { speed: 1e9, distance: Some(1.0) });
            Ok(warm_up.unwrap_or_else(|| samples.next().expect("samples are given")))
        },
    )
}

fn near(speeds: &[f64]) -> Vec<Sample> {
    speeds.iter().map(|&speed| Sample { speed, distance: Some(100.0) }).collect()
}

/// A case of these.
pub(crate) fn case(contenders: Vec<Contender>) -> Case {
    let unit = Unit::MillionsPerSecond;
    Case { family: "stage", name: "play".to_owned(), unit, full_only: false, contenders }
}

/// What `rounds` rounds of these yield.
pub(crate) fn play(rounds: usize, contenders: Vec<Contender>) -> Finding {
    schedule::run(case(contenders), plan(rounds), |_| ())
}

/// A plan of this many rounds.
pub(crate) fn plan(rounds: usize) -> Plan {
    Plan { rounds, budget: Duration::from_millis(1) }
}
