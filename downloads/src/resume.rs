//! Decides whether a partial file can be resumed. These are pure functions, without any I/O.
//!
//! The danger is to append the end of one version of a file to the beginning of another. So we
//! resume only if the server says that the rest belongs to the very same bytes. The server says so
//! with a *validator*, which it sent together with the beginning of the file (RFC 9110, sections
//! 8.8, 13.1.5 and 14).

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{
    CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED,
};
use serde::{Deserialize, Serialize};

/// A header value that identifies one version of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Validator {
    /// A strong entity tag, with its quotes.
    ETag(String),
    /// The date of the last change, as the server wrote it.
    LastModified(String),
}

impl Validator {
    /// Returns the validator in these headers if it is strong, which means that it stands for
    /// exactly these bytes.
    ///
    /// A weak tag (`W/"..."`) only says that the content has the same meaning. If there is any tag,
    /// we must not use a date instead. A date counts whole seconds, and a file may change twice
    /// within one second. So a date is strong only if it was already a minute old when the server
    /// sent it.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        if let Some(tag) = text(headers, ETAG) {
            let inner = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            let is_strong = inner.is_some_and(|inner| !inner.contains('"'));
            return is_strong.then_some(Self::ETag(tag));
        }
        let modified = text(headers, LAST_MODIFIED)?;
        let time = |text: &str| httpdate::parse_http_date(text).ok();
        let age = time(&text(headers, DATE)?)?.duration_since(time(&modified)?).ok()?;
        (age >= Duration::from_secs(60)).then_some(Self::LastModified(modified))
    }

    /// Returns the value of an `If-Range` header.
    pub fn text(&self) -> &str {
        match self {
            Self::ETag(text) | Self::LastModified(text) => text,
        }
    }
}

/// Returns the value of a header. If the header is repeated with another value, the result contains
/// all of them, so that it equals none.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let values = headers.get_all(name).iter();
    let mut values: Vec<_> =
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned()).collect();
    values.dedup();
    (!values.is_empty()).then(|| values.join(", "))
}

/// Describes the file that a partial file belongs to. The sidecar contains this description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The URL of the file, without user name and password.
    pub url: String,
    /// Where redirects have led, without query. `None` if there were none.
    #[serde(default)]
    pub source: Option<String>,
    /// The name that the server has given the file, if any.
    #[serde(default)]
    pub name: Option<String>,
    /// The validator of the file's version. Without a validator, the partial file cannot be
    /// resumed.
    pub validator: Option<Validator>,
    /// The date of the last change, if the server has sent it. It may contradict an entity tag that
    /// the server has kept in a cache.
    #[serde(default)]
    pub modified: Option<String>,
    /// The length of the whole file in bytes, if the server has announced it.
    pub length: Option<u64>,
}

/// A `Content-Range` header: `bytes FIRST-LAST/TOTAL`, or `bytes */TOTAL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange {
    /// The positions of the first and the last byte of this response.
    pub bytes: Option<(u64, u64)>,
    /// The length of the whole file in bytes.
    pub total: Option<u64>,
}

impl ContentRange {
    /// Parses the header. Returns `None` if it is not valid.
    pub fn parse(text: &str) -> Option<Self> {
        let (bytes, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let bytes = match bytes {
            "*" => None,
            _ => {
                let (first, last) = bytes.split_once('-')?;
                Some((first.parse().ok()?, last.parse().ok()?))
            }
        };
        let total = match total {
            "*" => None,
            _ => Some(total.parse().ok()?),
        };
        Some(Self { bytes, total })
    }
}

/// The parts of a response that the decision depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Where redirects have led, without query. `None` if there were none.
    pub source: Option<String>,
    /// The status of the response.
    pub status: StatusCode,
    /// The length of the body in bytes, if the response contains it.
    pub length: Option<u64>,
    /// The range of the file that the body contains, if it is a range.
    pub range: Option<ContentRange>,
    /// The entity tag, strong or weak.
    pub tag: Option<String>,
    /// The date of the last change.
    pub modified: Option<String>,
    /// The validator of the file's version, if it is strong.
    pub validator: Option<Validator>,
}

