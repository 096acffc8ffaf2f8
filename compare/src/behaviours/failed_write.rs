//! A program writes 64 KiB to a file that cannot grow beyond 8 KiB. Does `write_all` or `sync_all`
//! report the failure?

use std::fmt::Debug;

use super::{NOT_HERE, Seen};

const BYTES: &[u8] = &[b'a'; 64 << 10];

/// Sets the maximum size of each file that this process writes to 8 KiB. This simulates a full
/// disk, and needs no root privileges. A write beyond the limit raises the signal `SIGXFSZ`, which
/// would end the process. So we handle the signal; the write then fails with `EFBIG`. Returns
/// whether the limit was set.
#[cfg(unix)]
fn limit_files() -> bool {
    use nix::sys::resource::{Resource, setrlimit};
    let (signal, flag) = (signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
    signal_hook::flag::register(signal, flag).is_ok()
        && setrlimit(Resource::RLIMIT_FSIZE, 8 << 10, 8 << 10).is_ok()
}

#[cfg(not(unix))]
fn limit_files() -> bool {
    false
}

/// Limits the size of files, and returns the path of a temporary file, or `None` if this system
/// cannot limit the size.
fn limited() -> Option<tempfile::TempPath> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be created");
    limit_files().then(|| file.into_temp_path())
}

fn seen<E: Debug>(write_all: Result<(), E>, sync_all: Result<(), E>) -> Seen {
    // Which of the two reports the failure depends on how soon the background thread writes.
    match (&write_all, &sync_all) {
        (Ok(()), Ok(())) => "neither does: both return Ok",
        _ => "one of them does",
    }
    .into()
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    use tokio::io::AsyncWriteExt;
    let Some(path) = limited() else { return NOT_HERE.into() };
    let mut file = tokio::fs::File::create(&path).await.expect("the file can be created");
    seen(file.write_all(BYTES).await, file.sync_all().await)
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    use async_std::io::WriteExt;
    let Some(path) = limited() else { return NOT_HERE.into() };
    let mut file =
        async_std::fs::File::create(path.as_os_str()).await.expect("the file can be created");
    seen(file.write_all(BYTES).await, file.sync_all().await)
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    use smol::io::AsyncWriteExt;
    let Some(path) = limited() else { return NOT_HERE.into() };
    let mut file = smol::fs::File::create(&path).await.expect("the file can be created");
    seen(file.write_all(BYTES).await, file.sync_all().await)
}
