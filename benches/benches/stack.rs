//! One push and one pop on one thread, by criterion.

use benches::contenders::stack::Stack;
use core::hint::black_box;
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};

fn pair<S: Stack>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let stack = S::stack();
    group.bench_function(S::NAME, |bencher| {
        bencher.iter(|| {
            stack.push(black_box(1));
            stack.pop()
        });
    });
}

fn pairs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stack: pair");
    benches::stacks!(pair(&mut group));
    group.finish();
}

criterion_group! { name = stack; config = benches::criterion!(); targets = pairs }
criterion_main!(stack);
