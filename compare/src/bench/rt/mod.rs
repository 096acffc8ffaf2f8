//! What the workloads ask of a runtime. A runtime is one file that implements it; so is the control,
//! `threads`, which has no runtime at all.

#[cfg(all(feature = "async-std", not(test)))]
pub mod async_std;
#[cfg(all(feature = "smol", not(test)))]
pub mod smol;
pub mod threads;
#[cfg(all(feature = "tokio", not(test)))]
pub mod tokio;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// A runtime, as the workloads see it: functions only, all known when they are compiled.
pub trait Rt: 'static {
    /// A spawned task. Awaited, it gives its value; dropped, it may be cancelled.
    type Task<T: Send + 'static>: Future<Output = T> + Send;
    /// A number under a lock.
    type Lock: Send + Sync + 'static;
    /// The two ends of a bounded channel.
    type Sender: Clone + Send + Sync + 'static;
    type Receiver: Send + 'static;
    type Listener: Send + Sync + 'static;
    type Stream: Send + 'static;

    /// Starts the runtime, runs `main` as a task of it, and stops it where that can be done. Without a
    /// number of `threads` it has as many workers as it takes by default.
    fn run<T: Send + 'static>(
        threads: Option<usize>,
        main: impl Future<Output = T> + Send + 'static,
    ) -> T;

    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Self::Task<T>;
    fn spawn_blocking<T: Send + 'static>(
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Self::Task<T>;

    /// The runtime's own future, with as little around it as can be: `memory` looks at its size.
    fn sleep(time: Duration) -> impl Future<Output = ()> + Send;
    fn yield_now() -> impl Future<Output = ()> + Send;

    fn lock() -> Self::Lock;
    /// Takes the lock, adds one, and gives it back; returns the number.
    fn add_one(lock: &Self::Lock) -> impl Future<Output = u64> + Send;
    /// The same, and yields before it gives the lock back.
    fn add_one_and_yield(lock: &Self::Lock) -> impl Future<Output = ()> + Send;

    fn channel(capacity: usize) -> (Self::Sender, Self::Receiver);
    fn send(sender: &Self::Sender, value: u64) -> impl Future<Output = ()> + Send;
    /// `None` when all senders are gone.
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = Option<u64>> + Send;

    /// Listens on a free port of this machine.
    fn listen() -> impl Future<Output = io::Result<(Self::Listener, SocketAddr)>> + Send;
    /// Both ends of a connection send without delay.
    fn accept(listener: &Self::Listener) -> impl Future<Output = io::Result<Self::Stream>> + Send;
    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send;
    fn read(
        stream: &mut Self::Stream,
        bytes: &mut [u8],
    ) -> impl Future<Output = io::Result<()>> + Send;
    fn write(
        stream: &mut Self::Stream,
        bytes: &[u8],
    ) -> impl Future<Output = io::Result<()>> + Send;

    fn read_file(path: &Path) -> impl Future<Output = io::Result<Vec<u8>>> + Send;
}
