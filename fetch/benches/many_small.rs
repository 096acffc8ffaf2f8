//! Measures how long 20,000 GET requests take. Each response is 1 KiB long, and up to 32 requests
//! are in flight. Compares `fetch` with a bare loop that uses the same client, and with curl and
//! wrk if they are installed. Also measures the peak memory of `fetch` for 10,000 and 100,000 URLs.
//!
//! Run with: `cargo bench -p fetch`

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use axum::{Router, routing::get, serve::ListenerExt};
use futures_util::{StreamExt, stream};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use tokio::net::TcpListener;

const GETS: usize = 20_000;
const AT_ONCE: usize = 32;
const ROUNDS: usize = 7;

/// The wall-clock time that a run took, and the CPU time that it used.
struct Took {
    wall: Duration,
    cpu: Duration,
}

fn main() {
    if let Ok(server) = std::env::var("BARE_LOOP") {
        return bare_loop(&server);
    }
    let server = serve();
    let fetch = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fetch"));
        command.args(["-c", &AT_ONCE.to_string(), "-"]);
        run(command, Some((server, GETS)))
    };
    let bare = || {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.env("BARE_LOOP", server.to_string());
        run(command, None)
    };
    let curl = || {
        let mut command = Command::new("curl");
        command.args(["-s", "-Z", "--parallel-max", &AT_ONCE.to_string(), "-o", "/dev/null"]);
        command.arg(format!("http://{server}/[1-{GETS}]"));
        run(command, None)
    };
    let ways: [(&str, &dyn Fn() -> Option<Took>); 4] = [
        ("fetch", &fetch),
        ("a bare reqwest loop", &bare),
        ("curl -Z", &curl),
        ("wrk, one thread", &|| wrk(server)),
    ];
    // Measure the memory first, before any other child process has run, because the system keeps a
    // single peak for all children.
    let peaks = [10_000, 100_000].map(|urls| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fetch"));
        command.arg("-");
        run(command, Some((server, urls)));
        children().max_rss() as f64 / 1024.0
    });
    println!(
        "peak memory for 10,000 URLs: {:.1} MiB, for 100,000 URLs: {:.1} MiB\n",
        peaks[0], peaks[1]
    );

    let mut times: Vec<Vec<Took>> = ways.iter().map(|_| Vec::new()).collect();
    // The runs are interleaved, so that a disturbance affects all of them. The first round is a
    // warm-up.
    for round in 0..=ROUNDS {
        for ((_, way), times) in ways.iter().zip(&mut times) {
            let took = way();
            times.extend(took.filter(|_| round > 0));
        }
    }
    println!(
        "{GETS} GETs of 1 KiB, up to {AT_ONCE} in flight; median of {ROUNDS} interleaved rounds\n"
    );
    println!("| | wall | CPU | time of fetch / this time |");
    println!("|---|---|---|---|");
    let fetch = median(&times[0], |took| took.wall);
    for ((name, _), times) in ways.iter().zip(&times) {
        if times.is_empty() {
            println!("| {name} | not installed: skipped | | |");
            continue;
        }
        let (wall, cpu) = (median(times, |took| took.wall), median(times, |took| took.cpu));
        println!("| {name} | {wall:.2} s | {cpu:.2} s | {:.2} |", fetch / wall);
    }
}

fn median(times: &[Took], of: fn(&Took) -> Duration) -> f64 {
    let mut times: Vec<_> = times.iter().map(of).collect();
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

/// Serves 1 KiB at every path, from its own thread.
fn serve() -> SocketAddr {
    let (address, bound) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            address
                .send(listener.local_addr().expect("bound"))
                .expect("the main thread waits for it");
            let page = axum::body::Bytes::from(vec![b'x'; 1024]);
            let routes = Router::new().route("/{n}", get(async move || page));
            // Nagle's algorithm would delay small packets until earlier ones are acknowledged.
            // Servers usually turn the algorithm off.
            let listener = listener.tap_io(|socket| socket.set_nodelay(true).expect("a socket"));
            axum::serve(listener, routes).await
        })
    });
    bound.recv().expect("a server")
}

/// Runs a command, writes the given number of URLs to its stdin (if any), and checks that the
/// command succeeds. Returns `None` if the command is not installed.
fn run(mut command: Command, urls: Option<(SocketAddr, usize)>) -> Option<Took> {
    let (start, before) = (Instant::now(), cpu());
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = match child {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        child => child.expect("it starts"),
    };
    let mut stdin = std::io::BufWriter::new(child.stdin.take().expect("a pipe"));
    if let Some((server, urls)) = urls {
        for n in 0..urls {
            writeln!(stdin, "http://{server}/{n}").expect("it reads");
        }
    }
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
    Some(Took { wall: start.elapsed(), cpu: cpu() - before })
}

fn children() -> Usage {
    getrusage(UsageWho::RUSAGE_CHILDREN).expect("always there")
}

/// Returns the CPU time used by all children that have ended.
fn cpu() -> Duration {
    let usage = children();
    let [user, system] = [usage.user_time(), usage.system_time()];
    Duration::from_micros((user.tv_sec() + system.tv_sec()) as u64 * 1_000_000)
        + Duration::from_micros((user.tv_usec() + system.tv_usec()) as u64)
}

/// Runs wrk for one second. From the rate that wrk reports, computes how long 20,000 requests would
/// take.
fn wrk(server: SocketAddr) -> Option<Took> {
    let before = cpu();
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{AT_ONCE}"), "-d1", &format!("http://{server}/1")])
        .output();
    let output = match output {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        output => String::from_utf8(output.expect("it ends").stdout).expect("text"),
    };
    let rate = output.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    let rate: f64 = rate.expect("wrk prints its rate").trim().parse().expect("a number");
    let scale = GETS as f64 / rate;
    // wrk ran for one second.
    Some(Took { wall: Duration::from_secs_f64(scale), cpu: (cpu() - before).mul_f64(scale) })
}

/// Does the minimum that a program can do with the same client: checks only the status, and does
/// not keep the results in order.
#[tokio::main]
async fn bare_loop(server: &str) {
    let client = fetch::client_builder().tls_certs_only([]).no_proxy().build().expect("a client");
    let client = &client;
    let bytes: usize = stream::iter(0..GETS)
        .map(async |n| {
            let url = format!("http://{server}/{n}");
            let response = client.get(url).send().await.and_then(|r| r.error_for_status());
            response.expect("an answer").bytes().await.expect("a body").len()
        })
        .buffer_unordered(AT_ONCE)
        .fold(0, async |sum, bytes| sum + bytes)
        .await;
    assert_eq!(bytes, GETS * 1024);
}
