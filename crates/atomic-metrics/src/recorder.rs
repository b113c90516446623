//! A recorder for programs that are instrumented with the crate `metrics`.

use alloc::{
    string::{String, ToString as _},
    sync::Arc,
    vec::Vec,
};

use metrics::{
    CounterFn, GaugeFn, HistogramFn, Key, KeyName, Metadata, SetRecorderError, SharedString, Unit,
};

use crate::registry::{Counter, Distribution, Gauge, Registry};

/// Puts what the macros of the crate `metrics` record into a [`Registry`].
///
/// Characters that a name may not have become `_`. What cannot be registered, such as a gauge under the name of a
/// counter, is dropped, as that crate has no way to tell.
///
/// ```
/// let registry = atomic_metrics::Recorder::install()?;
///
/// metrics::counter!("http.requests", "method" => "GET").increment(1);
/// metrics::histogram!("latency").record(0.25);
/// let text = registry.openmetrics();
/// assert!(text.contains("http_requests_total{method=\"GET\"} 1\n"));
/// assert!(text.contains("latency_bucket{le=\"0.25\"} 1\n"));
/// # Ok::<(), metrics::SetRecorderError<atomic_metrics::Recorder>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    registry: Arc<Registry>,
}

impl Recorder {
    /// One that registers there.
    pub const fn new(registry: Arc<Registry>) -> Self {
        Self { registry }
    }

    /// Makes a recorder the program's own, and returns where it registers.
    ///
    /// # Errors
    /// The program has one.
    pub fn install() -> Result<Arc<Registry>, SetRecorderError<Self>> {
        let recorder = Self::default();
        let registry = Arc::clone(&recorder.registry);
        metrics::set_global_recorder(recorder)?;
        Ok(registry)
    }

    fn describe(&self, key: &KeyName, unit: Option<Unit>, help: &str) {
        let unit = unit.map(|unit| legal(unit.as_str())).unwrap_or_default();
        self.registry.describe(&legal(key.as_str()), help, &unit);
    }
}

/// A name with `_` for what it may not have.
fn legal(name: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || c == ':' { c } else { '_' };
    let digit = name.starts_with(|c: char| c.is_ascii_digit());
    digit.then_some('_').into_iter().chain(name.chars().map(fits)).collect()
}

/// Names and values of a key's labels. `le` is taken by the buckets; colons are for metrics alone.
fn labels(key: &Key) -> Vec<(String, String)> {
    let name = |name: &str| match legal(name).replace(':', "_") {
        name if name == "le" || name.starts_with("__") => ["label_", &name].concat(),
        name => name,
    };
    key.labels().map(|label| (name(label.key()), label.value().to_string())).collect()
}

fn pairs(labels: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(&key, unit, &help);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(&key, unit, &help);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(&key, unit, &help);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> metrics::Counter {
        let own = self.registry.counter(&legal(key.name()), pairs(&labels(key)));
        own.map_or_else(
            |_| metrics::Counter::noop(),
            |own| metrics::Counter::from_arc(Arc::new(own)),
        )
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> metrics::Gauge {
        let own = self.registry.gauge(&legal(key.name()), pairs(&labels(key)));
        own.map_or_else(|_| metrics::Gauge::noop(), |own| metrics::Gauge::from_arc(Arc::new(own)))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> metrics::Histogram {
        let own = self.registry.histogram(&legal(key.name()), pairs(&labels(key)));
        own.map_or_else(
            |_| metrics::Histogram::noop(),
            |own| metrics::Histogram::from_arc(Arc::new(own)),
        )
    }
}

impl CounterFn for Counter {
    fn increment(&self, value: u64) {
        self.add(value);
    }

    fn absolute(&self, value: u64) {
        self.raise(value);
    }
}

impl GaugeFn for Gauge {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, value: f64) {
        self.set(value);
    }
}

impl HistogramFn for Distribution {
    fn record(&self, value: f64) {
        (**self).record(value);
    }
}
