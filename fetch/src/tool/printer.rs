//! Printing on a thread of its own. A pipe that nobody empties blocks who writes to it; here that is
//! nobody else's thread, and Ctrl-C is heard all the same.

use std::io::{self, Write};

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

/// What goes to stdout and stderr in one go.
#[derive(Debug, Default)]
pub struct Text {
    /// For stdout.
    pub out: Vec<u8>,
    /// For stderr.
    pub err: Vec<u8>,
}

impl FromIterator<Text> for Text {
    fn from_iter<I: IntoIterator<Item = Text>>(texts: I) -> Self {
        let join = |mut all: Text, text: Text| {
            all.out.extend(text.out);
            all.err.extend(text.err);
            all
        };
        // What is alone is not copied.
        texts.into_iter().reduce(join).unwrap_or_default()
    }
}

/// The sending end of the thread that prints.
pub struct Printer {
    texts: mpsc::Sender<Text>,
    thread: JoinHandle<io::Result<()>>,
}

impl Printer {
    /// Starts the thread.
    pub fn start() -> Self {
        let (texts, to_print) = mpsc::channel(1);
        Self { texts, thread: spawn_blocking(|| print_all(to_print)) }
    }

    /// Hands over a text; waits while too much is unprinted. Returns whether it makes sense to go on.
    pub async fn print(&self, text: Text) -> bool {
        self.texts.send(text).await.is_ok()
    }

    /// Hands over a line for stdout.
    pub async fn line(&self, line: &str) -> bool {
        self.print(Text { out: format!("{line}\n").into(), err: Vec::new() }).await
    }

    /// Waits until all is printed. An error is that of stdout, such as a closed pipe.
    pub async fn finish(self) -> io::Result<()> {
        drop(self.texts);
        self.thread.await.map_err(io::Error::from).flatten()
    }
}

fn print_all(mut texts: mpsc::Receiver<Text>) -> io::Result<()> {
    while let Some(Text { out, err }) = texts.blocking_recv() {
        // Where stderr is closed there is nobody to tell.
        let _ = io::stderr().write_all(&err);
        let mut stdout = io::stdout();
        stdout.write_all(&out)?;
        stdout.flush()?;
    }
    Ok(())
}
