//! Sends a GET request, as a careful client does: it follows redirects, and repeats a request that
//! got no answer.
//!
//! Every lesson that needs this has its own copy of this file, and all the copies are identical.

use std::error::Error;
use std::time::Duration;
use std::{io, iter};

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, Response, Url};
use rustls::CertificateError;
use tokio::time::timeout;

/// The largest number of redirects to follow.
const MOST_REDIRECTS: usize = 10;

/// How often to repeat a request that the server has not even looked at. If a server allows 10
/// requests per connection and 100 arrive at the same time, the last one needs 10 connections.
const MOST_REFUSALS: usize = 100;

/// The reason why there is no response.
#[derive(Debug)]
pub enum GetError {
    /// The request failed.
    Request(reqwest::Error),
    /// The server did not begin its answer within this time.
    Silent(Duration),
    /// We do not trust the server's certificate, for this reason.
    Certificate(String),
    /// The server, or several servers, sent more than ten redirects.
    TooManyRedirects,
    /// The server redirects to something other than an `http` or `https` URL.
    UnsupportedRedirect,
}

/// Requests `url` and follows redirects. Returns the first response that is not a redirect.
///
/// `private` headers are for the server of `url` alone: a redirect to another server does not take
/// them along. reqwest would drop only `Authorization` and `Cookie`, so we follow redirects
/// ourselves. `client` must not follow them.
///
/// Waits at most `patience` for each answer to begin. reqwest has such a timeout, too, but applies it
/// to the body as well, where it also counts the time in which we don't read.
///
/// Dropping the future closes the connection.
pub async fn get(
    client: &Client,
    mut url: Url,
    private: &HeaderMap,
    other: &HeaderMap,
    patience: Duration,
) -> Result<Response, GetError> {
    let mut headers = private.clone();
    headers.extend(other.clone());
    for _ in 0..=MOST_REDIRECTS {
        let response = timeout(patience, send(client, &url, &headers)).await;
        let response = response.map_err(|_| GetError::Silent(patience))??;
        let Some(next) = redirect(&url, &response)? else { return Ok(response) };
        if next.origin() != url.origin() {
            headers.clone_from(other);
        }
        url = next;
    }
    Err(GetError::TooManyRedirects)
}

impl From<reqwest::Error> for GetError {
    fn from(error: reqwest::Error) -> Self {
        match refused_certificate(&error) {
            Some(reason) => Self::Certificate(reason),
            None => Self::Request(error),
        }
    }
}

/// Returns the URL that a response redirects to, or `None` if the response is not a redirect.
fn redirect(from: &Url, response: &Response) -> Result<Option<Url>, GetError> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| is_redirect);
    let Some(location) = location else { return Ok(None) };
    let to = str::from_utf8(location.as_bytes()).ok().and_then(|text| target(from, text));
    to.map(Some).ok_or(GetError::UnsupportedRedirect)
}

/// Returns the URL that a `Location` header stands for. It may be relative to the URL of the
/// request. On the same server, user name and password stay valid.
fn target(from: &Url, location: &str) -> Option<Url> {
    let mut to = from.join(location).ok()?;
    if !matches!(to.scheme(), "http" | "https") {
        return None;
    }
    if to.origin() == from.origin() && to.username().is_empty() && to.password().is_none() {
        to.set_username(from.username()).ok()?;
        to.set_password(from.password()).ok()?;
    }
    Some(to)
}

/// Sends a request, and repeats it if nothing is wrong with it. This does not count as another
/// attempt, because it happens to healthy clients and servers.
async fn send(client: &Client, url: &Url, headers: &HeaderMap) -> reqwest::Result<Response> {
    let (mut refusals, mut is_resent) = (0, false);
    loop {
        match client.get(url.clone()).headers(headers.clone()).send().await {
            Err(error) if refusals < MOST_REFUSALS && is_refusal(&error) => refusals += 1,
            Err(error) if !is_resent && has_no_answer(&error) => is_resent = true,
            sent => return sent,
        }
    }
}

/// Whether the server says that it has not looked at the request. An HTTP/2 server says so when it
/// closes a connection that has served enough requests (RFC 9113, section 8.7). If the connection
/// is already closed, hyper has not sent the request at all.
fn is_refusal(error: &reqwest::Error) -> bool {
    let refuses = |error: &h2::Error| {
        let reason = error.reason();
        (error.is_go_away() && error.is_remote() && reason == Some(h2::Reason::NO_ERROR))
            || (error.is_reset() && reason == Some(h2::Reason::REFUSED_STREAM))
    };
    let is_unsent = |error: &hyper::Error| error.is_canceled() || error.is_user();
    causes(error).any(|cause| {
        cause.downcast_ref().is_some_and(refuses) || cause.downcast_ref().is_some_and(is_unsent)
    })
}

/// If we do not trust the server's certificate, returns the reason.
fn refused_certificate<'a>(error: &'a reqwest::Error) -> Option<String> {
    // The error of TLS is inside one or two `io::Error`s, which do not count it among their sources.
    let inner = |error: &'a (dyn Error + 'static)| -> Option<&'a (dyn Error + 'static)> {
        Some(error.downcast_ref::<io::Error>()?.get_ref()?)
    };
    let mut all = causes(error).flat_map(|cause| iter::successors(Some(cause), |&e| inner(e)));
    all.find_map(|cause| match cause.downcast_ref()? {
        rustls::Error::InvalidCertificate(reason) => Some(explain(reason)),
        _ => None,
    })
}

/// Explains why a certificate is not trusted.
fn explain(reason: &CertificateError) -> String {
    let text = reason.to_string();
    match reason {
        CertificateError::UnknownIssuer => "we do not trust the authority that issued it".into(),
        // webpki calls a certificate that vouches for itself by this name.
        _ if text.contains("CaUsedAsEndEntity") => "it is self-signed".into(),
        _ => text,
    }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    iter::successors(error.source(), |&error| error.source())
}

/// Whether the connection broke after we sent the request and before the server answered.
///
/// This happens when a server closes an idle connection just as we reuse it. Browsers, curl and
/// Go's client send such a request again on a new connection if it is safe to repeat (RFC 9112,
/// section 9.3.1), and a GET request is. hyper resends only if it hasn't begun to write the
/// request. reqwest doesn't tell us whether the connection was a reused one, so we resend only
/// once.
fn has_no_answer(error: &reqwest::Error) -> bool {
    error.is_request() && !error.is_connect() && !error.is_timeout()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leads_to_an_http_url_and_keeps_the_password_on_the_same_server() {
        for (from, location, expected) in [
            ("http://host/a", "/b", Some("http://host/b")),
            ("http://host/a/", "b", Some("http://host/a/b")),
            ("http://host/a", "//other/b", Some("http://other/b")),
            ("http://host/a", "https://host/a", Some("https://host/a")),
            ("http://me:secret@host/a", "/b", Some("http://me:secret@host/b")),
            ("http://me:secret@host/a", "http://host/b", Some("http://me:secret@host/b")),
            ("http://me:secret@host/a", "http://you@host/b", Some("http://you@host/b")),
            ("http://me:secret@host/a", "http://other/b", Some("http://other/b")),
            ("http://me:secret@host/a", "http://host:81/b", Some("http://host:81/b")),
            ("http://host/a", "ftp://host/b", None),
            ("http://host/a", "file:///etc/passwd", None),
            ("http://host/a", "http://", None),
        ] {
            let to = target(&Url::parse(from).unwrap(), location).map(String::from);
            assert_eq!(to.as_deref(), expected, "{from} {location}");
        }
    }
}
