//! The text, as a library's parser, Prometheus' own tool and a real server read it; and a program instrumented
//! with the crate `metrics`, scraped end to end.
#![cfg(all(not(loom), feature = "metrics"))]
#![allow(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unreadable_literal,
    reason = "small whole numbers, exact as floats, are compared exactly"
)]

use core::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Instant,
};

use atomic_metrics::{Kind, Recorder, RegisterError, Registry};
use prometheus_parse::{Scrape, Value};

/// Some of everything, with what needs escaping.
fn sample_registry() -> Registry {
    let registry = Registry::new();
    registry.describe("requests", "Requests\nserved, \"all\" of them.", "");
    registry.describe("latency", "How long they took.", "seconds");
    registry.counter("requests", [("path", "a\"b\\c\nd"), ("method", "GET")]).unwrap().add(3);
    registry.counter("requests_total", [("path", "/"), ("method", "GET")]).unwrap().add(4);
    registry.gauge("level", []).unwrap().set(-1.5);
    let latency = registry.histogram("latency", [("path", "/")]).unwrap();
    for value in [0.25, 0.5, 0.75, 1.0, 3.0, f64::NAN] {
        latency.record(value);
    }
    latency.record_with(1.5, &[("trace_id", "abc\"")]);
    registry.shape("size_bytes", 5, &[100.0, 1000.0]);
    let size = registry.histogram("size_bytes", []).unwrap();
    (1..=2000).for_each(|value| size.record(f64::from(value)));
    registry
}

fn parse(text: &str) -> Scrape {
    // The parser knows no exemplars, which stand behind ` # `.
    let lines = text.lines().map(|line| match line.split_once(" # {") {
        Some((sample, _)) if !line.starts_with('#') => sample,
        _ => line,
    });
    Scrape::parse(lines.map(|line| Ok(line.to_owned()))).expect("the text parses")
}

#[test]
fn a_parser_of_a_library_reads_the_text() {
    let text = sample_registry().openmetrics();
    let scrape = parse(&text);
    let value = |name: &str, path: Option<&str>| {
        let mut found = scrape.samples.iter().filter(|one| one.metric == name);
        let one = found.find(|one| path.is_none_or(|path| one.labels.get("path") == Some(path)));
        match &one.unwrap_or_else(|| panic!("{name} in\n{text}")).value {
            Value::Untyped(value) | Value::Gauge(value) | Value::Counter(value) => *value,
            other => panic!("{name} is {other:?}"),
        }
    };
    assert_eq!(value("requests_total", Some("/")), 4.0);
    // This parser leaves what is escaped as it stands.
    assert_eq!(value("requests_total", Some(r#"a\"b\\c\nd"#)), 3.0);
    assert_eq!(value("level", None), -1.5);
    assert_eq!(value("latency_seconds_not_finite_total", None), 1.0);

    let buckets = |name: &str| {
        let one = scrape.samples.iter().find(|one| one.metric == name).unwrap();
        let Value::Histogram(buckets) = &one.value else { panic!("{name} is {:?}", one.value) };
        buckets.iter().map(|bucket| (bucket.less_than, bucket.count)).collect::<Vec<_>>()
    };
    let inf = f64::INFINITY;
    assert_eq!(
        buckets("latency_seconds"),
        [(0.25, 1.0), (0.5, 2.0), (1.0, 4.0), (2.0, 5.0), (4.0, 6.0), (inf, 6.0)],
    );
    // Bounds go up to the next of the histogram's own.
    assert_eq!(buckets("size_bytes"), [(100.0, 100.0), (1008.0, 1008.0), (inf, 2000.0)]);
}

#[test]
fn the_text_has_what_the_format_asks() {
    let text = sample_registry().openmetrics();
    for line in [
        "# TYPE latency_seconds histogram",
        "# UNIT latency_seconds seconds",
        "# HELP requests Requests\\nserved, \\\"all\\\" of them.",
        "requests_total{method=\"GET\",path=\"a\\\"b\\\\c\\nd\"} 3",
        "latency_seconds_count{path=\"/\"} 6",
        "latency_seconds_sum{path=\"/\"} 7.0",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} in\n{text}");
    }
    let exemplar = "latency_seconds_bucket{path=\"/\",le=\"2.0\"} 5 # {trace_id=\"abc\\\"\"} 1.5 ";
    assert!(text.lines().any(|line| line.starts_with(exemplar)), "{text}");
    assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);
    // With bounds below zero the format has neither sum nor count.
    let registry = Registry::new();
    registry.histogram("drift", []).unwrap().record(-3.0);
    let text = registry.openmetrics();
    assert!(
        text.contains("drift_bucket{le=\"-2.0\"} 1\n") && !text.contains("drift_sum"),
        "{text}"
    );
}

#[test]
fn series_are_few_and_names_are_checked() {
    let registry = Registry::with_series_cap(2);
    let user = |user: u32| registry.counter("hits", [("user", user.to_string().as_str())]).unwrap();
    (0..10).for_each(|number| user(number).increment());
    user(1).increment();
    assert_eq!((user(1).value(), registry.overflowed("hits")), (2, 8));
    let text = registry.openmetrics();
    assert!(text.contains("hits_total{overflow=\"true\"} 8\n"), "{text}");
    assert_eq!(text.matches("hits_total{").count(), 3);

    assert!(matches!(
        registry.gauge("hits", []),
        Err(RegisterError::Kind { is: Kind::Counter, .. })
    ));
    for name in ["", "1a", "a b", "hits_total"] {
        assert!(matches!(registry.gauge(name, []), Err(RegisterError::Name(_))), "{name}");
    }
    for label in ["le", "__a", "a:b", ""] {
        let refused = registry.histogram("spread", [(label, "v")]).unwrap_err();
        assert_eq!(refused, RegisterError::Label(label.to_owned()));
        assert!(refused.to_string().contains("label"));
    }
}

/// Answers every request with the text, as a server in a program would.
fn serve(registry: Arc<Registry>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            // To its end: closing what has not been read to the end takes the answer back.
            let request = BufReader::new(&stream).lines();
            let _ = request.map_while(Result::ok).find(String::is_empty);
            let body = registry.openmetrics();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                Registry::CONTENT_TYPE,
                body.len(),
            );
            let _ =
                stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    address
}

fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn a_program_instrumented_with_metrics_is_scraped_end_to_end() {
    let registry = Recorder::install().unwrap();
    metrics::describe_histogram!("work.time", metrics::Unit::Seconds, "How long the work took.");
    let address = serve(registry);
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            thread::spawn(move || {
                for i in 0..1000 {
                    metrics::counter!("work.done", "worker" => worker.to_string()).increment(1);
                    metrics::histogram!("work.time").record(f64::from(i) / 1024.0);
                }
                metrics::gauge!("work.level").increment(2.5);
                metrics::counter!("elsewhere").absolute(42);
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    let answer = get(address, "/metrics").unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("openmetrics-text"));
    let scrape = parse(body);
    let mut sums = BTreeMap::<&str, f64>::new();
    for one in &scrape.samples {
        if let Value::Untyped(value) | Value::Gauge(value) | Value::Counter(value) = one.value {
            *sums.entry(one.metric.as_str()).or_default() += value;
        }
    }
    assert_eq!(sums["work_done_total"], 4000.0);
    assert_eq!((sums["work_level"], sums["elsewhere_total"]), (10.0, 42.0));
    assert!(body.contains("work_time_seconds_bucket{le=\"0.5\"} 2052\n"), "{body}");
    assert!(body.contains("# UNIT work_time_seconds seconds\n"));
    assert!(body.contains("work_time_seconds_count 4000\n"));
}

/// Whether a program is installed; says so if it is not.
fn installed(program: &str) -> bool {
    let mut command = Command::new(program);
    let version = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    let there = version.status().is_ok_and(|status| status.success());
    if !there {
        println!("skipped: {program} is not installed (Debian's package is `prometheus`)");
    }
    there
}

#[test]
fn promtool_reads_the_text() {
    if !installed("promtool") {
        return;
    }
    let mut tool = Command::new("promtool");
    let tool = tool.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut tool = tool.stdout(Stdio::piped()).spawn().unwrap();
    // It reads the older format: the same text, but for exemplars and for quotes in the help.
    let text = sample_registry().openmetrics().replace("\\\"all\\\"", "all");
    let plain = text.lines().map(|line| match line.split_once(" # {") {
        Some((sample, _)) => sample,
        None => line,
    });
    let plain: String = plain.flat_map(|line| [line, "\n"]).collect();
    tool.stdin.take().unwrap().write_all(plain.as_bytes()).unwrap();
    let output = tool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    // Its advice on names exits with 3; what it cannot read, with 1.
    assert_ne!(output.status.code(), Some(1), "{said}\n{plain}");
    assert!(!said.contains("error while linting"), "{said}");
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(dir: &Path, target: SocketAddr) -> (Server, SocketAddr) {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let config = format!(
        "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n  - job_name: own\n    \
         static_configs:\n      - targets: ['{target}']\n"
    );
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join("prometheus.yml"), config).unwrap();
    let mut server = Command::new("prometheus");
    server.arg(format!("--config.file={}", dir.join("prometheus.yml").display()));
    server.arg(format!("--storage.tsdb.path={}", dir.join("data").display()));
    server.arg(format!("--web.listen-address={free}")).arg("--enable-feature=exemplar-storage");
    let server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    (Server(server), free)
}

#[test]
fn a_real_server_scrapes_the_text() {
    if !installed("prometheus") {
        return;
    }
    let target = serve(Arc::new(sample_registry()));
    let dir = std::env::temp_dir().join(format!("atomworks-prometheus-{}", std::process::id()));
    let (server, address) = start(&dir, target);
    let expected = [
        ("requests_total%7Bpath%3D%22%2F%22%7D", "\"4\"]"),
        ("latency_seconds_bucket%7Ble%3D%221.0%22%7D", "\"4\"]"),
        ("latency_seconds_sum", "\"7\"]"),
        ("size_bytes_count", "\"2000\"]"),
        ("up", "\"1\"]"),
    ];
    let (started, mut answer) = (Instant::now(), String::new());
    let all = expected.iter().all(|(query, value)| {
        while started.elapsed() < Duration::from_mins(1) {
            let found = get(address, &format!("/api/v1/query?query={query}"));
            answer = found.unwrap_or_default();
            if answer.contains(value) {
                return true;
            }
            thread::sleep(Duration::from_millis(200));
        }
        false
    });
    drop(server);
    let _ = fs::remove_dir_all(&dir);
    assert!(all, "the server answers {answer}");
}

/// The names of a line's labels, the first time that a sample begins so.
fn label_names(text: &str, sample: &str) -> Vec<String> {
    let line = text.lines().find(|line| line.starts_with(sample)).expect("the sample is there");
    let labels = line.split_once('{').and_then(|(_, rest)| rest.split_once('}')).unwrap().0;
    labels.split(',').map(|pair| pair.split_once('=').unwrap().0.to_owned()).collect()
}

#[test]
fn values_that_are_not_finite_keep_apart_from_a_label_called_value() {
    let registry = Registry::new();
    let spread = registry.histogram("spread", [("value", "a"), ("value_", "b")]).unwrap();
    spread.record(f64::NAN);
    let mut names = label_names(&registry.openmetrics(), "spread_not_finite_total");
    names.sort();
    assert_eq!(names, ["value", "value_", "value__"]);
    // Nor may another family have the name of theirs.
    assert!(matches!(registry.gauge("spread_not_finite", []), Err(RegisterError::Name(_))));
    assert!(registry.counter("spread_not_finite", []).is_err());
}

/// To a server a label without a value is no label: two series that differ in one are the same one twice.
#[test]
fn a_label_without_a_value_is_none() {
    let registry = Registry::new();
    registry.counter("hits", [("zone", "")]).unwrap().increment();
    registry.counter("hits", []).unwrap().increment();
    assert!(registry.openmetrics().contains("hits_total 2\n"), "{}", registry.openmetrics());
    assert!(registry.counter("hits", [("le", "")]).is_err());
}

#[test]
fn counters_have_exemplars() {
    let registry = Registry::new();
    let hits = registry.counter("hits", [("method", "GET")]).unwrap();
    hits.increment();
    assert_eq!(hits.exemplar(), None);
    hits.add_with(2, &[("trace_id", "ab")]);
    // None of these may be kept: a name twice, a name that is none, too long a text.
    hits.add_with(1, &[("a", "1"), ("a", "2")]);
    hits.add_with(1, &[("a b", "1")]);
    hits.add_with(1, &[("a", &"x".repeat(128))]);
    let kept = hits.exemplar().unwrap();
    assert_eq!((kept.value, kept.labels), (2.0, vec![("trace_id".to_owned(), "ab".to_owned())]));
    let text = registry.openmetrics();
    assert!(text.contains("hits_total{method=\"GET\"} 6 # {trace_id=\"ab\"} 2.0 "), "{text}");
}

#[test]
fn an_exemplar_has_each_name_once() {
    let registry = Registry::new();
    let spread = registry.histogram("spread", []).unwrap();
    spread.record_with(1.0, &[("a", "1"), ("a", "2")]);
    assert_eq!((spread.snapshot().count, spread.exemplars()), (1, vec![]));
}

#[test]
fn a_unit_is_shown_if_a_name_can_end_so() {
    let registry = Registry::new();
    registry.describe("speed", "", "per second");
    registry.gauge("speed", []).unwrap().set(1.0);
    let text = registry.openmetrics();
    assert!(text.contains("speed 1.0\n") && !text.contains("UNIT"), "{text}");
    // Two names that their units make the same: one of them stays as it is.
    let registry = Registry::new();
    for (name, unit) in [("a", "b_c"), ("a_b", "c")] {
        registry.describe(name, "", unit);
        registry.gauge(name, []).unwrap();
    }
    assert_eq!(registry.openmetrics().matches("# TYPE a_b_c gauge").count(), 1);
}

#[test]
fn a_gauge_may_be_called_a_total() {
    let registry = Registry::with_series_cap(0);
    registry.describe("memory_total", "All of it.", "");
    registry.gauge("memory_total", [("of", "it")]).unwrap().set(1.0);
    assert!(registry.openmetrics().contains("# HELP memory_total All of it.\n"));
    assert_eq!(registry.overflowed("memory_total"), 1);
}

#[test]
fn a_histogram_with_negative_values_has_no_sum() {
    let registry = Registry::new();
    registry.shape("drift", 5, &[1.0, 2.0]);
    registry.histogram("drift", []).unwrap().record(-3.0);
    let text = registry.openmetrics();
    assert!(text.contains("drift_bucket{le=\"1.0\"} 1\n") && !text.contains("_sum"), "{text}");
}
