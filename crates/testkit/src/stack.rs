//! Which functions an access happens in, as the program itself sees it: what a test of progress has
//! covered is told by the stack and not by the test.

use core::{fmt::Display, panic::Location};
use std::{
    backtrace::Backtrace,
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, OnceLock, PoisonError},
};

/// How often a place is looked at for one operation: other calls may lead to it.
const LOOKS: usize = 64;

#[derive(Default)]
struct Seen {
    looks: BTreeMap<(String, &'static Location<'static>), usize>,
    told: BTreeSet<String>,
}

/// Prints a line `how FUNCTION` for each function on the stack, once.
///
/// Only where `ATOMWORKS_STACKS` is set: it takes milliseconds. `operation` tells the tests apart that
/// come to the same `place`.
pub(crate) fn tell(how: &str, operation: &dyn Display, place: &'static Location<'static>) {
    static WANTED: OnceLock<bool> = OnceLock::new();
    static SEEN: Mutex<Option<Seen>> = Mutex::new(None);
    if !*WANTED.get_or_init(|| std::env::var_os("ATOMWORKS_STACKS").is_some()) {
        return;
    }
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let seen = seen.get_or_insert_default();
    let looks = seen.looks.entry((format!("{how} {operation}"), place)).or_default();
    *looks += 1;
    if *looks > LOOKS {
        return;
    }
    for name in names(&Backtrace::force_capture().to_string()) {
        let line = format!("{how} {name}");
        if !seen.told.contains(&line) {
            println!("{line}");
            seen.told.insert(line);
        }
    }
}

/// The functions in a backtrace as std prints it: a number before each frame's innermost function, none
/// before those that it was inlined into, and a place below each.
fn names(trace: &str) -> impl Iterator<Item = &str> {
    let lines = trace.lines().map(str::trim_start).filter(|line| !line.starts_with("at "));
    lines.map(|line| match line.split_once(": ") {
        Some((number, name)) if number.parse::<usize>().is_ok() => name,
        _ => line,
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn inlined_functions_are_read_too() {
        let trace = "   0: a::f\n             at ./src/a.rs:1:2\n      <a::B<T>>::g\n  12: main\n";
        assert_eq!(names(trace).collect::<Vec<_>>(), ["a::f", "<a::B<T>>::g", "main"]);
    }
}
