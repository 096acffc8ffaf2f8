//! The workloads, each written once for all runtimes. All work is done in spawned tasks. On some
//! runtimes, the future that `block_on` itself polls is slower than a task, and we don't want to
//! measure that difference.

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::load::{Client, Outcome, load};
use super::rt::Rt;
use super::rt::threads::Threads;
use super::stats::{quantile, slope};
use crate::child;

/// The parameters of a sample.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The number of worker threads, or `None` for the runtime's default.
    pub threads: Option<usize>,
    /// The address of the parent's HTTP server.
    pub server: SocketAddr,
    /// Whether to do only a fiftieth of the work. This is for tests, which don't use the figures.
    pub is_small: bool,
}

impl Setting {
    pub(super) fn count(&self, full: u64) -> u64 {
        if self.is_small { (full / 50).max(10) } else { full }
    }
}

/// The result of one sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The figures by name. Each name contains the unit.
    pub metrics: BTreeMap<String, f64>,
    /// A checksum of the work. It has to be the same on all runtimes.
    pub checksum: u64,
}

impl Sample {
    pub(super) fn new<const N: usize>(metrics: [(&str, f64); N], checksum: u64) -> Self {
        Self { metrics: metrics.map(|(name, value)| (name.into(), value)).into(), checksum }
    }
}

/// Returns the time per operation for `count` operations, in nanoseconds.
pub(super) fn ns_each(start: Instant, count: u64) -> f64 {
    start.elapsed().as_nanos() as f64 / count as f64
}

/// Starts the runtime, awaits one task, and stops the runtime.
pub fn start_stop<R: Rt>(setting: Setting) -> Sample {
    let start = Instant::now();
    let us = move || start.elapsed().as_nanos() as f64 / 1e3;
    let (value, first) =
        R::run(setting.threads, async move { (R::spawn(async { 42 }).await, us()) });
    Sample::new([("us to the first result", first), ("us to the end", us())], value)
}

/// Spawns a task and awaits it, again and again.
pub fn spawn_one<R: Rt>(setting: Setting) -> Sample {
    async fn work<R: Rt>(count: u64) -> u64 {
        let mut sum = 0;
        for number in 0..count {
            sum += R::spawn(async move { number }).await;
        }
        sum
    }
    let count = setting.count(20_000);
    R::run(setting.threads, async move {
        work::<R>(count / 10).await;
        let start = Instant::now();
        let sum = work::<R>(count).await;
        Sample::new([("ns a task", ns_each(start, count))], sum)
    })
}

/// Calls an async function and awaits it, without a task. This is the control for `spawn_one`.
pub fn plain_call(setting: Setting) -> Sample {
    async fn call(number: u64) -> u64 {
        black_box(number)
    }
    let count = setting.count(20_000);
    Threads::run(None, async move {
        let start = Instant::now();
        let mut sum = 0;
        for number in 0..count {
            sum += call(black_box(number)).await;
        }
        Sample::new([("ns a task", ns_each(start, count))], sum)
    })
}

/// Spawns many tasks, then awaits them all.
pub fn spawn_many<R: Rt>(setting: Setting) -> Sample {
    async fn work<R: Rt>(count: u64) -> u64 {
        let tasks: Vec<_> = (0..count).map(|number| R::spawn(async move { number })).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await;
        }
        sum
    }
    let count = setting.count(100_000);
    R::run(setting.threads, async move {
        work::<R>(count / 10).await;
        let start = Instant::now();
        let sum = work::<R>(count).await;
        Sample::new([("ns a task", ns_each(start, count))], sum)
    })
}

/// Runs many futures in one task, with `join_all`. This is the control for `spawn_many`.
#[cfg(feature = "bench")]
pub fn joined(setting: Setting) -> Sample {
    async fn work(count: u64) -> u64 {
        let futures = (0..count).map(async |number| black_box(number));
        futures_util::future::join_all(futures).await.into_iter().sum()
    }
    let count = setting.count(100_000);
    Threads::run(None, async move {
        work(count / 10).await;
        let start = Instant::now();
        let sum = work(count).await;
        Sample::new([("ns a task", ns_each(start, count))], sum)
    })
}

