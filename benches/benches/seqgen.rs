//! One id on one thread, by criterion.

use benches::contenders::seqgen::Ids;
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};

fn next<I: Ids>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let source = I::new();
    let mut way = source.way();
    group.bench_function(I::NAME, |bencher| bencher.iter(|| I::next(&mut way)));
}

fn ids(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("seqgen: next");
    benches::ids!(next(&mut group));
    group.finish();
}

criterion_group! { name = seqgen; config = benches::criterion!(); targets = ids }
criterion_main!(seqgen);
