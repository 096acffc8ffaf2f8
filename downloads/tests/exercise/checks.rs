//! The steps of the exercise, and what each of them checks. The same checks run on your downloader,
//! on our solution, on the downloader as people usually write it, and on a gallery of wrong ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Client;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::exercise_server::{Server, contents};
use crate::runner::{Seen, Step, expect, on_the_real_clock};

/// A file to download: its URL, and its path.
type File = (String, PathBuf);

/// The function of a downloader that the checks call.
pub trait Downloader {
    /// Downloads each URL to its path, at most `concurrency` at the same time. Returns, in the order
    /// of `files`, the number of bytes of each file, or a text that says why it was not saved.
    fn download_all(
        client: &Client,
        files: &[File],
        concurrency: usize,
    ) -> impl Future<Output = Vec<Result<u64, String>>> + Send;
}

/// Returns the steps for one downloader.
pub const fn steps<D: Downloader>() -> [Step; 6] {
    [
        Step {
            does: "a file arrives complete under its name",
            task: "Begin with one file: request it, and write its pieces to the path. Return how many \
                   bytes there were.",
            check: complete::<D>,
            hints: &[
                "`client.get(url).send().await` returns the response, and `chunk().await` its next \
                 piece, until there are no more.",
                "`tokio::fs::File` writes on another thread. `write_all` only hands the bytes over, \
                 so call `flush` at the end.",
                "Count the bytes as they arrive. The server may not say how many there are.",
                "README, \"A channel connects the socket and the disk\".",
            ],
        },
        Step {
            does: "several files arrive, with the results in order",
            task: "Download all files, and return the results in the order of `files`.",
            check: in_order::<D>,
            hints: &[
                "`futures_util::future::join_all` runs many futures and keeps their order.",
                "README, \"A semaphore limits how many downloads run\".",
            ],
        },
        Step {
            does: "as many downloads run at once as the limit allows",
            task: "Let at most `concurrency` downloads run at the same time, from the request to the \
                   last byte.",
            check: limited::<D>,
            hints: &[
                "How does the fourth download wait until one of the first three has ended? Look at \
                 `tokio::sync::Semaphore`.",
                "A permit is a guard. It is given back when it is dropped, so keep it in a variable \
                 until the file is complete. `let _ = ...` drops it immediately.",
                "README, \"A semaphore limits how many downloads run\".",
            ],
        },
        Step {
            does: "a failure is the result of its own file only",
            task: "Turn every failure into an `Err` for its file: no connection, another status than \
                   200, and a connection that breaks.",
            check: failures::<D>,
            hints: &[
                "To the client, a 404 is a response like any other. `error_for_status` turns it into \
                 an error.",
                "Put the work for one file into a function that returns a `Result`, so that `?` \
                 ends this file and no other.",
                "README, \"The Rust way\".",
            ],
        },
        Step {
            does: "until it is complete, a file has another name",
            task: "Write to another name in the same folder, as the bytes arrive, and rename at the \
                   end.",
            check: hidden::<D>,
            hints: &[
                "Another program may look at the folder at any time. What does it see in the middle \
                 of a download?",
                "A rename in the same folder is atomic, and replaces an older file.",
                "`with_extension` replaces an extension, so `a.zip` and `a.txt` would get the same \
                 other name. Append to the file name instead.",
                "README, \"A partial file makes a download all or nothing\".",
            ],
        },
        Step {
            does: "a download that fails or is dropped leaves nothing",
            task: "Remove the other name whenever a download does not reach its end.",
            check: nothing_left::<D>,
            hints: &[
                "A future that is dropped runs no more code of yours, except `Drop`.",
                "A small struct with the path, whose `drop` removes the file, covers all ways to \
                 end. After the rename, tell it not to.",
                "The last write may fail after `write_all` has returned. Which call reports it?",
                "README, \"`tokio::fs::File` writes behind your back\".",
            ],
        },
    ]
}

/// A server, a client and an empty folder.
struct Place {
    server: Server,
    client: Client,
    folder: TempDir,
}

impl Place {
    async fn new() -> Result<Self, String> {
        let client = downloads::client_builder().no_proxy().tls_certs_only([]).build();
        Ok(Self {
            server: Server::start().await?,
            client: client.map_err(|error| error.to_string())?,
            folder: tempfile::tempdir().map_err(|error| error.to_string())?,
        })
    }

