//! The report as Markdown.

use super::{Cell, Report, Table, Tone};
use core::fmt::Write as _;

/// The whole report.
pub fn render(report: &Report) -> String {
    let mut out = String::from("# atomworks bench\n\n");
    for (name, value) in report.stamp.rows() {
        let _ = writeln!(out, "- {name}: {value}");
    }
    for section in report.sections() {
        let _ = write!(out, "\n## {}\n", section.title);
        for table in &section.tables {
            let _ = write!(out, "\n{}\n\n{}", table.caption, render_table(table));
        }
    }
    out
}

/// A table; what is bad is bold, since Markdown has no colour.
pub fn render_table(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(table.header.iter().map(|text| escape(text)).collect());
    out += &line(table.header.iter().map(|_| "---".to_owned()).collect());
    for row in &table.rows {
        out += &line(row.iter().map(cell).collect());
    }
    out
}

fn cell(cell: &Cell) -> String {
    let text = escape(&cell.text);
    if cell.tone == Tone::Bad { format!("**{text}**") } else { text }
}

/// What would end a cell or be read as markup.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' | '*' | '_' | '`' | '<' | '\\' => out.extend(['\\', character]),
            '\n' => out.push(' '),
            other => out.push(other),
        }
    }
    out
}
