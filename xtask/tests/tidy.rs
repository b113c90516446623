//! The workspace is tidy; and each rule fires on what breaks it.

use std::path::Path;

use xtask::{
    scan::Source,
    tidy::{self, Checked, Violation},
};

#[test]
fn the_workspace_is_tidy() {
    let found = tidy::check_workspace().expect("the workspace can be read");
    let lines: Vec<_> = found.iter().map(Violation::to_string).collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

/// A file that breaks no rule.
const TIDY: &str = r"//! A flag.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | raise | `raise` | `is_up` | what came before | `raise_is_seen` |

use lockfree_core::sync::{AtomicBool, AtomicUsize, Ordering::{Acquire, Relaxed, Release}};

struct Flag(AtomicBool, AtomicUsize);

// SAFETY: it is empty.
unsafe impl Send for Flag {}

impl Flag {
    fn raise(&self) {
        // Release [raise]: all that came before.
        self.0.store(true, Release);
    }

    fn is_up(&self) -> bool {
        match self.1.fetch_add(1, Relaxed) { // Relaxed: a count of looks.
            // Acquire [raise]: pairs with `raise`.
            _ => self.0.load(Acquire),
        }
    }

    fn try_raise(&self) {
        // Release [raise]: all that came before.
        // Relaxed: nothing is read where it is up.
        let _ = self.0.compare_exchange(
            false,
            true,
            Release,
            Relaxed,
        );
        // SAFETY: nothing is done.
        unsafe {}
    }
}
";

fn violations(text: &str) -> Vec<String> {
    let (source, _) = Source::parse("crates/x/src/lib.rs", text).expect("it is Rust");
    let mut found = tidy::check_source(&source);
    found.extend(tidy::check_edges(&Checked {
        sources: vec![source],
        loom_tests: ["raise_is_seen".to_owned()].into(),
        ..Checked::default()
    }));
    found.extend(tidy::check_text(Path::new("crates/x/src/lib.rs"), text));
    found.iter().map(Violation::to_string).collect()
}

/// With `good` replaced by `bad`, exactly the rules whose messages contain `expected` fire.
#[track_caller]
fn breaks(good: &str, bad: &str, expected: &[&str]) {
    assert!(TIDY.contains(good), "the sample has no {good:?}");
    let found = violations(&TIDY.replacen(good, bad, 1));
    let fits = found.len() == expected.len()
        && expected.iter().all(|text| found.iter().any(|line| line.contains(text)));
    assert!(fits, "expected {expected:?}, found {found:#?}");
}

#[test]
fn the_sample_breaks_no_rule() {
    assert_eq!(violations(TIDY), Vec::<String>::new());
}

#[test]
fn an_ordering_has_a_note_of_its_own() {
    breaks(
        "        // Relaxed: nothing is read where it is up.\n",
        "",
        &["compare_exchange with Relaxed has no note"],
    );
    breaks(" // Relaxed: a count of looks.", "", &["fetch_add with Relaxed has no note"]);
    breaks(
        "            // Acquire [raise]: pairs with `raise`.\n",
        "",
        &["load with Acquire has no note", "has no note on its acquire side"],
    );
}

#[test]
fn a_note_belongs_to_the_statement_below_it() {
    let moved = "// Release [raise]: all that came before.\n\n        self.0.store";
    breaks(
        "// Release [raise]: all that came before.\n        self.0.store",
        moved,
        &["store with Release has no note", "belongs to no access"],
    );
    let shared = "self.0.store(true, Release);\n        self.0.store(false, Release);";
    breaks("self.0.store(true, Release);", shared, &["store with Release has no note"]);
    breaks(
        "// Relaxed: a count",
        "// Acquire [raise]: a count",
        &["fetch_add with Relaxed has no note", "belongs to no access"],
    );
}

#[test]
fn a_note_names_its_edges_and_says_why() {
    breaks("// Release [raise]: all", "// Release: all", &["names no edge"]);
    breaks("looks.", "", &[]);
    breaks(" a count of looks.", "", &["does not say why"]);
    breaks(
        "// Release [raise]: all",
        "// Release [raise, Up]: all",
        &[
            "not in kebab-case",
            "the edge Up has no note on its acquire side",
            "the edge Up has no row",
        ],
    );
}

#[test]
fn an_edge_has_a_row_and_a_test() {
    breaks(
        "//! | raise |",
        "//! | rise |",
        &[
            "the edge raise has no row",
            "the edge rise is named by no note",
            "the edge rise has no loom test",
        ],
    );
    breaks("`raise_is_seen`", "`raise_is_heard`", &["has no test raise_is_heard"]);
    breaks("`raise_is_seen`", "`raise_*`", &[]);
    breaks("`raise_is_seen`", "`raise_of_*`", &["has no test raise_of_*"]);
    breaks("`raise_is_seen`", "none", &["no loom test with raise in its name"]);
    let row = "//! | raise | `raise` | `is_up` | what came before | `raise_is_seen` |\n";
    breaks(row, &row.repeat(2), &["has a row in crates/x/src/lib.rs already"]);
}

#[test]
fn a_row_names_what_is_at_its_sides() {
    breaks(
        "| `raise` | `is_up` |",
        "| `raised` | `is_up` |",
        &["what raise has at its release side", "raised, in the row of raise, is no name here"],
    );
    // It is there, and has no note of that edge.
    breaks(
        "| `raise` | `is_up` |",
        "| `is_up` | `is_up` |",
        &["what raise has at its release side"],
    );
    breaks("| `raise` | `is_up` |", "| the store in `Flag::raise` | `load` in `is_up` |", &[]);
}

#[test]
fn unsafe_has_its_reason() {
    breaks("// SAFETY: it is empty.\n", "", &["unsafe without a SAFETY comment"]);
    breaks("        // SAFETY: nothing is done.\n", "", &["unsafe without a SAFETY comment"]);
}

#[test]
fn only_fences_are_seq_cst() {
    breaks(
        "// Release [raise]: all that came before.\n        self.0.store(true, Release);",
        "// SeqCst [raise]: all that came before.\n        self.0.store(true, SeqCst);",
        &["a SeqCst store"],
    );
    breaks(
        "// Release [raise]: all that came before.\n        self.0.store(true, Release);",
        "// SeqCst [raise]: all that came before.\n        fence(SeqCst);",
        &[],
    );
}

#[test]
fn atomics_come_from_the_facade() {
    for path in ["core::sync::atomic", "std::sync::atomic", "loom::sync", "portable_atomic"] {
        let found = violations(&TIDY.replacen("lockfree_core::sync", path, 1));
        let past: Vec<_> = found.iter().filter(|line| line.contains("past the façade")).collect();
        assert_eq!((past.len(), found.len()), (5, 5), "{found:#?}");
    }
    let whole = "struct Flag(AtomicBool, AtomicUsize);";
    for path in ["core::cell::UnsafeCell<u8>", "core::sync::atomic::AtomicU8"] {
        breaks(whole, &format!("{whole}\nstruct Other({path});"), &["past the façade"]);
    }
    breaks(
        whole,
        &format!("{whole}\nfn spin() {{ core::hint::spin_loop() }}"),
        &["past the façade"],
    );
}

#[test]
fn no_access_hides_in_a_macro() {
    let whole = "struct Flag(AtomicBool, AtomicUsize);";
    let rules = "macro_rules! look { ($x:expr) => { $x.load(Acquire) } }";
    breaks(whole, &format!("{whole}\n{rules}"), &["an ordering inside a macro"]);
    let opaque = "fn f() { opaque! { => Acquire } }";
    breaks(whole, &format!("{whole}\n{opaque}"), &["an ordering inside a macro"]);
    let read = "fn f(flag: &Flag) { assert!(flag.0.load(Relaxed), \"down\"); }";
    breaks(whole, &format!("{whole}\n{read}"), &["load with Relaxed has no note"]);
}

#[test]
fn unit_tests_are_left_alone() {
    let whole = "struct Flag(AtomicBool, AtomicUsize);";
    let tests = "#[cfg(test)]\nmod tests { fn f(flag: &super::Flag) { flag.0.load(Relaxed); } }";
    breaks(whole, &format!("{whole}\n{tests}"), &[]);
}

#[test]
fn nothing_is_left_over_and_everything_runs() {
    let whole = "struct Flag(AtomicBool, AtomicUsize);";
    for word in ["TO_DO", "FIX_ME"] {
        let comment = format!("{whole} // {}", word.replace('_', ""));
        breaks(whole, &comment, &["work left over"]);
    }
    for word in ["to_do!()", "unimple_mented!()"] {
        let call = format!("{whole}\nfn f() {{ {} }}", word.replace('_', ""));
        breaks(whole, &call, &["work left over"]);
    }
    breaks(
        whole,
        &format!("/// ```rust,ignore\n/// ```\n{whole}"),
        &["an example that does not run"],
    );
    let ignored = format!("{whole}\n#[ignore = \"slow\"]\nfn f() {{}}");
    breaks(whole, &ignored, &["a test that does not run"]);
    let long = format!("{TIDY}{}", "\n".repeat(tidy::FILE_LINES));
    assert!(violations(&long).iter().any(|line| line.contains("split it")));
}
