//! Where a file is: it comes later, its directory goes and comes, links on the way are re-pointed, and no
//! system tells.
#![cfg(all(not(any(loom, stepped)), unix, feature = "json", feature = "notify"))]

#[path = "file/place.rs"]
mod place;

use core::time::Duration;
use std::{fs, os::unix::fs::symlink, path::Path};

use hot_config::{FileSource, HotConfig, Subscription, file::FileWatch};
use place::{Place, WAYS, Written, eventually, point};
use testkit::stress::scaled;

#[derive(serde::Deserialize)]
struct Settings {
    number: u64,
}

fn text(number: u64) -> String {
    format!("{{ \"number\": {number} }}")
}

/// Events only: what they miss is not found by looking.
fn watched(path: &Path) -> (FileWatch<Settings>, Subscription<Settings>) {
    let config = HotConfig::new(Settings { number: 0 });
    let source = FileSource::new(path)
        .debounce(Duration::from_millis(2), Duration::from_millis(50))
        .grace(Duration::from_millis(15))
        .poll(Duration::from_hours(1));
    let changes = config.subscribe();
    (source.attach(&config).unwrap(), changes)
}

#[track_caller]
fn expect(changes: &mut Subscription<Settings>, number: u64) {
    let change = changes.wait_timeout(Duration::from_secs(20));
    let change = change.unwrap_or_else(|error| panic!("number {number}: {error}"));
    assert_eq!(change.number, number);
}

#[test]
fn a_file_that_comes_later_in_directories_that_come_later() {
    for _ in 0..scaled(5) {
        let place = Place::new();
        let (_watch, mut changes) = watched(&place.path("a/b/c/settings.json"));
        fs::create_dir(place.path("a")).unwrap();
        fs::create_dir_all(place.path("a/b/c")).unwrap();
        place.write("a/b/c/settings.json", &text(1));
        expect(&mut changes, 1);
    }
}

#[test]
fn a_directory_that_is_removed_and_made_again() {
    let place = Place::new();
    place.write("a/b/settings.json", &text(1));
    let (watch, mut changes) = watched(&place.path("a/b/settings.json"));
    expect(&mut changes, 1);
    for number in 2..scaled(20) + 2 {
        fs::remove_dir_all(place.path(if number % 2 == 0 { "a" } else { "a/b" })).unwrap();
        if number % 3 == 0 {
            eventually(|| watch.status().error.is_some(), || "it is missing".into());
        }
        place.write("a/b/settings.json", &text(number));
        expect(&mut changes, number);
        assert_eq!(watch.load().number, number);
    }
}

#[test]
fn a_directory_that_is_moved_away_and_another_in_its_place() {
    let place = Place::new();
    place.write("a/settings.json", &text(1));
    let (_watch, mut changes) = watched(&place.path("a/settings.json"));
    expect(&mut changes, 1);
    for number in 2..scaled(20) + 2 {
        place.write("next/settings.json", &text(number));
        fs::rename(place.path("a"), place.path(&format!("old{number}"))).unwrap();
        fs::rename(place.path("next"), place.path("a")).unwrap();
        expect(&mut changes, number);
    }
}

#[test]
fn a_chain_of_links_re_pointed_at_each() {
    let place = Place::new();
    // settings.json -> one/link.json; one -> first; first/link.json -> ../deep/two/end.json; two -> x
    place.write("deep/x/end.json", &text(1));
    fs::create_dir(place.path("first")).unwrap();
    symlink("x", place.path("deep/two")).unwrap();
    symlink("../deep/two/end.json", place.path("first/link.json")).unwrap();
    symlink("first", place.path("one")).unwrap();
    symlink("one/link.json", place.path("settings.json")).unwrap();
    let (_watch, mut changes) = watched(&place.path("settings.json"));
    expect(&mut changes, 1);
    let mut number = 1;
    for round in 0..scaled(5) {
        let mut next = || {
            number += 1;
            number
        };
        // The last directory.
        let own = next();
        place.write(&format!("deep/x{round}/end.json"), &text(own));
        point(&place.path("deep/two"), Path::new(&format!("x{round}")));
        expect(&mut changes, own);
        // The link within a directory.
        let own = next();
        place.write(&format!("other{round}.json"), &text(own));
        point(&place.path("one/link.json"), &place.path(&format!("other{round}.json")));
        expect(&mut changes, own);
        // The directory in the middle, by another with a link of its own, over `deep/two`.
        let own = next();
        fs::create_dir(place.path(&format!("first{round}"))).unwrap();
        let link = place.path(&format!("first{round}/link.json"));
        symlink("../deep/two/end.json", link).unwrap();
        place.write(&format!("deep/y{round}/end.json"), &text(own));
        point(&place.path("deep/two"), Path::new(&format!("y{round}")));
        point(&place.path("one"), Path::new(&format!("first{round}")));
        expect(&mut changes, own);
        // The file behind all of them.
        let own = next();
        place.write(&format!("deep/y{round}/end.json"), &text(own));
        expect(&mut changes, own);
        // The first link of all, away and back.
        let own = next();
        place.write("aside.json", &text(own));
        point(&place.path("settings.json"), &place.path("aside.json"));
        expect(&mut changes, own);
        let own = next();
        place.write(&format!("deep/y{round}/end.json"), &text(own));
        point(&place.path("settings.json"), Path::new("one/link.json"));
        expect(&mut changes, own);
    }
}

#[test]
fn a_circle_of_links_is_told_and_mended() {
    let place = Place::new();
    symlink("b.json", place.path("a.json")).unwrap();
    symlink("a.json", place.path("b.json")).unwrap();
    let (watch, mut changes) = watched(&place.path("a.json"));
    assert!(watch.status().error.is_some());
    fs::remove_file(place.path("b.json")).unwrap();
    place.write("b.json", &text(1));
    expect(&mut changes, 1);
}

#[test]
fn a_file_system_that_tells_nothing() {
    for way in WAYS {
        let mut file = Written::new(way, &text(0));
        let source = FileSource::<Settings>::new(&file.path)
            .grace(Duration::from_millis(15))
            .poll_only(Duration::from_millis(2));
        let settings = source.open().unwrap();
        let mut changes = settings.subscribe();
        for number in 1..=scaled(10) {
            file.write(&text(number));
            expect(&mut changes, number);
        }
    }
}

#[test]
fn a_burst_without_end_is_not_waited_out() {
    let place = Place::new();
    let path = place.write("settings.json", &text(0));
    let (_watch, mut changes) = watched(&path);
    let (mut number, mut told) = (0, 0);
    while told < 5 {
        number += 1;
        fs::write(place.path("aside"), text(number)).unwrap();
        fs::rename(place.path("aside"), &path).unwrap();
        told += u64::from(changes.try_next().is_some());
        assert!(number < 1_000_000, "nothing is told while it goes on");
    }
}
