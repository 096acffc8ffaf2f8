//! Clients that ask a server as fast as it answers: how many requests that makes, and how long each
//! takes.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Instant;

use super::rt::Rt;
use super::stats::quantile;
use super::workloads::Sample;
use crate::child;

pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A client that sends one request after the other.
pub trait Client: Sized + Send + 'static {
    /// So many clients of a server, for as many requests at once.
    fn all(server: SocketAddr, count: usize) -> impl Future<Output = Outcome<Vec<Self>>> + Send;
    /// Sends a request, and has the whole answer.
    fn request(&mut self) -> impl Future<Output = Outcome<()>> + Send;
}

/// As many clients as are to ask at once, each so often, in a task of its own.
pub async fn load<R: Rt, C: Client>(server: SocketAddr, at_once: usize, each: u64) -> Sample {
    let clients = C::all(server, at_once).await.expect("the server is up");
    let (clients, _) = round::<R, C>(clients, (each / 10).max(1)).await;
    let (start, cpu_before) = (Instant::now(), child::cpu_ms());
    let (_, latencies) = round::<R, C>(clients, each).await;
    let seconds = start.elapsed().as_secs_f64();
    let count = latencies.len() as f64;
    let metrics = [
        ("requests a second", count / seconds),
        ("us, p50", quantile(&latencies, 0.5)),
        ("us, p99", quantile(&latencies, 0.99)),
    ];
    let mut sample = Sample::new(metrics, latencies.len() as u64);
    if let Some((before, after)) = cpu_before.zip(child::cpu_ms()) {
        sample.metrics.insert("us of CPU a request".into(), (after - before) * 1e3 / count);
    }
    sample
}

/// Gives the clients back, and how long each request took, in microseconds.
async fn round<R: Rt, C: Client>(clients: Vec<C>, each: u64) -> (Vec<C>, Vec<f64>) {
    let task = |mut client: C| {
        R::spawn(async move {
            let mut latencies = Vec::new();
            for _ in 0..each {
                let start = Instant::now();
                client.request().await.expect("the server answers");
                latencies.push(start.elapsed().as_secs_f64() * 1e6);
            }
            (client, latencies)
        })
    };
    let (mut clients_back, mut all) = (Vec::new(), Vec::new());
    for task in clients.into_iter().map(task).collect::<Vec<_>>() {
        let (client, latencies) = task.await;
        clients_back.push(client);
        all.extend(latencies);
    }
    (clients_back, all)
}
