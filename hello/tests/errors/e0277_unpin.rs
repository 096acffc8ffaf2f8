//! A future that has been polled may hold pointers into itself, so it must not move any more. But
//! you can await a future through a plain `&mut` only if it is safe to move.

async fn twice() {
    #[cfg(not(fixed))]
    let mut future = pause();
    // `pin!` makes sure that the future stays where it is. `Box::pin` does the same on the heap.
    #[cfg(fixed)]
    let mut future = std::pin::pin!(pause());

    // A `select!` in a loop needs this: it polls the same future again in every round.
    (&mut future).await;
}

async fn pause() {}

fn main() {
    drop(twice());
}
