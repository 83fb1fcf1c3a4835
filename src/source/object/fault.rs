//! What an object store's error means, whichever store it is.

use std::error::Error as StdError;

#[cfg(feature = "cloud")]
use object_store::client::{HttpError, HttpErrorKind};

use crate::error::{Error, ErrorCode};
use crate::location::redacted;

/// Why an operation on a store failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// There is no such object.
    NotFound,
    /// There is no such bucket or container.
    NoBucket,
    /// The credentials do not allow it.
    Forbidden,
    /// There are no credentials, or the store does not accept them.
    Credentials,
    /// The store asks for fewer requests.
    Throttled,
    /// The store did not answer, or said that it has a fault.
    Unreachable,
    /// An object of that name is there, where a new one was wanted.
    Exists,
    /// The store cannot do this.
    Unsupported,
    /// Another answer.
    Other,
}

/// An error of a store, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Why.
    pub cause: Cause,
    /// What the store said, in few words.
    pub said: String,
}

impl Fault {
    /// A request that took longer than it may.
    pub fn timeout(what: &str) -> Self {
        Self { cause: Cause::Unreachable, said: what.to_owned() }
    }

    /// Whether the same request can succeed a little later.
    pub fn can_pass(&self) -> bool {
        matches!(self.cause, Cause::Throttled | Cause::Unreachable)
    }

    /// What happened to the object or prefix `url`, and what to do.
    pub fn sentence(&self, url: &str) -> String {
        let (place, said) = (redacted(url), &self.said);
        match self.cause {
            Cause::NotFound => format!("there is no object {place}; check its name"),
            Cause::NoBucket => format!("there is no bucket for {place}; check its name"),
            Cause::Forbidden => format!(
                "the store does not allow the access to {place} ({said}); check the permissions of the credentials"
            ),
            Cause::Credentials => {
                format!("there are no valid credentials for {place} ({said}); set {}", wanted(url))
            }
            Cause::Throttled => format!("the store of {place} asks for fewer requests ({said})"),
            Cause::Unreachable => {
                format!(
                    "the store of {place} cannot be reached ({said}); see that it is up and run again"
                )
            }
            Cause::Exists => format!("{place} is there already"),
            Cause::Unsupported => format!("the store of {place} cannot do this ({said})"),
            Cause::Other => format!("the store refuses the access to {place} ({said})"),
        }
    }

    /// As the error of a row whose source `url` is.
    pub fn of_source(&self, url: &str) -> Error {
        let code = match self.cause {
            Cause::NotFound | Cause::NoBucket => ErrorCode::SourceNotFound,
            Cause::Forbidden | Cause::Credentials => ErrorCode::SourceForbidden,
            Cause::Throttled => ErrorCode::SourceThrottled,
            Cause::Unreachable => ErrorCode::SourceUnreachable,
            _ => ErrorCode::SourceUnsupported,
        };
        Error::new(code, self.sentence(url))
    }
}

/// The variables that hold the credentials of a store.
fn wanted(url: &str) -> &'static str {
    match url.split(':').next().unwrap_or_default() {
        "s3" | "s3a" => {
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SKIP_SIGNATURE=true for a public bucket)"
        }
        "gs" => "GOOGLE_APPLICATION_CREDENTIALS (GOOGLE_SKIP_SIGNATURE=true for a public bucket)",
        _ => "AZURE_STORAGE_ACCOUNT_KEY (AZURE_SKIP_SIGNATURE=true for a public container)",
    }
}

impl From<&object_store::Error> for Fault {
    fn from(error: &object_store::Error) -> Self {
        use object_store::Error as E;
        let text = deepest(error);
        let code = store_code(&text);
        let cause = match error {
            _ if is_about_credentials(&text) => Cause::Credentials,
            _ if code.is_some_and(|c| matches!(c, "NoSuchBucket" | "ContainerNotFound")) => {
                Cause::NoBucket
            }
            E::NotFound { .. } => Cause::NotFound,
            E::PermissionDenied { .. } => Cause::Forbidden,
            E::Unauthenticated { .. } => Cause::Credentials,
            E::AlreadyExists { .. } | E::Precondition { .. } => Cause::Exists,
            E::NotImplemented { .. } | E::NotSupported { .. } => Cause::Unsupported,
            E::Generic { .. } | E::JoinError { .. } => of_transport(error, &text, code),
            _ => Cause::Other,
        };
        Self { cause, said: short(&text, code) }
    }
}

