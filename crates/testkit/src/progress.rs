//! Threads stopped for ever at any access, and the steps of an operation, counted.

use core::{cell::Cell, time::Duration};
use std::{
    rc::Rc,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
};

use lockfree_core::sync::stepped;

use crate::stack;

/// How long the others may take before they count as blocked.
const PATIENCE: Duration = Duration::from_secs(10);

/// For k = 1, 2, ...: builds a victim and its companions, stops the victim for ever at its k-th
/// access, and then runs the companions, who must finish. Ends at the first k that the victim
/// does not reach, and returns how many accesses it was stopped at.
///
/// # Panics
/// The companions panic or do not finish, or the victim panics.
pub fn stop_anywhere<V, C>(
    name: &str,
    setup: impl Fn() -> (V, C),
    victim: impl Fn(V) + Clone + Send + 'static,
    companions: impl Fn(C) + Clone + Send + 'static,
) -> usize
where
    V: Send + 'static,
    C: Send + 'static,
{
    at_each_access(name, setup, victim, companions, core::mem::forget)
}

/// As [`stop_anywhere`], but each victim goes on when its companions have finished, and ends: for
/// structures that keep something for each thread that is there, which would grow with the victims.
///
/// # Panics
/// As [`stop_anywhere`], and where a victim does not end.
pub fn pause_anywhere<V, C>(
    name: &str,
    setup: impl Fn() -> (V, C),
    victim: impl Fn(V) + Clone + Send + 'static,
    companions: impl Fn(C) + Clone + Send + 'static,
) -> usize
where
    V: Send + 'static,
    C: Send + 'static,
{
    at_each_access(name, setup, victim, companions, |Stopped { victim, resume }| {
        drop(resume);
        if let Err(panic) = victim.join() {
            std::panic::resume_unwind(panic);
        }
    })
}

/// A victim that is stopped until `resume` is dropped.
struct Stopped {
    victim: thread::JoinHandle<()>,
    resume: mpsc::Sender<()>,
}

fn at_each_access<V, C>(
    name: &str,
    setup: impl Fn() -> (V, C),
    victim: impl Fn(V) + Clone + Send + 'static,
    companions: impl Fn(C) + Clone + Send + 'static,
    afterwards: impl Fn(Stopped),
) -> usize
where
    V: Send + 'static,
    C: Send + 'static,
{
    for k in 1.. {
        let (its_state, their_state) = setup();
        let stopped = stop_at(name, k, {
            let victim = victim.clone();
            move || victim(its_state)
        });
        let companions = companions.clone();
        let (finished, outcome) = mpsc::channel();
        let others = thread::spawn(move || {
            companions(their_state);
            let _ = finished.send(());
        });
        match outcome.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Timeout) => {
                panic!("{name}: a thread stopped at its access {k} blocks the others")
            }
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {}
        }
        if let Err(panic) = others.join() {
            eprintln!("{name}: the others failed with a thread stopped at its access {k}");
            std::panic::resume_unwind(panic);
        }
        let Some(stopped) = stopped else {
            println!("progress {name}: stopped at each of {} accesses, the others finish", k - 1);
            return k - 1;
        };
        afterwards(stopped);
    }
    unreachable!("an operation has finitely many accesses")
}

/// Runs `operation` on a thread of its own until that is stopped at its `k`-th access; none if it has
/// ended before.
fn stop_at(name: &str, k: usize, operation: impl FnOnce() + Send + 'static) -> Option<Stopped> {
    let (report, reports) = mpsc::channel();
    let (resume, resumed) = mpsc::channel::<()>();
    let title = name.to_owned();
    let victim = thread::spawn(move || {
        let at_stop = report.clone();
        let mut accesses = 0;
        stepped::install(move |step| {
            accesses += 1;
            if accesses == k {
                stack::tell("stopped-in", &title, step.location);
                let _ = at_stop.send(true);
                // Ends when the sender is dropped, which may be never.
                let _ = resumed.recv();
            }
        });
        operation();
        stepped::uninstall();
        let _ = report.send(false);
    });
    match reports.recv_timeout(PATIENCE) {
        Ok(true) => Some(Stopped { victim, resume }),
        Ok(false) => {
            victim.join().expect("the victim has reported its end");
            None
        }
        Err(RecvTimeoutError::Timeout) => panic!("{name}: the victim never reached its access {k}"),
        Err(RecvTimeoutError::Disconnected) => match victim.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!("the victim reports before it ends"),
        },
    }
}

/// Runs `operation` on this thread and returns its result and the number of its accesses.
pub fn steps<R, F: FnOnce() -> R>(operation: F) -> (R, usize) {
    let count = Rc::new(Cell::new(0));
    let in_hook = Rc::clone(&count);
    // All closures of a function have one name; this is another function for each.
    let title = format!("{:p}", steps::<R, F> as *const ());
    stepped::install(move |step| {
        in_hook.set(in_hook.get() + 1);
        stack::tell("counted-in", &title, step.location);
    });
    let result = operation();
    stepped::uninstall();
    (result, count.get())
}

/// Prints the `most` steps that an operation took, and holds them to the bound in its docs.
///
/// # Panics
/// The bound is exceeded, or `most` is 0: nothing was counted.
pub fn assert_steps(name: &str, most: usize, bound: usize) {
    println!("progress {name}: at most {most} steps, documented bound {bound}");
    assert!(most > 0, "{name}: no step was counted");
    assert!(most <= bound, "{name}: took {most} steps, its docs promise {bound}");
}
