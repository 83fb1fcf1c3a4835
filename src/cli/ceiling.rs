//! A ceiling on the memory of a query that somebody else may have typed.
//!
//! The memory pool counts what operators hold. A single value (`repeat('a', 1000000000)`), and what functions make on the
//! way, are beside it. So the command's allocator counts large blocks, and while a query runs, a block that would go
//! beyond the ceiling is not given: the thread that wants it waits for ever, and the query ends with an error, as after
//! `--timeout`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use crate::error::{Error, ErrorCode};

/// Blocks from this size on are counted; smaller ones are not worth the time.
const LARGE: usize = 32 << 10;
/// How often somebody looks whether the ceiling is reached.
const LOOK: Duration = Duration::from_millis(20);
/// Time for the command to end by itself.
const PATIENCE: Duration = Duration::from_secs(3);

/// Bytes of large blocks.
static HELD: AtomicI64 = AtomicI64::new(0);
/// Most bytes that large blocks may have together.
static CEILING: AtomicI64 = AtomicI64::new(i64::MAX);
static IS_REACHED: AtomicBool = AtomicBool::new(false);

/// The system's allocator, which counts large blocks: for the binary alone.
#[derive(Debug, Clone, Copy)]
pub struct CountingAllocator;

/// Counts a block that is about to be given. Beyond the ceiling it does not return.
fn take(bytes: usize) {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    let held = HELD.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
    if held > CEILING.load(Ordering::Relaxed) {
        HELD.fetch_sub(bytes, Ordering::Relaxed);
        IS_REACHED.store(true, Ordering::Release);
        loop {
            std::thread::park();
        }
    }
}

fn give_back(bytes: usize) {
    HELD.fetch_sub(i64::try_from(bytes).unwrap_or(i64::MAX), Ordering::Relaxed);
}

// SAFETY: every call is handed on to the system's allocator as it came; what is done beside that neither allocates nor
// unwinds.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= LARGE {
            take(layout.size());
        }
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= LARGE {
            take(layout.size());
        }
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.size() >= LARGE {
            give_back(layout.size());
        }
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size >= LARGE {
            take(size);
        }
        if layout.size() >= LARGE {
            give_back(layout.size());
        }
        // SAFETY: as the caller promises.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// Sets the ceiling, in bytes, from now on. It ends the process with `code` where reaching it has stopped even those who
/// would say so.
pub(super) fn arm(bytes: u64, code: u8) {
    CEILING.store(i64::try_from(bytes).unwrap_or(i64::MAX), Ordering::Relaxed);
    let watch = move || {
        while !is_reached() {
            std::thread::sleep(LOOK);
        }
        std::thread::sleep(PATIENCE);
        std::process::exit(i32::from(code));
    };
    // Without the watch the command still ends, where the thread that waits is not the last one.
    let _ = std::thread::Builder::new().name("clipflow-ceiling".into()).spawn(watch);
}

/// Whether the ceiling has been reached. What it has stopped holds its memory until the process ends.
pub(super) fn is_reached() -> bool {
    IS_REACHED.load(Ordering::Acquire)
}

/// Waits until the ceiling is reached.
pub(super) async fn reached() -> Error {
    while !is_reached() {
        tokio::time::sleep(LOOK).await;
    }
    let gigabytes = CEILING.load(Ordering::Relaxed) as f64 / 1e9;
    Error::new(
        ErrorCode::QueryLimits,
        format!(
            "the query needs more than {gigabytes} GB of memory; ask for less, or raise --memory-limit"
        ),
    )
}
