//! The server of the exercise. The path of a URL says how it answers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

/// A server that counts the responses under way.
#[derive(Clone)]
pub struct Server {
    pub root: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    now: AtomicUsize,
    most: AtomicUsize,
    /// The gates, each of which is open or closed.
    gates: Mutex<HashMap<String, watch::Sender<bool>>>,
}

/// Returns the contents of the file with this name and length.
pub fn contents(name: &str, length: usize) -> Vec<u8> {
    name.bytes().cycle().zip(0_usize..).map(|(byte, n)| byte ^ (n / 7) as u8).take(length).collect()
}

impl Server {
    /// Starts a server on this machine. It answers these paths:
    ///
    /// - `/whole/LENGTH/NAME`: the file in five pieces, 5 ms apart
    /// - `/chunked/LENGTH/NAME`: the same, but without saying how long it is
    /// - `/breaks/LENGTH/NAME`: half of the file, and then the connection breaks
    /// - `/gate/LENGTH/NAME`: half of the file, and the rest after [`open`](Self::open)
    /// - `/last/LENGTH/NAME`: the file, whose last thousand bytes come 30 ms after the others
    /// - anything else: 404 with an error page
    pub async fn start() -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let server = Self { root: format!("http://{address}"), state: Arc::default() };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let server = accepting.clone();
                // If the client hangs up, there is nobody left to answer.
                tokio::spawn(async move { _ = server.answer(socket).await });
            }
        });
        Ok(server)
    }

    /// Returns the largest number of responses that were under way at the same time, and counts from
    /// zero again.
    pub fn most(&self) -> usize {
        self.state.most.swap(0, SeqCst)
    }

    /// Lets the rest of a `/gate/` file through.
    pub fn open(&self, name: &str) {
        self.gate(name).send_replace(true);
    }

    fn gate(&self, name: &str) -> watch::Sender<bool> {
        let mut gates = self.state.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.entry(name.to_owned()).or_insert_with(|| watch::Sender::new(false)).clone()
    }

    async fn answer(&self, mut socket: TcpStream) -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if socket.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default();
        let [kind, length, name] =
            path.trim_start_matches('/').splitn(3, '/').collect::<Vec<_>>()[..]
        else {
            return not_found(socket).await;
        };
        let Ok(length) = length.parse::<usize>() else { return not_found(socket).await };
        let now = self.state.now.fetch_add(1, SeqCst) + 1;
        self.state.most.fetch_max(now, SeqCst);
        let body = contents(name, length);
        let begun = self.begin(&mut socket, kind, &body, name).await;
        // When the client has the last piece, it may send its next request before we are back here.
        // So this response no longer counts.
        self.state.now.fetch_sub(1, SeqCst);
        socket.write_all(begun?).await?;
        socket.shutdown().await
    }

    /// Sends everything but the last piece, which is returned.
    async fn begin<'a>(
        &self,
        socket: &mut TcpStream,
        kind: &str,
        body: &'a [u8],
        name: &str,
    ) -> std::io::Result<&'a [u8]> {
        let length = match kind {
            "chunked" => "Transfer-Encoding: chunked".into(),
            _ => format!("Content-Length: {}", body.len()),
        };
        let head = format!("HTTP/1.1 200 OK\r\n{length}\r\nConnection: close\r\n\r\n");
        socket.write_all(head.as_bytes()).await?;
        let half = body.len() / 2;
        match kind {
            "whole" => {
                let (begin, last) = body.split_at(body.len() / 5 * 4);
                for piece in begin.chunks(body.len() / 5 + 1) {
                    sleep(Duration::from_millis(5)).await;
                    socket.write_all(piece).await?;
                }
                sleep(Duration::from_millis(5)).await;
                Ok(last)
            }
            "chunked" => {
                for piece in body.chunks(body.len() / 5 + 1) {
                    socket.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
                    socket.write_all(piece).await?;
                    socket.write_all(b"\r\n").await?;
                }
                Ok(b"0\r\n\r\n")
            }
            "breaks" => Ok(&body[..half]),
            "last" => {
                let (begin, last) = body.split_at(body.len().saturating_sub(1000));
                socket.write_all(begin).await?;
                sleep(Duration::from_millis(30)).await;
                Ok(last)
            }
            _ => {
                socket.write_all(&body[..half]).await?;
                let mut gate = self.gate(name).subscribe();
                let _ = gate.wait_for(|is_open| *is_open).await;
                Ok(&body[half..])
            }
        }
    }
}

async fn not_found(mut socket: TcpStream) -> std::io::Result<()> {
    let page = "There is no such file.";
    let length = page.len();
    let answer = format!(
        "HTTP/1.1 404 Not Found\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{page}"
    );
    socket.write_all(answer.as_bytes()).await?;
    socket.shutdown().await
}
