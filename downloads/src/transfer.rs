//! Runs one download: sends the request, decides what to do with the response, writes the bytes,
//! and retries transient failures.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_DISPOSITION, IF_RANGE, RANGE, RETRY_AFTER};
use reqwest::{Client, Response};

use crate::existing::{Existing, is_kept, look};
use crate::finish::{Finish, write_short};
use crate::part::Part;
use crate::resume::{Answer, Decision, Origin, decide};
use crate::stream::{Pieces, blocking, stream};
use crate::{Download, DownloadError, Event, Options, Outcome, names, retry, url};

/// If a file has at most this many bytes, we collect it in memory and write it when it is
/// complete. Such a file needs no partial file.
const SHORT: u64 = 128 << 10;

/// One download under way.
pub(crate) struct Transfer<'a, R> {
    client: &'a Client,
    download: &'a Download,
    options: Options,
    report: &'a R,
    /// The names that all downloads of this run use.
    taken: &'a Mutex<HashSet<String>>,
    /// The path of the file, if the server has given the file another name. That name is then in
    /// `taken`, too.
    renamed: Option<PathBuf>,
    /// The partial file, if there is one. While a thread writes to the partial file, that thread
    /// owns it.
    part: Option<Part>,
}

impl<'a, R: Fn(Event<'_>)> Transfer<'a, R> {
    pub(crate) fn new(
        client: &'a Client,
        download: &'a Download,
        options: Options,
        taken: &'a Mutex<HashSet<String>>,
        report: &'a R,
    ) -> Self {
        Self { client, download, options, report, taken, renamed: None, part: None }
    }

    /// Looks for the file or a partial file, and downloads what is missing.
    pub(crate) async fn run(mut self) -> Result<Outcome, DownloadError> {
        let Download { url, path, sha256, .. } = self.download.clone();
        let url = url::without_credentials(&url);
        let (hash, replace) = (self.wants_hash(), self.options.replace);
        match blocking(move || look(&path, &url, sha256, hash, replace)).await? {
            Existing::File => return Ok(Outcome::Kept(self.download.path.clone())),
            Existing::Part(part) => self.part = Some(*part),
            Existing::Nothing => {}
        }
        self.fetch().await
    }

    /// Makes attempts until one succeeds, one fails permanently, or no retries are left. At the
    /// start, we have either nothing or a partial file.
    pub(crate) async fn fetch(mut self) -> Result<Outcome, DownloadError> {
        let mut backoff = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(retry::LONGEST_PAUSE)
            .with_max_times(self.options.retries)
            .build();
        loop {
            let error = match self.attempt().await {
                Err(error) if retry::is_transient(&error) => error,
                ended => return ended,
            };
            let Some(backoff) = backoff.next() else { return Err(error) };
            let pause = retry::pause(&error, backoff, fastrand::f64());
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
            if blocking(move || is_kept(&path, sha256, false)).await? {
                if let Some(part) = self.part.take() {
                    part.remove();
                }
                return Ok(Outcome::Kept(target));
            }
        }
        let length = answer.total();
        match decision {
            Decision::Whole if self.part.is_none() && length.is_some_and(|n| n <= SHORT) => {
                let bytes = self.collect(response, length).await?;
                return self.write_short(bytes, target, length).await;
            }
            Decision::Whole => {
                let url = url::without_credentials(&self.download.url);
                let name = target.file_name().filter(|_| is_renamed);
                let name = name.map(|name| name.to_string_lossy().into_owned());
                let origin = Origin { url, name, validator: answer.validator, length };
                self.write(response, length, Some(origin)).await?;
            }
            Decision::Append => self.write(response, length, None).await?,
            Decision::Complete => {}
            Decision::AskAgain | Decision::Refuse => unreachable!("`ask` never returns these"),
        }
        self.finish(target, length).await
    }

    /// Requests the file, or its missing bytes, until we get a response that we can use.
    async fn ask(&mut self) -> Result<(Response, Answer, Decision), DownloadError> {
        let url = url::http_url(&self.download.url).ok_or(DownloadError::InvalidUrl)?;
        let mut is_resent = false;
        loop {
            // A range counts the bytes as they are sent, so the server must send the bytes of the
            // file itself, not compressed ones.
            let mut request = self.client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
            let have = self.part.as_ref().and_then(Part::resumable);
            if let Some((have, Origin { validator: Some(validator), .. })) = have {
                request = request.header(RANGE, format!("bytes={have}-"));
                // If the file has changed since then, the server sends the new version from its
                // beginning.
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
                (Decision::AskAgain, Some(part)) => part.forget_origin(),
                (Decision::AskAgain | Decision::Refuse, _) => return Err(refused(&response)),
                (decision, _) => return Ok((response, answer, decision)),
            }
        }
    }

    /// Returns the path of the file. If the server may choose the name, we use the name that it
    /// gives now, or that it gave when the partial file was created.
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

    /// Collects a short body in memory.
    async fn collect(
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

    /// Writes a body to the partial file. If there is an `origin`, the body replaces the contents
    /// of the file. Otherwise, it is appended.
    async fn write(
        &mut self,
        response: Response,
        length: Option<u64>,
        origin: Option<Origin>,
    ) -> Result<(), DownloadError> {
        let have = self.part.as_ref().and_then(Part::resumable).filter(|_| origin.is_none());
        let mut so_far = have.map_or(0, |(have, _)| have);
        let report = self.report;
        let received = |bytes| {
            so_far += bytes as u64;
            report(Event::Received(so_far, length));
        };
        let (path, hash) = (self.download.path.clone(), self.wants_hash());
        let mut part = self.part.take();
        let write = move |pieces: Pieces| {
            let written = match (&mut part, origin) {
                (None, origin) => {
                    let origin = origin.expect("a new file has an origin");
                    Part::create(&path, origin, hash)
                        .and_then(|new| part.insert(new).append_all(pieces))
                }
                (Some(part), Some(origin)) => {
                    part.restart(Some(origin)).and_then(|()| part.append_all(pieces))
                }
                (Some(part), None) => {
                    part.resume();
                    part.append_all(pieces)
                }
            };
            (part, written)
        };
        let ((part, written), body) = stream(response, received, write).await;
        self.part = part;
        written?;
        Ok(body?)
    }

    /// Checks the partial file and gives it its final name.
    async fn finish(
        &mut self,
        target: PathBuf,
        length: Option<u64>,
    ) -> Result<Outcome, DownloadError> {
        let how = self.how_to_finish(&target, length);
        let mut part = self.part.take().expect("the partial file existed or was just written");
        let finish = move || {
            let saved = part.finish(&target, how);
            (part, saved)
        };
        let (part, saved) = blocking(finish).await;
        self.part = Some(part);
        saved.map(Outcome::Saved)
    }

    /// Finishes a short file, whose bytes are all in memory.
    async fn write_short(
        &self,
        bytes: Vec<u8>,
        target: PathBuf,
        length: Option<u64>,
    ) -> Result<Outcome, DownloadError> {
        let how = self.how_to_finish(&target, length);
        let path = self.download.path.clone();
        let write = move || write_short(&path, &target, &bytes, how);
        blocking(write).await.map(Outcome::Saved)
    }

    /// Returns how to finish the file. The user decides whether an existing file may be replaced.
    /// But if the server has chosen the name, no file is replaced.
    fn how_to_finish(&self, target: &Path, length: Option<u64>) -> Finish {
        let Options { sync, hash, replace, .. } = self.options;
        let replace = replace && target == self.download.path;
        Finish { length, sha256: self.download.sha256, hash, sync, replace }
    }

    /// Whether the SHA-256 has to be computed.
    fn wants_hash(&self) -> bool {
        self.options.hash || self.download.sha256.is_some()
    }
}

/// Whether the connection broke after we sent the request and before the server answered.
///
/// This happens when a server closes an idle connection just as we reuse it. It doesn't mean that
/// anything is wrong, so it must not cost an attempt. Browsers, curl and Go's client send such a
/// request again on a new connection if it is safe to repeat (RFC 9112, section 9.3.1), and a GET
/// request is. hyper resends only if it hasn't begun to write the request. reqwest doesn't tell us
/// whether the connection was a reused one, so we resend at most once per attempt.
fn has_no_answer(error: &reqwest::Error) -> bool {
    error.is_request() && !error.is_connect() && !error.is_timeout()
}

fn refused(response: &Response) -> DownloadError {
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = header.and_then(|value| retry::retry_after(value, SystemTime::now()));
    DownloadError::Status { status: response.status(), retry_after }
}
