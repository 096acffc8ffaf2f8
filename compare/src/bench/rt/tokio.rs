//! Implements [`Rt`](super::Rt) for Tokio. Each run starts a runtime with the given number of worker
//! threads.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use super::Rt;

pub struct Tokio;

/// A handle for a task. Awaiting the handle returns the task's value rather than a `Result`,
/// because the tasks of the workloads do not panic.
pub struct Task<T>(JoinHandle<T>);

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.0).poll(context).map(|value| value.expect("the task does not panic"))
    }
}

impl Rt for Tokio {
    type Task<T: Send + 'static> = Task<T>;
    type Lock = Mutex<u64>;
    type Sender = mpsc::Sender<u64>;
    type Receiver = mpsc::Receiver<u64>;
    type Listener = TcpListener;
    type Stream = TcpStream;

    fn run<T: Send + 'static>(
        threads: Option<usize>,
        main: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let mut builder = Builder::new_multi_thread();
        if let Some(threads) = threads {
            builder.worker_threads(threads);
        }
        let runtime = builder.enable_all().build().expect("the runtime starts");
        runtime.block_on(async { Self::spawn(main).await })
    }

    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Task<T> {
        Task(tokio::spawn(future))
    }

    fn spawn_blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Task<T> {
        Task(tokio::task::spawn_blocking(call))
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(time)
    }

    async fn yield_now() {
        tokio::task::yield_now().await;
    }

    fn lock() -> Mutex<u64> {
        Mutex::new(0)
    }

    async fn add_one(lock: &Mutex<u64>) -> u64 {
        let mut value = lock.lock().await;
        *value += 1;
        *value
    }

    async fn add_one_and_yield(lock: &Mutex<u64>) {
        let mut value = lock.lock().await;
        Self::yield_now().await;
        *value += 1;
    }

    fn channel(capacity: usize) -> (Self::Sender, Self::Receiver) {
        mpsc::channel(capacity)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.expect("the receiver exists");
    }

    async fn receive(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await
    }

    async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn read(stream: &mut TcpStream, bytes: &mut [u8]) -> io::Result<()> {
        stream.read_exact(bytes).await.map(drop)
    }

    async fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes).await
    }

    async fn read_file(path: &Path) -> io::Result<Vec<u8>> {
        tokio::fs::read(path).await
    }
}
