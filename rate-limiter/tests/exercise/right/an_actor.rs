//! A task owns the grants, and callers send it messages.

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

type Caller = oneshot::Sender<Instant>;

pub struct RateLimiter {
    max: usize,
    window: Duration,
    callers: OnceLock<mpsc::UnboundedSender<Caller>>,
}

impl RateLimiter {
    pub fn new(max: usize, window: Duration) -> Self {
        Self { max, window, callers: OnceLock::new() }
    }

    pub async fn acquire(&self) -> Instant {
        let callers = self.callers.get_or_init(|| {
            let (sender, receiver) = mpsc::unbounded_channel();
            tokio::spawn(serve(self.max, self.window, receiver));
            sender
        });
        let (sender, receiver) = oneshot::channel();
        callers.send(sender).unwrap();
        receiver.await.unwrap();
        Instant::now()
    }
}

async fn serve(max: usize, window: Duration, mut callers: mpsc::UnboundedReceiver<Caller>) {
    let mut grants: VecDeque<Instant> = VecDeque::new();
    while let Some(mut caller) = callers.recv().await {
        if grants.len() == max {
            tokio::select! {
                () = sleep_until(grants[0] + window) => {}
                () = caller.closed() => continue,
            }
        }
        let now = Instant::now();
        if caller.send(now).is_ok() {
            if grants.len() == max {
                grants.pop_front();
            }
            grants.push_back(now);
        }
    }
}
