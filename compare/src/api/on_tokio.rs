//! Common operations, written with Tokio.
#![allow(dead_code, unused_variables, reason = "this code never runs, but has to compile")]

use std::error::Error;
use std::thread;
use std::time::Duration;

use reqwest::Client;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tokio::{fs, signal, task, time};

const SECOND: Duration = Duration::from_secs(1);

async fn work() -> u32 {
    42
}

// api: start
#[tokio::main]
async fn program() {}

async fn tasks() -> Result<(), Box<dyn Error>> {
    // api: spawn
    let task = tokio::spawn(work());

    // api: await a task
    let value = task.await?;

    // api: detach
    drop(tokio::spawn(work()));

    let task = tokio::spawn(work());
    // api: abort
    task.abort();

    // api: join
    let (a, b) = tokio::join!(work(), work());

    // api: race
    tokio::select! {
        a = work() => a,
        b = work() => b,
    };

    // api: blocking work
    task::spawn_blocking(|| thread::sleep(SECOND)).await?;

    Ok(())
}

async fn time() -> Result<(), Box<dyn Error>> {
    // api: sleep
    time::sleep(SECOND).await;

    // api: timeout
    let value = time::timeout(SECOND, work()).await?;

    // api: interval
    let mut interval = time::interval(SECOND);
    interval.tick().await;

    Ok(())
}

async fn sharing() -> Result<(), Box<dyn Error>> {
    // api: channel, many to one
    let (sender, mut receiver) = mpsc::channel(8);

    sender.send(42).await?;
    receiver.recv().await;

    // api: channel, many to many
    // no: async-channel
    let (sender, receiver) = async_channel::bounded(8);

    sender.send(42).await?;
    receiver.recv().await?;

    // api: one value
    let (sender, receiver) = oneshot::channel();

    let _ = sender.send(42);
    receiver.await?;

    let mutex = Mutex::new(42);
    // api: mutex
    let mut value = mutex.lock().await;

    *value += 1;

    let semaphore = Semaphore::new(8);
    // api: semaphore
    let permit = semaphore.acquire().await?;

    Ok(())
}

async fn outside(url: &str) -> Result<(), Box<dyn Error>> {
    // api: file
    let text = fs::read_to_string("file").await?;

    // api: TCP
    let mut stream = TcpStream::connect("host:80").await?;
    stream.write_all(b"hello").await?;

    // api: HTTP
    // reqwest
    let body = Client::new().get(url).send().await?.text().await?;

    // api: Ctrl-C
    signal::ctrl_c().await?;

    Ok(())
}

#[cfg(test)]
mod tests {
    // api: paused clock
    #[tokio::test(start_paused = true)]
    async fn an_hour_passes_immediately() {
        super::time::sleep(3600 * super::SECOND).await;
    }
}
