//! What earlier runs have found: a run that was broken off goes on where it stopped.
//!
//! A finding belongs to the executables that it was made with; another build forgets it.

use core::{
    hash::{Hash as _, Hasher as _},
    time::Duration,
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    hash::DefaultHasher,
    io::Write as _,
    path::Path,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context as _, Result};

use super::{Subject, mutant::Verdict};

/// The verdicts on a crate's mutants, in a file that grows by a line with each.
#[derive(Debug, Default)]
pub struct Memory {
    known: BTreeMap<String, (Verdict, Duration)>,
    file: Option<Mutex<File>>,
}

impl Memory {
    /// What `file` holds of `subject`, and where more of it is kept; `afresh` forgets.
    pub(super) fn open(file: &Path, subject: &Subject, afresh: bool) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        subject.models.iter().for_each(|test| (&test.name, test.fingerprint()).hash(&mut hasher));
        let title = format!("{:016x}", hasher.finish());

        let text =
            if afresh { String::new() } else { fs::read_to_string(file).unwrap_or_default() };
        let mut lines = text.lines();
        let mut memory = Self::default();
        if lines.next() == Some(title.as_str()) {
            memory.known = lines.filter_map(parse).collect();
        }
        let mut text = format!("{title}\n");
        for (mutant, (verdict, time)) in &memory.known {
            text.extend(line(mutant, verdict, *time));
        }
        let rewritten = File::create(file).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            Ok(file)
        });
        let rewritten = rewritten.with_context(|| format!("writing {}", file.display()))?;
        memory.file = Some(Mutex::new(rewritten));
        Ok(memory)
    }

    pub(super) fn recall(&self, mutant: &str) -> Option<(Verdict, Duration)> {
        self.known.get(mutant).cloned()
    }

    pub(super) fn keep(&self, mutant: &str, verdict: &Verdict, time: Duration) -> Result<()> {
        let (Some(file), Some(line)) = (&self.file, line(mutant, verdict, time)) else {
            return Ok(());
        };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes()).context("noting a verdict")
    }
}

/// As it stands in the file; none for what another run may find otherwise.
fn line(mutant: &str, verdict: &Verdict, time: Duration) -> Option<String> {
    let found = match verdict {
        Verdict::Killed { by, how } => format!("killed\t{by}\t{how}"),
        Verdict::Survived { tests } => format!("survived\t{tests}\t"),
        Verdict::Inconclusive { .. } | Verdict::Allowed { .. } => return None,
    };
    Some(format!("{mutant}\t{}\t{found}\n", time.as_millis()))
}

fn parse(line: &str) -> Option<(String, (Verdict, Duration))> {
    let cells: Vec<_> = line.split('\t').collect();
    let [mutant, time, found, one, other] = cells[..] else { return None };
    let verdict = match found {
        "killed" => Verdict::Killed { by: one.to_owned(), how: other.parse().ok()? },
        "survived" => Verdict::Survived { tests: one.parse().ok()? },
        _ => return None,
    };
    Some((mutant.to_owned(), (verdict, Duration::from_millis(time.parse().ok()?))))
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::{Verdict, line, parse};
    use crate::orderings::mutant::Cause;

    #[test]
    fn a_verdict_is_read_back() {
        let causes =
            [Cause::Causality, Cause::Deadlock, Cause::Leak, Cause::Abort, Cause::Assertion];
        let killed = causes.map(|how| Verdict::Killed { by: "publish_of_two".to_owned(), how });
        for verdict in killed.into_iter().chain([Verdict::Survived { tests: 3 }]) {
            let time = Duration::from_millis(1234);
            let line = line("src/lib.rs:1:2:0:Relaxed", &verdict, time).expect("it is kept");
            let read = parse(line.trim_end_matches('\n'));
            assert_eq!(read, Some(("src/lib.rs:1:2:0:Relaxed".to_owned(), (verdict, time))));
        }
        let unsure = Verdict::Inconclusive { why: "ran out of time".to_owned() };
        assert_eq!(line("", &unsure, Duration::ZERO), None);
        assert_eq!(parse("half a line\t12"), None);
    }
}
