//! The first task has taken the string, and there is nothing left for the second.

fn main() {
    let name = String::from("Ferris");

    #[cfg(not(cured))]
    for _ in 0..2 {
        spawn(async move { println!("hello {name}") });
    }

    // Each task gets a string of its own. If it is large, or must be the same one, put it into an
    // `Arc`: cloning that copies a pointer.
    #[cfg(cured)]
    for _ in 0..2 {
        let name = name.clone();
        spawn(async move { println!("hello {name}") });
    }
}

/// Asks for the same as `tokio::spawn`.
fn spawn<F: Future<Output: Send> + Send + 'static>(_: F) {}
