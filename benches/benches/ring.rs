//! One push and one pop on one thread, by criterion.

use benches::contenders::ring::{Pop as _, Push as _, Ring};
use core::hint::black_box;
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};

fn pair<R: Ring>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let (mut producer, mut consumer) = R::ring(1_024);
    group.bench_function(R::NAME, |bencher| {
        bencher.iter(|| {
            let pushed = producer.push(black_box(1));
            (pushed, consumer.pop())
        });
    });
}

fn pairs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring: pair");
    benches::rings!(pair(&mut group));
    group.finish();
}

criterion_group! { name = ring; config = benches::criterion!(); targets = pairs }
criterion_main!(ring);