impl Answer {
    /// Reads the head of a response.
    pub fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        Self {
            source: None,
            status,
            length: text(headers, CONTENT_LENGTH).and_then(|text| text.parse().ok()),
            range: text(headers, CONTENT_RANGE).and_then(|text| ContentRange::parse(&text)),
            tag: text(headers, ETAG),
            modified: text(headers, LAST_MODIFIED),
            validator: Validator::of(headers),
        }
    }

    /// Whether the response names this version, and nothing in it contradicts that.
    fn names(&self, origin: &Origin) -> bool {
        let named = match &origin.validator {
            Some(Validator::ETag(tag)) => self.tag.as_ref() == Some(tag),
            Some(Validator::LastModified(date)) => self.modified.as_ref() == Some(date),
            None => false,
        };
        named && !self.contradicts(origin)
    }

    /// Whether the response says that this is another version.
    ///
    /// A date can contradict a tag: some servers keep the tag of a file in a cache, and send it
    /// with the file that has replaced the old one.
    /// And a validator identifies a version of one file only. If a redirect now leads to another
    /// file, that file may have the same validator.
    fn contradicts(&self, origin: &Origin) -> bool {
        if self.source != origin.source {
            return true;
        }
        let differs = |says: &Option<String>, known: Option<&String>| {
            says.as_ref().zip(known).is_some_and(|(says, known)| says != known)
        };
        match &origin.validator {
            Some(Validator::ETag(tag)) => {
                differs(&self.tag, Some(tag)) || differs(&self.modified, origin.modified.as_ref())
            }
            // A file that had no tag has one now.
            Some(Validator::LastModified(date)) => {
                self.tag.is_some() || differs(&self.modified, Some(date))
            }
            None => true,
        }
    }

    /// Returns the length of the whole file in bytes, if the response contains it.
    pub fn total(&self) -> Option<u64> {
        match self.status {
            StatusCode::OK => self.length,
            _ => self.range?.total.or(self.range?.bytes.map(|(_, last)| last.saturating_add(1))),
        }
    }
}

/// The possible ways to treat a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The body is the rest of the file: append it.
    Append,
    /// The body is the whole file: write it from the beginning.
    Whole,
    /// Nothing is missing: the partial file is the whole file.
    Complete,
    /// Neither the partial file nor this response is usable: ask for the whole file.
    AskAgain,
    /// The response is not a file.
    Refuse,
}

