//! One file of 1 GiB, and 2,000 of 4 KiB: beside curl and aria2c where they are there.
//!
//! Run with: `cargo bench -p downloads`. The files go to the folder for temporary files; where that
//! is memory, set TMPDIR to one on a disk.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, ETAG};
use axum::routing::get;
use axum::serve::ListenerExt;
use futures_util::stream;
use nix::sys::resource::{UsageWho, getrusage};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

const PIECE: usize = 1 << 20;
const PIECES: usize = 1 << 10;
const FILES: usize = 2000;
const SMALL: usize = 4 << 10;
const ROUNDS: usize = 7;

const DOWNLOADS: &str = env!("CARGO_BIN_EXE_downloads");

/// A way to do it: its name, and the command that does it in the current folder.
struct Way {
    name: &'static str,
    command: Vec<String>,
}

fn way(name: &'static str, command: &[&str]) -> Way {
    Way { name, command: command.iter().map(|word| word.to_string()).collect() }
}

fn main() {
    let server = serve();
    // Piece by piece: what this process holds counts as the memory of its children, until they begin.
    let mut sum = Sha256::new();
    (0..PIECES).for_each(|_| sum.update([b'x'; PIECE]));
    let sum: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let large = format!("http://{server}/large");
    let lists = tempfile::tempdir().expect("a folder");
    let list = |name: &str, text: String| {
        let path = lists.path().join(name);
        fs::write(&path, text).expect("room for a list");
        path.to_string_lossy().into_owned()
    };
    let checked = list("checked", format!("{large} sha256:{sum}\n"));
    let small: String = (0..FILES).map(|n| format!("http://{server}/small/{n}\n")).collect();
    let small = list("small", small);
    let range = format!("http://{server}/small/[0-{}]", FILES - 1);

    let one = [
        way("downloads --no-sync", &[DOWNLOADS, "--no-sync", &large]),
        way("downloads, synced and checked", &[DOWNLOADS, "-i", &checked]),
        way("curl", &["curl", "-s", "-O", &large]),
        way("aria2c", &["aria2c", "-q", "--file-allocation=none", &large]),
    ];
    measure("one file of 1 GiB", &one, 1, (PIECE * PIECES) as u64);
    let many = [
        way("downloads --no-sync", &[DOWNLOADS, "-j", "16", "--no-sync", "-i", &small]),
        way("downloads", &[DOWNLOADS, "-j", "16", "-i", &small]),
        way("curl -Z", &["curl", "-s", "-Z", "--parallel-max", "16", "-o", "#1", &range]),
        way("aria2c", &["aria2c", "-q", "-j", "16", "-i", &small]),
    ];
    measure("2,000 files of 4 KiB, 16 at once", &many, FILES, SMALL as u64);
}

/// Runs all ways in turn, each in an empty folder, and looks at what it has left there.
fn measure(what: &str, ways: &[Way], files: usize, length: u64) {
    let mut times = vec![Vec::new(); ways.len()];
    let mut peak = 0;
    // Interleaved, so that a disturbance meets all of them, and in another order each time. The first
    // round warms up.
    let mut order: Vec<_> = (0..ways.len()).collect();
    for round in 0..=ROUNDS {
        for &place in &order {
            let way = &ways[place];
            // What one has written shall not burden the next.
            nix::unistd::sync();
            let folder = tempfile::tempdir().expect("a folder");
            let Some(seconds) = run(way, folder.path()) else { continue };
            let saved = fs::read_dir(folder.path()).expect("it is there");
            let right = saved.filter(|file| {
                let metadata = file.as_ref().map(|file| file.metadata());
                metadata.is_ok_and(|file| file.is_ok_and(|file| file.len() == length))
            });
            assert_eq!(right.count(), files, "{}", way.name);
            if round > 0 {
                times[place].push(seconds);
            } else if way.command[0] == DOWNLOADS {
                // The peak is kept for all children together: ours come first.
                peak = getrusage(UsageWho::RUSAGE_CHILDREN).expect("always there").max_rss();
            }
        }
        fastrand::shuffle(&mut order);
    }
    let medians: Vec<_> = times
        .iter_mut()
        .map(|times| {
            times.sort_by(f64::total_cmp);
            times.get(times.len() / 2).copied()
        })
        .collect();
    println!("\n{what}; median of {ROUNDS} rounds, interleaved\n");
    println!("| | seconds | from | to | of curl | of aria2c |");
    println!("|---|---|---|---|---|---|");
    for ((way, times), median) in ways.iter().zip(&times).zip(&medians) {
        let Some(median) = median else {
            println!("| {} | not installed: skipped | | | | |", way.name);
            continue;
        };
        let (from, to) = (times[0], times[times.len() - 1]);
        let of =
            |other: Option<f64>| other.map_or("".into(), |other| format!("{:.2}", median / other));
        let (curl, aria) = (of(medians[2]), of(medians[3]));
        println!("| {} | {median:.2} | {from:.2} | {to:.2} | {curl} | {aria} |", way.name);
    }
    println!("\npeak memory of downloads so far: {:.1} MiB", peak as f64 / 1024.0);
}

fn run(way: &Way, folder: &Path) -> Option<f64> {
    let start = Instant::now();
    let mut command = Command::new(&way.command[0]);
    command.args(&way.command[1..]).current_dir(folder);
    command.env("NO_PROXY", "127.0.0.1").stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        status => {
            assert!(status.expect("it ends").success(), "{}", way.name);
            Some(start.elapsed().as_secs_f64())
        }
    }
}

/// Serves both kinds of file, from a thread of its own.
fn serve() -> SocketAddr {
    let (address, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            address.send(listener.local_addr().expect("bound")).expect("somebody waits");
            let piece = Bytes::from(vec![b'x'; PIECE]);
            let small = Bytes::from(vec![b'x'; SMALL]);
            let large = async move || {
                let pieces = (0..PIECES).map(move |_| Ok::<_, std::io::Error>(piece.clone()));
                let headers = [
                    (CONTENT_LENGTH, (PIECE * PIECES).to_string()),
                    (ETAG, "\"large\"".to_owned()),
                ];
                (headers, Body::from_stream(stream::iter(pieces)))
            };
            let small = async move || ([(ETAG, "\"small\"")], small);
            let routes = Router::new().route("/large", get(large)).route("/small/{n}", get(small));
            // Without waiting for acknowledgements, as every server does that is meant to be fast.
            let listener = listener.tap_io(|socket| socket.set_nodelay(true).expect("a socket"));
            axum::serve(listener, routes).await
        })
    });
    told.recv().expect("a server")
}
