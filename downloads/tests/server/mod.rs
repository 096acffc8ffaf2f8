//! Loopback servers: one that serves files, one that says what it is told and hangs up or waits.
#![allow(clippy::unwrap_used, dead_code, reason = "test support, of which each test uses a part")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use axum::Router;
use axum::extract::Path as UrlPath;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// The contents of the file that a server sends under this name: different for each, and larger
/// than what goes through the sockets in one piece.
pub fn contents(name: &str) -> Vec<u8> {
    name.bytes().cycle().take(300_000).collect()
}

/// Serves `/{name}` and `/status/{code}`; returns its root URL and the most requests it has had
/// under way at once.
pub async fn files() -> (String, Arc<AtomicUsize>) {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let most_seen = most.clone();
    let file = move |UrlPath(name): UrlPath<String>| {
        let (now, most) = (now.clone(), most.clone());
        async move {
            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            now.fetch_sub(1, SeqCst);
            contents(&name)
        }
    };
    let status = |UrlPath(code): UrlPath<u16>| async move { StatusCode::from_u16(code).unwrap() };
    let routes = Router::new().route("/{name}", get(file)).route("/status/{code}", get(status));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (root, most_seen)
}

/// Answers every request with the first bytes of a longer file, then hangs up, or stays silent.
pub async fn breaks_off(then_silent: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 4096]).await;
                let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nonly the beginning";
                let _ = socket.write_all(head.as_bytes()).await;
                if then_silent {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    root
}

pub fn client() -> reqwest::Client {
    downloads::client_builder().tls_certs_only([]).no_proxy().build().unwrap()
}

/// The names of all files in a folder, sorted.
pub fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Waits until a file is there: for the moment at which a download is in the middle.
pub async fn appears(path: &Path) {
    while !path.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until a file is gone.
pub async fn disappears(path: &Path) {
    while path.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
