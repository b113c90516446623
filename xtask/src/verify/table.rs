//! What a run of the rungs found, as a table: crate, tool, what was run, result.

use core::time::Duration;

use crate::{
    term::{Align, BAD, DIM, GOOD, Table, seconds},
    workspace::Crate,
};

/// What came of something that was run, or was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    Failed,
    /// It ran, and ended before it could show what it was to.
    Inconclusive,
    Skipped,
}

impl Verdict {
    const ALL: [Self; 4] = [Self::Passed, Self::Failed, Self::Inconclusive, Self::Skipped];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::Inconclusive => "inconclusive",
            Self::Skipped => "skipped",
        }
    }
}

/// A line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    of: String,
    rung: String,
    what: String,
    pub(super) verdict: Verdict,
    note: String,
    time: Duration,
}

impl Row {
    /// About one crate.
    pub(super) fn new(one: &Crate, what: &str, verdict: Verdict, note: String) -> Self {
        Self { of: one.name.clone(), ..Self::of_all(what, verdict, note) }
    }

    /// About all crates.
    pub(super) fn of_all(what: &str, verdict: Verdict, note: String) -> Self {
        let (of, rung, time) = ("all".to_owned(), String::new(), Duration::ZERO);
        Self { of, rung, what: what.to_owned(), verdict, note, time }
    }

    /// With the time that it took.
    pub(super) fn took(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    /// On this target, which shows so much.
    pub(super) fn on(self, target: &str, note: &str) -> Self {
        let what = format!("{target}: {}", self.what);
        let notes = [self.note.as_str(), note].into_iter().filter(|note| !note.is_empty());
        Self { what, note: notes.collect::<Vec<_>>().join("; "), ..self }
    }

    /// Of this rung.
    pub(super) fn of(self, rung: &str) -> Self {
        Self { rung: rung.to_owned(), ..self }
    }

    /// For a file, which holds one a line.
    pub(super) fn to_line(&self) -> String {
        let one_line = |text: &str| text.replace(['\t', '\n'], " ");
        let cells =
            [&self.of, &self.rung, &self.what, self.verdict.word(), &self.note].map(one_line);
        format!("{}\t{}\n", cells.join("\t"), self.time.as_millis())
    }

    pub(super) fn from_line(line: &str) -> Option<Self> {
        let cells: Vec<_> = line.split('\t').collect();
        let [of, rung, what, verdict, note, time] = cells[..] else { return None };
        Some(Self {
            of: of.to_owned(),
            rung: rung.to_owned(),
            what: what.to_owned(),
            verdict: Verdict::ALL.into_iter().find(|known| known.word() == verdict)?,
            note: note.to_owned(),
            time: Duration::from_millis(time.parse().ok()?),
        })
    }
}

/// The table of these rows.
pub(super) fn of(rows: &[Row]) -> Table {
    let mut table = Table::new(&[
        ("crate", Align::Left),
        ("tool", Align::Left),
        ("what was run", Align::Left),
        ("time", Align::Right),
        ("result", Align::Left),
    ]);
    for row in rows {
        let style = match row.verdict {
            Verdict::Passed => GOOD,
            Verdict::Failed => BAD,
            Verdict::Inconclusive => anstyle::Style::new(),
            Verdict::Skipped => DIM,
        };
        let result = match row.note.lines().next() {
            Some(note) => format!("{}: {note}", row.verdict.word()),
            None => row.verdict.word().to_owned(),
        };
        let (of, rung, what) = (row.of.clone(), row.rung.clone(), row.what.clone());
        table.row(style, vec![of, rung, what, seconds(row.time), result]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{Row, Verdict, of};
    use core::time::Duration;

    fn row() -> Row {
        Row::of_all("3 models", Verdict::Inconclusive, "one\ttwo\nthree".to_owned())
            .took(Duration::from_millis(1500))
            .of("models")
    }

    #[test]
    fn a_row_survives_a_file() {
        let line = row().to_line();
        assert_eq!(line.lines().count(), 1);
        let back = Row::from_line(line.trim_end()).unwrap();
        assert_eq!(back, Row { note: "one two three".to_owned(), ..row() });
        assert_eq!(Row::from_line("all\tmodels\twhat\tgood\t\t5"), None);
        assert_eq!(Row::from_line("all\tmodels"), None);
    }

    #[test]
    fn the_table_tells_the_verdict_and_the_first_line_of_why() {
        let text = of(&[row()]).markdown();
        let row = text.lines().nth(2).unwrap();
        assert_eq!(row, "| all | models | 3 models | 1.50 s | inconclusive: one\ttwo |");
    }
}
