//! A ceiling on the memory of a query whose text may come from elsewhere.
//!
//! The memory pool counts what operators hold. A single value (`repeat('a', 1000000000)`), and what functions make on the
//! way, are beside it. So the command's allocator counts large blocks, and while a query runs, a block that would go
//! beyond the ceiling is not given: the thread that wants it waits for ever, and the query ends with an error, as after
//! `--timeout`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;

use super::print;
use crate::error::{Error, ErrorCode, Result};

/// Blocks from this size on are counted; smaller ones are not worth the time.
const LARGE: usize = 32 << 10;
/// Interval between two looks at whether the ceiling is reached: the allocator itself can wake no thread.
const LOOK: Duration = Duration::from_millis(20);
/// Time for the command to end by itself.
const PATIENCE: Duration = Duration::from_secs(3);

/// Bytes of large blocks.
static HELD: AtomicI64 = AtomicI64::new(0);
/// Most bytes that large blocks may have together.
static CEILING: AtomicI64 = AtomicI64::new(i64::MAX);
static IS_REACHED: AtomicBool = AtomicBool::new(false);
/// Wakes the command once the ceiling is reached. No timer: the threads that drive timers may be those that wait.
static REACHED: Notify = Notify::const_new();

/// The system's allocator, which counts large blocks: for the binary alone.
#[derive(Debug, Clone, Copy)]
pub struct CountingAllocator;

/// Bytes of a block that are counted.
fn counted(size: usize) -> i64 {
    if size < LARGE { 0 } else { i64::try_from(size).unwrap_or(i64::MAX) }
}

/// Counts a block that is about to be given. Beyond the ceiling it does not return.
fn take(bytes: i64) {
    if bytes <= 0 {
        return;
    }
    let held = HELD.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
    if held > CEILING.load(Ordering::Relaxed) {
        HELD.fetch_sub(bytes, Ordering::Relaxed);
        IS_REACHED.store(true, Ordering::Release);
        loop {
            thread::park();
        }
    }
}

fn give_back(bytes: i64) {
    if bytes > 0 {
        HELD.fetch_sub(bytes, Ordering::Relaxed);
    }
}

// SAFETY: every call is handed on to the system's allocator as it came; what is done beside that neither allocates nor
// unwinds.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(counted(layout.size()));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(counted(layout.size()));
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        give_back(counted(layout.size()));
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // The pages of a large block move with it, so that it is not there twice.
        let more = counted(size) - counted(layout.size());
        take(more);
        give_back(-more);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// Sets the ceiling, in bytes, from now on. Where reaching it has stopped the threads that would say so too, the process
/// ends with the error and `code`.
///
/// # Errors
/// `internal` if no thread can be started that looks after it.
pub(super) fn arm(bytes: u64, code: u8) -> Result<()> {
    CEILING.store(i64::try_from(bytes).unwrap_or(i64::MAX), Ordering::Relaxed);
    let watch = move || {
        while !is_reached() {
            thread::sleep(LOOK);
        }
        REACHED.notify_one();
        thread::sleep(PATIENCE);
        print::error(&exceeded());
        std::process::exit(i32::from(code));
    };
    let started = thread::Builder::new().name("clipflow-ceiling".into()).spawn(watch);
    started.map(|_| ()).map_err(|cause| {
        let message = format!("the memory of the query cannot be watched ({cause})");
        Error::new(ErrorCode::Internal, message).with_source(cause)
    })
}

/// Whether the ceiling has been reached. What it has stopped holds its memory until the process ends.
pub(super) fn is_reached() -> bool {
    IS_REACHED.load(Ordering::Acquire)
}

/// Waits until the ceiling is reached.
pub(super) async fn reached() -> Error {
    REACHED.notified().await;
    exceeded()
}

fn exceeded() -> Error {
    let gigabytes = CEILING.load(Ordering::Relaxed) as f64 / 1e9;
    let message = format!(
        "the query needs more than {gigabytes} GB of memory; ask for less, or raise --memory-limit"
    );
    Error::new(ErrorCode::QueryLimits, message)
}
