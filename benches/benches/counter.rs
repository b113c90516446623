//! One increment on one thread, by criterion.

use benches::contenders::counter::Count;
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};

fn increment<C: Count>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let counter = C::new();
    group.bench_function(C::NAME, |bencher| bencher.iter(|| counter.increment()));
}

fn increments(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("counter: increment");
    benches::counters!(increment(&mut group));
    group.finish();
}

criterion_group! { name = counter; config = benches::criterion!(); targets = increments }
criterion_main!(counter);
