//! The trait that the workloads use instead of a particular runtime. For each runtime, one file
//! implements the trait. The control, `threads`, implements it without a runtime.

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

/// A runtime, as the workloads see it. The workloads are generic over this trait, so all calls are
/// dispatched statically.
pub trait Rt: 'static {
    /// A handle for a spawned task. Awaiting the handle returns the task's value. Dropping the
    /// handle may cancel the task.
    type Task<T: Send + 'static>: Future<Output = T> + Send;
    /// A number behind a lock.
    type Lock: Send + Sync + 'static;
    /// The two ends of a bounded channel.
    type Sender: Clone + Send + Sync + 'static;
    type Receiver: Send + 'static;
    type Listener: Send + Sync + 'static;
    type Stream: Send + 'static;

    /// Starts the runtime, runs `main` as one of its tasks, and stops the runtime if that is
    /// possible. If `threads` is `None`, the runtime has its default number of workers.
    fn run<T: Send + 'static>(
        threads: Option<usize>,
        main: impl Future<Output = T> + Send + 'static,
    ) -> T;

    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Self::Task<T>;
    fn spawn_blocking<T: Send + 'static>(
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Self::Task<T>;

    /// Returns a future that sleeps. An implementation should add as little as possible to the
    /// runtime's own future, because the workload `memory` measures the future's size.
    fn sleep(time: Duration) -> impl Future<Output = ()> + Send;
    fn yield_now() -> impl Future<Output = ()> + Send;

    fn lock() -> Self::Lock;
    /// Takes the lock, adds one, releases the lock, and returns the number.
    fn add_one(lock: &Self::Lock) -> impl Future<Output = u64> + Send;
    /// Takes the lock, yields, adds one, and releases the lock.
    fn add_one_and_yield(lock: &Self::Lock) -> impl Future<Output = ()> + Send;

    fn channel(capacity: usize) -> (Self::Sender, Self::Receiver);
    fn send(sender: &Self::Sender, value: u64) -> impl Future<Output = ()> + Send;
    /// Receives a value. Returns `None` if all senders have been dropped.
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = Option<u64>> + Send;

    /// Listens on a free loopback port.
    fn listen() -> impl Future<Output = io::Result<(Self::Listener, SocketAddr)>> + Send;
    /// Accepts a connection. Both ends have Nagle's algorithm turned off.
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
