//! Wakes all waiting callers whenever one of them has passed.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

#[derive(Default)]
struct State {
    grants: VecDeque<Instant>,
    next_ticket: u64,
    queue: VecDeque<u64>,
}

pub struct RateLimiter {
    max: usize,
    window: Duration,
    state: Mutex<State>,
    moved: Notify,
}

/// Leaves the queue, however the caller ends.
struct Ticket<'a>(&'a RateLimiter, u64);

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap().queue.retain(|ticket| *ticket != self.1);
        self.0.moved.notify_waiters();
    }
}

impl RateLimiter {
    pub fn new(max: usize, window: Duration) -> Self {
        Self { max, window, state: Mutex::default(), moved: Notify::new() }
    }

    pub async fn acquire(&self) -> Instant {
        let ticket = {
            let mut state = self.state.lock().unwrap();
            state.next_ticket += 1;
            let ticket = state.next_ticket;
            state.queue.push_back(ticket);
            Ticket(self, ticket)
        };
        loop {
            let moved = self.moved.notified();
            if self.state.lock().unwrap().queue.front() == Some(&ticket.1) {
                break;
            }
            moved.await;
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
        drop(state);
        now
    }
}
