//! The future holds a reference to a variable that may be dropped before the task has ended.

fn main() {
    let name = String::from("Ferris");

    #[cfg(not(fixed))]
    spawn(greet(&name));

    // The same function works if you await it inside a block that owns the string.
    #[cfg(fixed)]
    spawn(async move { greet(&name).await });
}

async fn greet(name: &str) {
    println!("hello {name}");
}

/// Has the same bounds as `tokio::spawn`.
fn spawn<F: Future<Output: Send> + Send + 'static>(_: F) {}
