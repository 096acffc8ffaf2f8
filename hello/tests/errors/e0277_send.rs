//! `Rc` counts its owners without any lock, so it must stay on the thread where it was made.

#[cfg(not(cured))]
use std::rc::Rc as Shared;
// `Arc` is the `Rc` for several threads.
#[cfg(cured)]
use std::sync::Arc as Shared;

fn main() {
    spawn(async { Shared::new(String::from("Ferris")) });
}

/// Asks for the same as `tokio::spawn`.
fn spawn<F: Future<Output: Send> + Send + 'static>(_: F) {}
