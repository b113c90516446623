//! `cargo xtask tour`: the reference programs on real threads, each with its invariant.

mod buckets;
mod cache;
mod config;
mod counter;
mod hierarchy;
mod metrics;
mod mpmc;
mod ordering;
mod pitfalls;
mod refpool;
mod ring;
mod rivals;
mod scene;
mod seqgen;
mod stack;
mod team;

use std::time::Instant;

use anyhow::Result;
use clap::builder::PossibleValuesParser;

use self::scene::Scene;
use crate::term::{BAD, BOLD, paint, seconds};

/// A family of programs.
struct Family {
    name: &'static str,
    about: &'static str,
    run: fn(&mut Scene),
}

/// In the order of the tour.
const FAMILIES: &[Family] = &[
    Family {
        name: "ordering",
        about: "one thread publishes, another sees; compare-and-swap and its retries",
        run: ordering::run,
    },
    Family {
        name: "hierarchy",
        about: "one count, kept by sharded cells, an atomic, a mutex, a channel",
        run: hierarchy::run,
    },
    Family { name: "counter", about: "100 threads count a million times each", run: counter::run },
    Family { name: "ring", about: "one producer, one consumer, 1,024 slots", run: ring::run },
    Family {
        name: "mpmc",
        about: "five producers, three consumers, 1,024 slots, lock-free and wait-free",
        run: mpmc::run,
    },
    Family {
        name: "stack",
        about: "ten producers, five consumers, and a head that comes back",
        run: stack::run,
    },
    Family {
        name: "seqgen",
        about: "ids: each once, in order, with an error at the end, and none again after a restart",
        run: seqgen::run,
    },
    Family {
        name: "refpool",
        about: "20 threads share 5 resources; 10 count their references",
        run: refpool::run,
    },
    Family {
        name: "buckets",
        about: "five threads count events by the second; eight ask a limiter",
        run: buckets::run,
    },
    Family {
        name: "metrics",
        about: "ten threads record values, a reader cuts through them",
        run: metrics::run,
    },
    Family {
        name: "config",
        about: "a value replaced under its readers, and a file that reloads",
        run: config::run,
    },
    Family {
        name: "cache",
        about: "entries that live 1 s and 10 s, looked at after 2 s",
        run: cache::run,
    },
    Family {
        name: "pitfalls",
        about: "false sharing, and a word that comes back",
        run: pitfalls::run,
    },
];

/// Runs small programs on real threads and shows what each is worth
#[derive(Debug, clap::Args)]
#[command(after_help = families())]
pub(crate) struct Args {
    /// What to show [default: all]
    #[arg(value_name = "FAMILY", value_parser = PossibleValuesParser::new(FAMILIES.iter().map(|one| one.name)), hide_possible_values = true)]
    families: Vec<String>,
}

fn families() -> String {
    let line = |one: &Family| format!("  {:<10} {}\n", one.name, one.about);
    format!("Families:\n{}", FAMILIES.iter().map(line).collect::<String>())
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if cfg!(debug_assertions) {
        anstream::println!("{}", paint(BAD, "built without optimization: the times mean nothing"));
    }
    let started = Instant::now();
    let mut scene = Scene::default();
    for family in FAMILIES {
        if args.families.is_empty() || args.families.iter().any(|name| name == family.name) {
            scene.family(family.name, family.about);
            (family.run)(&mut scene);
        }
    }
    scene.summarize();
    anstream::println!("{}", paint(BOLD, &format!("the tour took {}", seconds(started.elapsed()))));
    scene.verdict()
}
