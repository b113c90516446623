//! One event on one thread, by criterion.

use benches::contenders::buckets::Events;
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};

fn increment<E: Events>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let events = E::new();
    group.bench_function(E::NAME, |bencher| bencher.iter(|| events.increment()));
}

fn increments(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("buckets: increment");
    benches::event_counters!(increment(&mut group));
    group.finish();
}

criterion_group! { name = buckets; config = benches::criterion!(); targets = increments }
criterion_main!(buckets);
