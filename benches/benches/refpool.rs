//! One acquisition and release on one thread, by criterion.

use benches::contenders::refpool::{Pool, cycle};
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};

fn cycles<P: Pool>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let pool = P::with(64);
    group.bench_function(P::NAME, |bencher| bencher.iter(|| cycle(&pool)));
}

fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("refpool: cycle");
    benches::pools!(cycles(&mut group));
    group.finish();
}

criterion_group! { name = refpool; config = benches::criterion!(); targets = all }
criterion_main!(refpool);
