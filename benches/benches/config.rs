//! One read on one thread, by criterion.

use benches::contenders::config::{Config, Read as _};
use core::hint::black_box;
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};

fn read<C: Config>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let (_writer, mut readers) = C::config(1);
    let reader = &mut readers[0];
    group.bench_function(C::NAME, |bencher| {
        bencher.iter(|| reader.read(|settings| black_box(settings.number())));
    });
}

fn reads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("config: read");
    benches::configs!(read(&mut group));
    group.finish();
}

criterion_group! { name = config; config = benches::criterion!(); targets = reads }
criterion_main!(config);
