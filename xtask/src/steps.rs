//! Steps run one after the other until one fails, each with its time.

use std::time::Instant;

use anyhow::Result;

use crate::term::{BAD, BOLD, DIM, GOOD, paint, seconds};

/// What to do, and its name.
pub(crate) struct Step {
    pub(crate) name: String,
    action: Box<dyn FnOnce() -> Result<()>>,
}

impl Step {
    pub(crate) fn new(
        name: impl Into<String>,
        action: impl FnOnce() -> Result<()> + 'static,
    ) -> Self {
        Self { name: name.into(), action: Box::new(action) }
    }
}

/// How many steps passed, and what stopped the others.
pub(crate) struct Summary {
    pub(crate) passed: usize,
    pub(crate) failure: Option<anyhow::Error>,
}

/// Runs `steps` up to the first that fails, and then lists them all with their times.
pub(crate) fn run(steps: Vec<Step>) -> Summary {
    let mut lines = Vec::new();
    let mut summary = Summary { passed: 0, failure: None };
    for step in steps {
        if summary.failure.is_some() {
            lines.push(paint(DIM, &format!("not run  {:>9}  {}", "", step.name)));
            continue;
        }
        anstream::eprintln!("{}", paint(BOLD, &format!("==> {}", step.name)));
        let started = Instant::now();
        let result = (step.action)();
        let time = seconds(started.elapsed());
        let (style, word) = if result.is_ok() { (GOOD, "passed") } else { (BAD, "FAILED") };
        lines.push(format!("{}   {time:>9}  {}", paint(style, word), step.name));
        match result {
            Ok(()) => summary.passed += 1,
            Err(error) => summary.failure = Some(error.context(step.name)),
        }
    }
    anstream::println!();
    for line in lines {
        anstream::println!("{line}");
    }
    summary
}
