//! The orderings that loom cannot show, each with its reason and what else shows it.

use std::fs;

use anyhow::{Context as _, Result, bail, ensure};

use super::Site;
use crate::{scan::Order, workspace};

/// A row of the allow-list.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// The file, relative to the workspace.
    pub(super) file: String,
    /// The function that the access stands in, or the edge that its note names.
    pub(super) place: String,
    order: Order,
    pub(super) why: String,
}

impl Allowed {
    pub(super) fn covers(&self, site: &Site<'_>) -> bool {
        self.file == site.source.path
            && self.order == site.order
            && (self.place == site.access.function || site.edges().contains(&self.place))
    }

    pub(super) fn name(&self) -> String {
        format!("{} {} {}", self.file, self.place, self.order)
    }
}

/// Reads `xtask/orderings.allow.md`, whose columns are file, function or edge, ordering, why loom cannot show
/// it, and what else does.
pub(super) fn read() -> Result<Vec<Allowed>> {
    let file = workspace::root().join("xtask/orderings.allow.md");
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    parse(&text).with_context(|| format!("reading {}", file.display()))
}

fn parse(text: &str) -> Result<Vec<Allowed>> {
    let rows = text.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [file, place, order, why, evidence] = cells[..] else {
            bail!("a row has five cells: {row}");
        };
        let Ok(order) = order.parse() else { bail!("{order:?} is no ordering: {row}") };
        ensure!(
            !why.is_empty() && !evidence.is_empty(),
            "a row gives a reason and evidence: {row}"
        );
        let bare = |cell: &str| cell.trim_matches('`').to_owned();
        Ok(Allowed { file: bare(file), place: bare(place), order, why: why.to_owned() })
    })
    .collect()
}
