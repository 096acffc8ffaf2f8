//! The server of the exercise. The path of a URL says how it answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// A server that counts its requests.
#[derive(Clone)]
pub struct Server {
    pub root: String,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    asked: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
    hung_up: AtomicUsize,
}

impl Server {
    /// Starts a server on this machine. It answers these paths:
    ///
    /// - `/page/MILLISECONDS/TEXT`: the text, after that time
    /// - `/body/MILLISECONDS/TEXT`: the head at once, and the text after that time
    /// - `/status/CODE/TEXT`: the text with this status
    /// - `/breaks/0/TEXT`: a part of the text, and then the connection breaks
    pub async fn start() -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let server = Self { root: format!("http://{address}"), counts: Arc::default() };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let server = accepting.clone();
                tokio::spawn(async move { _ = server.answer(socket).await });
            }
        });
        Ok(server)
    }

    /// Returns how many requests have arrived.
    pub fn asked(&self) -> usize {
        self.counts.asked.load(SeqCst)
    }

    /// Returns the largest number of requests that were in flight at the same time.
    pub fn most(&self) -> usize {
        self.counts.most.load(SeqCst)
    }

    /// Returns how many clients have closed their connection before they had an answer.
    pub fn hung_up(&self) -> usize {
        self.counts.hung_up.load(SeqCst)
    }

    async fn answer(&self, mut socket: TcpStream) -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if socket.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut parts = path.trim_start_matches('/').splitn(3, '/');
        let [kind, number, text] = [(); 3].map(|()| parts.next().unwrap_or_default());
        let number = number.parse::<u64>().unwrap_or_default();
        self.counts.asked.fetch_add(1, SeqCst);
        let now = self.counts.now.fetch_add(1, SeqCst) + 1;
        self.counts.most.fetch_max(now, SeqCst);
        let status = if kind == "status" { number } else { 200 };
        let length = text.len();
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        let pause = Duration::from_millis(if kind == "status" { 0 } else { number });
        let (first, rest) = match kind {
            "body" => (head.as_str(), text),
            _ => ("", text),
        };
        socket.write_all(first.as_bytes()).await?;
        let mut byte = [0];
        let is_there = tokio::select! {
            () = sleep(pause) => true,
            _ = socket.read(&mut byte) => false,
        };
        self.counts.now.fetch_sub(1, SeqCst);
        if !is_there {
            self.counts.hung_up.fetch_add(1, SeqCst);
            return Ok(());
        }
        let text = if kind == "breaks" { &rest[..length / 2] } else { rest };
        let head = if kind == "body" { "" } else { head.as_str() };
        socket.write_all(format!("{head}{text}").as_bytes()).await?;
        socket.shutdown().await
    }
}
