//! The meaning of an object store's error, for all kinds of stores.

use std::error::Error as StdError;

#[cfg(feature = "cloud")]
use object_store::client::{HttpError, HttpErrorKind};

use crate::error::{Error, ErrorCode};
use crate::location::redacted;

/// Reason of a failed operation on a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFaultCause {
    /// The object does not exist.
    NotFound,
    /// The bucket or container does not exist.
    NoBucket,
    /// The credentials do not allow it.
    Forbidden,
    /// Credentials are missing or rejected.
    Credentials,
    /// The store asks for fewer requests.
    Throttled,
    /// The store did not answer, or reported an internal error.
    Unreachable,
    /// An object that was to be created exists already.
    Exists,
    /// The store does not support the operation.
    Unsupported,
    /// Another answer.
    Other,
}

/// A classified error of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFault {
    /// Its reason.
    pub cause: StoreFaultCause,
    /// The short text of the store.
    pub said: String,
}

impl StoreFault {
    /// A request that exceeded its time limit.
    pub fn timeout(what: &str) -> Self {
        Self { cause: StoreFaultCause::Unreachable, said: what.to_owned() }
    }

    /// Whether a retry can succeed.
    pub fn can_pass(&self) -> bool {
        matches!(self.cause, StoreFaultCause::Throttled | StoreFaultCause::Unreachable)
    }

    /// A sentence about the object or prefix `url` that ends in what to do.
    pub fn sentence(&self, url: &str) -> String {
        let (place, said) = (redacted(url), &self.said);
        match self.cause {
            StoreFaultCause::NotFound => format!("there is no object {place}; check its name"),
            StoreFaultCause::NoBucket => format!("there is no bucket for {place}; check its name"),
            StoreFaultCause::Forbidden => format!(
                "the store does not allow the access to {place} ({said}); check the permissions of the credentials"
            ),
            StoreFaultCause::Credentials => {
                format!(
                    "there are no valid credentials for {place} ({said}); set {}",
                    credential_variables(url)
                )
            }
            StoreFaultCause::Throttled => {
                format!("the store of {place} asks for fewer requests ({said})")
            }
            StoreFaultCause::Unreachable => {
                format!(
                    "the store of {place} cannot be reached ({said}); check that it is up and run again"
                )
            }
            StoreFaultCause::Exists => format!("{place} exists already"),
            StoreFaultCause::Unsupported => format!("the store of {place} cannot do this ({said})"),
            StoreFaultCause::Other => format!("the store refuses the access to {place} ({said})"),
        }
    }

    /// The error of a row with the source `url`.
    pub fn of_source(&self, url: &str) -> Error {
        let code = match self.cause {
            StoreFaultCause::NotFound | StoreFaultCause::NoBucket => ErrorCode::SourceNotFound,
            StoreFaultCause::Forbidden | StoreFaultCause::Credentials => ErrorCode::SourceForbidden,
            StoreFaultCause::Throttled => ErrorCode::SourceThrottled,
            StoreFaultCause::Unreachable => ErrorCode::SourceUnreachable,
            _ => ErrorCode::SourceUnsupported,
        };
        Error::new(code, self.sentence(url))
    }
}

/// The environment variables with the credentials of a store.
fn credential_variables(url: &str) -> &'static str {
    match url.split(':').next().unwrap_or_default() {
        "s3" | "s3a" => {
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SKIP_SIGNATURE=true for a public bucket)"
        }
        "gs" => "GOOGLE_APPLICATION_CREDENTIALS (GOOGLE_SKIP_SIGNATURE=true for a public bucket)",
        _ => "AZURE_STORAGE_ACCOUNT_KEY (AZURE_SKIP_SIGNATURE=true for a public container)",
    }
}

impl From<&object_store::Error> for StoreFault {
    fn from(error: &object_store::Error) -> Self {
        use object_store::Error as E;
        let text = deepest(error);
        let code = store_code(&text);
        let cause = match error {
            _ if is_about_credentials(&text) => StoreFaultCause::Credentials,
            _ if code.is_some_and(|c| matches!(c, "NoSuchBucket" | "ContainerNotFound")) => {
                StoreFaultCause::NoBucket
            }
            E::NotFound { .. } => StoreFaultCause::NotFound,
            E::PermissionDenied { .. } => StoreFaultCause::Forbidden,
            E::Unauthenticated { .. } => StoreFaultCause::Credentials,
            E::AlreadyExists { .. } | E::Precondition { .. } => StoreFaultCause::Exists,
            E::NotImplemented { .. } | E::NotSupported { .. } => StoreFaultCause::Unsupported,
            E::Generic { .. } | E::JoinError { .. } => of_transport(error, &text, code),
            _ => StoreFaultCause::Other,
        };
        Self { cause, said: short(&text, code) }
    }
}

impl From<object_store::Error> for StoreFault {
    fn from(error: object_store::Error) -> Self {
        (&error).into()
    }
}

