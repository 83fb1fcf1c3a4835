//! Errors between Polars and the crate.

use std::sync::Arc;

use polars::error::PolarsError;

use crate::error::{Error, ErrorCode};

/// A Polars error as the crate's: one that was ours comes back as it was, any other is
/// `query.invalid` with what Polars says.
pub fn polars_error(error: PolarsError) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(current) = cause {
        let inner = current.downcast_ref::<std::io::Error>().and_then(|e| e.get_ref());
        if let Some(ours) = inner.and_then(|e| e.downcast_ref::<Error>()) {
            return Error::new(ours.code(), ours.message());
        }
        cause = current.source();
    }
    Error::new(ErrorCode::QueryInvalid, error.to_string()).with_source(error)
}

/// The crate's error inside Polars, which has no variant for the errors of others.
pub(super) fn into_polars(error: Error) -> PolarsError {
    let msg = Some(error.message().to_owned().into());
    PolarsError::IO { error: Arc::new(std::io::Error::other(error)), msg }
}
