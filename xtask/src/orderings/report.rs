//! The ledger of a run.

use core::time::Duration;

use super::{
    edits::Edit,
    mutant::{Mutant, Verdict},
};
use crate::{
    scan::Order,
    term::{Align, BAD, BOLD, DIM, GOOD, Table, paint, seconds},
};

/// What a run over one crate has found.
#[derive(Debug)]
pub struct Report {
    name: String,
    entries: Vec<Entry>,
    /// Orderings that no model visits: place, ordering, edges.
    pub(super) unvisited: Vec<(String, Order, Vec<String>)>,
    /// Where the sources and the models differ.
    pub(super) disagreements: Vec<String>,
    /// Rows of the allow-list that are not needed.
    pub(super) stale: Vec<String>,
}

/// What stands for an access where a source is edited.
const EDIT: &str = "edit";

/// How many mutants of a crate there were, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) weakened: usize,
    pub(super) killed: usize,
    pub(super) allowed: usize,
    pub(super) edits: usize,
    pub(super) edits_killed: usize,
}

#[derive(Debug)]
struct Entry {
    place: String,
    access: String,
    change: String,
    edges: String,
    verdict: Verdict,
    time: Duration,
}

impl Report {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            entries: Vec::new(),
            unvisited: Vec::new(),
            disagreements: Vec::new(),
            stale: Vec::new(),
        }
    }

    pub(super) fn enter(&mut self, mutant: &Mutant<'_>, verdict: Verdict, time: Duration) {
        let site = &mutant.site;
        let failure = if site.slot == 0 { "" } else { ", failure" };
        self.entries.push(Entry {
            place: site.place(),
            access: format!("{}{failure}", site.access.callee),
            change: format!("{} -> {}", site.order, mutant.to),
            edges: site.edges().join(", "),
            verdict,
            time,
        });
    }

    pub(super) fn enter_edit(&mut self, edit: &Edit, verdict: Verdict, time: Duration) {
        self.entries.push(Entry {
            place: edit.place.clone(),
            access: EDIT.to_owned(),
            change: edit.what.clone(),
            edges: String::new(),
            verdict,
            time,
        });
    }

    /// What a run over the crate comes to.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for entry in &self.entries {
            let killed = usize::from(matches!(entry.verdict, Verdict::Killed { .. }));
            if entry.access == EDIT {
                counts.edits += 1;
                counts.edits_killed += killed;
            } else {
                counts.weakened += 1;
                counts.killed += killed;
                counts.allowed += usize::from(matches!(entry.verdict, Verdict::Allowed { .. }));
            }
        }
        counts
    }

    pub(super) fn allows(&self, place: &str) -> bool {
        let allowed = |entry: &&Entry| matches!(entry.verdict, Verdict::Allowed { .. });
        self.entries.iter().filter(allowed).any(|entry| entry.place == place)
    }

    /// The mutants that no model kills, as `file:line:column callee from -> to`.
    pub fn survivors(&self) -> Vec<String> {
        self.told(|verdict| matches!(verdict, Verdict::Survived { .. }))
    }

    /// The mutants that a model kills.
    pub fn killed(&self) -> Vec<String> {
        self.told(|verdict| matches!(verdict, Verdict::Killed { .. }))
    }

    /// The mutants that ran out of time or of branches.
    pub fn inconclusive(&self) -> Vec<String> {
        self.told(|verdict| matches!(verdict, Verdict::Inconclusive { .. }))
    }

    /// The orderings that no model visits, as `file:line:column ordering`.
    pub fn unvisited(&self) -> Vec<String> {
        self.unvisited.iter().map(|(place, order, _)| format!("{place} {order}")).collect()
    }

    /// Where the sources and the models differ.
    pub fn disagreements(&self) -> &[String] {
        &self.disagreements
    }

    fn told(&self, of: impl Fn(&Verdict) -> bool) -> Vec<String> {
        let entries = self.entries.iter().filter(|entry| of(&entry.verdict));
        entries.map(|one| format!("{} {} {}", one.place, one.access, one.change)).collect()
    }

    /// Is every ordering needed, visited, and shown?
    pub fn holds(&self) -> bool {
        self.survivors().is_empty()
            && self.inconclusive().is_empty()
            && self.unvisited.is_empty()
            && self.disagreements.is_empty()
            && self.stale.is_empty()
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&[
            ("site", Align::Left),
            ("access", Align::Left),
            ("change", Align::Left),
            ("edge", Align::Left),
            ("verdict", Align::Left),
            ("time", Align::Right),
        ]);
        let prefix = format!("crates/{}/", self.name);
        for entry in &self.entries {
            let (style, verdict) = match &entry.verdict {
                Verdict::Killed { by, how } => (GOOD, format!("{by} ({how})")),
                Verdict::Survived { tests } => (BAD, format!("SURVIVED {tests} tests")),
                Verdict::Inconclusive { why } => (BAD, format!("INCONCLUSIVE: {why}")),
                Verdict::Allowed { why } => (DIM, format!("allowed: {why}")),
            };
            let place = entry.place.strip_prefix(&prefix).unwrap_or(&entry.place);
            let cells = [place, &entry.access, &entry.change, &entry.edges, &verdict];
            let mut cells: Vec<_> = cells.into_iter().map(str::to_owned).collect();
            cells.push(seconds(entry.time));
            table.row(style, cells);
        }
        table
    }

    fn complaints(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut list = |title: &str, items: &[String]| {
            lines.extend(items.iter().map(|item| format!("{title}: {item}")));
        };
        list("survivor", &self.survivors());
        list("inconclusive", &self.inconclusive());
        list("unvisited", &self.unvisited());
        list("disagreement", &self.disagreements);
        list("stale row of the allow-list", &self.stale);
        lines
    }

    fn totals(&self) -> String {
        let allowed = self.told(|verdict| matches!(verdict, Verdict::Allowed { .. }));
        format!(
            "{} mutants: {} killed, {} survived, {} inconclusive, {} allowed; {} unvisited orderings",
            self.entries.len(),
            self.killed().len(),
            self.survivors().len(),
            self.inconclusive().len(),
            allowed.len(),
            self.unvisited.len(),
        )
    }

    pub(super) fn print(&self) {
        anstream::println!("\n{}", paint(BOLD, &self.name));
        let table = self.table();
        if !table.is_empty() {
            table.print();
        }
        for line in self.complaints() {
            anstream::println!("{}", paint(BAD, &line));
        }
        let style = if self.holds() { GOOD } else { BAD };
        anstream::println!("{}", paint(style, &self.totals()));
    }

    pub(super) fn markdown(&self) -> String {
        let complaints = self.complaints().join("\n- ");
        let complaints =
            if complaints.is_empty() { complaints } else { format!("\n- {complaints}\n") };
        let (name, totals, table) = (&self.name, self.totals(), self.table().markdown());
        format!("# Orderings of {name}\n\n{totals}\n\n{table}{complaints}")
    }
}
