//! Names and labels, resolved to handles up front, and their text.
//!
//! Handles are recorded through without locks; the registry itself has one, held while a series is looked up
//! and while the list of series is copied for the text. The values are read after that.

mod handles;
mod labels;
mod text;

use alloc::{borrow::ToOwned, collections::BTreeMap, string::String, vec::Vec};
use core::{error, fmt};
use std::sync::PoisonError;

use lockfree_core::sync::{Mutex, MutexGuard};

use self::labels::{Labels, is_name};
use crate::{grid::Grid, histogram::Histogram};

pub use handles::{Counter, Distribution, Exemplar, Gauge};

/// Metrics by name and labels, and their exposition as `OpenMetrics` text.
///
/// Looking up a series takes a lock: do it once and keep the handle. The same name and labels lead to the
/// same series. A family has at most [`series_cap`](Self::with_series_cap) series; what would be one more is
/// recorded in the family's *overflow* series, labelled `overflow="true"`, so that a label that takes
/// ever new values costs neither memory nor counts.
///
/// ```
/// use atomic_metrics::Registry;
///
/// let registry = Registry::new();
/// registry.describe("requests", "Requests served.", "");
/// let served = registry.counter("requests", [("method", "GET")])?;
/// let sizes = registry.histogram("size_bytes", [])?;
/// served.increment();
/// sizes.record(700.0);
///
/// let text = registry.openmetrics();
/// assert!(text.contains("# TYPE requests counter\n"));
/// assert!(text.contains("requests_total{method=\"GET\"} 1\n"));
/// assert!(text.contains("size_bytes_bucket{le=\"1024.0\"} 1\n"));
/// assert!(text.ends_with("# EOF\n"));
/// # Ok::<(), atomic_metrics::RegisterError>(())
/// ```
#[derive(Debug)]
pub struct Registry {
    cap: usize,
    families: Mutex<Families>,
}

#[derive(Debug, Default)]
struct Families {
    by_name: BTreeMap<String, Family>,
    described: BTreeMap<String, Description>,
}

#[derive(Clone, Debug, Default)]
struct Description {
    help: String,
    unit: String,
    /// Bounds that a histogram's text shows; empty for powers of two.
    bounds: Vec<f64>,
    precision: Option<u32>,
}

#[derive(Debug)]
struct Family {
    kind: Kind,
    series: BTreeMap<Labels, Series>,
    /// How often a series was asked for that would have been one too many.
    overflowed: u64,
}

/// What a family's series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Counts that only grow.
    Counter,
    /// Values that go up and down.
    Gauge,
    /// Values by size.
    Histogram,
}

#[derive(Clone, Debug)]
enum Series {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Distribution),
}

/// Why there is no such series.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The name is not of letters, digits, `_` and `:`, or would be mistaken for another's sample.
    Name(String),
    /// The label's name is not of letters, digits and `_`, is there twice, or is reserved (`le`, `__...`).
    Label(String),
    /// The family is of another kind.
    Kind {
        /// The family.
        name: String,
        /// What its series are.
        is: Kind,
    },
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name:?} cannot name a metric here"),
            Self::Label(name) => write!(f, "{name:?} cannot name a label here"),
            Self::Kind { name, is } => write!(f, "{name} is a {is:?} already"),
        }
    }
}

impl error::Error for RegisterError {}

impl Registry {
    /// How many series a family has at most, if nothing else is said.
    pub const SERIES_CAP: usize = 1000;

    /// Without a metric.
    #[must_use]
    pub fn new() -> Self {
        Self::with_series_cap(Self::SERIES_CAP)
    }

    /// With at most so many series a family, the overflow series not counted.
    #[must_use]
    pub fn with_series_cap(cap: usize) -> Self {
        Self { cap, families: Mutex::new(Families::default()) }
    }

    /// Says what a metric is, before or after it is registered. A unit, such as `seconds`, becomes the end of
    /// its name in the text, if it is not already; one that no name can end in is left out.
    pub fn describe(&self, name: &str, help: &str, unit: &str) {
        let mut families = self.lock();
        let own = families.described.entry(name.to_owned()).or_default();
        help.clone_into(&mut own.help);
        let unit = if is_name(&["_", unit].concat(), false) { unit } else { "" };
        unit.clone_into(&mut own.unit);
    }

    /// Says which bounds the text of a histogram shows, instead of powers of two, and the precision of its series
    /// that are yet to come. A bound that is none of the histogram's own goes up to the next.
    ///
    /// # Panics
    /// There are more than [`Histogram::FINEST`] bits.
    pub fn shape(&self, name: &str, precision: u32, bounds: &[f64]) {
        assert!(precision <= Histogram::FINEST, "at most 10 bits of precision");
        let mut families = self.lock();
        let own = families.described.entry(name.to_owned()).or_default();
        own.precision = Some(precision);
        let grid = Grid::new(precision);
        let finite = bounds.iter().filter(|bound| bound.is_finite());
        own.bounds = finite.map(|bound| grid.upper(grid.key_of(*bound))).collect();
        own.bounds.sort_by(f64::total_cmp);
        own.bounds.dedup();
    }

