//! Prints on a separate thread. Writing to a full pipe blocks until the reader has read some of it.
//! Only the printing thread is blocked then, so a slow reader cannot hold up requests or Ctrl-C.

use std::io::{self, Write};

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

/// Text for stdout and stderr, to be printed together.
#[derive(Debug, Default)]
pub struct Text {
    /// The text for stdout.
    pub out: Vec<u8>,
    /// The text for stderr.
    pub err: Vec<u8>,
}

impl FromIterator<Text> for Text {
    fn from_iter<I: IntoIterator<Item = Text>>(texts: I) -> Self {
        let join = |mut all: Text, text: Text| {
            all.out.extend(text.out);
            all.err.extend(text.err);
            all
        };
        // `reduce` copies nothing if there is only one item.
        texts.into_iter().reduce(join).unwrap_or_default()
    }
}

/// Sends text to the thread that prints it.
pub struct Printer {
    texts: mpsc::Sender<Text>,
    thread: JoinHandle<io::Result<()>>,
}

impl Printer {
    /// Starts the thread that prints.
    pub fn start() -> Self {
        let (texts, to_print) = mpsc::channel(1);
        Self { texts, thread: spawn_blocking(|| print_all(to_print)) }
    }

    /// Hands `text` over to the thread. If the thread is still busy with earlier text, waits first.
    /// Returns `false` if writing to stdout has failed, which means that there is no point in
    /// printing more.
    pub async fn print(&self, text: Text) -> bool {
        self.texts.send(text).await.is_ok()
    }

    /// Hands over a line for stdout, in the same way as [`print`](Self::print).
    pub async fn line(&self, line: &str) -> bool {
        self.print(Text { out: format!("{line}\n").into(), err: Vec::new() }).await
    }

    /// Waits until everything is printed.
    ///
    /// # Errors
    /// Returns an error if writing to stdout failed, for example because the pipe is closed.
    pub async fn finish(self) -> io::Result<()> {
        drop(self.texts);
        self.thread.await.map_err(io::Error::from).flatten()
    }
}

fn print_all(mut texts: mpsc::Receiver<Text>) -> io::Result<()> {
    while let Some(Text { out, err }) = texts.blocking_recv() {
        // If stderr is closed, there is nowhere left to report the problem.
        let _ = io::stderr().write_all(&err);
        let mut stdout = io::stdout();
        stdout.write_all(&out)?;
        stdout.flush()?;
    }
    Ok(())
}
