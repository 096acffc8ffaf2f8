//! Measures how long it takes to download one file of 1 GiB, and 2,000 files of 4 KiB. Compares
//! this program with curl and aria2c if they are installed. If nginx is installed, it serves the
//! large file.
//!
//! Run with: `cargo bench -p downloads`. The files are saved in the system's folder for temporary
//! files. If that folder is in memory, set TMPDIR to a folder on a disk.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{self, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{fs, thread};

use axum::Router;
use axum::body::Bytes;
use axum::http::header::ETAG;
use axum::routing::get;
use axum::serve::ListenerExt;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile as File, TempDir};
use tokio::net::TcpListener;

const PIECE: usize = 1 << 20;
const PIECES: usize = 1 << 10;
const FILES: usize = 2000;
const SMALL: usize = 4 << 10;
const ROUNDS: usize = 7;

const DOWNLOADS: &str = env!("CARGO_BIN_EXE_downloads");

/// A contestant: its name, and the command that downloads to the current folder.
struct Way {
    name: &'static str,
    command: Vec<String>,
}

fn way(name: &'static str, command: &[&str]) -> Way {
    Way { name, command: command.iter().map(|word| word.to_string()).collect() }
}

fn main() {
    // We write piece by piece to keep this process small, because its memory counts towards a
    // child's peak until the child has started its own program.
    let mut file = File::new().expect("room for a file");
    let mut sum = Sha256::new();
    for _ in 0..PIECES {
        file.write_all(&[b'x'; PIECE]).expect("room for a gibibyte");
        sum.update([b'x'; PIECE]);
    }
    let sum: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let server = serve_small();
    let lists = tempfile::tempdir().expect("a temporary folder");
    let list = |name: &str, text: String| {
        let path = lists.path().join(name);
        fs::write(&path, text).expect("room for a list");
        path.to_string_lossy().into_owned()
    };
    let small: String = (0..FILES).map(|n| format!("http://{server}/small/{n}\n")).collect();
    let small = list("small", small);
    let range = format!("http://{server}/small/[0-{}]", FILES - 1);

    let one = |what, large: &str| {
        let checked = list("checked", format!("{large} sha256:{sum}\n"));
        let ways = [
            way("downloads --no-sync", &[DOWNLOADS, "--no-sync", large]),
            way("downloads, synced and checked", &[DOWNLOADS, "-i", &checked]),
            way("curl", &["curl", "-s", "-O", large]),
            way("aria2c", &["aria2c", "-q", "--file-allocation=none", large]),
        ];
        measure(what, &ways, 1, (PIECE * PIECES) as u64);
    };
    match Nginx::start(&file) {
        Some(nginx) => one("one file of 1 GiB, served by nginx", &nginx.url),
        None => println!("nginx is not installed: skipped"),
    }
    one("one file of 1 GiB, served by a server that copies", &serve_large(&file));
    let many = [
        way("downloads --no-sync", &[DOWNLOADS, "-j", "16", "--no-sync", "-i", &small]),
        way("downloads", &[DOWNLOADS, "-j", "16", "-i", &small]),
        way("curl -Z", &["curl", "-s", "-Z", "--parallel-max", "16", "-o", "#1", &range]),
        way("aria2c", &["aria2c", "-q", "-j", "16", "-i", &small]),
    ];
    measure("2,000 files of 4 KiB, 16 at the same time", &many, FILES, SMALL as u64);
}

