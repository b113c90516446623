//! Six ways of writing a file, with bad versions in between: none is missed.
#![cfg(all(not(any(loom, stepped)), unix, feature = "json", feature = "notify"))]

#[path = "file/place.rs"]
mod place;

use core::time::Duration;

use hot_config::{
    FileSource,
    file::{ErrorKind, Event},
};
use place::{Events, WAYS, Way, Written, eventually};
use testkit::stress::scaled;

#[derive(serde::Deserialize)]
struct Settings {
    number: u64,
}

fn good(number: u64) -> String {
    // Of other lengths, so that writing over leaves something to cut off.
    let pad = &"xxxxxx"[..(number % 7) as usize];
    format!("{{\n  \"number\": {number},\n  \"pad\": \"{pad}\"\n}}\n")
}

/// Another bad version each time: not JSON, of another type, missing what is needed; line 2.
fn bad(number: u64) -> String {
    match number % 3 {
        0 => format!("{{\n  \"number\": {number} oops\n}}\n"),
        1 => format!("{{\n  \"number\": \"{number}\"\n}}\n"),
        _ => format!("{{\n  \"number\": -{number}\n}}\n"),
    }
}

fn misses_nothing(way: Way) {
    let changes = scaled(30);
    let mut file = Written::new(way, &good(0));
    let events = Events::default();
    let settings = FileSource::<Settings>::new(&file.path)
        .debounce(Duration::from_millis(2), Duration::from_millis(50))
        // Longer than a writer may be kept from going on, between two steps, on a busy machine.
        .grace(Duration::from_millis(60))
        // What is missed by the events must not be found by looking.
        .poll(Duration::from_hours(1))
        .on_event(events.listener())
        .open()
        .unwrap();
    let mut told = settings.subscribe();
    let mut failures = 0;
    for number in 1..=changes {
        if number % 2 == 0 {
            file.write(&bad(number));
            failures += 1;
            let errors = events.await_errors(failures);
            assert_eq!(errors.len(), failures, "told once: {errors:?}");
            let error = errors.last().unwrap();
            assert!(matches!(error.kind, ErrorKind::Syntax | ErrorKind::Type), "{error}");
            assert_eq!((error.line, &error.path), (Some(2), &file.path), "{error}");
            assert_eq!(settings.load().number, number - 1, "the last good value stays");
        }
        file.write(&good(number));
        let change = told.wait_timeout(Duration::from_secs(20));
        let change = change.unwrap_or_else(|error| panic!("{way:?}, change {number}: {error}"));
        assert_eq!((change.number, change.version), (number, number + 1), "{way:?}");
    }
    // The last is told a moment after it is there.
    let changed = || {
        let all = events.all();
        all.iter().filter(|event| matches!(event, Event::Changed(_))).count() as u64
    };
    eventually(|| changed() >= changes, || format!("{changes} changes: {}", changed()));
    assert_eq!(events.all().len() as u64, changes + failures as u64, "{way:?}: each told once");
    let status = settings.status();
    assert_eq!((status.error, status.unwatched), (None, None));
    println!("{way:?}: {changes} changes, {failures} bad versions between, none missed");
}

#[test]
fn in_place() {
    misses_nothing(WAYS[0]);
}

#[test]
fn truncate_then_write() {
    misses_nothing(WAYS[1]);
}

#[test]
fn rename_over() {
    misses_nothing(WAYS[2]);
}

#[test]
fn remove_and_create() {
    misses_nothing(WAYS[3]);
}

#[test]
fn link_swap() {
    misses_nothing(WAYS[4]);
}

#[test]
fn kubernetes_data_swap() {
    misses_nothing(WAYS[5]);
}
