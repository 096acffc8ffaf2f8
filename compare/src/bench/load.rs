//! Runs clients, each of which sends its next request as soon as the previous one has been
//! answered. Measures how many requests per second are answered, and how long each request takes.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Instant;

use super::rt::Rt;
use super::stats::quantile;
use super::workloads::Sample;
use crate::child;

pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A client that sends one request after another.
pub trait Client: Sized + Send + 'static {
    /// Creates `count` clients for a server. Together, they can send that many requests
    /// concurrently.
    fn all(server: SocketAddr, count: usize) -> impl Future<Output = Outcome<Vec<Self>>> + Send;
    /// Sends a request, reads the whole answer, and returns the answer's checksum.
    fn request(&mut self) -> impl Future<Output = Outcome<u64>> + Send;
}

/// Runs `at_once` clients, each in its own task. Each client sends `each` requests, one after
/// another.
pub async fn load<R: Rt, C: Client>(server: SocketAddr, at_once: usize, each: u64) -> Sample {
    let clients = C::all(server, at_once).await.expect("the server is up");
    let warm = round::<R, C>(clients, (each / 10).max(1)).await;
    let Round { seconds, cpu_ms, latencies, sum, .. } = round::<R, C>(warm.clients, each).await;
    let count = latencies.len() as f64;
    let rate = count / seconds;
    let mean_us = latencies.iter().sum::<f64>() / count;
    let metrics = [
        ("requests a second", rate),
        ("us, p50", quantile(&latencies, 0.5)),
        ("us, p99", quantile(&latencies, 0.99)),
        // The mean number of concurrent requests, by Little's law (1961).
        ("requests in flight", rate * mean_us / 1e6),
    ];
    let mut sample = Sample::new(metrics, sum);
    if let Some(ms) = cpu_ms {
        sample.metrics.insert("us of CPU a request".into(), ms * 1e3 / count);
    }
    sample
}

/// The result of a round, in which each client sends the same number of requests.
struct Round<C> {
    clients: Vec<C>,
    seconds: f64,
    /// The CPU time of this process, if the system reports it.
    cpu_ms: Option<f64>,
    /// The latency of each request, in microseconds.
    latencies: Vec<f64>,
    sum: u64,
}

async fn round<R: Rt, C: Client>(clients: Vec<C>, each: u64) -> Round<C> {
    let mut starts = Vec::new();
    let mut tasks = Vec::new();
    for mut client in clients {
        let (start, mut started) = R::channel(1);
        starts.push(start);
        tasks.push(R::spawn(async move {
            // Wait until all clients are ready. `receive` returns when the senders are dropped.
            R::receive(&mut started).await;
            let (mut latencies, mut sum) = (Vec::new(), 0);
            for _ in 0..each {
                let start = Instant::now();
                sum += client.request().await.expect("the server answers");
                latencies.push(start.elapsed().as_secs_f64() * 1e6);
            }
            (client, latencies, sum)
        }));
    }
    let (start, cpu_before) = (Instant::now(), child::cpu_ms());
    drop(starts);
    let (mut clients, mut latencies, mut sum) = (Vec::new(), Vec::new(), 0);
    for task in tasks {
        let (client, its_latencies, its_sum) = task.await;
        clients.push(client);
        latencies.extend(its_latencies);
        sum += its_sum;
    }
    let cpu_ms = child::cpu_ms().zip(cpu_before).map(|(after, before)| after - before);
    Round { clients, seconds: start.elapsed().as_secs_f64(), cpu_ms, latencies, sum }
}
