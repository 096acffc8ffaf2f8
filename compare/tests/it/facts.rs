//! Tests facts about the runtimes that our texts mention, but that are too small for a separate
//! behaviour.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::runtime::{Builder, Runtime};

const BYTES: &[u8] = b"some bytes that must not be lost";

/// Starts a Tokio runtime with one thread for blocking calls, and writes to `file`. When this
/// function returns, the write waits in that thread's queue, behind a call that blocks until the
/// returned sender is dropped or used.
fn write_behind_a_blocking_call(file: &Path) -> (Runtime, Sender<()>) {
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    let (release, is_released) = channel::<()>();
    runtime.block_on(async {
        let mut file = tokio::fs::File::create(file).await.unwrap();
        tokio::task::spawn_blocking(move || is_released.recv_timeout(Duration::from_secs(60)));
        file.write_all(BYTES).await.unwrap();
        // The file is dropped without a flush.
    });
    (runtime, release)
}

#[test]
fn a_tokio_runtime_that_is_dropped_still_performs_the_writes_of_dropped_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let (runtime, release) = write_behind_a_blocking_call(&file);
    assert_eq!(fs::read(&file).unwrap(), b"", "the write should not have started");
    drop(release);
    drop(runtime);
    assert_eq!(fs::read(&file).unwrap(), BYTES);
}

#[test]
fn process_exit_loses_the_writes_of_dropped_tokio_files() {
    const FILE: &str = "FILE_TO_WRITE_BEFORE_EXIT";
    if let Some(file) = std::env::var_os(FILE) {
        let _kept = write_behind_a_blocking_call(Path::new(&file));
        std::process::exit(0);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let test = "facts::process_exit_loses_the_writes_of_dropped_tokio_files";
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", test]).env(FILE, &file).output().unwrap();
    assert!(output.status.success());
    assert_eq!(fs::read(&file).unwrap(), b"");
}

/// A writer that counts its writes and flushes. Its sender is dropped when the writer is dropped.
struct Sink {
    writes: Arc<AtomicUsize>,
    _end: Sender<()>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes.fetch_add(1, SeqCst);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writes.fetch_add(1, SeqCst);
        Ok(())
    }
}

// This is a single test, because it occupies all threads of the pool, and the process has only one
// pool.
#[test]
fn dropping_an_unblock_handle_cancels_only_calls_that_have_not_started() {
    use smol::io::AsyncWriteExt;
    const THREADS: usize = 500;
    let (begin, has_begun) = channel();
    let (end, has_ended) = channel();
    let (release, is_released) = channel::<()>();
    let is_released = Arc::new(Mutex::new(is_released));
    let call = |number: usize| {
        let (begin, end, is_released) = (begin.clone(), end.clone(), is_released.clone());
        smol::unblock(move || {
            let _ = begin.send(());
            let _ = is_released.lock().map(|channel| channel.recv());
            let _ = end.send(number);
        })
    };
    let running: Vec<_> = (0..THREADS).map(call).collect();
    for _ in 0..THREADS {
        has_begun.recv_timeout(Duration::from_secs(60)).expect("the pool has this many threads");
    }
    // All threads are busy now, so neither another call nor a write can start.
    let waiting = call(THREADS);
    let writes = Arc::new(AtomicUsize::new(0));
    let (end_of_sink, sink_has_ended) = channel::<()>();
    let mut sink = smol::Unblock::new(Sink { writes: writes.clone(), _end: end_of_sink });
    smol::block_on(sink.write_all(BYTES)).expect("the bytes fit into the buffer");

    drop(running);
    drop(waiting);
    drop(sink);
    drop(release);
    drop((begin, end));
    // `has_ended` closes when the last call ends, and `sink_has_ended` closes when the sink is
    // dropped.
    let mut ended: Vec<_> = has_ended.iter().collect();
    ended.sort();
    assert!(ended.iter().copied().eq(0..THREADS), "{ended:?}");
    assert!(sink_has_ended.recv().is_err());
    assert_eq!(writes.load(SeqCst), 0, "the bytes should be lost");
}

// In the behaviour `futurelock`, the task asks for the lock after the release. In this test, the
// task asks before the release. The release then wakes only the first future in the queue, which is
// no longer polled.
#[test]
fn smol_locks_can_cause_a_futurelock_too() {
    use smol::future::{or, poll_once};
    smol::block_on(async {
        let lock = smol::lock::Mutex::new(());
        let held = lock.lock().await;
        let mut abandoned = pin!(lock.lock());
        assert!(poll_once(&mut abandoned).await.is_none());
        let mut asks = pin!(lock.lock());
        assert!(poll_once(&mut asks).await.is_none());
        drop(held);
        let timer = async {
            smol::Timer::after(Duration::from_millis(300)).await;
            false
        };
        let has_lock = or(
            async {
                drop(asks.await);
                true
            },
            timer,
        )
        .await;
        assert!(!has_lock, "the second future got the lock");
    });
}
