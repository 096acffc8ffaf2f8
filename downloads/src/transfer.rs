//! One download: ask, decide, write; and where that fails, try again with what there is.

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_DISPOSITION, IF_RANGE, RANGE, RETRY_AFTER};
use reqwest::{Client, Response};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use crate::error::{LONGEST_PAUSE, retry_after};
use crate::part::{Expected, Found, Part, is_there, look, write_short};
use crate::resume::{Answer, Decision, Origin, decide};
use crate::{Download, DownloadError, Event, Options, Outcome, names};

/// What is not longer than this is written in one go, when all of it is there: it needs no part to go
/// on with.
const SHORT: u64 = 128 << 10;

/// One download under way.
pub(crate) struct Transfer<'a, R> {
    client: &'a Client,
    download: &'a Download,
    options: Options,
    report: &'a R,
    disk: &'a Disk,
    /// The names in use by all downloads of this run.
    taken: &'a Mutex<HashSet<String>>,
    /// Where the file goes, where the server has given it a name: ours among those in use.
    renamed: Option<PathBuf>,
    /// What there is of the file; elsewhere while a thread works on it.
    part: Option<Part>,
}

impl<'a, R: Fn(Event<'_>)> Transfer<'a, R> {
    pub(crate) fn new(
        client: &'a Client,
        download: &'a Download,
        options: Options,
        disk: &'a Disk,
        taken: &'a Mutex<HashSet<String>>,
        report: &'a R,
    ) -> Self {
        Self { client, download, options, disk, report, taken, renamed: None, part: None }
    }

    /// Looks what is there; then tries again and again where that may help.
    pub(crate) async fn run(mut self) -> Result<Outcome, DownloadError> {
        let Download { url, path, sha256, .. } = self.download.clone();
        let url = names::without_credentials(&url);
        let replace = self.options.replace;
        match blocking(move || look(&path, &url, sha256, replace)).await? {
            Found::File => return Ok(Outcome::Kept(self.download.path.clone())),
            Found::Part(part) => self.part = Some(*part),
            Found::Nothing => {}
        }
        self.fetch().await
    }

    /// Tries again and again where that may help. Nothing is there, or the part that we have.
    pub(crate) async fn fetch(mut self) -> Result<Outcome, DownloadError> {
        let mut backoff = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(self.options.retries)
            .build();
        loop {
            let error = match self.attempt().await {
                Err(error) if error.may_pass() => error,
                ended => return ended,
            };
            let Some(backoff) = backoff.next() else { return Err(error) };
            let pause = error.pause(backoff, fastrand::f64());
            (self.report)(Event::Retrying(&error, pause));
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(&mut self) -> Result<Outcome, DownloadError> {
        let (response, answer, decision) = self.ask().await?;
        let target = self.target(&response, decision)?;
        let is_renamed = target != self.download.path;
        if is_renamed {
            let (path, sha256) = (target.clone(), self.download.sha256);
            if blocking(move || is_there(&path, sha256, false)).await? {
                if let Some(part) = self.part.take() {
                    part.discard();
                }
                return Ok(Outcome::Kept(target));
            }
        }
        let length = answer.total();
        match decision {
            Decision::Whole if self.part.is_none() && length.is_some_and(|n| n <= SHORT) => {
                let bytes = self.gather(response, length).await?;
                return self.write_short(bytes, target, length).await;
            }
            Decision::Whole => {
                let url = names::without_credentials(&self.download.url);
                let name = target.file_name().filter(|_| is_renamed);
                let name = name.map(|name| name.to_string_lossy().into_owned());
                let origin = Origin { url, name, validator: answer.validator, length };
                self.stream(response, length, Some(origin)).await?;
            }
            Decision::Append => self.stream(response, length, None).await?,
            Decision::Complete => {}
            Decision::AskAgain | Decision::Refuse => unreachable!("`ask` has dealt with it"),
        }
        self.finish(target, length).await
    }

    /// Asks for the file, or for what is missing of it, until there is something to be done.
    async fn ask(&mut self) -> Result<(Response, Answer, Decision), DownloadError> {
        let url = names::http_url(&self.download.url).ok_or(DownloadError::InvalidUrl)?;
        let mut is_resent = false;
        loop {
            // A range is of the bytes as they are sent: they must be those of the file.
            let mut request = self.client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
            let have = self.part.as_ref().and_then(Part::resumable);
            if let Some((have, Origin { validator: Some(validator), .. })) = have {
                request = request.header(RANGE, format!("bytes={have}-"));
                // If it is another version by now, the server sends that from its beginning.
                request = request.header(IF_RANGE, validator.text());
            }
            let response = match request.send().await {
                Err(error) if !is_resent && has_no_answer(&error) => {
                    is_resent = true;
                    continue;
                }
                sent => sent?,
            };
            let answer = Answer::of(response.status(), response.headers());
            match (decide(have, &answer), self.part.as_mut()) {
                (Decision::AskAgain, Some(part)) => part.give_up(),
                (Decision::AskAgain | Decision::Refuse, _) => return Err(refused(&response)),
                (decision, _) => return Ok((response, answer, decision)),
            }
        }
    }

    /// Where the file goes: under the name that the server gives it, if it may, or has given to the
    /// beginning.
    fn target(
        &mut self,
        response: &Response,
        decision: Decision,
    ) -> Result<PathBuf, DownloadError> {
        let path = &self.download.path;
        let header = response.headers().get(CONTENT_DISPOSITION);
        let name = header
            .filter(|_| self.download.may_be_renamed)
            .and_then(|value| names::from_disposition(&String::from_utf8_lossy(value.as_bytes())));
        let before = self.part.as_ref().filter(|_| decision != Decision::Whole);
        let name = name.or_else(|| names::clean(before?.resumable()?.1.name.as_ref()?));
        let target = name.map_or_else(|| path.clone(), |name| path.with_file_name(name));
        if target != *path && self.renamed.as_ref() != Some(&target) {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            if !taken.insert(names::key(&target)) {
                return Err(DownloadError::NameTaken { path: target });
            }
            self.renamed = Some(target.clone());
        }
        Ok(target)
    }

    /// Collects a short body.
    async fn gather(
        &self,
        mut response: Response,
        length: Option<u64>,
    ) -> Result<Vec<u8>, DownloadError> {
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await? {
            bytes.extend_from_slice(&piece);
            (self.report)(Event::Received(bytes.len() as u64, length));
        }
        Ok(bytes)
    }

    /// Brings a body from the socket to the disk: to the end of the part, or, where there is an
    /// origin, to the beginning of a new one.
    async fn stream(
        &mut self,
        mut response: Response,
        length: Option<u64>,
        origin: Option<Origin>,
    ) -> Result<(), DownloadError> {
        let have = self.part.as_ref().and_then(Part::resumable).filter(|_| origin.is_none());
        let mut so_far = have.map_or(0, |(have, _)| have);
        // A few pieces in flight keep both sides busy. More would only use memory.
        let (pieces, to_write) = mpsc::channel(8);
        let (path, mut part) = (self.download.path.clone(), self.part.take());
        let writer = spawn_blocking(move || {
            let written = write(&mut part, &path, origin, to_write);
            (part, written)
        });
        let broken_off = loop {
            match response.chunk().await {
                Ok(Some(bytes)) => {
                    so_far += bytes.len() as u64;
                    (self.report)(Event::Received(so_far, length));
                    if pieces.send(bytes).await.is_err() {
                        break None; // the writer has failed, and says why below
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        // The writer goes on until the channel is empty and closed.
        drop(pieces);
        let written;
        (self.part, written) =
            writer.await.unwrap_or_else(|panic| resume_unwind(panic.into_panic()));
        written?;
        broken_off.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Checks what was written and gives it its name.
    async fn finish(
        &mut self,
        target: PathBuf,
        length: Option<u64>,
    ) -> Result<Outcome, DownloadError> {
        let (expected, sync, replace) = self.expected(&target, length);
        let mut part = self.part.take().expect("it was there, or was written just now");
        let finish = move || {
            let saved = part.finish(&target, expected, sync, replace);
            (part, saved)
        };
        let (part, saved) = self.disk.run(finish).await;
        self.part = Some(part);
        saved.map(Outcome::Saved)
    }

    /// The same for a short file, of which all bytes are there and nothing is written.
    async fn write_short(
        &self,
        bytes: Vec<u8>,
        target: PathBuf,
        length: Option<u64>,
    ) -> Result<Outcome, DownloadError> {
        let (expected, sync, replace) = self.expected(&target, length);
        let path = self.download.path.clone();
        let write = move || write_short(&path, &target, &bytes, expected, sync, replace);
        self.disk.run(write).await.map(Outcome::Saved)
    }

    /// What the file must be, whether to sync, and whether to replace. Which file to replace is for the
    /// user to say, and not for a server that gives names.
    fn expected(&self, target: &Path, length: Option<u64>) -> (Expected, bool, bool) {
        let expected = Expected { length, sha256: self.download.sha256 };
        let Options { sync, replace, .. } = self.options;
        (expected, sync, replace && *target == self.download.path)
    }
}

/// Where files are finished.
pub(crate) enum Disk {
    /// Each on a thread of its own: many syncs at once take hardly longer than one.
    Many,
    /// All on one thread, one after the other: without syncs there is little to wait for. While there
    /// is more to do it need not be woken, which takes longer than to write a small file.
    One(mpsc::Sender<Box<dyn FnOnce() + Send>>),
}

impl Disk {
    /// Starts the one thread, where it is one. It ends when it has done all, and this is dropped.
    pub(crate) fn start(options: Options) -> Self {
        if options.sync {
            return Self::Many;
        }
        let (work, mut to_do) = mpsc::channel::<Box<dyn FnOnce() + Send>>(64);
        spawn_blocking(move || {
            while let Some(work) = to_do.blocking_recv() {
                work();
            }
        });
        Self::One(work)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let Self::One(to_do) = self else { return blocking(work).await };
        let (done, result) = oneshot::channel();
        let work = Box::new(move || _ = done.send(work()));
        let _ = to_do.send(work).await;
        result.await.expect("the thread works until we are gone")
    }
}

/// Runs what may block on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(work).await.unwrap_or_else(|panic| resume_unwind(panic.into_panic()))
}

/// Writes pieces as they come, on a thread that may block. `std::fs` reports each error where it
/// happens, which an async file, writing behind our back, would have to do later.
fn write(
    part: &mut Option<Part>,
    path: &Path,
    origin: Option<Origin>,
    mut pieces: mpsc::Receiver<Bytes>,
) -> Result<(), DownloadError> {
    let part = match part {
        None => part.insert(Part::create(path, origin.expect("what is new has an origin"))?),
        Some(part) => {
            match origin {
                Some(_) => part.restart(origin)?,
                None => part.go_on(),
            }
            part
        }
    };
    part.append_all(std::iter::from_fn(|| pieces.blocking_recv()))
}

/// Returns true if the connection broke after we sent the request and before the server answered.
///
/// This happens when a server closes an idle connection just as we reuse it. It doesn't mean that anything
/// is wrong, so it must not cost an attempt. Browsers, curl and Go's client send such a request again on a
/// new connection if it is safe to repeat (RFC 9112, section 9.3.1), and a GET is. hyper does so only if it
/// hasn't begun to write the request. reqwest doesn't tell us whether the connection was a reused one, so
/// we resend at most once per attempt.
fn has_no_answer(error: &reqwest::Error) -> bool {
    error.is_request() && !error.is_connect() && !error.is_timeout()
}

fn refused(response: &Response) -> DownloadError {
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = header.and_then(|value| retry_after(value, SystemTime::now()));
    DownloadError::Status { status: response.status(), retry_after }
}
