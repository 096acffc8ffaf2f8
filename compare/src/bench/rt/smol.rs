//! Implements [`Rt`](super::Rt) for smol. `smol::spawn` uses a global executor, and the parent process sets
//! its number of threads in `SMOL_THREADS`.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use smol::channel::{self, Receiver, Sender};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::lock::Mutex;
use smol::net::{TcpListener, TcpStream};
use smol::{Task, Timer, fs};

use super::Rt;

pub struct Smol;

impl Rt for Smol {
    type Task<T: Send + 'static> = Task<T>;
    type Lock = Mutex<u64>;
    type Sender = Sender<u64>;
    type Receiver = Receiver<u64>;
    type Listener = TcpListener;
    type Stream = TcpStream;

    fn run<T: Send + 'static>(
        _threads: Option<usize>,
        main: impl Future<Output = T> + Send + 'static,
    ) -> T {
        smol::block_on(smol::spawn(main))
    }

    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Task<T> {
        smol::spawn(future)
    }

    fn spawn_blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Task<T> {
        smol::unblock(call)
    }

    async fn sleep(time: Duration) {
        Timer::after(time).await;
    }

    async fn yield_now() {
        smol::future::yield_now().await;
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
        channel::bounded(capacity)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.expect("the receiver exists");
    }

    async fn receive(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await.ok()
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
        stream.read_exact(bytes).await
    }

    async fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes).await
    }

    async fn read_file(path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path).await
    }
}
