//! One record on one thread, by criterion.

use benches::contenders::metrics::Metric;
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};

fn record<M: Metric>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let metric = M::new();
    let mut record = metric.recorder();
    group.bench_function(M::NAME, |bencher| bencher.iter(|| record(core::hint::black_box(7.0))));
}

fn records(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("metrics: record");
    benches::metrics!(record(&mut group));
    group.finish();
}

criterion_group! { name = metrics; config = benches::criterion!(); targets = records }
criterion_main!(metrics);
