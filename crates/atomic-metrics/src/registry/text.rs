//! `OpenMetrics` 1.0 text.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::fmt::{self, Write};

use super::{Description, Distribution, Exemplar, Kind, Labels, Registry, Series, labels::Escaped};
use crate::quantiles::HistogramSnapshot;

/// What an HTTP server says of the text.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A family as of now.
struct Page {
    name: String,
    kind: Kind,
    described: Description,
    series: Vec<(Labels, Series)>,
}

/// A number as the text has it.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            value if value.is_finite() => write!(f, "{value:?}"),
            value if value.is_nan() => f.write_str("NaN"),
            value if value > 0.0 => f.write_str("+Inf"),
            _ => f.write_str("-Inf"),
        }
    }
}

impl Registry {
    /// The `Content-Type` of [`openmetrics`](Self::openmetrics).
    pub const CONTENT_TYPE: &str = CONTENT_TYPE;

    /// All metrics as `OpenMetrics` text, sorted by name.
    ///
    /// A histogram shows how many values were at most each bound, exactly: powers of two, or those of
    /// [`shape`](Self::shape). Values that are not finite are in a counter of their own, `..._not_finite_total`.
    /// With values or bounds below zero there is no sum and no count, as the format asks.
    pub fn openmetrics(&self) -> String {
        let mut text = String::new();
        // A `String` takes everything.
        let _ = self.write_openmetrics(&mut text);
        text
    }

    /// Writes the same to something else.
    ///
    /// # Errors
    /// That does not take it.
    pub fn write_openmetrics(&self, to: &mut impl Write) -> fmt::Result {
        for page in self.pages() {
            page.write(to)?;
        }
        to.write_str("# EOF\n")
    }

    fn pages(&self) -> Vec<Page> {
        let families = self.lock();
        let mut pages: Vec<Page> = Vec::new();
        for (name, family) in &families.by_name {
            let described = families.described(name, family.kind).cloned().unwrap_or_default();
            let ending = ["_", described.unit.as_str()].concat();
            let mut shown = name.to_owned();
            if !described.unit.is_empty() && !name.ends_with(&ending) {
                shown.push_str(&ending);
                if super::clashes(&shown, family.kind, &families.by_name)
                    || pages.iter().any(|page| page.name == shown)
                {
                    name.clone_into(&mut shown);
                }
            }
            let series = family.series.iter().map(|(labels, one)| (labels.clone(), one.clone()));
            let (kind, series) = (family.kind, series.collect());
            pages.push(Page { name: shown, kind, described, series });
        }
        pages
    }
}

impl Page {
    fn write(&self, to: &mut impl Write) -> fmt::Result {
        let name = &self.name;
        let kind = match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        writeln!(to, "# TYPE {name} {kind}")?;
        let Description { help, unit, bounds, .. } = &self.described;
        if !unit.is_empty() && name.ends_with(&["_", unit].concat()) {
            writeln!(to, "# UNIT {name} {unit}")?;
        }
        if !help.is_empty() {
            writeln!(to, "# HELP {name} {}", Escaped(help))?;
        }
        let mut apart = Vec::new();
        for (labels, series) in &self.series {
            match series {
                Series::Counter(own) => {
                    sample(to, &[name, "_total"], labels, None, own.value())?;
                    if let Some(exemplar) = own.exemplar() {
                        write_exemplar(to, &exemplar)?;
                    }
                    to.write_char('\n')?;
                }
                Series::Gauge(own) => {
                    sample(to, &[name], labels, None, Number(own.value()))?;
                    to.write_char('\n')?;
                }
                Series::Histogram(own) => {
                    let now = own.snapshot();
                    histogram(to, name, labels, &now, own, bounds)?;
                    apart.push((labels, now));
                }
            }
        }
        not_finite(to, name, &apart)
    }
}

fn sample(
    to: &mut impl Write,
    name: &[&str],
    labels: &Labels,
    more: Option<(&str, &str)>,
    value: impl fmt::Display,
) -> fmt::Result {
    name.iter().try_for_each(|part| to.write_str(part))?;
    labels.write(to, more)?;
    write!(to, " {value}")
}

fn histogram(
    to: &mut impl Write,
    name: &str,
    labels: &Labels,
    now: &HistogramSnapshot,
    own: &Distribution,
    bounds: &[f64],
) -> fmt::Result {
    let octaves = || {
        let mut coarse = now.clone();
        coarse.coarsen(0);
        coarse.buckets().map(|bucket| bucket.up_to).filter(|bound| bound.is_finite()).collect()
    };
    let bounds: Vec<f64> = if bounds.is_empty() { octaves() } else { bounds.to_owned() };
    let exemplars = own.exemplars();
    let mut above = f64::NEG_INFINITY;
    for bound in bounds.iter().copied().chain([f64::INFINITY]) {
        let count = if bound.is_finite() { now.at_most(bound) } else { now.count };
        let le = alloc::format!("{}", Number(bound));
        sample(to, &[name, "_bucket"], labels, Some(("le", &le)), count)?;
        let within = |one: &&Exemplar| above < one.value && one.value <= bound;
        if let Some(exemplar) = exemplars.iter().rfind(within) {
            write_exemplar(to, exemplar)?;
        }
        to.write_char('\n')?;
        above = bound;
    }
    if now.min < 0.0 || bounds.first().is_some_and(|bound| *bound < 0.0) {
        return Ok(());
    }
    sample(to, &[name, "_count"], labels, None, now.count)?;
    to.write_char('\n')?;
    sample(to, &[name, "_sum"], labels, None, Number(now.sum))?;
    to.write_char('\n')
}

fn write_exemplar(to: &mut impl Write, exemplar: &Exemplar) -> fmt::Result {
    to.write_str(" # {")?;
    for (i, (name, value)) in exemplar.labels.iter().enumerate() {
        write!(to, "{}{name}=\"{}\"", if i > 0 { "," } else { "" }, Escaped(value))?;
    }
    write!(to, "}} {} {:.3}", Number(exemplar.value), exemplar.timestamp)
}

/// The values of histograms that are in no bucket, where there are any.
fn not_finite(
    to: &mut impl Write,
    name: &str,
    all: &[(&Labels, HistogramSnapshot)],
) -> fmt::Result {
    if all.iter().all(|(_, now)| now.records() == now.count) {
        return Ok(());
    }
    writeln!(to, "# TYPE {name}_not_finite counter")?;
    for (labels, now) in all {
        let apart =
            [("NaN", now.nan), ("+Inf", now.positive_infinite), ("-Inf", now.negative_infinite)];
        for (value, count) in apart.into_iter().filter(|(_, count)| *count > 0) {
            let label = labels.free("value");
            sample(to, &[name, "_not_finite_total"], labels, Some((&label, value)), count)?;
            to.write_char('\n')?;
        }
    }
    Ok(())
}