/// Yields in one task, again and again.
pub fn yield_now<R: Rt>(setting: Setting) -> Sample {
    let count = setting.count(200_000);
    R::run(setting.threads, async move {
        for _ in 0..count / 10 {
            R::yield_now().await;
        }
        let start = Instant::now();
        let mut yields = 0;
        for _ in 0..count {
            R::yield_now().await;
            yields += 1;
        }
        Sample::new([("ns a yield", ns_each(start, count))], yields)
    })
}

/// Sends a number back and forth between two tasks.
pub fn ping_pong<R: Rt>(setting: Setting) -> Sample {
    let count = setting.count(10_000);
    R::run(setting.threads, async move {
        let (ping, mut pings) = R::channel(1);
        let (pong, mut pongs) = R::channel(1);
        let other = R::spawn(async move {
            while let Some(number) = R::receive(&mut pings).await {
                R::send(&pong, number + 1).await;
            }
        });
        let mut number = 0;
        for _ in 0..count / 10 {
            R::send(&ping, number).await;
            number = R::receive(&mut pongs).await.unwrap_or_default();
        }
        let start = Instant::now();
        for _ in 0..count {
            R::send(&ping, number).await;
            number = R::receive(&mut pongs).await.unwrap_or_default();
        }
        let each = ns_each(start, count);
        drop(ping);
        other.await;
        Sample::new([("ns a round", each)], number)
    })
}

/// Sends numbers from four producers to one consumer over a bounded channel.
pub fn channel<R: Rt>(setting: Setting) -> Sample {
    async fn work<R: Rt>(count: u64) -> u64 {
        let (sender, mut receiver) = R::channel(128);
        let producer = |_| {
            let sender = sender.clone();
            R::spawn(async move {
                for number in 0..count {
                    R::send(&sender, number).await;
                }
            })
        };
        let producers: Vec<_> = (0..4).map(producer).collect();
        drop(sender);
        let mut sum = 0;
        while let Some(number) = R::receive(&mut receiver).await {
            sum += number;
        }
        for producer in producers {
            producer.await;
        }
        sum
    }
    let count = setting.count(50_000);
    R::run(setting.threads, async move {
        work::<R>(count / 10).await;
        let start = Instant::now();
        let sum = work::<R>(count).await;
        Sample::new([("ns a message", ns_each(start, 4 * count))], sum)
    })
}

/// Takes a lock without contention.
pub fn lock_free<R: Rt>(setting: Setting) -> Sample {
    let count = setting.count(200_000);
    R::run(setting.threads, async move {
        let lock = R::lock();
        for _ in 0..count / 10 {
            R::add_one(&lock).await;
        }
        let start = Instant::now();
        let mut value = 0;
        for _ in 0..count {
            value = R::add_one(&lock).await;
        }
        Sample::new([("ns a lock", ns_each(start, count))], value)
    })
}

/// Runs four tasks that take the same lock. Each task holds the lock while it yields, so that the
/// tasks compete for the lock.
pub fn lock_contended<R: Rt>(setting: Setting) -> Sample {
    async fn work<R: Rt>(lock: &Arc<R::Lock>, count: u64) {
        let task = |_| {
            let lock = Arc::clone(lock);
            R::spawn(async move {
                for _ in 0..count {
                    R::add_one_and_yield(&lock).await;
                }
            })
        };
        for task in (0..4).map(task).collect::<Vec<_>>() {
            task.await;
        }
    }
    let count = setting.count(5_000);
    R::run(setting.threads, async move {
        let lock = Arc::new(R::lock());
        work::<R>(&lock, count / 10).await;
        let start = Instant::now();
        work::<R>(&lock, count).await;
        let each = ns_each(start, 4 * count);
        Sample::new([("ns a lock", each)], R::add_one(&lock).await)
    })
}