    /// The counter of this name and these labels. In the text its name ends in `_total`; here it need not.
    ///
    /// # Errors
    /// A name is none, or is that of something else.
    pub fn counter<'a>(
        &self,
        name: &str,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Counter, RegisterError> {
        let made = |_: &Description| Series::Counter(Counter::default());
        match self.series(base(name), Kind::Counter, labels, made)? {
            Series::Counter(own) => Ok(own),
            other => Err(RegisterError::Kind { name: name.to_owned(), is: other.kind() }),
        }
    }

    /// The gauge of this name and these labels.
    ///
    /// # Errors
    /// A name is none, or is that of something else.
    pub fn gauge<'a>(
        &self,
        name: &str,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Gauge, RegisterError> {
        match self.series(name, Kind::Gauge, labels, |_| Series::Gauge(Gauge::default()))? {
            Series::Gauge(own) => Ok(own),
            other => Err(RegisterError::Kind { name: name.to_owned(), is: other.kind() }),
        }
    }

    /// The histogram of this name and these labels.
    ///
    /// # Errors
    /// A name is none, or is that of something else.
    pub fn histogram<'a>(
        &self,
        name: &str,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Distribution, RegisterError> {
        let made = |described: &Description| {
            let precision = described.precision.unwrap_or(Histogram::PRECISION);
            Series::Histogram(Distribution::new(precision))
        };
        match self.series(name, Kind::Histogram, labels, made)? {
            Series::Histogram(own) => Ok(own),
            other => Err(RegisterError::Kind { name: name.to_owned(), is: other.kind() }),
        }
    }

    /// How often a series of this family was asked for that would have been one too many.
    pub fn overflowed(&self, name: &str) -> u64 {
        let families = self.lock();
        let family = families.by_name.get(name).or_else(|| families.by_name.get(base(name)));
        family.map_or(0, |family| family.overflowed)
    }

    fn series<'a>(
        &self,
        name: &str,
        kind: Kind,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        made: impl FnOnce(&Description) -> Series,
    ) -> Result<Series, RegisterError> {
        let labels = Labels::new(labels)?;
        let mut families = self.lock();
        let Families { by_name, described } = &mut *families;
        if !by_name.contains_key(name) {
            if !is_name(name, true) || clashes(name, kind, by_name) {
                return Err(RegisterError::Name(name.to_owned()));
            }
            let family = Family { kind, series: BTreeMap::new(), overflowed: 0 };
            by_name.insert(name.to_owned(), family);
        }
        let Some(family) = by_name.get_mut(name).filter(|family| family.kind == kind) else {
            let is = by_name[name].kind;
            return Err(RegisterError::Kind { name: name.to_owned(), is });
        };
        if let Some(known) = family.series.get(&labels) {
            return Ok(known.clone());
        }
        let overflow = Labels::overflow();
        let taken = family.series.len() - usize::from(family.series.contains_key(&overflow));
        let labels = if taken < self.cap {
            labels
        } else {
            family.overflowed += 1;
            overflow
        };
        let made = || made(described.get(name).unwrap_or(&Description::default()));
        Ok(family.series.entry(labels).or_insert_with(made).clone())
    }

    fn lock(&self) -> MutexGuard<'_, Families> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Families {
    /// What was said of a family; of a counter perhaps under the name of its sample.
    fn described(&self, name: &str, kind: Kind) -> Option<&Description> {
        let own = || self.described.get(name);
        let sample = || self.described.get(&[name, "_total"].concat());
        own().or_else(|| if kind == Kind::Counter { sample() } else { None })
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Series {
    const fn kind(&self) -> Kind {
        match self {
            Self::Counter(_) => Kind::Counter,
            Self::Gauge(_) => Kind::Gauge,
            Self::Histogram(_) => Kind::Histogram,
        }
    }
}

impl Kind {
    /// What its samples append to the name of the family.
    const fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter => &["_total", "_created"],
            Self::Gauge => &[""],
            Self::Histogram => {
                &["_bucket", "_count", "_sum", "_created", "_not_finite", "_not_finite_total"]
            }
        }
    }
}

/// A counter's name without what its sample ends in.
fn base(name: &str) -> &str {
    name.strip_suffix("_total").unwrap_or(name)
}

/// Would a sample of this family have the name of another family's, or of that family?
fn clashes(name: &str, kind: Kind, families: &BTreeMap<String, Family>) -> bool {
    let of = |name: &str, kind: Kind| {
        let samples = kind.suffixes().iter().map(|suffix| [name, suffix].concat());
        samples.chain([name.to_owned()]).collect::<Vec<_>>()
    };
    let own = of(name, kind);
    families
        .iter()
        .any(|(other, family)| of(other, family.kind).iter().any(|one| own.contains(one)))
}
