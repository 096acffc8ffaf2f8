//! Runs one download: sends the request, decides what to do with the response, writes the bytes,
//! and retries transient failures.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_DISPOSITION, HeaderMap, HeaderValue, IF_RANGE, RANGE,
};
use reqwest::{Client, Response, Url};

use crate::existing::{Existing, is_kept, look, tidy};
use crate::finish::{Finish, has_contents, write_short};
use crate::get::get;
use crate::pace::{RateLimit, Reader};
use crate::part::Part;
use crate::resume::{Answer, Decision, Origin, decide};
use crate::retry_after::retry_after;
use crate::stream::{Pieces, blocking, stream};
use crate::{Download, DownloadError, Event, Options, Outcome, names, retry, url};

/// If a file has at most this many bytes, we collect it in memory and write it when it is
/// complete. Such a file needs no partial file.
const SHORT: u64 = 128 << 10;

/// How long to wait before we look again whether another process has finished its download.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What all downloads of a run share.
pub(crate) struct Run<'a> {
    client: &'a Client,
    options: &'a Options,
    limit: Option<RateLimit>,
    /// The names that all downloads of this run use.
    taken: Mutex<HashSet<String>>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(client: &'a Client, downloads: &[Download], options: &'a Options) -> Self {
        let limit = options.limit_rate.map(RateLimit::new);
        Self { client, options, limit, taken: Mutex::new(names::taken(downloads)) }
    }
}

/// One download under way.
pub(crate) struct Transfer<'a, R> {
    run: &'a Run<'a>,
    download: &'a Download,
    report: &'a R,
    /// The path of the file, if the server has given the file another name. That name is then in
    /// `taken`, too.
    renamed: Option<PathBuf>,
    /// The partial file, if there is one. While a thread writes to the partial file, that thread
    /// owns it.
    part: Option<Part>,
    /// Whether another program has removed or replaced our partial file. We then start over, once,
    /// with a partial file that has a random name.
    is_second_go: bool,
}