/// Sleeps a hundred times for each of three durations, and measures how late the sleeps end.
pub fn sleep<R: Rt>(setting: Setting) -> Sample {
    /// Sleeps `count` times in a row, and returns how late each sleep ended. Before that, sleeps
    /// for `first`, so that the tasks start at different times.
    async fn lateness<R: Rt>(first: Duration, time: Duration, count: u64) -> Vec<f64> {
        R::sleep(first).await;
        let mut late = Vec::new();
        for _ in 0..count {
            let start = Instant::now();
            R::sleep(time).await;
            late.push((start.elapsed() - time).as_secs_f64() * 1e6);
        }
        late
    }
    let count = setting.count(100);
    R::run(setting.threads, async move {
        let (mut metrics, mut sleeps) = (BTreeMap::new(), 0);
        // For longer sleeps, more tasks sleep at the same time, so that the workload does not take
        // too long.
        for (name, time, tasks) in [
            ("1.5 ms", Duration::from_micros(1500), 1),
            ("10 ms", Duration::from_millis(10), 10),
            ("100 ms", Duration::from_millis(100), 25),
        ] {
            let each = (count / u64::from(tasks)).max(1);
            let task = |number| R::spawn(lateness::<R>(time * (number + 1) / tasks, time, each));
            let mut late = Vec::new();
            for task in (0..tasks).map(task).collect::<Vec<_>>() {
                late.extend(task.await);
            }
            for (part, quantile_of) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
                metrics.insert(format!("us late, {name}, {part}"), quantile(&late, quantile_of));
            }
            sleeps += late.len() as u64;
        }
        Sample { metrics, checksum: sleeps }
    })
}

/// Runs a large number of tasks that sleep concurrently, each for a quarter to half of a second.
pub fn timers<R: Rt>(setting: Setting) -> Sample {
    let count = setting.count(100_000);
    R::run(setting.threads, async move {
        let start = Instant::now();
        let task = |number: u64| {
            let time = Duration::from_micros(250_000 + number * 7919 % 250_000);
            R::spawn(async move {
                let start = Instant::now();
                R::sleep(time).await;
                (start.elapsed() - time).as_secs_f64() * 1e3
            })
        };
        let mut late = Vec::new();
        for task in (0..count).map(task).collect::<Vec<_>>() {
            late.push(task.await);
        }
        let wall = start.elapsed().as_secs_f64() * 1e3;
        let metrics = [("ms in all", wall), ("ms late, p99", quantile(&late, 0.99))];
        Sample::new(metrics, late.len() as u64)
    })
}

/// The number of sleepers that have started. We use a static, because an `Arc` in each sleeper
/// would add to the sleeper's size.
static ASLEEP: AtomicU64 = AtomicU64::new(0);

/// Adds one to [`ASLEEP`], and sleeps for an hour.
async fn asleep<R: Rt>() {
    ASLEEP.fetch_add(1, Relaxed);
    R::sleep(Duration::from_secs(3600)).await;
}

/// Runs a large number of tasks that all sleep, and measures the memory for each of them.
pub fn memory<R: Rt>(setting: Setting) -> Sample {
    memory_of::<R, _>(setting, |count| {
        (0..count).map(|_| R::spawn(asleep::<R>())).collect::<Vec<_>>()
    })
}

/// Runs as many sleeping futures as [`memory`], but in only a few tasks, with `join_all`.
#[cfg(feature = "bench")]
pub fn memory_joined<R: Rt>(setting: Setting) -> Sample {
    memory_of::<R, _>(setting, |count| {
        R::spawn(async move {
            futures_util::future::join_all((0..count).map(|_| asleep::<R>())).await;
        })
    })
}

/// Spawns the sleepers, a quarter of them at a time, and reads the memory usage after each quarter.
fn memory_of<R: Rt, S: Send + 'static>(
    setting: Setting,
    spawn: impl Fn(u64) -> S + Send + 'static,
) -> Sample {
    let quarter = setting.count(250_000);
    R::run(setting.threads, async move {
        let (mut sleepers, mut resident, mut peak) = (Vec::new(), Vec::new(), Vec::new());
        for quarters in 1..=4 {
            sleepers.push(spawn(quarter));
            while ASLEEP.load(Relaxed) < quarters * quarter {
                R::sleep(Duration::from_millis(5)).await;
            }
            let point = |kib: u64| ((quarters * quarter) as f64, kib as f64 * 1024.0);
            resident.extend(child::resident_kib().map(point));
            peak.extend(child::peak_kib().map(point));
        }
        // For comparison, we also report the size of the future itself. The memory per task, which
        // is the slope computed below, includes the handles, because `sleepers` keeps them alive.
        let (future, handle) = (size_of_val(&asleep::<R>()), size_of::<R::Task<()>>());
        let mut metrics = BTreeMap::from([
            ("bytes of the future".to_owned(), future as f64),
            ("bytes of the handle".to_owned(), handle as f64),
        ]);
        // The slope excludes the memory that the program needs in any case, because all points
        // include that memory.
        for (name, points) in [("bytes a task", &resident), ("bytes a task, at the peak", &peak)] {
            metrics.extend(slope(points).map(|slope| (name.to_owned(), slope.max(0.0))));
        }
        Sample { metrics, checksum: ASLEEP.load(Relaxed) }
    })
}

