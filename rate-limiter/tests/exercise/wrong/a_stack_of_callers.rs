//! Serves the newest caller first.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

struct State {
    grants: VecDeque<Instant>,
    waiting: Vec<oneshot::Sender<()>>,
    is_served: bool,
}

pub struct RateLimiter {
    max: usize,
    window: Duration,
    state: Mutex<State>,
}

impl RateLimiter {
    pub fn new(max: usize, window: Duration) -> Self {
        let state = State { grants: VecDeque::new(), waiting: Vec::new(), is_served: false };
        Self { max, window, state: Mutex::new(state) }
    }

    pub async fn acquire(&self) -> Instant {
        let turn = {
            let mut state = self.state.lock().unwrap();
            if state.is_served {
                let (sender, receiver) = oneshot::channel();
                state.waiting.push(sender);
                Some(receiver)
            } else {
                state.is_served = true;
                None
            }
        };
        if let Some(turn) = turn {
            let _ = turn.await;
        }
        let wait = {
            let state = self.state.lock().unwrap();
            (state.grants.len() == self.max).then(|| state.grants[0] + self.window)
        };
        if let Some(wait) = wait {
            sleep_until(wait).await;
        }
        let mut state = self.state.lock().unwrap();
        if state.grants.len() == self.max {
            state.grants.pop_front();
        }
        let now = Instant::now();
        state.grants.push_back(now);
        while let Some(next) = state.waiting.pop() {
            if next.send(()).is_ok() {
                return now;
            }
        }
        state.is_served = false;
        now
    }
}
