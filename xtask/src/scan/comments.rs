//! The comments of a file, which the parser drops, and the ordering notes among them.

use anyhow::{Result, anyhow};
use proc_macro2::{TokenStream, TokenTree};

use super::{Order, Spot};

/// A comment of the form `Acquire [edge-a, edge-b]: why`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The line that it stands on.
    pub line: usize,
    /// The ordering that it explains.
    pub order: Order,
    /// The edges that it names.
    pub edges: Vec<String>,
    /// Why.
    pub why: String,
}

/// Line by line: is there code, and is there a comment behind it or alone?
#[derive(Debug, Default)]
pub struct Comments(Vec<Line>);

#[derive(Debug, Default)]
struct Line {
    has_code: bool,
    comment: Option<String>,
    note: Option<Note>,
}

impl Comments {
    pub(super) fn read(text: &str) -> Result<Self> {
        let tokens: TokenStream = text.parse().map_err(|error| anyhow!("{error}"))?;
        let mut ends = vec![0; text.lines().count() + 1];
        mark_code(tokens, &mut ends);
        // The first line has the number 1.
        let mut lines = vec![Line::default()];
        for (i, line) in text.lines().enumerate() {
            let number = i + 1;
            let rest: String = line.chars().skip(ends[number]).collect();
            let comment = rest.split_once("//").map(|(_, text)| text.trim().to_owned());
            let note = comment.as_deref().and_then(|text| Note::parse(number, text));
            lines.push(Line { has_code: ends[number] > 0, comment, note });
        }
        Ok(Self(lines))
    }

    /// Every note of the file.
    pub fn notes(&self) -> impl Iterator<Item = &Note> {
        self.0.iter().filter_map(|line| line.note.as_ref())
    }

    /// The notes in the block of comments directly above a statement, and between its attributes
    /// and the rest of it.
    pub fn above(&self, anchor: Spot) -> Vec<&Note> {
        self.block(anchor).filter_map(|line| line.note.as_ref()).collect()
    }

    /// The notes on these lines, the last one included.
    pub fn within(&self, first: usize, last: usize) -> impl Iterator<Item = &Note> {
        self.0[first..=last].iter().filter_map(|line| line.note.as_ref())
    }

    /// Does a comment above the statement, or on the given line, begin so?
    pub fn says(&self, what: &str, anchor: Spot, line: usize) -> bool {
        let here = Spot { line, column: 0, code_line: line };
        let lines = self.block(anchor).chain(self.block(here)).chain(&self.0[line..=line]);
        lines.filter_map(|line| line.comment.as_ref()).any(|comment| comment.starts_with(what))
    }

    fn block(&self, anchor: Spot) -> impl Iterator<Item = &Line> {
        let between = &self.0[anchor.line..anchor.code_line];
        let above = self.0[..anchor.line].iter().rev();
        let above = above.take_while(|line| !line.has_code && line.comment.is_some());
        between.iter().filter(|line| !line.has_code).chain(above)
    }
}

/// Sets for each line the column behind its last token.
fn mark_code(tokens: TokenStream, ends: &mut [usize]) {
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            mark_code(group.stream(), ends);
            for edge in [group.span_open(), group.span_close()] {
                mark(edge, ends);
            }
        } else {
            mark(token.span(), ends);
        }
    }
}

fn mark(span: proc_macro2::Span, ends: &mut [usize]) {
    let (start, end) = (span.start(), span.end());
    // What is inside a token of several lines is no comment.
    ends[start.line..end.line].fill(usize::MAX);
    ends[end.line] = ends[end.line].max(end.column);
}

impl Note {
    fn parse(line: usize, text: &str) -> Option<Self> {
        let (head, why) = text.split_once(':')?;
        let (word, edges) = match head.split_once('[') {
            Some((word, edges)) => (word.trim(), edges.trim().strip_suffix(']')?),
            None => (head, ""),
        };
        let order = word.parse().ok()?;
        let edges = edges.split(',').map(str::trim).filter(|edge| !edge.is_empty());
        let edges = edges.map(str::to_owned).collect();
        Some(Self { line, order, edges, why: why.trim().to_owned() })
    }
}
