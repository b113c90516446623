//! One push and one pop on one thread, by criterion.

use benches::contenders::mpmc::{Hand as _, Item, Queue};
use core::hint::black_box;
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};

fn pair<T: Item, Q: Queue<T>>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let queue = Q::queue(1_024);
    let mut hand = queue.hand();
    group.bench_function(Q::NAME, |bencher| {
        bencher.iter(|| {
            let pushed = hand.push(black_box(T::new(1)));
            (pushed, hand.pop())
        });
    });
}

fn pairs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mpmc: pair");
    benches::queues!(pair::<u64>(&mut group));
    group.finish();
}

criterion_group! { name = mpmc; config = benches::criterion!(); targets = pairs }
criterion_main!(mpmc);
