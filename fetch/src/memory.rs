//! Bounds the memory of the bodies that wait for their turn.
//!
//! A URL whose result comes later may only use memory that is free. The URL whose result comes next
//! may always use more: if it had to wait for memory that finished bodies behind it hold, nothing
//! would ever be free again. For the same reason, it need not wait for a permit while others hold
//! theirs and wait for memory.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

/// The memory that all bodies share. A permit stands for one byte.
pub(crate) struct Memory {
    free: Semaphore,
    /// The place of the URL whose result comes next.
    next: watch::Sender<usize>,
    /// How many bodies wait for memory.
    waiting: watch::Sender<usize>,
}

impl Memory {
    pub(crate) fn new(bytes: u64) -> Arc<Self> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            free: Semaphore::new(bytes),
            next: watch::Sender::new(0),
            waiting: watch::Sender::new(0),
        })
    }

    /// Returns an empty share for the URL at this place.
    pub(crate) fn share(self: &Arc<Self>, place: usize) -> Share {
        Share { memory: Some(Arc::clone(self)), place, bytes: 0 }
    }
}

impl Memory {
    async fn is_next(&self, place: usize) {
        let _ = self.next.subscribe().wait_for(|&next| next >= place).await;
    }
}

/// Counts a body that waits for memory, until this is dropped.
struct Waiting<'a>(&'a Memory);

impl<'a> Waiting<'a> {
    fn new(memory: &'a Memory) -> Self {
        memory.waiting.send_modify(|waiting| *waiting += 1);
        Self(memory)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.send_modify(|waiting| *waiting -= 1);
    }
}

/// The memory that one body uses. Dropping this frees the memory.
pub(crate) struct Share {
    memory: Option<Arc<Memory>>,
    place: usize,
    bytes: usize,
}

impl Share {
    /// Returns a share of memory that is not limited.
    pub(crate) fn unlimited() -> Self {
        Self { memory: None, place: 0, bytes: 0 }
    }

    /// Waits until so much memory is free, or until this URL's result comes next. Dropping the
    /// future takes no memory.
    pub(crate) async fn grow(&mut self, bytes: usize) {
        let Some(memory) = &self.memory else { return };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        if let Ok(permits) = memory.free.try_acquire_many(bytes) {
            permits.forget();
            self.bytes += bytes as usize;
            return;
        }
        let _waiting = Waiting::new(memory);
        tokio::select! {
            biased;
            permits = memory.free.acquire_many(bytes) => {
                permits.expect("the semaphore is never closed").forget();
                self.bytes += bytes as usize;
            }
            () = memory.is_next(self.place) => {}
        }
    }

    /// Waits until this URL's result comes next, and bodies of other URLs wait for memory. From then
    /// on, nobody else can continue.
    pub(crate) async fn is_the_only_hope(&self) {
        let Some(memory) = &self.memory else { return std::future::pending().await };
        memory.is_next(self.place).await;
        let _ = memory.waiting.subscribe().wait_for(|&waiting| waiting > 0).await;
    }

    /// Frees the memory of an attempt that has failed. Then waits until any memory is free, or until
    /// this URL's result comes next. Without that, a request could be sent whose response nobody
    /// reads for a long time.
    pub(crate) async fn start_over(&mut self) {
        self.free();
        self.grow(1).await;
        self.free();
    }

    fn free(&mut self) {
        if let Some(memory) = &self.memory {
            memory.free.add_permits(std::mem::take(&mut self.bytes));
        }
    }

    /// Records that the body has had its turn.
    pub(crate) fn has_had_its_turn(self) {
        if let Some(memory) = &self.memory {
            memory.next.send_replace(self.place + 1);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.free();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_body_waits_for_free_memory_unless_its_result_comes_next() {
        let memory = Memory::new(100);
        let [mut first, mut second, mut third] = [0, 1, 2].map(|place| memory.share(place));
        let grows = |share: &mut Share, bytes| share.grow(bytes).now_or_never().is_some();
        assert!(grows(&mut second, 60) && grows(&mut third, 40));
        assert!(!grows(&mut second, 1) && !grows(&mut third, 1));
        assert!(grows(&mut first, 1000), "the first result comes next");
        assert_eq!(memory.free.available_permits(), 0);
        first.has_had_its_turn();
        assert!(grows(&mut second, 1000), "now the second result comes next");
        assert!(!grows(&mut third, 1));
        assert!(second.start_over().now_or_never().is_some());
        assert!(grows(&mut third, 60) && !grows(&mut third, 1));
        assert!(memory.share(3).start_over().now_or_never().is_none(), "no memory is free");
        drop(third);
        assert_eq!(memory.free.available_permits(), 100);
        assert!(grows(&mut Share::unlimited(), usize::MAX));

        // While the third body waits for memory, nobody but the first can continue.
        let memory = Memory::new(100);
        let [first, mut second, mut third] = [0, 1, 2].map(|place| memory.share(place));
        let is_hope = |share: &Share| share.is_the_only_hope().now_or_never().is_some();
        assert!(grows(&mut second, 100) && !is_hope(&first));
        let mut waits = Box::pin(third.grow(1));
        assert!(waits.as_mut().now_or_never().is_none());
        assert!(is_hope(&first) && !is_hope(&second));
        drop(waits);
        assert!(!is_hope(&first));
    }
}
