//! Implements [`Rt`](super::Rt) for the control, which has no runtime. A task is a thread, and waiting
//! blocks the thread, so every future is ready when it is polled for the first time.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Rt;

pub struct Threads;

/// A handle for a thread. Awaiting the handle blocks the current thread until the other thread
/// ends.
pub struct Task<T>(Option<JoinHandle<T>>);

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        let thread = self.0.take().expect("a task is not polled after its end");
        Poll::Ready(thread.join().expect("the thread does not panic"))
    }
}

/// Runs a future that never returns `Pending`.
fn finish<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("these futures block their thread instead of waiting"),
    }
}

impl Rt for Threads {
    type Task<T: Send + 'static> = Task<T>;
    type Lock = Mutex<u64>;
    type Sender = SyncSender<u64>;
    type Receiver = Receiver<u64>;
    type Listener = TcpListener;
    type Stream = TcpStream;

    fn run<T: Send + 'static>(
        _threads: Option<usize>,
        main: impl Future<Output = T> + Send + 'static,
    ) -> T {
        finish(Self::spawn(main))
    }

    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Task<T> {
        Task(Some(thread::spawn(|| finish(future))))
    }

    fn spawn_blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Task<T> {
        Task(Some(thread::spawn(call)))
    }

    async fn sleep(time: Duration) {
        thread::sleep(time);
    }

    async fn yield_now() {
        thread::yield_now();
    }

    fn lock() -> Mutex<u64> {
        Mutex::new(0)
    }

    async fn add_one(lock: &Mutex<u64>) -> u64 {
        let mut value = lock.lock().unwrap_or_else(PoisonError::into_inner);
        *value += 1;
        *value
    }

    async fn add_one_and_yield(lock: &Mutex<u64>) {
        let mut value = lock.lock().unwrap_or_else(PoisonError::into_inner);
        thread::yield_now();
        *value += 1;
    }

    fn channel(capacity: usize) -> (Self::Sender, Self::Receiver) {
        mpsc::sync_channel(capacity)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).expect("the receiver exists");
    }

    async fn receive(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }

    async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn read(stream: &mut TcpStream, bytes: &mut [u8]) -> io::Result<()> {
        stream.read_exact(bytes)
    }

    async fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes)
    }

    async fn read_file(path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }
}
