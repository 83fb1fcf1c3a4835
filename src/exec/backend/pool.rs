//! A pool of threads that take tickets from a queue.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ticket::TaskTicket;
use crate::error::{Error, ErrorCode};

/// The loop of each thread, which ends when the queue is closed.
type WorkerBody = dyn Fn(&TicketQueue) + Send + Sync;

/// Up to `size` threads, started when there is work for them. Dropping it closes the queue without
/// waiting: threads end after their current ticket.
pub(super) struct WorkerPool {
    queue: Arc<TicketQueue>,
    body: Arc<WorkerBody>,
    size: usize,
    name: &'static str,
}

/// Tickets in order of arrival.
#[derive(Debug, Default)]
pub(super) struct TicketQueue {
    state: Mutex<QueueState>,
    ready: Condvar,
}

#[derive(Debug, Default)]
struct QueueState {
    tickets: VecDeque<TaskTicket>,
    threads: usize,
    /// Threads waiting for a ticket.
    idle: usize,
    closed: bool,
}

/// Result of [`TicketQueue::next`].
#[derive(Debug)]
pub(super) enum NextTicket {
    /// A ticket to run.
    Ready(Box<TaskTicket>),
    /// No ticket arrived in time.
    Idle,
    /// The queue is closed.
    Closed,
}

impl std::fmt::Debug for WorkerPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerPool").field("size", &self.size).finish_non_exhaustive()
    }
}

impl WorkerPool {
    /// Threads named `name` that run `body`.
    pub(super) fn new(
        size: usize,
        name: &'static str,
        body: impl Fn(&TicketQueue) + Send + Sync + 'static,
    ) -> Self {
        Self { queue: Arc::default(), body: Arc::new(body), size: size.max(1), name }
    }

    /// Queues a ticket. The queue is bounded by the slots that tickets hold.
    pub(super) fn push(&self, ticket: TaskTicket) {
        let mut state = self.queue.lock();
        state.tickets.push_back(ticket);
        if state.tickets.len() > state.idle && state.threads < self.size {
            match self.start() {
                Ok(()) => state.threads += 1,
                // The threads that exist will take the ticket.
                Err(cause) if state.threads > 0 => {
                    tracing::warn!("no further thread can be started: {cause}")
                }
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

impl Drop for WorkerPool {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.closed = true;
        // No caller is left, since a caller borrows the pool.
        let left = std::mem::take(&mut state.tickets);
        drop(state);
        self.queue.ready.notify_all();
        drop(left);
    }
}

impl TicketQueue {
    /// Waits for a ticket, at most for `patience` if it is given.
    pub(super) fn next(&self, patience: Option<Duration>) -> NextTicket {
        let until = patience.map(|p| Instant::now() + p);
        let mut state = self.lock();
        loop {
            if state.closed {
                return NextTicket::Closed;
            }
            if let Some(ticket) = state.tickets.pop_front() {
                return NextTicket::Ready(Box::new(ticket));
            }
            let left = until.map(|u| u.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return NextTicket::Idle;
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

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_thread(cause: std::io::Error) -> Error {
    Error::new(ErrorCode::Internal, "no threads can be started; use fewer workers")
        .with_source(cause)
}
