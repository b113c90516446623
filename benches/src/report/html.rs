//! The report as one page that needs nothing else: styles and plots stand in it.

use super::{Report, Table, Tone, plot};
use core::fmt::Write as _;

/// Light or dark as the reader's system is.
const STYLE: &str = "
:root { color-scheme: light dark; --back: #fdfdfc; --text: #1c1e21; --faint: #6b7280;
  --line: #d9dce1; --ours: #0b63c5; --peer: #8a8f98; --good: #177245; --bad: #c0222b; }
@media (prefers-color-scheme: dark) { :root { --back: #15171a; --text: #e6e7e9; --faint: #9aa1ab;
  --line: #33383f; --ours: #6cb0ff; --peer: #8b929c; --good: #5cc98a; --bad: #ff7a80; } }
body { background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif;
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; }
dt, caption, th { color: var(--faint); } dd { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { text-align: left; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line);
  white-space: nowrap; } th { font-weight: 500; }
.ours { color: var(--ours); font-weight: 600; } .good { color: var(--good); }
.bad { color: var(--bad); font-weight: 600; } .faint { color: var(--faint); }
svg { display: block; width: 100%; height: auto; font-size: 12px; }
svg text { fill: var(--text); } svg .faint { fill: var(--faint); }
svg .rule { stroke: var(--line); } svg .mark { stroke-width: 3; }
svg .ours { fill: var(--ours); stroke: var(--ours); font-weight: 400; }
svg .peer { fill: var(--peer); stroke: var(--peer); }
svg .floor { fill: none; stroke: var(--peer); }
svg .box { fill-opacity: .25; stroke: none; } svg circle { fill-opacity: .55; stroke: none; }
svg circle.away { fill: none; stroke-opacity: .8; }
";

/// The whole report.
pub fn render(report: &Report) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>atomworks bench, {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>atomworks bench</h1>\n<dl>\n",
        escape(&report.stamp.date),
    );
    for (name, value) in report.stamp.rows() {
        let _ = writeln!(out, "<dt>{name}</dt><dd>{}</dd>", escape(&value));
    }
    out.push_str("</dl>\n");
    for section in report.sections() {
        let _ = writeln!(out, "<section>\n<h2>{}</h2>", escape(&section.title));
        if let Some(finding) = section.finding {
            out += &plot::rounds(finding);
        }
        section.tables.iter().for_each(|table| out += &render_table(table));
        out.push_str("</section>\n");
    }
    let distances = plot::distances(&report.findings);
    if !distances.is_empty() {
        let _ = writeln!(
            out,
            "<section>\n<h2>The distance between the cores</h2>\n<p>The round trip of one line, \
             before each contender in the order of time. Below the line is near.</p>\n\
             {distances}</section>"
        );
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn render_table(table: &Table) -> String {
    let mut out =
        format!("<div class=\"wide\"><table>\n<caption>{}</caption>\n<tr>", escape(&table.caption));
    for text in &table.header {
        let _ = write!(out, "<th>{}</th>", escape(text));
    }
    out.push_str("</tr>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td class=\"{}\">{}</td>", class(cell.tone), escape(&cell.text));
        }
        out.push_str("</tr>\n");
    }
    out + "</table></div>\n"
}

const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Ours => "ours",
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Faint => "faint",
    }
}

/// Text that a page shows as it is.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
