//! Child processes with a time limit, and work spread over the cores.

use core::time::Duration;
use std::{
    io::{self, Read},
    process::{Command, ExitStatus},
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Instant,
};

use anyhow::{Context as _, Result};

/// How much of a child's output is kept: the end, where the failure is told.
const KEPT: usize = 4 << 20;

/// What became of a child.
pub(crate) struct Outcome {
    /// `None` where it ran out of time and was killed.
    pub(crate) status: Option<ExitStatus>,
    /// Its output and its errors in the order in which it wrote them.
    pub(crate) output: String,
    pub(crate) elapsed: Duration,
}

impl Outcome {
    pub(crate) fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// The end of the sentence "it …".
    pub(crate) fn describe(&self) -> String {
        match self.status {
            None => format!("ran out of time after {:.0} s", self.elapsed.as_secs_f64()),
            Some(status) => format!("ended with {status}"),
        }
    }
}

/// Runs `command` for at most `limit`.
pub(crate) fn run(mut command: Command, limit: Duration) -> Result<Outcome> {
    let (mut reader, writer) = io::pipe().context("opening a pipe")?;
    command.stdout(writer.try_clone().context("sharing a pipe")?).stderr(writer);
    let started = Instant::now();
    let mut child =
        command.spawn().with_context(|| format!("starting {}", command.get_program().display()))?;
    // The command holds our copies of the writing end, without which the reader sees the end.
    drop(command);

    let (send, received) = mpsc::channel();
    thread::spawn(move || {
        let _ = send.send(read_tail(&mut reader));
    });
    // A child closes its output when it ends; one that outlives `limit` is killed. What it leaves
    // behind may hold the pipe open, and then its output is lost: nothing waits for it.
    let mut output = received.recv_timeout(limit);
    let status = if output.is_ok() {
        Some(child.wait().context("waiting for a child")?)
    } else {
        child.kill().context("killing a child that is out of time")?;
        child.wait().context("waiting for a killed child")?;
        output = received.recv_timeout(Duration::from_secs(1));
        None
    };
    Ok(Outcome { status, output: output.unwrap_or_default(), elapsed: started.elapsed() })
}

fn read_tail(reader: &mut impl Read) -> String {
    let mut tail = Vec::new();
    let mut chunk = vec![0; 1 << 16];
    while let Ok(length) = reader.read(&mut chunk)
        && length > 0
    {
        tail.extend_from_slice(&chunk[..length]);
        if tail.len() > 2 * KEPT {
            tail.drain(..tail.len() - KEPT);
        }
    }
    String::from_utf8_lossy(&tail).into_owned()
}

/// Maps `work` on every core; the results stand in the order of the work.
pub(crate) fn on_every_core<T: Send, R: Send>(
    work: Vec<T>,
    each: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    on_numbered_cores(work, |_, item| each(item))
}

/// How many pieces of work run at once.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The same, where each piece is told the number of the core: nothing else runs with it meanwhile.
pub(crate) fn on_numbered_cores<T: Send, R: Send>(
    work: Vec<T>,
    each: impl Fn(usize, T) -> R + Sync,
) -> Vec<R> {
    let workers = cores().min(work.len());
    let queue = Mutex::new(work.into_iter().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let mut results = thread::scope(|scope| {
        let (next, each) = (&next, &each);
        let work = |core| {
            move || {
                core::iter::from_fn(next).map(|(i, item)| (i, each(core, item))).collect::<Vec<_>>()
            }
        };
        let workers: Vec<_> = (0..workers).map(|core| scope.spawn(work(core))).collect();
        let done = workers.into_iter().map(|worker| worker.join().expect("a worker panicked"));
        done.flatten().collect::<Vec<_>>()
    });
    results.sort_by_key(|&(i, _)| i);
    results.into_iter().map(|(_, result)| result).collect()
}
