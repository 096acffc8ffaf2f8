//! The root future returns while a blocking call is still running. Does the runtime wait for the
//! call?

use std::sync::mpsc::{Receiver, Sender, channel};

use super::{LONG, Seen};

/// A blocking call. It returns when it learns that the runtime has ended, or after [`LONG`].
struct Call {
    start: Sender<()>,
    runtime_has_ended: Receiver<()>,
    end: Sender<bool>,
}

/// The other ends of the call's channels, which the experiment keeps.
struct Ends {
    has_started: Receiver<()>,
    runtime_has_ended: Sender<()>,
    heard_the_end: Receiver<bool>,
}

fn call() -> (Call, Ends) {
    let (start, has_started) = channel();
    let (end_of_runtime, runtime_has_ended) = channel();
    let (end, heard_the_end) = channel();
    let call = Call { start, runtime_has_ended, end };
    (call, Ends { has_started, runtime_has_ended: end_of_runtime, heard_the_end })
}

impl Call {
    fn run(self) {
        let _ = self.start.send(());
        let _ = self.end.send(self.runtime_has_ended.recv_timeout(LONG).is_ok());
    }
}

impl Ends {
    /// Returns the answer. Call this after the runtime has ended.
    fn seen(self) -> Seen {
        let _ = self.runtime_has_ended.send(());
        match self.heard_the_end.recv() {
            Ok(true) => "the runtime does not wait for the call",
            Ok(false) => "the runtime waits for the call",
            Err(_) => "the call does not run",
        }
        .into()
    }
}

#[cfg(feature = "tokio")]
pub fn on_tokio() -> Seen {
    #[tokio::main]
    async fn root(call: Call, has_started: &Receiver<()>) {
        tokio::task::spawn_blocking(|| call.run());
        has_started.recv().expect("the call starts");
    }
    let (call, ends) = call();
    root(call, &ends.has_started);
    ends.seen()
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    let (call, ends) = call();
    async_std::task::block_on(async {
        async_std::task::spawn_blocking(|| call.run());
        ends.has_started.recv().expect("the call starts");
    });
    ends.seen()
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    let (call, ends) = call();
    smol::block_on(async {
        smol::unblock(|| call.run()).detach();
        ends.has_started.recv().expect("the call starts");
    });
    ends.seen()
}
