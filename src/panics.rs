//! Panics of others' code as errors: readers of tables panic on some damaged files.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;

/// Calls within [`caught`] and [`caught_in`], during which no panic is printed: it becomes an error's text, and is
/// in the log.
static CALLS: AtomicUsize = AtomicUsize::new(0);
static HOOK: Once = Once::new();

struct Call;

impl Call {
    fn begin() -> Self {
        HOOK.call_once(|| {
            let print = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                match CALLS.load(Ordering::Relaxed) {
                    0 => print(panic),
                    // Also those of threads that hand none on, which nobody else tells.
                    _ => tracing::debug!(%panic, "a panic is made an error"),
                }
            }));
        });
        CALLS.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        CALLS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The text of a panic.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// Call `function`; the text of its panic if it panics.
///
/// # Errors
/// The text.
pub(crate) fn caught_in<T>(function: impl FnOnce() -> T) -> Result<T, String> {
    let _call = Call::begin();
    catch_unwind(AssertUnwindSafe(function)).map_err(|payload| panic_text(&*payload).to_owned())
}

/// As [`caught_in`] for a future, whose tasks on other threads are those of DataFusion, which hands their panics on.
///
/// # Errors
/// The text.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let _call = Call::begin();
    let caught = AssertUnwindSafe(future).catch_unwind().await;
    caught.map_err(|payload| panic_text(&*payload).to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    #[test]
    fn a_panic_is_its_text() {
        assert_eq!(caught_in(|| 1), Ok(1));
        let told: Result<(), String> = caught_in(|| panic!("no {}", "file"));
        assert_eq!(told, Err("no file".to_owned()));
    }
}
