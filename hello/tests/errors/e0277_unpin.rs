//! A future that has been polled may hold pointers into itself. It must not move after that, and
//! something that can be awaited through a `&mut` must be safe to move.

async fn twice() {
    #[cfg(not(cured))]
    let mut future = pause();
    // Pinned, it stays where it is. `Box::pin` does the same on the heap.
    #[cfg(cured)]
    let mut future = std::pin::pin!(pause());

    // A `select!` in a loop needs this: it polls the same future again in every round.
    (&mut future).await;
}

async fn pause() {}

fn main() {
    drop(twice());
}
