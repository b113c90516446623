//! The report on a terminal, in colour where it is one.

use super::{Report, Table, Tone};
use anstyle::{AnsiColor, Style};
use core::fmt::Write as _;

/// The whole report; `colour` as the terminal can show it.
pub fn render(report: &Report, colour: bool) -> String {
    let heading = Style::new().bold();
    let mut out = String::new();
    for (name, value) in report.stamp.rows() {
        let _ = writeln!(out, "{name:>10}  {value}");
    }
    for section in report.sections() {
        let _ = writeln!(out, "\n{}", paint(&section.title, heading, colour));
        for table in &section.tables {
            let caption = paint(&table.caption, style(Tone::Faint), colour);
            let _ = write!(out, "{caption}\n{}", render_table(table, colour));
        }
    }
    out
}

fn render_table(table: &Table, colour: bool) -> String {
    let length = |text: &str| text.chars().count();
    let widest = |column: usize| {
        let cells = table.rows.iter().map(|row| length(&row[column].text));
        cells.chain([length(&table.header[column])]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table.header.len()).map(widest).collect();
    let mut out = String::new();
    let mut line = |cells: Vec<(&str, Style)>| {
        for ((text, style), width) in cells.iter().zip(&widths) {
            let _ = write!(out, "  {}{:2$}", paint(text, *style, colour), "", width - length(text));
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    };
    line(table.header.iter().map(|text| (text.as_str(), style(Tone::Faint))).collect());
    for row in &table.rows {
        line(row.iter().map(|cell| (cell.text.as_str(), style(cell.tone))).collect());
    }
    out
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Ours => Style::new().bold(),
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Bad => AnsiColor::Red.on_default().bold(),
        Tone::Faint => Style::new().dimmed(),
    }
}

fn paint(text: &str, style: Style, colour: bool) -> String {
    if colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
}
