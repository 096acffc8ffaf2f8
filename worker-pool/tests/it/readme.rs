//! Compiles the code in the README.
#![allow(dead_code, reason = "this code only has to compile")]

use worker_pool::WorkerPool;

async fn use_a_pool() -> anyhow::Result<()> {
    let pool = WorkerPool::new(3)?;
    let handle = pool.submit(async { 6 * 7 }).await?;
    assert_eq!(handle.await?, 42);
    pool.stop().await;
    Ok(())
}
