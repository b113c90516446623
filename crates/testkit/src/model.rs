//! Models: exhaustive up to a preemption bound, with a floor under what they explore.
//!
//! A model that explores nothing passes, so each one names the least number of iterations that it
//! takes. Beside what must hold stands a twin that must fail.
//!
//! Environment: `ATOMWORKS_PREEMPTIONS` (a number, or `none` for no bound) overrides the bound;
//! `ATOMWORKS_DEEPER` (a number) adds to it, where there is one. `ATOMWORKS_MODEL_SECONDS` ends a test
//! whose model takes longer, with the exit code [`STOPPED`]: that is no pass.

use core::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};
use std::{
    env,
    process::{self, Command},
    sync::Arc,
    time::Instant,
};

pub use loom::{future::block_on, thread};

/// The exit code of a test whose model was stopped before it had explored all it was to.
pub const STOPPED: i32 = 75;

/// The bound that floors are measured at.
const PREEMPTIONS: usize = 2;

/// How a model is explored.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    name: &'static str,
    floor: usize,
    preemptions: Option<usize>,
}

impl Model {
    /// A model that explores at least `floor` iterations at a preemption bound of 2.
    pub const fn new(name: &'static str, floor: usize) -> Self {
        Self { name, floor, preemptions: Some(PREEMPTIONS) }
    }

    /// With this bound instead.
    #[must_use]
    pub const fn preemptions(self, bound: usize) -> Self {
        Self { preemptions: Some(bound), ..self }
    }

    /// With no bound: every schedule.
    #[must_use]
    pub const fn exhaustive(self) -> Self {
        Self { preemptions: None, ..self }
    }

    /// Explores `body`, prints the count of iterations, asserts the floor and returns the count.
    ///
    /// # Panics
    /// An iteration fails, or there are fewer than the floor.
    pub fn check(self, body: impl Fn() + Send + Sync + 'static) -> usize {
        let bound = self.bound();
        let started = Instant::now();
        let told = move |iterations: usize| {
            let seconds = started.elapsed().as_secs_f64();
            let bound = bound.map_or_else(|| "none".to_owned(), |bound| bound.to_string());
            format!("{iterations} iterations, {seconds:.2} s, preemption bound {bound}")
        };
        let limit = number("ATOMWORKS_MODEL_SECONDS").map(|n| Duration::from_secs(n as u64));
        let iterations = explore(bound, move |iterations| {
            if limit.is_some_and(|limit| started.elapsed() > limit) {
                println!("model {}: stopped after {}", self.name, told(iterations));
                process::exit(STOPPED);
            }
            body();
        });
        println!("model {}: {}", self.name, told(iterations));
        let shallower = match (bound, self.preemptions) {
            (Some(bound), Some(own)) => bound < own,
            (Some(_), None) => true,
            (None, _) => false,
        };
        // A weakened ordering changes what there is to explore: the floor is about the real one.
        if !shallower && env::var_os("ATOMWORKS_WEAKEN").is_none() {
            assert!(
                iterations >= self.floor,
                "model {}: explored {iterations} iterations, the floor is {}",
                self.name,
                self.floor,
            );
        }
        iterations
    }

    fn bound(self) -> Option<usize> {
        match env::var("ATOMWORKS_PREEMPTIONS").as_deref() {
            Err(_) => {
                self.preemptions.map(|own| own + number("ATOMWORKS_DEEPER").unwrap_or_default())
            }
            Ok("none") => None,
            Ok(text) => Some(text.parse().expect("ATOMWORKS_PREEMPTIONS is a number or `none`")),
        }
    }
}

fn number(variable: &str) -> Option<usize> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

/// Explores `body`, which must fail with `message` among what it prints.
///
/// The failure may abort, so it happens in a child process that runs the test named `test` alone.
///
/// # Panics
/// The twin holds, or fails for another reason.
pub fn must_fail(test: &'static str, message: &str, body: impl Fn() + Send + Sync + 'static) {
    const CHILD: &str = "ATOMWORKS_TWIN";
    if env::var(CHILD).is_ok_and(|name| name == test) {
        explore(Some(PREEMPTIONS), move |_| body());
        return;
    }
    let program = env::current_exe().expect("the test binary has a path");
    let output = Command::new(program)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, test)
        .output()
        .expect("the test binary starts");
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    assert!(printed.contains("running 1 test"), "no test is named {test}:\n{printed}");
    assert!(!output.status.success(), "twin {test}: held, and must fail");
    assert!(printed.contains(message), "twin {test}: failed, but not of {message:?}:\n{printed}");
    println!("twin {test}: fails, as it must");
}

/// Runs `body`, which is told how many iterations there were before, and returns how many it took.
fn explore(bound: Option<usize>, body: impl Fn(usize) + Send + Sync + 'static) -> usize {
    let iterations = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&iterations);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = bound;
    builder.max_branches = 20_000;
    builder.check(move || body(count.fetch_add(1, Relaxed)));
    iterations.load(Relaxed)
}