/// Runs all contestants in turn, each in an empty folder, and checks the files that they create
/// there.
fn measure(what: &str, ways: &[Way], files: usize, length: u64) {
    let mut times = vec![Vec::new(); ways.len()];
    let mut peak = 0;
    // The runs are interleaved, so that a disturbance of the machine affects all contestants. Each
    // round has a different order. The first round is a warm-up.
    let mut order: Vec<_> = (0..ways.len()).collect();
    for round in 0..=ROUNDS {
        for &place in &order {
            let way = &ways[place];
            // Without this, the contestant might have to wait until the previous contestant's data
            // is on the disk.
            nix::unistd::sync();
            let folder = tempfile::tempdir().expect("a temporary folder");
            let Some(seconds) = run(way, folder.path()) else { continue };
            let saved = fs::read_dir(folder.path()).expect("the folder exists");
            let right = saved.filter(|file| {
                let metadata = file.as_ref().map(|file| file.metadata());
                metadata.is_ok_and(|file| file.is_ok_and(|file| file.len() == length))
            });
            assert_eq!(right.count(), files, "{}", way.name);
            if round > 0 {
                times[place].push(seconds);
            } else if way.command[0] == DOWNLOADS {
                // The system keeps a single peak for all children, so we run our own program
                // first.
                peak =
                    getrusage(UsageWho::RUSAGE_CHILDREN).expect("the usage is available").max_rss();
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
    println!("| | seconds | lowest | highest | relative to curl | relative to aria2c |");
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
            assert!(status.expect("the program runs").success(), "{}", way.name);
            Some(start.elapsed().as_secs_f64())
        }
    }
}

/// An nginx process that serves the large file with sendfile, as file servers do. Dropping this
/// value ends the process.
struct Nginx {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl Nginx {
    /// Starts nginx. Returns `None` if nginx is not installed.
    fn start(file: &File) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = file.path().parent().expect("a file is in a folder");
        let name = file.path().file_name().expect("a file has a name").to_string_lossy();
        // The system picks a free port. Before nginx takes that port, the system is unlikely to
        // give it to anybody else.
        let port = net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr();
        let address = port.expect("bound");
        let config = folder.path().join("nginx.conf");
        let text = format!(
            "daemon off; worker_processes 1; pid pid; error_log stderr;\n\
             events {{ worker_connections 64; }}\n\
             http {{ sendfile on; access_log off; client_body_temp_path body; \
             proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; \
             scgi_temp_path scgi; server {{ listen {address}; root \"{}\"; }} }}\n\
             user root;\n",
            root.display()
        );
        fs::write(&config, text).expect("room for a file");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path()).arg("-c").arg(&config).stderr(Stdio::null());
        let process = command.spawn().ok()?;
        while net::TcpStream::connect(address).is_err() {
            thread::sleep(Duration::from_millis(10));
        }
        Some(Self { process, url: format!("http://{address}/{name}"), _folder: folder })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM also ends nginx's worker process.
        let pid = i32::try_from(self.process.id()).expect("process numbers are small");
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        let _ = self.process.wait();
    }
}

/// Serves the large file until the program ends, with one thread for each connection. This server
/// copies the bytes twice: into its memory and out of it. That takes half a core, which the
/// downloader then cannot use.
fn serve_large(file: &File) -> String {
    let listener = net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let path = file.path().to_owned();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let file = fs::File::open(&path).expect("the file exists");
            thread::spawn(move || answer(client, file));
        }
    });
    format!("http://{address}/large")
}

fn answer(mut client: net::TcpStream, file: fs::File) -> io::Result<()> {
    let mut request = BufReader::new(client.try_clone()?).lines();
    while request.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let length = PIECE * PIECES;
    write!(
        client,
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: \"large\"\r\n\
         Connection: close\r\n\r\n"
    )?;
    io::copy(&mut BufReader::with_capacity(64 << 10, file), &mut client).map(drop)
}

/// Serves the small files, from a separate thread.
fn serve_small() -> SocketAddr {
    let (address, bound) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            address
                .send(listener.local_addr().expect("bound"))
                .expect("the main thread waits for the address");
            let small = Bytes::from(vec![b'x'; SMALL]);
            let small = async move || ([(ETAG, "\"small\"")], small);
            let routes = Router::new().route("/small/{n}", get(small));
            // Nagle's algorithm would delay small packets until earlier ones are acknowledged.
            // Servers usually turn it off.
            let listener = listener.tap_io(|socket| socket.set_nodelay(true).expect("a socket"));
            axum::serve(listener, routes).await
        })
    });
    bound.recv().expect("the server has started")
}
