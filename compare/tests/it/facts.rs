//! Facts about the runtimes that the texts state, and that are too small for a behaviour.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{RecvError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::runtime::{Builder, Runtime};

const BYTES: &[u8] = b"some bytes that matter to somebody";

/// A Tokio with one thread for blocking calls. After a call of this function, a write to `file` waits in
/// the queue of that thread, behind a call that blocks until the returned sender is dropped or used.
fn write_behind_a_blocking_call(file: &Path) -> (Runtime, Sender<()>) {
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    let (release, is_released) = channel::<()>();
    runtime.block_on(async {
        let mut file = tokio::fs::File::create(file).await.unwrap();
        tokio::task::spawn_blocking(move || is_released.recv_timeout(Duration::from_secs(60)));
        file.write_all(BYTES).await.unwrap();
        // Dropped without a flush.
    });
    (runtime, release)
}

#[test]
fn a_tokio_runtime_that_is_dropped_still_performs_the_writes_of_dropped_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let (runtime, release) = write_behind_a_blocking_call(&file);
    assert_eq!(fs::read(&file).unwrap(), b"", "the write has not begun");
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

#[test]
fn dropping_the_handle_of_unblock_cancels_only_a_call_that_has_not_begun() {
    // All threads of the pool are busy with calls, whose handles are dropped once they have begun.
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
        has_begun.recv_timeout(Duration::from_secs(60)).expect("the pool has so many threads");
    }
    let waiting = call(THREADS);
    drop(running);
    drop(waiting);
    drop(release);
    drop((begin, end));
    // The channel ends with the last call: those that had begun have ended, and the other never began.
    let mut ended: Vec<_> = has_ended.iter().collect();
    ended.sort();
    assert!(ended.iter().copied().eq(0..THREADS), "{ended:?}");
}

/// Takes any bytes, counts flushes, and reports its end.
struct Sink {
    flushes: Arc<AtomicUsize>,
    _end: Sender<()>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes.fetch_add(1, SeqCst);
        Ok(())
    }
}

#[test]
fn unblock_does_not_flush_what_it_wraps_when_it_is_dropped() {
    use smol::io::AsyncWriteExt;
    for flushes_before in [0, 1] {
        let flushes = Arc::new(AtomicUsize::new(0));
        let (end, has_ended) = channel();
        let mut sink = smol::Unblock::new(Sink { flushes: flushes.clone(), _end: end });
        smol::block_on(async {
            sink.write_all(BYTES).await.unwrap();
            if flushes_before > 0 {
                sink.flush().await.unwrap();
            }
        });
        drop(sink);
        // Ends with the sink.
        assert_eq!(has_ended.recv(), Err(RecvError));
        assert_eq!(flushes.load(SeqCst), flushes_before);
    }
}
