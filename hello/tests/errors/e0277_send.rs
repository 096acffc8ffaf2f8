//! `Rc` counts its owners without any synchronisation, so it must stay on the thread where it was
//! created.

#[cfg(not(fixed))]
use std::rc::Rc as Shared;
// `Arc` is the version of `Rc` that several threads may share.
#[cfg(fixed)]
use std::sync::Arc as Shared;

fn main() {
    spawn(async { Shared::new(String::from("Ferris")) });
}

/// Has the same bounds as `tokio::spawn`.
fn spawn<F: Future<Output: Send> + Send + 'static>(_: F) {}
