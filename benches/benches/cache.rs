//! A read and a write of a full cache on one thread, by criterion.

use benches::contenders::cache::{ENTRIES, Store};
use core::hint::black_box;
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};

fn full<S: Store>() -> S {
    let store = S::new(2 * ENTRIES);
    (0..ENTRIES as u64).for_each(|key| store.set(key, key));
    store
}

fn get<S: Store>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let (store, mut key) = (full::<S>(), 0);
    group.bench_function(S::NAME, |bencher| {
        bencher.iter(|| {
            key = (key + 7919) % ENTRIES as u64;
            store.get(black_box(key))
        });
    });
}

fn set<S: Store>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let (store, mut key) = (full::<S>(), 0);
    group.bench_function(S::NAME, |bencher| {
        bencher.iter(|| {
            key = (key + 7919) % ENTRIES as u64;
            store.set(black_box(key), key);
        });
    });
}

fn calls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cache: get");
    benches::caches!(get(&mut group));
    group.finish();
    let mut group = criterion.benchmark_group("cache: set");
    benches::caches!(set(&mut group));
    group.finish();
}

criterion_group! { name = cache; config = benches::criterion!(); targets = calls }
criterion_main!(cache);
