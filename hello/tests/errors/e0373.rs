//! A task may outlive the function that starts it, so it must not borrow the function's variables.

fn main() {
    let name = String::from("Ferris");

    #[cfg(not(fixed))]
    spawn(async { println!("hello {name}") });

    // `async move` moves the string into the future, which then owns it.
    #[cfg(fixed)]
    spawn(async move { println!("hello {name}") });
}

/// Has the same bounds as `tokio::spawn`.
fn spawn<F: Future<Output: Send> + Send + 'static>(_: F) {}
