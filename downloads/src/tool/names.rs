//! The name a URL is saved under: rules without any I/O.

use anyhow::{Context, bail};
use reqwest::Url;

/// The last part of the URL's path, still percent-encoded, so that it holds no separator, space or
/// control character. A URL without one (`http://host/`) is saved as `index.html`.
///
/// # Errors
/// For what is no http or https URL, and for names that hide (`.profile`) or are too long.
pub fn file_name(url: &str) -> anyhow::Result<String> {
    let parsed = Url::parse(url).with_context(|| format!("{url}: not a URL"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        bail!("{url}: not an http or https URL");
    }
    let last = parsed.path_segments().and_then(|mut segments| segments.next_back());
    let name = match last {
        None | Some("") => "index.html",
        Some(name) => name,
    };
    // `:` and `|` and the like mean something on Windows.
    let name: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || ".-_~%+@,()".contains(c) { c } else { '_' })
        .collect();
    if name.starts_with('.') {
        bail!("{url}: would be saved under the hidden name {name}");
    }
    // 255 bytes is what file systems allow, and `.part` has to fit.
    if name.len() > 250 {
        bail!("{url}: its file name is too long");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_url_is_saved_under_the_last_part_of_its_path() {
        for (url, name) in [
            ("http://host/a/b.txt", "b.txt"),
            ("http://host/b.txt?query=1#fragment", "b.txt"),
            ("http://host/", "index.html"),
            ("http://host", "index.html"),
            ("http://host/folder/", "index.html"),
            ("http://host/a%2Fb", "a%2Fb"),
            ("http://host/a b", "a%20b"),
            ("http://host/../../etc/passwd", "passwd"),
            ("http://host/%2e%2e", "index.html"),
            ("http://host/..%2f..%2fetc", "index.html"),
            ("http://host/a:b|c*d", "a_b_c_d"),
        ] {
            let seen = file_name(url);
            if url.contains("..%2f") {
                assert!(seen.is_err(), "{url}: a name that begins with a dot is refused");
            } else {
                assert_eq!(seen.unwrap(), name, "{url}");
            }
        }
    }

    #[test]
    fn what_cannot_be_a_file_name_is_refused() {
        let long = format!("http://host/{}", "x".repeat(251));
        for url in
            ["nonsense", "ftp://host/file", "file:///etc/passwd", "http://host/.profile", &long]
        {
            assert!(file_name(url).is_err(), "{url}");
        }
    }
}
