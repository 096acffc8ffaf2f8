//! Reads the body of a response: decompresses it, counts its bytes, and keeps them or not.
//!
//! reqwest can decompress bodies too. But it reads only the first member of a gzip body, although
//! a body may have several, and it passes on a body that it cannot decompress.

use std::io;
use std::time::Duration;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder};
use bytes::Bytes;
use futures_util::stream;
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt};
use tokio::time::timeout;
use tokio_util::io::StreamReader;

use crate::deadline::Deadline;
use crate::memory::Share;
use crate::{FetchError, Phase};

/// The codings that this file can undo, for the `Accept-Encoding` header.
pub(crate) const CODINGS: &str = "gzip, br";

/// How a body is compressed.
#[derive(Debug, PartialEq, Eq)]
enum Coding {
    Identity,
    Gzip,
    Brotli,
}

/// A body, as far as it has been read.
pub(crate) struct Body<'a> {
    limit: u64,
    /// The memory for the bytes, or `None` if they are not kept.
    share: Option<&'a mut Share>,
    deadline: &'a mut Deadline,
    pub(crate) bytes: Vec<u8>,
    pub(crate) length: u64,
}

impl<'a> Body<'a> {
    /// Reads the whole body. Without a `share`, only counts its bytes. Dropping the future closes
    /// the connection.
    ///
    /// # Errors
    /// Returns [`FetchError::TooLarge`] if there are more than `limit` bytes after decompression,
    /// [`FetchError::Coding`] if we cannot undo the compression, and other errors if the body is
    /// incomplete or damaged.
    pub(crate) async fn read(
        mut response: Response,
        limit: u64,
        share: Option<&'a mut Share>,
        deadline: &'a mut Deadline,
    ) -> Result<Self, FetchError> {
        let mut body = Self { limit, share, deadline, bytes: Vec::new(), length: 0 };
        match coding(response.headers())? {
            // `response.bytes()` would be shorter, but a server may send more data than our memory
            // can hold.
            Coding::Identity => {
                let patience = body.deadline.patience;
                while let Some(piece) = body.deadline.limit(next(&mut response, patience)).await?? {
                    body.add(&piece).await?;
                }
            }
            coding => body.decompress(response, coding).await?,
        }
        Ok(body)
    }

    async fn decompress(&mut self, response: Response, coding: Coding) -> Result<(), FetchError> {
        let patience = self.deadline.patience;
        let pieces = stream::try_unfold(response, move |mut response| async move {
            let piece = next(&mut response, patience).await.map_err(io::Error::other)?;
            Ok::<_, io::Error>(piece.map(|piece| (piece, response)))
        });
        let mut compressed = StreamReader::new(Box::pin(pieces));
        // A response without a body may have the header, too.
        if self.deadline.limit(compressed.fill_buf()).await?.map_err(why)?.is_empty() {
            return Ok(());
        }
        let mut decoder = decoder(compressed, coding);
        let mut piece = vec![0; 16 << 10];
        loop {
            match self.deadline.limit(decoder.read(&mut piece)).await?.map_err(why)? {
                0 => return Ok(()),
                bytes => self.add(&piece[..bytes]).await?,
            }
        }
    }

    async fn add(&mut self, piece: &[u8]) -> Result<(), FetchError> {
        self.length += piece.len() as u64;
        if self.length > self.limit {
            return Err(FetchError::TooLarge { limit: self.limit });
        }
        if let Some(share) = &mut self.share {
            self.deadline.pause(share.grow(piece.len())).await;
            // Usually, a vector doubles its size when it is full, and half of it may stay empty.
            if self.bytes.capacity() - self.bytes.len() < piece.len() {
                self.bytes.reserve_exact(piece.len().max(self.bytes.len() / 4));
            }
            self.bytes.extend_from_slice(piece);
        }
        Ok(())
    }
}

fn decoder<'a>(
    compressed: impl AsyncBufRead + Send + Unpin + 'a,
    coding: Coding,
) -> Box<dyn AsyncRead + Send + Unpin + 'a> {
    match coding {
        Coding::Identity => Box::new(compressed),
        Coding::Brotli => Box::new(BrotliDecoder::new(compressed)),
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(compressed);
            decoder.multiple_members(true);
            Box::new(decoder)
        }
    }
}

/// Returns how the body is compressed, according to `Content-Encoding` (RFC 9110, section 8.4).
fn coding(headers: &HeaderMap) -> Result<Coding, FetchError> {
    let values = headers.get_all(CONTENT_ENCODING).iter();
    let names = values.map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase());
    let names = names.collect::<Vec<_>>().join(",");
    let names = names.split(',').map(str::trim);
    let names: Vec<_> = names.filter(|name| !matches!(*name, "" | "identity")).collect();
    match names[..] {
        [] => Ok(Coding::Identity),
        ["gzip" | "x-gzip"] => Ok(Coding::Gzip),
        ["br"] => Ok(Coding::Brotli),
        _ => Err(FetchError::Coding(names.join(", "))),
    }
}

/// Waits for the next piece of the body. reqwest has a timeout for this, too, but it also counts the
/// time in which we don't ask for a piece.
async fn next(response: &mut Response, patience: Duration) -> Result<Option<Bytes>, FetchError> {
    match timeout(patience, response.chunk()).await {
        Ok(piece) => Ok(piece?),
        Err(_) => Err(FetchError::TimedOut(Phase::Reading)),
    }
}

/// An error of the connection arrives wrapped in an `io::Error`. All others come from the decoder.
fn why(error: io::Error) -> FetchError {
    error.downcast::<FetchError>().unwrap_or_else(FetchError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coding_is_recognised_in_any_case_and_anything_unknown_is_an_error() {
        for (values, expected) in [
            (&[][..], Some(Coding::Identity)),
            (&[""], Some(Coding::Identity)),
            (&["identity"], Some(Coding::Identity)),
            (&["gzip"], Some(Coding::Gzip)),
            (&["GZip"], Some(Coding::Gzip)),
            (&["x-gzip"], Some(Coding::Gzip)),
            (&[" br , identity"], Some(Coding::Brotli)),
            (&["identity", "br"], Some(Coding::Brotli)),
            (&["gzip, gzip"], None),
            (&["gzip", "br"], None),
            (&["zstd"], None),
            (&["deflate"], None),
            (&["gzip;q=1"], None),
        ] {
            let headers = values.iter().map(|value| (CONTENT_ENCODING, value.parse().unwrap()));
            let mut all = HeaderMap::new();
            headers.for_each(|(name, value)| _ = all.append(name, value));
            assert_eq!(coding(&all).ok(), expected, "{values:?}");
        }
    }
}
