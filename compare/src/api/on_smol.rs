//! Common operations, written with smol.
#![allow(dead_code, unused_variables, reason = "this code never runs, but has to compile")]

use std::error::Error;
use std::thread;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use smol::future::{or, zip};
use smol::io::AsyncWriteExt;
use smol::lock::{Mutex, Semaphore};
use smol::net::TcpStream;
use smol::stream::StreamExt;
use smol::{Timer, channel, fs};
use smol_hyper::rt::FuturesIo;

const SECOND: Duration = Duration::from_secs(1);

async fn work() -> u32 {
    42
}

fn program() {
    // api: start
    smol::block_on(work());
}

async fn tasks() {
    // api: spawn
    let task = smol::spawn(work());

    // api: await a task
    let value = task.await;

    // api: detach
    smol::spawn(work()).detach();

    let task = smol::spawn(work());
    // api: abort
    task.cancel().await;

    // api: join
    let (a, b) = zip(work(), work()).await;

    // api: race
    let first = or(work(), work()).await;

    // api: blocking work
    smol::unblock(|| thread::sleep(SECOND)).await;
}

async fn time() -> Result<(), Box<dyn Error>> {
    // api: sleep
    Timer::after(SECOND).await;

    // api: timeout
    // no: a race against a timer
    let value = or(async { Some(work().await) }, async {
        Timer::after(SECOND).await;
        None
    });

    value.await;

    // api: interval
    let mut interval = Timer::interval(SECOND);
    interval.next().await;

    Ok(())
}

async fn sharing() -> Result<(), Box<dyn Error>> {
    // api: channel, many to one
    // the many-to-many channel
    let (sender, receiver) = channel::bounded(8);

    sender.send(42).await?;
    receiver.recv().await?;

    // api: channel, many to many
    let (sender, receiver) = channel::bounded(8);

    sender.send(42).await?;
    receiver.recv().await?;

    // api: one value
    // no: a channel with room for one
    let (sender, receiver) = channel::bounded(1);

    sender.send(42).await?;
    receiver.recv().await?;

    let mutex = Mutex::new(42);
    // api: mutex
    let mut value = mutex.lock().await;

    *value += 1;

    let semaphore = Semaphore::new(8);
    // api: semaphore
    let permit = semaphore.acquire().await;

    Ok(())
}

async fn outside() -> Result<(), Box<dyn Error>> {
    // api: file
    let text = fs::read_to_string("file").await?;

    // api: TCP
    let mut stream = TcpStream::connect("host:80").await?;
    stream.write_all(b"hello").await?;

    let request = Request::get("/").body(Empty::<Bytes>::new())?;
    // api: HTTP
    // hyper over smol-hyper
    let (mut sender, connection) = http1::handshake(FuturesIo::new(stream)).await?;
    smol::spawn(connection).detach();
    let body = sender.send_request(request).await?.into_body().collect().await?.to_bytes();

    // api: Ctrl-C
    // no: async-signal, or the ctrlc crate

    // api: paused clock
    // no: short times, or a clock that you pass in

    Ok(())
}
