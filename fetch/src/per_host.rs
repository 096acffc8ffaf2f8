//! Limits how many requests to the same host are in flight.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::permits;

/// A host and a port.
type Host = (String, Option<u16>);

/// The permits of each host. We don't know all hosts in advance, because a stream yields the URLs.
pub(crate) struct PerHost {
    permits: usize,
    hosts: Mutex<HashMap<Host, Arc<Semaphore>>>,
}

impl PerHost {
    pub(crate) fn new(n: NonZeroUsize) -> Self {
        Self { permits: permits(n), hosts: Mutex::default() }
    }

    /// Waits for one of the permits of this URL's host. Returns `None` if the URL has no host.
    pub(crate) async fn permit(&self, url: &str) -> Option<OwnedSemaphorePermit> {
        let url = Url::parse(url).ok()?;
        let host = (url.host_str()?.to_owned(), url.port_or_known_default());
        let permits = {
            // No await happens while this lock is held.
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(hosts.entry(host).or_insert_with(|| Semaphore::new(self.permits).into()))
        };
        Some(permits.acquire_owned().await.expect("the semaphore is never closed"))
    }
}
