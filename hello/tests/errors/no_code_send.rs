//! The guard of a `std` mutex must be dropped on the thread that locked the mutex, but the task may
//! continue on another thread after the `.await`.

use std::sync::Mutex;

static COUNT: Mutex<u32> = Mutex::new(0);

#[cfg(not(fixed))]
async fn count() {
    let mut count = COUNT.lock().unwrap();
    *count += 1;
    pause().await;
}

// The braces make sure that the guard is dropped before the `.await`.
#[cfg(fixed)]
async fn count() {
    {
        let mut count = COUNT.lock().unwrap();
        *count += 1;
    }
    pause().await;
}

fn main() {
    spawn(count());
}

async fn pause() {}

/// Has the same bounds as `tokio::spawn`.
fn spawn<F: Future<Output: Send> + Send + 'static>(_: F) {}
