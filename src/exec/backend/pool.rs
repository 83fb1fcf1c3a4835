//! Threads that take tickets from a queue.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ticket::Ticket;
use crate::error::{Error, ErrorCode};

/// What each thread does until the queue is closed.
type Body = dyn Fn(&Queue) + Send + Sync;

/// Up to `size` threads, started when there is work for them. Dropping it closes the queue: threads
/// end with the ticket they have, nobody waits for them.
pub(super) struct Pool {
    queue: Arc<Queue>,
    body: Arc<Body>,
    size: usize,
    name: &'static str,
}

/// Tickets in the order they came.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Debug, Default)]
struct State {
    tickets: VecDeque<Ticket>,
    threads: usize,
    /// Threads that wait for a ticket.
    idle: usize,
    closed: bool,
}

/// What [`Queue::next`] came back with.
#[derive(Debug)]
pub(super) enum Next {
    /// Work.
    Ticket(Box<Ticket>),
    /// Nothing came for that long.
    Idle,
    /// Nothing will come.
    Closed,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Pool {
    /// Threads called `name` that run `body`.
    pub(super) fn new(
        size: usize,
        name: &'static str,
        body: impl Fn(&Queue) + Send + Sync + 'static,
    ) -> Self {
        Self { queue: Arc::default(), body: Arc::new(body), size: size.max(1), name }
    }

    /// Queue a ticket; bounded by the slots that tickets hold.
    pub(super) fn push(&self, ticket: Ticket) {
        let mut state = self.queue.lock();
        state.tickets.push_back(ticket);
        if state.tickets.len() > state.idle && state.threads < self.size {
            match self.start() {
                Ok(()) => state.threads += 1,
                // With one thread at least the ticket has its turn.
                Err(cause) if state.threads > 0 => tracing::warn!("no further thread: {cause}"),
                Err(cause) => {
                    if let Some(ticket) = state.tickets.pop_back() {
                        ticket.refuse(no_thread(cause));
                    }
                }
            }
        }
        drop(state);
        self.queue.ready.notify_one();
    }

    fn start(&self) -> std::io::Result<()> {
        let (queue, body) = (Arc::clone(&self.queue), Arc::clone(&self.body));
        let thread = std::thread::Builder::new().name(self.name.into());
        thread.spawn(move || body(&queue)).map(drop)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.closed = true;
        // Their callers are gone, or the pool would still be borrowed.
        let left = std::mem::take(&mut state.tickets);
        drop(state);
        self.queue.ready.notify_all();
        drop(left);
    }
}

impl Queue {
    /// Waits for a ticket, with `patience` not longer than that.
    pub(super) fn next(&self, patience: Option<Duration>) -> Next {
        let until = patience.map(|p| Instant::now() + p);
        let mut state = self.lock();
        loop {
            if state.closed {
                return Next::Closed;
            }
            if let Some(ticket) = state.tickets.pop_front() {
                return Next::Ticket(Box::new(ticket));
            }
            let left = until.map(|u| u.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Next::Idle;
            }
            state.idle += 1;
            state = match left {
                None => self.ready.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    self.ready.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
            state.idle -= 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_thread(cause: std::io::Error) -> Error {
    Error::new(ErrorCode::Internal, "no threads can be started; use fewer workers")
        .with_source(cause)
}
