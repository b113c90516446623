//! Processes that record apart, and one that merges what they print.
#![cfg(all(not(loom), feature = "std", feature = "serde"))]

use std::{
    env,
    process::{Command, Stdio},
    thread,
};

use atomic_metrics::{Histogram, HistogramSnapshot};

/// Tells a process that it is a child, and which one.
const CHILD: &str = "ATOMWORKS_METRICS_CHILD";
/// What its line begins with, among those of the test harness.
const MARK: &str = "snapshot: ";
const CHILDREN: u32 = 3;
const EACH: u32 = 1000;

/// Each child has a thousand values of its own, a negative one for each positive, and another precision.
fn recorded(child: u32) -> impl Iterator<Item = f64> + Clone {
    (child * EACH..(child + 1) * EACH).flat_map(|value| [f64::from(value), -f64::from(value)])
}

#[test]
fn snapshots_of_processes_merge() {
    if let Ok(child) = env::var(CHILD) {
        return print(child.parse().expect("the parent counts its children"));
    }
    let program = env::current_exe().expect("the test binary has a path");
    let children: Vec<_> = (0..CHILDREN)
        .map(|child| {
            let mut command = Command::new(&program);
            command.args(["--exact", "snapshots_of_processes_merge", "--nocapture"]);
            command.env(CHILD, child.to_string()).stdout(Stdio::piped());
            command.spawn().expect("the test binary starts")
        })
        .collect();
    let mut all = HistogramSnapshot::empty(Histogram::FINEST);
    for child in children {
        let output = child.wait_with_output().expect("the child ends");
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).expect("the child prints text");
        let (_, json) = text.split_once(MARK).expect("the child prints its snapshot");
        let json = json.lines().next().expect("it is a line");
        let part: HistogramSnapshot = serde_json::from_str(json).expect("it is a snapshot");
        all.merge(&part);
    }
    let mut values: Vec<f64> = (0..CHILDREN).flat_map(recorded).collect();
    values.sort_by(f64::total_cmp);
    let count = values.len();
    assert_eq!((all.count, all.precision()), (count as u64, 5));
    assert_eq!((Some(&all.min), Some(&all.max)), (values.first(), values.last()));
    assert!(all.sum.abs() < 1e-9 && all.nan == u64::from(CHILDREN));
    for q in [0.01, 0.1, 0.25, 0.75, 0.9, 0.99] {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let exact = values[(q * count as f64).ceil() as usize - 1];
        let off = (all.quantile(q) / exact - 1.0).abs();
        assert!(off <= all.relative_error(), "quantile {q}: off by {off} of {exact}");
    }
}

fn print(child: u32) {
    let own = Histogram::with_precision(5 + child);
    thread::scope(|scope| {
        for part in 0..2 {
            let own = &own;
            scope.spawn(move || {
                recorded(child).skip(part).step_by(2).for_each(|value| own.record(value));
            });
        }
        own.record(f64::NAN);
    });
    println!("{MARK}{}", serde_json::to_string(&own.snapshot()).expect("a snapshot has a text"));
}
