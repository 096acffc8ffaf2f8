//! The caller owns the string that the reference points to, and the task may live longer than the
//! caller.

fn main() {
    start("Ferris");
}

#[cfg(not(fixed))]
fn start(name: &str) {
    spawn(async move { println!("hello {name}") });
}

// The task gets its own copy. (The function could also take a `String`.)
#[cfg(fixed)]
fn start(name: &str) {
    let name = name.to_owned();
    spawn(async move { println!("hello {name}") });
}

/// Has the same bounds as `tokio::spawn`.
fn spawn<F: Future<Output: Send> + Send + 'static>(_: F) {}
