//! A plain guard: a value whose `Drop` does the whole clean-up immediately, without awaiting. If
//! the clean-up takes no time, a plain guard is all you need.

/// Runs `clean_up` when the returned value is dropped. The value is dropped at the end of its
/// scope, even after a `?` or a panic, and when the future that contains it is cancelled. Bind the
/// value to a name, because `let _ = on_drop(...)` drops it immediately.
///
/// Use this guard for clean-up that takes no time, such as decrementing a counter, resetting a flag
/// or removing a file. The clean-up runs on the thread that drops the guard, so it must not block,
/// and it cannot await.
///
/// ```
/// use std::cell::Cell;
/// use guards::plain::on_drop;
///
/// let connected = Cell::new(true);
/// {
///     let _guard = on_drop(|| connected.set(false));
///     assert!(connected.get());
/// }
/// assert!(!connected.get());
/// ```
#[must_use = "the clean-up runs as soon as this value is dropped"]
pub fn on_drop<F: FnOnce()>(clean_up: F) -> OnDrop<F> {
    OnDrop(Some(clean_up))
}

/// The guard that [`on_drop`] returns.
#[derive(Debug)]
pub struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        // `drop` gets only `&mut self`, so we have to move the `FnOnce` closure out before we can
        // call it.
        if let Some(clean_up) = self.0.take() {
            clean_up();
        }
    }
}