impl<'a, R: Fn(Event<'_>)> Transfer<'a, R> {
    pub(crate) fn new(run: &'a Run<'a>, download: &'a Download, report: &'a R) -> Self {
        Self { run, download, report, renamed: None, part: None, is_second_go: false }
    }

    /// Downloads the file, or what is missing of it. If we already know that neither the file nor a
    /// partial file exists, the first look is left out. If another process is downloading the file,
    /// waits until that process has finished.
    pub(crate) async fn run(mut self, is_new: bool) -> Result<Outcome, DownloadError> {
        let (mut is_new, mut is_waiting) = (is_new, false);
        loop {
            let part = match self.fetch_or_keep(is_new).await {
                Err(DownloadError::InUse { part }) => part,
                ended => return ended,
            };
            if !is_waiting {
                (self.report)(Event::Waiting(&part));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            (is_new, is_waiting) = (false, true);
        }
    }

    /// Looks for the file or a partial file, and downloads what is missing.
    async fn fetch_or_keep(&mut self, is_new: bool) -> Result<Outcome, DownloadError> {
        if !is_new {
            let Download { url, path, sha256, .. } = self.download.clone();
            let url = url::without_credentials(&url);
            let (hash, replace) = (self.wants_hash(), self.run.options.replace);
            match blocking(move || look(&path, &url, sha256, hash, replace)).await? {
                Existing::File => return Ok(Outcome::Kept(self.download.path.clone())),
                Existing::Part(part) => self.part = Some(*part),
                Existing::Nothing => {}
            }
        }
        self.fetch().await
    }

    /// Makes attempts until one succeeds, one fails permanently, or no retries are left. At the
    /// start, we have either nothing or a partial file.
    async fn fetch(&mut self) -> Result<Outcome, DownloadError> {
        let (mut backoff, mut most) = (self.backoff(), self.have());
        loop {
            let error = match self.attempt().await {
                Err(error @ DownloadError::Replaced { .. }) if !self.is_second_go => {
                    (self.part, self.is_second_go) = (None, true);
                    (self.report)(Event::Retrying(&error, Duration::ZERO));
                    continue;
                }
                Err(error) if retry::is_transient(&error) => error,
                ended => return ended,
            };
            // An attempt that has brought the file closer to its end earns a new set of retries. But
            // if every attempt starts over and breaks at the same place, there is no progress.
            if self.have() > most {
                (backoff, most) = (self.backoff(), self.have());
            }
            let Some(backoff) = backoff.next() else { return Err(error) };
            let pause = retry::pause(&error, backoff, fastrand::f64());
            (self.report)(Event::Retrying(&error, pause));
            tokio::time::sleep(pause).await;
        }
    }

    fn backoff(&self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(retry::LONGEST_PAUSE)
            .with_max_times(self.run.options.retries)
            .build()
    }

    /// Returns how many bytes of the file we have.
    fn have(&self) -> u64 {
        self.part.as_ref().and_then(Part::resumable).map_or(0, |(have, _)| have)
    }

    async fn attempt(&mut self) -> Result<Outcome, DownloadError> {
        let (response, answer, decision) = self.ask().await?;
        let target = self.target(&response, decision)?;
        let is_renamed = target != self.download.path;
        if is_renamed {
            let (path, sha256) = (target.clone(), self.download.sha256);
            let planned = self.download.path.clone();
            let look = move || {
                let is_kept = is_kept(&path, sha256, false)?;
                if is_kept {
                    tidy(&planned);
                }
                Ok::<_, DownloadError>(is_kept)
            };
            if blocking(look).await? {
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
                let Answer { source, validator, modified, .. } = answer;
                let origin = Origin { url, source, name, validator, modified, length };
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
        loop {
            let have = self.part.as_ref().and_then(Part::resumable);
            let headers = headers(have);
            let Run { client, options, .. } = self.run;
            let patience = options.min_speed.over;
            let response = get(client, url.clone(), &options.headers, &headers, patience).await?;
            let source = source(&url, response.url());
            let answer = Answer { source, ..Answer::of(response.status(), response.headers()) };
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
        // Another spelling of our own name is ours, too.
        let is_ours = names::key(&target) == names::key(path);
        if !is_ours && self.renamed.as_ref() != Some(&target) {
            let mut taken = self.run.taken.lock().unwrap_or_else(PoisonError::into_inner);
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
        response: Response,
        length: Option<u64>,
    ) -> Result<Vec<u8>, DownloadError> {
        let (mut bytes, mut body) = (Vec::new(), self.reader(response, length, 0));
        while let Some(piece) = body.next().await? {
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
        let start = have.map_or(0, |(have, _)| have);
        let mut so_far = start;
        let report = self.report;
        let received = |bytes| {
            so_far += bytes as u64;
            report(Event::Received(so_far, length));
        };
        let (path, hash) = (self.download.path.clone(), self.wants_hash());
        let is_second_go = self.is_second_go;
        let mut part = self.part.take();
        let write = move |pieces: Pieces| {
            let written = match (&mut part, origin) {
                (None, origin) => {
                    let origin = origin.expect("a new file has an origin");
                    let new = match is_second_go {
                        true => Part::create_spare(&path, hash),
                        false => Part::create(&path, origin, hash),
                    };
                    new.and_then(|new| part.insert(new).append_all(pieces))
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
        let ((part, written), read) =
            stream(self.reader(response, length, start), received, write).await;
        self.part = part;
        written?;
        read
    }

    /// Checks the partial file and gives it its final name.
    async fn finish(
        &mut self,
        target: PathBuf,
        length: Option<u64>,
    ) -> Result<Outcome, DownloadError> {
        let how = self.how_to_finish(&target, length);
        let mut part = self.part.take().expect("the partial file existed or was just written");
        let finish = move || match part.finish(&target, how) {
            // Another program has downloaded the same file at the same time.
            Err(DownloadError::Exists { path }) if part.is_same_as(&path).unwrap_or(false) => {
                part.remove();
                (None, Ok(Outcome::Kept(path)))
            }
            saved => (Some(part), saved.map(Outcome::Saved)),
        };
        let (part, outcome) = blocking(finish).await;
        self.part = part;
        outcome
    }

    /// Finishes a short file, whose bytes are all in memory.
    async fn write_short(
        &self,
        bytes: Vec<u8>,
        target: PathBuf,
        length: Option<u64>,
    ) -> Result<Outcome, DownloadError> {
        let how = self.how_to_finish(&target, length);
        let write = move || match write_short(&target, &bytes, how) {
            // Another program has downloaded the same file at the same time.
            Err(DownloadError::Exists { path })
                if has_contents(&path, &*bytes, bytes.len() as u64).unwrap_or(false) =>
            {
                Ok(Outcome::Kept(path))
            }
            saved => saved.map(Outcome::Saved),
        };
        blocking(write).await
    }

    /// Returns a reader of a body that begins at this byte of a file with this length.
    fn reader(&self, response: Response, length: Option<u64>, start: u64) -> Reader<'a> {
        let announced = length.map(|length| (length, length.saturating_sub(start)));
        Reader::new(response, self.run.options.min_speed, self.run.limit.as_ref(), announced)
    }

    /// Returns how to finish the file. The user decides whether an existing file may be replaced.
    /// But if the server has chosen the name, no file is replaced.
    fn how_to_finish(&self, target: &Path, length: Option<u64>) -> Finish {
        let Options { sync, hash, replace, .. } = *self.run.options;
        let replace = replace && target == self.download.path;
        Finish { length, sha256: self.download.sha256, hash, sync, replace }
    }

    /// Whether the SHA-256 has to be computed.
    fn wants_hash(&self) -> bool {
        self.run.options.hash || self.download.sha256.is_some()
    }
}

/// Returns where redirects have led, if there were any. The query is left out, because many servers
/// redirect to a URL that is signed anew each time.
fn source(asked: &Url, answered: &Url) -> Option<String> {
    let without_query = |url: &Url| {
        let mut url = url.clone();
        url.set_query(None);
        url::without_credentials(url.as_str())
    };
    (without_query(asked) != without_query(answered)).then(|| without_query(answered))
}

/// Returns the headers of a request, for the bytes that we don't have yet.
fn headers(have: Option<(u64, &Origin)>) -> HeaderMap {
    // A range counts the bytes as they are sent, so the server must send the bytes of the file
    // itself, not compressed ones.
    let mut headers =
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
    if let Some((have, Origin { validator: Some(validator), .. })) = have
        && let Ok(range) = HeaderValue::try_from(format!("bytes={have}-"))
        && let Ok(validator) = HeaderValue::try_from(validator.text())
    {
        headers.insert(RANGE, range);
        // If the file has changed since then, the server sends the new version from its beginning.
        headers.insert(IF_RANGE, validator);
    }
    headers
}

fn refused(response: &Response) -> DownloadError {
    let retry_after = retry_after(response.headers(), SystemTime::now());
    DownloadError::Status { status: response.status(), retry_after }
}