    /// Returns the file with this name, which the server sends in this way.
    fn file(&self, kind: &str, length: usize, name: &str) -> File {
        (format!("{}/{kind}/{length}/{name}", self.server.root), self.path(name))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn run<D: Downloader>(
        &self,
        files: &[File],
        concurrency: usize,
    ) -> Result<Vec<Result<u64, String>>, String> {
        let results = D::download_all(&self.client, files, concurrency);
        let results = timeout(Duration::from_secs(5), results).await;
        let results = results.map_err(|_| "After 5 s, `download_all` was still waiting.")?;
        expect(results.len() == files.len(), || {
            format!("For {} files, there are {} results.", files.len(), results.len())
        })?;
        Ok(results)
    }

    /// Checks that the file has its contents.
    fn has(&self, name: &str, length: usize) -> Seen {
        let seen = fs::read(self.path(name));
        let fits = seen.as_ref().is_ok_and(|bytes| *bytes == contents(name, length));
        expect(fits, || match seen {
            Ok(bytes) => format!(
                "The server sent {length} bytes of {name}, and the file has {}{}.",
                bytes.len(),
                if bytes.len() == length { ", but not the same ones" } else { "" }
            ),
            Err(_) => format!("There is no file {name} in the folder: {:?}", self.names()),
        })
    }

    fn names(&self) -> Vec<String> {
        names_in(self.folder.path())
    }

    /// Returns the names in the folder. If there is more than the old file, a thread may still be
    /// about to remove it, so waits for up to two seconds.
    async fn settled(&self) -> Vec<String> {
        for _ in 0..200 {
            if self.names() == ["old"] {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        self.names()
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn complete<D: Downloader>() -> Seen {
    on_the_real_clock(async {
        let place = Place::new().await?;
        for (kind, length) in [("whole", 300_000), ("chunked", 100_000), ("whole", 0)] {
            let file = place.file(kind, length, "file");
            let results = place.run::<D>(&[file], 1).await?;
            expect(results == [Ok(length as u64)], || {
                format!("For a file of {length} bytes, the result is {:?}.", results[0])
            })?;
            place.has("file", length)?;
        }
        Ok(())
    })
}

fn in_order<D: Downloader>() -> Seen {
    on_the_real_clock(async {
        let place = Place::new().await?;
        let lengths = [400_000, 1, 50_000, 3];
        let names = ["a", "bb", "ccc", "dddd"];
        let kinds = ["whole", "chunked", "chunked", "chunked"];
        let files: Vec<_> = (0..4).map(|n| place.file(kinds[n], lengths[n], names[n])).collect();
        let results = place.run::<D>(&files, 4).await?;
        expect(results == lengths.map(|length| Ok(length as u64)), || {
            format!("Four files of {lengths:?} bytes, but the results are {results:?}.")
        })?;
        for (name, length) in names.into_iter().zip(lengths) {
            place.has(name, length)?;
        }
        let seen = place.names();
        expect(seen == names, || format!("The folder should contain {names:?}: {seen:?}"))
    })
}

fn limited<D: Downloader>() -> Seen {
    on_the_real_clock(async {
        for limit in [3, 1, 5] {
            let place = Place::new().await?;
            let file = |n| place.file("whole", 1000, &format!("file{n}"));
            let files: Vec<_> = (0..12).map(file).collect();
            place.run::<D>(&files, limit).await?;
            let most = place.server.most();
            expect(most <= limit, || {
                format!("{limit} at a time: the server saw {most} concurrently.")
            })?;
            expect(most == limit, || {
                format!("{limit} at a time are allowed, but the server never saw more than {most}.")
            })?;
        }
        Ok(())
    })
}

fn failures<D: Downloader>() -> Seen {
    on_the_real_clock(async {
        let place = Place::new().await?;
        let closed = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0");
            let address = listener.and_then(|listener| listener.local_addr());
            address.map_err(|error| error.to_string())?
        };
        let files = [
            place.file("whole", 1000, "one"),
            (format!("{}/missing", place.server.root), place.path("missing")),
            (format!("http://{closed}/"), place.path("closed")),
            place.file("breaks", 300_000, "broken"),
            ("no url".into(), place.path("nothing")),
            place.file("whole", 2000, "two"),
        ];
        let results = place.run::<D>(&files, 2).await?;
        let kinds: Vec<_> = results.iter().map(Result::is_ok).collect();
        expect(kinds == [true, false, false, false, false, true], || {
            format!(
                "A file, a 404, a closed port, a connection that breaks, no URL, and a file. The \
                 results are {results:?}."
            )
        })?;
        place.has("one", 1000)?;
        place.has("two", 2000)?;
        let saved: Vec<_> = files[1..5].iter().filter(|(_, path)| path.exists()).collect();
        expect(saved.is_empty(), || {
            format!("The download failed, but the file exists: {}", saved[0].1.display())
        })
    })
}

fn hidden<D: Downloader>() -> Seen {
    on_the_real_clock(async {
        let place = Place::new().await?;
        let (names, length) = (["a.zip", "a.txt"], 4_000_000);
        fs::write(place.path("a.txt"), "an older version").map_err(|error| error.to_string())?;
        let files = names.map(|name| place.file("gate", length, name));
        let look = async {
            // Half of each file has been sent, and both downloads wait for the rest.
            until_on_disk(place.folder.path(), length as u64 / 2 + 1).await;
            let (bytes, seen) = (on_disk(place.folder.path()), place.names());
            let old = fs::read_to_string(place.path("a.txt")).unwrap_or_default();
            place.server.open("a.zip");
            sleep(Duration::from_millis(50)).await;
            place.server.open("a.txt");
            expect(!seen.contains(&"a.zip".into()), || {
                format!("Half of a.zip has arrived, and the folder already contains {seen:?}.")
            })?;
            expect(old == "an older version", || {
                "a.txt existed before. In the middle of the download, its contents are gone.".into()
            })?;
            expect(bytes > length as u64 / 2, || {
                format!(
                    "Half of two files of 4 MB has arrived, and {bytes} bytes are on the disk. \
                     Write the pieces as they arrive. A file may be larger than your memory."
                )
            })
        };
        let (results, looked) = tokio::join!(place.run::<D>(&files, 2), look);
        looked?;
        let results = results?;
        expect(results.iter().all(Result::is_ok), || format!("The results are {results:?}."))?;
        for name in names {
            place.has(name, length)?;
        }
        let seen = place.names();
        expect(seen == ["a.txt", "a.zip"], || {
            format!("Both files are complete, and the folder contains {seen:?}.")
        })
    })
}

/// Waits until the files in a folder have so many bytes, but not longer than two seconds.
async fn until_on_disk(folder: &Path, bytes: u64) {
    for _ in 0..200 {
        if on_disk(folder) >= bytes {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Returns how many bytes the files in a folder have.
fn on_disk(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
}

fn nothing_left<D: Downloader>() -> Seen {
    survive_large_files()?;
    on_the_real_clock(async {
        let place = Place::new().await?;
        fs::write(place.path("old"), "an older version").map_err(|error| error.to_string())?;
        let files = ["old", "new"].map(|name| place.file("breaks", 300_000, name));
        place.run::<D>(&files, 2).await?;
        let (seen, old) = (place.settled().await, fs::read_to_string(place.path("old")));
        expect(old.is_ok_and(|text| text == "an older version"), || {
            "The connection broke, and the older version of the file is gone.".into()
        })?;
        expect(seen == ["old"], || {
            format!("Two connections broke, and the folder contains {seen:?}.")
        })?;

        let file = place.file("gate", 4_000_000, "dropped");
        let files = [file];
        tokio::select! {
            results = D::download_all(&place.client, &files, 1) => {
                return Err(format!("The server has sent half of a file, but the result is {results:?}."));
            }
            () = until_on_disk(place.folder.path(), 1_000_000) => {}
        }
        let seen = place.settled().await;
        expect(seen == ["old"], || {
            format!("The future was dropped in the middle, and the folder contains {seen:?}.")
        })?;
        a_write_that_fails::<D>(&place).await
    })
}

/// Blocks the signal that the system sends with the error if a file is too large. It would end the
/// program. The threads that this one starts from here on inherit the block.
#[cfg(unix)]
fn survive_large_files() -> Seen {
    use nix::sys::signal::{SigSet, Signal};
    let signal: SigSet = [Signal::SIGXFSZ].into_iter().collect();
    signal.thread_block().map_err(|error| error.to_string())
}

#[cfg(not(unix))]
fn survive_large_files() -> Seen {
    Ok(())
}

/// Lets the last write fail: with this limit, no file can have more than 64 KiB.
#[cfg(unix)]
async fn a_write_that_fails<D: Downloader>(place: &Place) -> Seen {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let error = |error: nix::Error| error.to_string();
    let (before, most) = getrlimit(Resource::RLIMIT_FSIZE).map_err(error)?;
    setrlimit(Resource::RLIMIT_FSIZE, 64 << 10, most).map_err(error)?;
    let files = [place.file("last", (64 << 10) + 1000, "large")];
    let results = place.run::<D>(&files, 1).await;
    setrlimit(Resource::RLIMIT_FSIZE, before, most).map_err(error)?;
    let (results, seen) = (results?, place.settled().await);
    expect(results[0].is_err(), || {
        format!(
            "The disk had no room for the last thousand bytes of a file, but the result is {:?}.",
            results[0]
        )
    })?;
    expect(seen == ["old"], || {
        format!("The disk had no room for a file, and the folder contains {seen:?}.")
    })
}

/// Only Unix has this limit.
#[cfg(not(unix))]
async fn a_write_that_fails<D: Downloader>(_: &Place) -> Seen {
    Ok(())
}