/// Makes a call on a blocking thread, and waits for its result.
pub fn blocking<R: Rt>(setting: Setting) -> Sample {
    let count = setting.count(4_000);
    R::run(setting.threads, async move {
        for number in 0..count / 10 {
            R::spawn_blocking(move || number).await;
        }
        let start = Instant::now();
        let mut sum = 0;
        for number in 0..count {
            sum += R::spawn_blocking(move || number).await;
        }
        Sample::new([("ns a call", ns_each(start, count))], sum)
    })
}

/// A connection to the echo server, and the byte that fills the current message.
struct Echo<R: Rt>(R::Stream, u8);

impl<R: Rt> Client for Echo<R> {
    async fn all(server: SocketAddr, count: usize) -> Outcome<Vec<Self>> {
        let mut clients = Vec::new();
        for _ in 0..count {
            clients.push(Self(R::connect(server).await?, 0));
        }
        Ok(clients)
    }

    async fn request(&mut self) -> Outcome<u64> {
        // Send a different message each time, so that we would notice an answer to an earlier one.
        self.1 = self.1.wrapping_add(1);
        let (message, mut answer) = ([self.1; 64], [0; 64]);
        R::write(&mut self.0, &message).await?;
        R::read(&mut self.0, &mut answer).await?;
        if message != answer {
            return Err("the answer differs from the message".into());
        }
        Ok(answer[0].into())
    }
}

/// Runs an echo server, and one client for each connection. All clients run concurrently. Each
/// client sends 64 bytes and waits until the server has sent them back.
fn echo<R: Rt>(setting: Setting, connections: usize, requests: u64) -> Sample {
    async fn answer<R: Rt>(mut stream: R::Stream) {
        let mut bytes = [0; 64];
        // Serve until the client closes the connection.
        while R::read(&mut stream, &mut bytes).await.is_ok() {
            if R::write(&mut stream, &bytes).await.is_err() {
                break;
            }
        }
    }
    let each = (setting.count(requests) / connections as u64).max(4);
    R::run(setting.threads, async move {
        let (listener, address) = R::listen().await.expect("a port is free");
        let server = R::spawn(async move {
            let mut serving = Vec::new();
            for _ in 0..connections {
                let stream = R::accept(&listener).await.expect("a client connects");
                serving.push(R::spawn(answer::<R>(stream)));
            }
            for serving in serving {
                serving.await;
            }
        });
        let sample = load::<R, Echo<R>>(address, connections, each).await;
        server.await;
        sample
    })
}

pub fn echo_1<R: Rt>(setting: Setting) -> Sample {
    echo::<R>(setting, 1, 5_000)
}

pub fn echo_64<R: Rt>(setting: Setting) -> Sample {
    echo::<R>(setting, 64, 40_000)
}

pub fn echo_512<R: Rt>(setting: Setting) -> Sample {
    echo::<R>(setting, 512, 26_000)
}

/// Reads a file of 1 MiB, again and again.
pub fn file<R: Rt>(setting: Setting) -> Sample {
    let count = setting.count(200);
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let path = folder.path().join("file");
    fs::write(&path, vec![7; 1 << 20]).expect("the disk has room");
    R::run(setting.threads, async move {
        let mut sum = 0;
        for _ in 0..count / 10 {
            R::read_file(&path).await.expect("the file can be read");
        }
        let start = Instant::now();
        for _ in 0..count {
            let bytes = R::read_file(&path).await.expect("the file can be read");
            sum += bytes.len() as u64 + bytes.last().map_or(0, |byte| u64::from(*byte));
        }
        Sample::new([("us a file", ns_each(start, count) / 1e3)], sum)
    })
}
