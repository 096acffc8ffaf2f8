//! The future holds a reference to a variable that is gone before the task has ended.

fn main() {
    let name = String::from("Ferris");

    #[cfg(not(cured))]
    spawn(greet(&name));

    // Awaited inside a block that owns the string, the same function works.
    #[cfg(cured)]
    spawn(async move { greet(&name).await });
}

async fn greet(name: &str) {
    println!("hello {name}");
}

/// Asks for the same as `tokio::spawn`.
fn spawn<F: Future<Output: Send> + Send + 'static>(_: F) {}
