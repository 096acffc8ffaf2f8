//! Checks the promises that the exercise asks a downloader to keep, with one function for each
//! promise. The same checks run on our solution, on the downloader as people usually write it, and
//! on yours. Each check reports what it saw and what it expected.

use std::path::PathBuf;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use reqwest::Client;
use tokio::time::timeout;

use crate::server;

/// The function of a downloader that the checks call.
#[allow(async_fn_in_trait, reason = "nothing is spawned here")]
pub trait Downloader {
    /// Downloads each URL to its path, at most `concurrency` at the same time. Returns, in the
    /// order of `files`, the number of bytes of each file, or a text that says why it was not
    /// saved.
    async fn download_all(
        client: &Client,
        files: &[(String, PathBuf)],
        concurrency: usize,
    ) -> Vec<Result<u64, String>>;
}

/// The result of a check: `Ok`, or a description of how the downloader broke the promise.
pub type Seen = Result<(), String>;

/// Turns each check into a test for one downloader.
macro_rules! promises {
    ($downloader:ty) => {
        promises! {
            $downloader: files_arrive_complete_and_results_are_in_order,
            no_more_downloads_than_the_limit_run_at_the_same_time,
            if_one_download_fails_the_others_are_still_saved,
            a_broken_transfer_leaves_no_incomplete_file_under_the_name,
        }
    };
    ($downloader:ty: $($name:ident,)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                if let Err(seen) = checks::$name::<$downloader>().await {
                    panic!("\n{seen}\n");
                }
            }
        )*
    };
}
pub(crate) use promises;

pub async fn files_arrive_complete_and_results_are_in_order<D: Downloader>() -> Seen {
    let ((root, _), folder) = (server::files().await, folder()?);
    let files = ["a", "bb", "ccc"].map(|name| (format!("{root}/{name}"), folder.path().join(name)));
    let results = run::<D>(&files, 3).await?;
    for ((_, path), result) in files.iter().zip(&results) {
        expect(*result == Ok(300_000), || {
            format!("for a file of 300,000 bytes, the result is {result:?}")
        })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let right = std::fs::read(path).is_ok_and(|bytes| bytes == server::contents(&name));
        expect(right, || {
            format!("the file {name} does not contain the bytes that the server has sent")
        })?;
    }
    let names = server::names_in(folder.path());
    expect(names == ["a", "bb", "ccc"], || format!("the folder contains {names:?}"))
}

pub async fn no_more_downloads_than_the_limit_run_at_the_same_time<D: Downloader>() -> Seen {
    let ((root, most), folder) = (server::files().await, folder()?);
    let files: Vec<_> = (0..20)
        .map(|n| (format!("{root}/file{n}"), folder.path().join(format!("file{n}"))))
        .collect();
    run::<D>(&files, 3).await?;
    let most = most.load(SeqCst);
    expect(most <= 3, || {
        format!("at most 3 downloads may run concurrently, but the server saw {most}")
    })?;
    expect(most > 1, || "the downloads ran one after another".into())
}

pub async fn if_one_download_fails_the_others_are_still_saved<D: Downloader>() -> Seen {
    let ((root, _), folder) = (server::files().await, folder()?);
    let urls = [format!("{root}/one"), format!("{root}/status/404"), format!("{root}/two")];
    let names = ["one", "missing", "two"];
    let files: Vec<_> = urls.into_iter().zip(names.map(|name| folder.path().join(name))).collect();
    let results = run::<D>(&files, 3).await?;
    let kinds: Vec<_> = results.iter().map(Result::is_ok).collect();
    expect(kinds == [true, false, true], || {
        format!("for a file, a 404 and a file, the results are {results:?}")
    })?;
    let names = server::names_in(folder.path());
    expect(names == ["one", "two"], || format!("the folder contains {names:?}"))
}

pub async fn a_broken_transfer_leaves_no_incomplete_file_under_the_name<D: Downloader>() -> Seen {
    let (root, folder) = (server::breaks_off(false).await, folder()?);
    let files = [(format!("{root}/file"), folder.path().join("file"))];
    let results = run::<D>(&files, 1).await?;
    expect(results[0].is_err(), || {
        format!("the connection broke, but the result is {:?}", results[0])
    })?;
    let names = server::names_in(folder.path());
    expect(names.is_empty(), || {
        format!("the connection broke in the middle, and the folder contains {names:?}")
    })
}

async fn run<D: Downloader>(
    files: &[(String, PathBuf)],
    concurrency: usize,
) -> Result<Vec<Result<u64, String>>, String> {
    let client = server::client();
    let patience = Duration::from_secs(30);
    let results = timeout(patience, D::download_all(&client, files, concurrency)).await;
    let results = results.map_err(|_| "the downloader was still waiting after half a minute")?;
    expect(results.len() == files.len(), || {
        format!("for {} files, there are {} results", files.len(), results.len())
    })?;
    Ok(results)
}

fn folder() -> Result<tempfile::TempDir, String> {
    tempfile::tempdir().map_err(|error| error.to_string())
}

fn expect(right: bool, seen: impl FnOnce() -> String) -> Seen {
    if right { Ok(()) } else { Err(seen()) }
}