/// The reason of an error that object_store does not classify.
fn of_transport(error: &object_store::Error, text: &str, code: Option<&str>) -> StoreFaultCause {
    match (status(text), code) {
        (Some(429), _) | (_, Some("SlowDown" | "TooManyRequests" | "ServerBusy")) => {
            StoreFaultCause::Throttled
        }
        (Some(501), _) | (_, Some("NotImplemented")) => StoreFaultCause::Unsupported,
        (Some(408 | 500..), _) | (_, Some("InternalError")) => StoreFaultCause::Unreachable,
        (Some(404), _) => StoreFaultCause::NotFound,
        (Some(403), _) => StoreFaultCause::Forbidden,
        (Some(401), _) => StoreFaultCause::Credentials,
        (Some(409 | 412), _) => StoreFaultCause::Exists,
        (Some(_), _) => StoreFaultCause::Other,
        (None, _) if is_broken_connection(error) => StoreFaultCause::Unreachable,
        (None, _) => StoreFaultCause::Other,
    }
}

/// Whether the connection failed.
#[cfg(feature = "cloud")]
fn is_broken_connection(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(e) = next {
        if let Some(http) = e.downcast_ref::<HttpError>() {
            return http.kind() != HttpErrorKind::Unknown || http.source().is_some();
        }
        next = e.source();
    }
    false
}

/// Local stores and stores in memory have no connection.
#[cfg(not(feature = "cloud"))]
fn is_broken_connection(_: &(dyn StdError + 'static)) -> bool {
    false
}

/// The text of an error with the texts of its causes that it does not repeat.
fn deepest(error: &object_store::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(e) = next {
        let inner = e.to_string();
        if !text.contains(&inner) {
            text.push_str(": ");
            text.push_str(&inner);
        }
        next = e.source();
    }
    text
}

/// The HTTP status in the text of an error; the type for it in object_store is private.
fn status(text: &str) -> Option<u16> {
    let (_, after) = text.split_once("status code: ")?;
    after.get(..3)?.parse().ok()
}

/// The `<Code>` of an XML answer.
fn store_code(text: &str) -> Option<&str> {
    Some(text.split_once("<Code>")?.1.split_once("</Code>")?.0)
}

/// Whether credentials are missing or were rejected.
fn is_about_credentials(text: &str) -> bool {
    const SIGNS: &[&str] = &[
        "169.254.169.254",
        "metadata.google.internal",
        "metadata/identity",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "AuthenticationFailed",
        "ExpiredToken",
        "InvalidToken",
        "oauth2",
    ];
    SIGNS.iter().any(|sign| text.contains(sign))
}

/// The code of the store, the HTTP status, or the end of the text.
fn short(text: &str, code: Option<&str>) -> String {
    if let Some(code) = code {
        return code.to_owned();
    }
    if let Some(status) = status(text) {
        return format!("HTTP status {status}");
    }
    let last = text.rsplit(": ").next().unwrap_or(text).trim();
    last.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> StoreFault {
        let source = text.to_owned().into();
        StoreFault::from(object_store::Error::Generic { store: "S3", source })
    }

    #[test]
    fn answers_are_told_apart_from_a_store_that_is_down() {
        let refused = |status: &str, body: &str| {
            generic(&format!(
                "Error performing PUT http://h/b in 1ms - Server returned non-2xx status code: {status}: {body}"
            ))
        };
        for (fault, cause, said) in [
            (
                refused("503 Service Unavailable", ""),
                StoreFaultCause::Unreachable,
                "HTTP status 503",
            ),
            (
                refused("503 Service Unavailable", "<Error><Code>SlowDown</Code></Error>"),
                StoreFaultCause::Throttled,
                "SlowDown",
            ),
            (refused("429 Too Many Requests", ""), StoreFaultCause::Throttled, "HTTP status 429"),
            (refused("501 Not Implemented", ""), StoreFaultCause::Unsupported, "HTTP status 501"),
            (refused("400 Bad Request", ""), StoreFaultCause::Other, "HTTP status 400"),
            (
                refused("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>"),
                StoreFaultCause::NoBucket,
                "NoSuchBucket",
            ),
            (
                refused("403 Forbidden", "<Code>InvalidAccessKeyId</Code>"),
                StoreFaultCause::Credentials,
                "InvalidAccessKeyId",
            ),
            (
                generic("Error performing PUT http://169.254.169.254/latest/api/token: timed out"),
                StoreFaultCause::Credentials,
                "timed out",
            ),
        ] {
            assert_eq!((fault.cause, fault.said.as_str()), (cause, said));
        }
    }

    #[test]
    fn sentences_say_what_to_do_and_no_secret() {
        let fault = StoreFault { cause: StoreFaultCause::Credentials, said: "x".to_owned() };
        assert!(fault.sentence("s3://b/a").contains("AWS_ACCESS_KEY_ID"));
        assert!(fault.sentence("gs://b/a").contains("GOOGLE_APPLICATION_CREDENTIALS"));
        assert!(fault.sentence("az://b/a").contains("AZURE_STORAGE_ACCOUNT_KEY"));
        assert!(!fault.sentence("s3://b/a?sig=secret").contains("secret"));
        assert_eq!(fault.of_source("s3://b/a").code(), ErrorCode::SourceForbidden);
    }
}
