//! The options that concern the HTTP client: headers, certificates and proxies.
//!
//! Every lesson that needs this has its own copy of this file, and all the copies are identical.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, bail, ensure};
use clap::Args;
use reqwest::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, IF_RANGE,
    RANGE, TE, TRANSFER_ENCODING, UPGRADE,
};
use reqwest::{Certificate, Client, ClientBuilder};

/// The options that concern the HTTP client.
#[derive(Args)]
pub struct ClientArguments {
    /// A header to send to the server of each URL, such as 'Authorization: Bearer ...'. You can use
    /// this option several times. If the server redirects to another server, that one does not get
    /// these headers.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// A PEM file with the CA certificates to trust, instead of the ones of this machine.
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
}

impl ClientArguments {
    /// Returns the headers. If a name is given twice, both headers are sent.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(name.clone(), value.clone());
        }
        headers
    }

    /// Builds a client.
    ///
    /// A machine without CA certificates can only use plain HTTP. That is an error if `needs_tls`.
    ///
    /// # Errors
    /// Fails if the certificates cannot be loaded, and if an environment variable names a SOCKS
    /// proxy.
    pub fn build(
        &self,
        builder: impl Fn() -> ClientBuilder,
        needs_tls: bool,
    ) -> anyhow::Result<Client> {
        check_proxies(|name| env::var(name).ok())?;
        if let Some(path) = &self.cacert {
            let certificates =
                certificates(path).with_context(|| format!("--cacert {}", path.display()))?;
            return Ok(builder().tls_certs_only(certificates).build()?);
        }
        let client = match builder().build() {
            Err(_) if !needs_tls => builder().tls_certs_only([]).build(),
            result => result,
        };
        client.context("cannot set up TLS (are CA certificates installed?)")
    }
}

/// Parses `Name: value`.
fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let Some((name, value)) = text.split_once(':') else {
        return Err("write a name, a colon and a value, such as 'Accept: text/html'".into());
    };
    let name = HeaderName::try_from(name.trim()).map_err(|_| "the name is not valid")?;
    // We would mistake an answer to somebody else's question for the answer to ours.
    let ours = [
        RANGE,
        IF_RANGE,
        ACCEPT_ENCODING,
        CONTENT_LENGTH,
        TRANSFER_ENCODING,
        CONNECTION,
        TE,
        UPGRADE,
    ];
    if ours.contains(&name) {
        return Err(format!("this program sets the header {name} itself"));
    }
    let mut value = HeaderValue::try_from(value.trim()).map_err(|_| "the value is not valid")?;
    value.set_sensitive(true); // no log may show it
    Ok((name, value))
}

fn certificates(path: &Path) -> anyhow::Result<Vec<Certificate>> {
    let certificates = Certificate::from_pem_bundle(&fs::read(path)?)
        .ok()
        .context("not a PEM file with certificates")?;
    ensure!(!certificates.is_empty(), "there is no certificate in this file");
    Ok(certificates)
}

/// Fails if one of the proxy variables names a SOCKS proxy. Without this check, the client would
/// silently connect without the proxy.
fn check_proxies(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<()> {
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        for name in [name.to_lowercase(), name.to_owned()] {
            let value = variable(&name).unwrap_or_default().trim().to_lowercase();
            if value.starts_with("socks") {
                bail!("{name}: SOCKS proxies are not supported; use an HTTP proxy");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_name_and_a_value() {
        for (text, name, value) in [
            ("Accept: text/html", "accept", "text/html"),
            ("X-Key:a:b", "x-key", "a:b"),
            ("X-Empty:", "x-empty", ""),
        ] {
            let (seen, given) = header(text).unwrap();
            assert_eq!((seen.as_str(), given.to_str().unwrap()), (name, value));
            assert!(given.is_sensitive());
        }
        for (text, reason) in [
            ("Accept", "a colon"),
            (": x", "the name"),
            ("A b: x", "the name"),
            ("A: x\r\nB: y", "the value"),
            ("range: bytes=5-", "sets the header range itself"),
            ("Accept-Encoding: gzip", "itself"),
        ] {
            assert!(header(text).unwrap_err().contains(reason), "{text}");
        }
    }

    #[test]
    fn a_socks_proxy_is_refused() {
        for (name, value, is_refused) in [
            ("ALL_PROXY", "socks5://127.0.0.1:1080", true),
            ("https_proxy", "SOCKS5H://proxy", true),
            ("HTTP_PROXY", "http://proxy:8080", false),
            ("ALL_PROXY", "", false),
            ("NO_PROXY", "socks", false),
        ] {
            let result = check_proxies(|asked| (asked == name).then(|| value.into()));
            assert_eq!(result.is_err(), is_refused, "{name}={value}");
        }
    }
}
