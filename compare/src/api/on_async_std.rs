//! Common operations, written with async-std.
#![allow(dead_code, unused_variables, reason = "this code never runs, but has to compile")]

use std::error::Error;
use std::thread;
use std::time::Duration;

use async_std::io::WriteExt;
use async_std::net::TcpStream;
use async_std::sync::Mutex;
use async_std::{channel, fs, future, task};
use futures_lite::future::{or, zip};

const SECOND: Duration = Duration::from_secs(1);

async fn work() -> u32 {
    42
}

fn program() {
    // api: start
    task::block_on(work());
}

async fn tasks() {
    // api: spawn
    let task = task::spawn(work());

    // api: await a task
    let value = task.await;

    // api: detach
    drop(task::spawn(work()));

    let task = task::spawn(work());
    // api: abort
    task.cancel().await;

    // api: join
    // no: futures-lite
    let (a, b) = zip(work(), work()).await;

    // api: race
    // no: futures-lite
    let first = or(work(), work()).await;

    // api: blocking work
    task::spawn_blocking(|| thread::sleep(SECOND)).await;
}

async fn time() -> Result<(), Box<dyn Error>> {
    // api: sleep
    task::sleep(SECOND).await;

    // api: timeout
    let value = future::timeout(SECOND, work()).await?;

    // api: interval
    // no: a loop around sleep, or the feature `unstable`

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

    // api: semaphore
    // no: async-lock, or a full channel

    Ok(())
}

async fn outside(url: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    // api: file
    let text = fs::read_to_string("file").await?;

    // api: TCP
    let mut stream = TcpStream::connect("host:80").await?;
    stream.write_all(b"hello").await?;

    // api: HTTP
    // surf
    let body = surf::get(url).recv_string().await?;

    // api: Ctrl-C
    // no: async-signal, or the ctrlc crate

    // api: paused clock
    // no: short times, or a clock that you pass in

    Ok(())
}