impl From<object_store::Error> for Fault {
    fn from(error: object_store::Error) -> Self {
        (&error).into()
    }
}

/// What an error that is no answer of its own kind comes down to.
fn of_transport(error: &object_store::Error, text: &str, code: Option<&str>) -> Cause {
    match (status(text), code) {
        (Some(429), _) | (_, Some("SlowDown" | "TooManyRequests" | "ServerBusy")) => {
            Cause::Throttled
        }
        (Some(501), _) | (_, Some("NotImplemented")) => Cause::Unsupported,
        (Some(408 | 500..), _) | (_, Some("InternalError")) => Cause::Unreachable,
        (Some(404), _) => Cause::NotFound,
        (Some(403), _) => Cause::Forbidden,
        (Some(401), _) => Cause::Credentials,
        (Some(409 | 412), _) => Cause::Exists,
        (Some(_), _) => Cause::Other,
        (None, _) if is_broken_connection(error) => Cause::Unreachable,
        (None, _) => Cause::Other,
    }
}

/// Whether the request or its answer did not get through.
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

/// The text of an error with those beneath it that it does not say itself.
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

/// The HTTP status in an error's text; object_store's own error type for it is private.
fn status(text: &str) -> Option<u16> {
    let (_, after) = text.split_once("status code: ")?;
    after.get(..3)?.parse().ok()
}

/// The `<Code>` of an answer in XML.
fn store_code(text: &str) -> Option<&str> {
    Some(text.split_once("<Code>")?.1.split_once("</Code>")?.0)
}

/// Whether no credentials were found, or those found were refused.
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

/// The code the store gave, or the HTTP status, or the end of the text.
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

    fn generic(text: &str) -> Fault {
        let source = text.to_owned().into();
        Fault::from(object_store::Error::Generic { store: "S3", source })
    }

    #[test]
    fn answers_are_told_apart_from_a_store_that_is_down() {
        let refused = |status: &str, body: &str| {
            generic(&format!(
                "Error performing PUT http://h/b in 1ms - Server returned non-2xx status code: {status}: {body}"
            ))
        };
        for (fault, cause, said) in [
            (refused("503 Service Unavailable", ""), Cause::Unreachable, "HTTP status 503"),
            (
                refused("503 Service Unavailable", "<Error><Code>SlowDown</Code></Error>"),
                Cause::Throttled,
                "SlowDown",
            ),
            (refused("429 Too Many Requests", ""), Cause::Throttled, "HTTP status 429"),
            (refused("501 Not Implemented", ""), Cause::Unsupported, "HTTP status 501"),
            (refused("400 Bad Request", ""), Cause::Other, "HTTP status 400"),
            (
                refused("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>"),
                Cause::NoBucket,
                "NoSuchBucket",
            ),
            (
                refused("403 Forbidden", "<Code>InvalidAccessKeyId</Code>"),
                Cause::Credentials,
                "InvalidAccessKeyId",
            ),
            (
                generic("Error performing PUT http://169.254.169.254/latest/api/token: timed out"),
                Cause::Credentials,
                "timed out",
            ),
        ] {
            assert_eq!((fault.cause, fault.said.as_str()), (cause, said));
        }
    }

    #[test]
    fn sentences_say_what_to_do_and_no_secret() {
        let fault = Fault { cause: Cause::Credentials, said: "x".to_owned() };
        assert!(fault.sentence("s3://b/a").contains("AWS_ACCESS_KEY_ID"));
        assert!(fault.sentence("gs://b/a").contains("GOOGLE_APPLICATION_CREDENTIALS"));
        assert!(fault.sentence("az://b/a").contains("AZURE_STORAGE_ACCOUNT_KEY"));
        assert!(!fault.sentence("s3://b/a?sig=secret").contains("secret"));
        assert_eq!(fault.of_source("s3://b/a").code(), ErrorCode::SourceForbidden);
    }
}
