//! A note for each ordering, a reason for each unsafe block, and no way past the façade.

use super::Violation;
use crate::scan::{Access, Note, Order, Source};

/// Checks one file of a crate: what stands at its accesses and its unsafe blocks.
pub fn check_source(source: &Source) -> Vec<Violation> {
    let mut found = check_unsafe(source);
    let mut say = |line, message: String| {
        found.push(Violation { file: source.path.clone(), line, message });
    };
    for access in &source.accesses {
        check_access(source, access, &mut say);
    }
    for note in source.comments.notes() {
        check_note(source, note, &mut say);
    }
    for foreign in &source.foreign {
        say(foreign.line, format!("{} goes past the façade, lockfree_core::sync", foreign.path));
    }
    for &line in &source.hidden {
        let why = "an ordering inside a macro: no access there can be told by its place";
        say(line, why.to_owned());
    }
    found
}

pub(super) fn check_unsafe(source: &Source) -> Vec<Violation> {
    let bare =
        source.unsafes.iter().filter(|one| !source.comments.says("SAFETY:", one.anchor, one.line));
    bare.map(|one| Violation {
        file: source.path.clone(),
        line: one.line,
        message: "unsafe without a SAFETY comment directly above".to_owned(),
    })
    .collect()
}

/// What may be sequentially consistent.
const FENCES: [&str; 5] =
    ["fence", "fence_after_rmw", "light_fence", "light_fence_knowing", "heavy_fence"];

fn check_access(source: &Source, access: &Access, say: &mut impl FnMut(usize, String)) {
    let line = access.at.line;
    let notes = source.notes(access);
    let callee = &access.callee;
    for order in &access.orders {
        if notes.iter().all(|note| note.order != *order) {
            say(
                line,
                format!("{callee} with {order} has no note `// {order}{}: ...`", edges_of(*order)),
            );
        }
    }
    if access.orders.contains(&Order::SeqCst) && !FENCES.contains(&callee.as_str()) {
        say(line, format!("a SeqCst {callee}: a total order is a fence(SeqCst)"));
    }
}

fn check_note(source: &Source, note: &Note, say: &mut impl FnMut(usize, String)) {
    let order = note.order;
    let used = source
        .accesses
        .iter()
        .any(|access| access.orders.contains(&order) && source.notes(access).contains(&note));
    if !used {
        say(
            note.line,
            format!(
                "a note for {order} that belongs to no access: it stands directly above the statement, or on its line"
            ),
        );
    }
    if note.why.is_empty() {
        say(note.line, format!("a note for {order} that does not say why"));
    }
    if order != Order::Relaxed && note.edges.is_empty() {
        say(
            note.line,
            format!("a note for {order} that names no edge: `// {order}{}: ...`", edges_of(order)),
        );
    }
    for edge in note.edges.iter().filter(|edge| !is_kebab(edge)) {
        say(note.line, format!("the edge {edge:?} is not in kebab-case"));
    }
}

fn edges_of(order: Order) -> &'static str {
    if order == Order::Relaxed { "" } else { " [edge]" }
}

fn is_kebab(name: &str) -> bool {
    name.split('-').all(|word| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    })
}
