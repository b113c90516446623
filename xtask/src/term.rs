//! What the commands share on the screen: styles, tables, progress bars.
//!
//! Printing goes through `anstream`, which strips the styles where no terminal shows them.

use core::{fmt::Write as _, time::Duration};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const DIM: Style = Style::new().dimmed();

/// `text` in `style`.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// A duration as a reader wants it.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

/// A whole number with its thousands set apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A bar on the terminal; nothing where there is none.
pub(crate) fn bar(length: usize, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {elapsed}");
    ProgressBar::new(length as u64)
        .with_style(style.expect("the template is a constant"))
        .with_message(what.to_owned())
}

/// How a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows under a header, as wide as they need to be.
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<(Style, Vec<String>)>,
}

impl Table {
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, style: Style, cells: Vec<String>) {
        assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        self.rows.push((style, cells));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// For the screen.
    pub(crate) fn print(&self) {
        let header: Vec<_> = self.columns.iter().map(|&(name, _)| name.to_owned()).collect();
        anstream::println!("{}", paint(BOLD, &self.line(&header)));
        for (style, cells) in &self.rows {
            anstream::println!("{}", paint(*style, &self.line(cells)));
        }
    }

    /// For a file.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("|");
        for (name, _) in &self.columns {
            write!(text, " {name} |").expect("a string is written");
        }
        text.push_str("\n|");
        for (_, align) in &self.columns {
            text.push_str(if *align == Align::Left { " --- |" } else { " ---: |" });
        }
        for (_, cells) in &self.rows {
            text.push_str("\n|");
            for cell in cells {
                write!(text, " {} |", cell.replace('|', "\\|")).expect("a string is written");
            }
        }
        text.push('\n');
        text
    }

    fn line(&self, cells: &[String]) -> String {
        let mut line = String::new();
        for (i, (cell, &(name, align))) in cells.iter().zip(&self.columns).enumerate() {
            let widest = self.rows.iter().map(|(_, row)| row[i].chars().count()).max();
            let width = widest.unwrap_or(0).max(name.chars().count());
            match align {
                Align::Left => write!(line, "{cell:<width$}  "),
                Align::Right => write!(line, "{cell:>width$}  "),
            }
            .expect("a string is written");
        }
        line.trim_end().to_owned()
    }
}
