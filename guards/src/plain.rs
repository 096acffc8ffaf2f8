//! The plain kind of guard: a value whose `Drop` does the whole clean-up, at once and without
//! awaiting. Where that is enough, it is all one needs.

/// Runs `clean_up` when the value it returns is dropped, which is at the end of its scope: after a
/// return, a `?`, a panic, and where the future it lives in is cancelled. Keep it in a variable with a
/// name; `let _ = ...` would drop it at once.
///
/// For what takes no time: a counter, a flag, a file to remove. It must not block, since it runs on
/// whatever thread drops it, and it cannot await.
#[must_use = "it runs as soon as it is dropped"]
pub fn on_drop<F: FnOnce()>(clean_up: F) -> OnDrop<F> {
    OnDrop(Some(clean_up))
}

/// The guard of [`on_drop`].
#[derive(Debug)]
pub struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        // `drop` has a `&mut self`; what runs once has to be taken out of it.
        if let Some(clean_up) = self.0.take() {
            clean_up();
        }
    }
}
