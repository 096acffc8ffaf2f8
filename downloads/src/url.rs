//! Decides which URLs we accept, and which part of a URL we show.
//!
//! Every lesson that needs this has its own copy of this file, and all the copies are identical.

use reqwest::Url;

/// Parses an `http` or `https` URL. Returns `None` for anything else.
pub fn http_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// Returns the URL without user name and password, so that it can be shown.
pub fn without_credentials(url: &str) -> String {
    if let Some(mut parsed) = http_url(url) {
        if parsed.username().is_empty() && parsed.password().is_none() {
            return url.into();
        }
        if parsed.set_username("").is_ok() && parsed.set_password(None).is_ok() {
            return parsed.into();
        }
    }
    // This isn't a valid URL, but the user may have meant it as one. In that case, the text before
    // an `@` may be a password.
    match url.rsplit_once('@') {
        Some((_, rest)) => format!("***@{rest}"),
        None => url.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_never_shown() {
        for (url, shown) in [
            ("http://host/path", "http://host/path"),
            ("http://HOST", "http://HOST"),
            ("http://me@host/", "http://host/"),
            ("http://me:secret@host/a?b#c", "http://host/a?b#c"),
            ("http://:secret@host/a", "http://host/a"),
            ("http://host:80/%7Ea", "http://host:80/%7Ea"),
            ("http:me:secret@host/a", "http://host/a"),
            ("http://host/me@home", "http://host/me@home"),
            ("me:secret@host/a", "***@host/a"),
            ("me:sec@ret@host/a", "***@host/a"),
            ("ftp://me:secret@host/a", "***@host/a"),
            ("http://me:sec/ret@host:port/a", "***@host:port/a"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(without_credentials(url), shown, "{url}");
        }
    }
}
