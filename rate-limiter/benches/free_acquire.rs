//! Measures an `acquire` that does not have to wait, and compares it with governor and
//! leaky-bucket.
//!
//! Run with: `cargo bench -p rate-limiter --features rivals --bench free_acquire`
#![allow(missing_docs, reason = "criterion's macros generate functions without docs")]

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use governor::Quota;
use rate_limiter::RateLimiter;
use tokio::runtime::{Builder, Runtime};

/// Times `n` acquires in a row, in a separate task.
fn time<F>(runtime: &Runtime, work: impl FnOnce() -> F) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
{
    let work = work();
    let task = runtime.spawn(async move {
        let start = Instant::now();
        work.await;
        start.elapsed()
    });
    runtime.block_on(task).expect("the benchmark did not panic")
}

fn free_acquire(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_time().build().expect("the runtime starts");
    let mut group = criterion.benchmark_group("free acquire");

    // After the first 1,000 grants, the list is always full, and its oldest grant is always old
    // enough. So every acquire does as much work as it can without waiting.
    group.bench_function("rate-limiter", |bencher| {
        bencher.iter_custom(|n| {
            let limiter =
                RateLimiter::new(1000, Duration::from_nanos(1)).expect("the limit is valid");
            time(&runtime, || async move {
                for _ in 0..n {
                    limiter.acquire().await;
                }
            })
        });
    });

    group.bench_function("governor until_ready", |bencher| {
        bencher.iter_custom(|n| {
            let most = NonZeroU32::MAX;
            let limiter = governor::RateLimiter::direct(Quota::per_second(most).allow_burst(most));
            time(&runtime, || async move {
                for _ in 0..n {
                    limiter.until_ready().await;
                }
            })
        });
    });

    group.bench_function("leaky-bucket fair", |bencher| {
        bencher.iter_custom(|n| {
            let full = usize::MAX / 2;
            let limiter =
                leaky_bucket::RateLimiter::builder().max(full).initial(full).fair(true).build();
            time(&runtime, || async move {
                for _ in 0..n {
                    limiter.acquire_one().await;
                }
            })
        });
    });
    group.finish();
}

criterion_group!(benches, free_acquire);
criterion_main!(benches);