/// Decides what to do with the response to a request. If there is a partial file of `have` bytes
/// that belongs to `origin`, the request was for the bytes after those. Otherwise it was for the
/// whole file.
pub fn decide(part: Option<(u64, &Origin)>, answer: &Answer) -> Decision {
    // With this status, the body is the whole file as it is now, whether or not we asked for a
    // range.
    if answer.status == StatusCode::OK {
        return Decision::Whole;
    }
    let Some((have, origin)) = part else { return Decision::Refuse };
    let same_total =
        |total: Option<u64>| total.is_none() || origin.length.is_none() || total == origin.length;
    match (answer.status, answer.range) {
        (StatusCode::PARTIAL_CONTENT, Some(ContentRange { bytes: Some((first, last)), total })) => {
            let rest = last.checked_add(1).and_then(|end| end.checked_sub(first));
            let fits = first == have
                && rest.is_some_and(|rest| rest > 0)
                && (answer.length.is_none() || answer.length == rest)
                && total.or(origin.length).is_some_and(|total| last + 1 == total)
                && same_total(total)
                && answer.names(origin);
            if fits { Decision::Append } else { Decision::AskAgain }
        }
        // This response contains no bytes, and most servers name no version in it. They would have
        // sent the whole file if `If-Range` had named another version.
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(ContentRange { bytes: None, total })) => {
            let is_whole = total == Some(have) && same_total(total) && !answer.contradicts(origin);
            if is_whole { Decision::Complete } else { Decision::AskAgain }
        }
        (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, _) => Decision::AskAgain,
        _ => Decision::Refuse,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag(text: &str) -> Option<Validator> {
        Some(Validator::ETag(text.into()))
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_a_strong_validator_counts() {
        let old = "Sun, 06 Nov 1994 08:49:37 GMT";
        let (soon, later) = ("Sun, 06 Nov 1994 08:50:36 GMT", "Sun, 06 Nov 1994 08:50:37 GMT");
        let date = Some(Validator::LastModified(old.into()));
        for (lines, validator) in [
            (&[("etag", "\"a\"")][..], tag("\"a\"")),
            (&[("etag", "\"a\""), ("last-modified", old), ("date", later)], tag("\"a\"")),
            (&[("etag", "W/\"a\"")], None),
            (&[("etag", "a")], None),
            (&[("etag", "\"")], None),
            (&[("etag", "W/\"a\""), ("last-modified", old), ("date", later)], None),
            (&[("etag", "\"a")], None),
            (&[("etag", "\"a\""), ("etag", "\"a\"")], tag("\"a\"")),
            (&[("etag", "\"a\""), ("etag", "\"b\"")], None),
            (&[("last-modified", old), ("date", later)], date),
            (&[("last-modified", old), ("date", soon)], None),
            (&[("last-modified", later), ("date", old)], None),
            (&[("last-modified", old)], None),
            (&[("last-modified", "long ago"), ("date", later)], None),
            (&[], None),
        ] {
            assert_eq!(Validator::of(&headers(lines)), validator, "{lines:?}");
        }
    }

    #[test]
    fn a_validator_is_sent_back_unchanged() {
        assert_eq!(Validator::ETag("\"a\"".into()).text(), "\"a\"");
        assert_eq!(Validator::LastModified("today".into()).text(), "today");
    }

    #[test]
    fn a_response_says_how_long_the_whole_file_is() {
        for (status, lines, total) in [
            (200, &[("content-length", "10")][..], Some(10)),
            (200, &[("content-length", "10"), ("content-range", "bytes 0-4/20")], Some(10)),
            (200, &[], None),
            (206, &[("content-length", "5"), ("content-range", "bytes 5-9/10")], Some(10)),
            // The length of the whole file is not given, but we have asked for everything up to its
            // end.
            (206, &[("content-length", "5"), ("content-range", "bytes 5-9/*")], Some(10)),
            (206, &[("content-length", "5")], None),
            (416, &[("content-range", "bytes */10")], Some(10)),
            (416, &[("content-range", "bytes */*")], None),
        ] {
            let answer = Answer::of(StatusCode::from_u16(status).unwrap(), &headers(lines));
            assert_eq!(answer.total(), total, "{status} {lines:?}");
        }
    }

    #[test]
    fn content_ranges_are_parsed_strictly() {
        let range = |bytes, total| Some(ContentRange { bytes, total });
        for (text, expected) in [
            ("bytes 5-9/10", range(Some((5, 9)), Some(10))),
            ("bytes 5-9/*", range(Some((5, 9)), None)),
            ("bytes */10", range(None, Some(10))),
            ("bytes 9-5/10", range(Some((9, 5)), Some(10))),
            ("bytes=5-9/10", None),
            ("items 5-9/10", None),
            ("bytes 5-/10", None),
            ("bytes 5-9", None),
            ("bytes -5-9/10", None),
            ("bytes 5-99999999999999999999/10", None),
            ("", None),
        ] {
            assert_eq!(ContentRange::parse(text), expected, "{text}");
        }
    }

    /// The origin of a file of 10 bytes.
    fn origin(validator: Option<Validator>) -> Origin {
        Origin {
            url: "http://host/".into(),
            source: None,
            name: None,
            validator,
            modified: None,
            length: Some(10),
        }
    }

    #[test]
    fn each_response_leads_to_its_decision() {
        use Decision::*;
        let same = || origin(tag("\"a\""));
        let of_5_bytes = || Origin { length: Some(5), ..same() };
        let dated = |date: &str| origin(Some(Validator::LastModified(date.into())));
        let tagged_and_dated = || Origin { modified: Some("today".into()), ..same() };
        let answer = |status: u16, range: &str, length, validator| {
            let tag = match &validator {
                Some(Validator::ETag(tag)) => Some(tag.clone()),
                _ => None,
            };
            let status = StatusCode::from_u16(status).unwrap();
            let range = ContentRange::parse(range);
            Answer { source: None, status, length, range, tag, modified: None, validator }
        };
        let with = |tag: Option<&str>, modified: Option<&str>| Answer {
            tag: tag.map(Into::into),
            modified: modified.map(Into::into),
            ..answer(206, "bytes 5-9/10", Some(5), None)
        };
        let redirected = |to: &str| Origin { source: Some(to.into()), ..same() };
        let redirected_answer = |to: &str| Answer {
            source: Some(to.into()),
            ..answer(206, "bytes 5-9/10", Some(5), tag("\"a\""))
        };
        for (have, origin, answer, decision) in [
            (5, same(), answer(206, "bytes 5-9/10", Some(5), tag("\"a\"")), Append),
            (5, same(), answer(206, "bytes 5-9/10", None, tag("\"a\"")), Append),
            (5, same(), answer(206, "bytes 5-9/*", Some(5), tag("\"a\"")), Append),
            // a 206 that does not match the request or the file
            (5, same(), answer(206, "bytes 4-9/10", Some(6), tag("\"a\"")), AskAgain),
            (5, same(), answer(206, "bytes 6-9/10", Some(4), tag("\"a\"")), AskAgain),
            (5, same(), answer(206, "bytes 5-8/10", Some(4), tag("\"a\"")), AskAgain),
            (5, same(), answer(206, "bytes 5-9/11", Some(5), tag("\"a\"")), AskAgain),
            (5, same(), answer(206, "bytes 5-10/11", Some(6), tag("\"a\"")), AskAgain),
            (5, same(), answer(206, "bytes 9-5/10", Some(5), tag("\"a\"")), AskAgain),
            (5, same(), answer(206, "bytes 5-4/10", Some(0), tag("\"a\"")), AskAgain),
            (5, same(), answer(206, "bytes 5-9/10", Some(6), tag("\"a\"")), AskAgain),
            (5, of_5_bytes(), answer(206, "bytes 5-4/5", Some(0), tag("\"a\"")), AskAgain),
            (5, same(), answer(206, "bytes */10", None, tag("\"a\"")), AskAgain),
            (5, same(), answer(206, "", Some(5), tag("\"a\"")), AskAgain),
            (
                5,
                same(),
                answer(206, "bytes 5-18446744073709551615/10", None, tag("\"a\"")),
                AskAgain,
            ),
            // a changed validator, and no validator
            (5, same(), answer(206, "bytes 5-9/10", Some(5), tag("\"b\"")), AskAgain),
            (5, origin(None), answer(206, "bytes 5-9/10", Some(5), None), AskAgain),
            (5, same(), answer(206, "bytes 5-9/10", Some(5), None), AskAgain),
            (5, same(), with(None, Some("today")), AskAgain),
            (5, dated("today"), with(None, None), AskAgain),
            (5, redirected("a"), redirected_answer("a"), Append),
            (5, redirected("a"), redirected_answer("b"), AskAgain),
            (5, redirected("a"), answer(206, "bytes 5-9/10", Some(5), tag("\"a\"")), AskAgain),
            (5, same(), redirected_answer("a"), AskAgain),
            // a weak tag, and dates: any contradiction counts
            (5, same(), with(Some("W/\"a\""), None), AskAgain),
            (5, same(), with(Some("\"a\""), Some("today")), Append),
            (5, tagged_and_dated(), with(Some("\"a\""), None), Append),
            (5, tagged_and_dated(), with(Some("\"a\""), Some("today")), Append),
            (5, tagged_and_dated(), with(Some("\"a\""), Some("tomorrow")), AskAgain),
            (5, dated("today"), with(None, Some("today")), Append),
            (5, dated("today"), with(None, Some("tomorrow")), AskAgain),
            (5, dated("today"), with(Some("\"a\""), Some("today")), AskAgain),
            // 200: Range was ignored, or the file has changed
            (5, same(), answer(200, "", Some(10), tag("\"a\"")), Whole),
            (5, same(), answer(200, "", Some(10), tag("\"b\"")), Whole),
            (5, same(), answer(200, "bytes 5-9/10", Some(10), None), Whole),
            // 416
            (10, same(), answer(416, "bytes */10", None, None), Complete),
            (10, same(), answer(416, "bytes */10", None, tag("\"b\"")), AskAgain),
            (5, same(), answer(416, "bytes */10", None, None), AskAgain),
            (10, same(), answer(416, "bytes */9", None, None), AskAgain),
            (10, same(), answer(416, "", None, None), AskAgain),
            // not a file
            (5, same(), answer(404, "", None, None), Refuse),
            (5, same(), answer(204, "", None, None), Refuse),
            (5, same(), answer(304, "", None, None), Refuse),
            (5, same(), answer(503, "", None, None), Refuse),
        ] {
            assert_eq!(decide(Some((have, &origin)), &answer), decision, "{have} {answer:?}");
            let whole = if answer.status == StatusCode::OK { Whole } else { Refuse };
            assert_eq!(decide(None, &answer), whole, "without a partial file: {answer:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_appended_unless_range_and_validator_match(
            have in 0..20_u64,
            length in proptest::option::of(0..20_u64),
            known in proptest::option::of("[abc]"),
            status in proptest::sample::select(&[200, 204, 206, 304, 404, 416, 503][..]),
            body in proptest::option::of(0..20_u64),
            bytes in proptest::option::of((0..20_u64, 0..20_u64)),
            total in proptest::option::of(0..20_u64),
            says in proptest::option::of("[abc]"),
            date in proptest::option::of("[bc]"),
            first_date in proptest::option::of("[bc]"),
            has_range in any::<bool>(),
        ) {
            let quoted = |text: &String| format!("\"{text}\"");
            // A third of the files have a date as their validator, and a third of the tags are
            // weak.
            let validator = known.as_ref().map(|text| match text.as_str() {
                "c" => Validator::LastModified("c".into()),
                _ => Validator::ETag(quoted(text)),
            });
            let modified = first_date.clone();
            let origin = Origin { url: String::new(), source: None, name: None, validator, modified, length };
            let mut headers = HeaderMap::new();
            if let Some(says) = &says {
                let tag = if says == "c" { "W/\"a\"".into() } else { quoted(says) };
                headers.insert(ETAG, tag.parse().unwrap());
            }
            if let Some(date) = &date {
                headers.insert(LAST_MODIFIED, date.parse().unwrap());
            }
            let answer = Answer {
                length: body,
                range: has_range.then_some(ContentRange { bytes, total }),
                ..Answer::of(StatusCode::from_u16(status).unwrap(), &headers)
            };
            let part = Some((have, &origin));
            if decide(part, &answer) == Decision::Append {
                prop_assert_eq!(status, 206);
                match origin.validator.as_ref().unwrap() {
                    Validator::ETag(_) => {
                        prop_assert_eq!(says, known);
                        prop_assert!(date.is_none() || first_date.is_none() || date == first_date);
                    }
                    Validator::LastModified(_) => {
                        prop_assert!(says.is_none());
                        prop_assert_eq!(date, known);
                    }
                }
                let (first, last) = bytes.unwrap();
                prop_assert_eq!(first, have);
                prop_assert!(first <= last);
                prop_assert_eq!(total.or(length), Some(last + 1));
                prop_assert!(length.is_none() || total.is_none() || length == total);
                prop_assert!(body.is_none() || body == Some(last + 1 - first));
            }
            if decide(part, &answer) == Decision::Complete {
                prop_assert_eq!((status, total), (416, Some(have)));
                prop_assert!(origin.validator.is_some());
            }
            prop_assert_ne!(decide(None, &answer), Decision::Append);
        }
    }
}
