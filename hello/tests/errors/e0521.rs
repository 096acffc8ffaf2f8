//! A reference that the function was given may end with the caller, and the task may live longer.

fn main() {
    start("Ferris");
}

#[cfg(not(cured))]
fn start(name: &str) {
    spawn(async move { println!("hello {name}") });
}

// The task gets a copy of its own. (A function that takes a `String` is just as good.)
#[cfg(cured)]
fn start(name: &str) {
    let name = name.to_owned();
    spawn(async move { println!("hello {name}") });
}

/// Asks for the same as `tokio::spawn`.
fn spawn<F: Future<Output: Send> + Send + 'static>(_: F) {}
