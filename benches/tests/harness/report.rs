//! What the outputs say, and what they must not.

use crate::stage::{liar, ours, peer, plan, play};
use benches::goals::{Bound, Goal};
use benches::report::{Report, Tone, criterion, html, json, markdown, terminal};
use benches::stamp::Stamp;
use std::fs;

fn report() -> Report {
    let contenders =
        vec![ours("ours", &[2.0]), peer("slow", &[1.0]), peer("quick", &[4.0]), liar("liar")];
    let bound = Bound::SpeedAtLeast(1.0);
    let goal = |peers| Goal { family: "stage", case: "play", ours: "ours", peers, bound };
    Report {
        stamp: Stamp::now(),
        plan: plan(3),
        findings: vec![play(3, contenders)],
        goals: vec![goal(&["slow"]), goal(&["quick"]), goal(&["liar"])],
        estimates: Vec::new(),
    }
}

#[test]
fn a_loss_a_missed_goal_and_a_failure_are_shown_and_red() {
    let report = report();
    assert!(report.has_failures());
    let sections = report.sections();
    let cells = sections.iter().flat_map(|section| &section.tables).flat_map(|table| &table.rows);
    let bad: Vec<_> = cells
        .flatten()
        .filter(|cell| cell.tone == Tone::Bad)
        .map(|cell| cell.text.as_str())
        .collect();
    let loss = "0.50x (0.50 to 0.50)";
    assert_eq!(bad, [loss, "MISSED", loss, "FAILED", "1 | 2 <made 3>"]);
    let coloured = terminal::render(&report, true);
    assert!(coloured.contains("\u{1b}[31m") && coloured.contains(loss));
    assert!(!terminal::render(&report, false).contains('\u{1b}'));
}

#[test]
fn every_output_carries_the_stamp() {
    let report = report();
    let page = html::render(&report).replace("&lt;", "<");
    for (_, value) in report.stamp.rows() {
        assert!(terminal::render(&report, false).contains(&value));
        assert!(markdown::render(&report).contains(&value));
        assert!(json::render(&report).to_string().contains(&value));
        assert!(page.contains(&value));
    }
}

#[test]
fn the_page_fetches_nothing_and_closes_what_it_opens() {
    let page = html::render(&report());
    for reference in
        ["http:", "https:", "//", "src=", "href=", "url(", "@import", "<script", "<link"]
    {
        assert!(!page.contains(reference), "the page holds {reference}");
    }
    for tag in ["svg", "table", "section", "tr", "td", "html", "body", "style"] {
        let opened =
            page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    assert!(page.contains("prefers-color-scheme: dark"));
    assert!(page.contains("<made 3>".replace('<', "&lt;").replace('>', "&gt;").as_str()));
    assert_eq!(page.matches("<svg ").count(), 2, "one for the case, one for the distances");
}

#[test]
fn markdown_tables_read_back_as_what_they_were() {
    let report = report();
    for table in report.sections().iter().flat_map(|section| &section.tables) {
        let text = markdown::render_table(table);
        let mut lines = text.lines().map(cells);
        assert_eq!(lines.next().as_deref(), Some(&table.header[..]));
        assert!(lines.next().is_some_and(|rule| rule.iter().all(|cell| cell == "---")));
        for row in &table.rows {
            let expected: Vec<_> = row.iter().map(|cell| cell.text.clone()).collect();
            assert_eq!(lines.next(), Some(expected));
        }
        assert_eq!(lines.next(), None);
    }
}

/// The cells of a line, as a reader of Markdown sees them: bars and markup that are escaped stand
/// for themselves, bold is not text.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut characters = line.trim_matches('|').chars();
    while let Some(character) = characters.next() {
        let cell = cells.last_mut().expect("there is a first");
        match character {
            '\\' => cell.extend(characters.next()),
            '|' => cells.push(String::new()),
            '*' => {}
            other => cell.push(other),
        }
    }
    cells.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn json_holds_every_sample() {
    let value = json::render(&report());
    let contenders = &value["cases"][0]["contenders"];
    assert_eq!(contenders[0]["rounds"].as_array().map(Vec::len), Some(3));
    assert_eq!(contenders[0]["rounds"][0]["distance_ns"], 100.0);
    assert_eq!(contenders[3]["failure"], "1 | 2 <made 3>");
    assert_eq!(value["goals"][0]["reached"], true);
    assert_eq!(value["goals"][1]["reached"], false);
    assert_eq!(value["goals"][2]["reached"], serde_json::Value::Null);
}

#[test]
fn estimates_of_criterion_are_read_where_it_leaves_them() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("criterion");
    let one = folder.join("ring_ pair/rtrb/new");
    fs::create_dir_all(&one).expect("the folder is ours");
    let benchmark = r#"{"group_id":"ring: pair","function_id":"rtrb"}"#;
    let estimates = r#"{"median":{"point_estimate":4.5,
        "confidence_interval":{"lower_bound":4.0,"upper_bound":5.0}}}"#;
    fs::write(one.join("benchmark.json"), benchmark).expect("the folder is ours");
    fs::write(one.join("estimates.json"), estimates).expect("the folder is ours");
    let read = criterion::read(&folder).expect("it is what criterion writes");
    let [estimate] = &read[..] else { panic!("one estimate: {read:?}") };
    assert_eq!((&*estimate.group, &*estimate.contender), ("ring: pair", "rtrb"));
    assert_eq!((estimate.median, estimate.interval), (4.5, (4.0, 5.0)));
    assert!(criterion::read(&folder.join("absent")).is_err());
}
