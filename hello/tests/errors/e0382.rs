//! The first task has taken ownership of the string, so the second task cannot use it.

fn main() {
    let name = String::from("Ferris");

    #[cfg(not(fixed))]
    for _ in 0..2 {
        spawn(async move { println!("hello {name}") });
    }

    // Each task gets its own string. If the string is large, or if the tasks must share it, put it
    // into an `Arc`: cloning an `Arc` copies only a pointer.
    #[cfg(fixed)]
    for _ in 0..2 {
        let name = name.clone();
        spawn(async move { println!("hello {name}") });
    }
}

/// Has the same bounds as `tokio::spawn`.
fn spawn<F: Future<Output: Send> + Send + 'static>(_: F) {}
