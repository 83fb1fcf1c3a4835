//! Keys of cached results.

use std::fmt;
use std::sync::Arc;

/// A BLAKE3 hash of everything that a result depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// The key of a tuple of texts. Each is hashed after its length, so that `("ab", "c")` and
    /// `("a", "bc")` differ.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// Parses a key of 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        // Upper case is rejected: two names would be one key.
        let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
        let hash = blake3::Hash::from_hex(text).ok().filter(|_| lower)?;
        Some(Self(*hash.as_bytes()))
    }
}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from(self.0).to_hex())
    }
}

/// The source of a result, as a [`CacheKeyFn`] sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSubject<'a> {
    /// Name of the work, such as `analyze`.
    pub work: &'a str,
    /// Absolute path or URL of the source, including its query.
    pub location: &'a str,
    /// Entity tag, or size and modification time; `None` if it takes a fetch to know.
    pub validator: Option<&'a str>,
}

/// Identifies sources by a closure instead of by location and validator.
///
/// Sources with the same text share results, so the text must identify the content: a file name with
/// a version in it, a URL without its signature. Settings, programs and versions are always part of
/// the key as well.
///
/// ```
/// use clipflow::cache::CacheKeyFn;
/// // Presigned URLs of one object differ only in their query.
/// let key = CacheKeyFn::new(|subject| {
///     let object = subject.location.split('?').next().unwrap_or_default();
///     format!("{object} {}", subject.validator.unwrap_or_default())
/// });
/// # let _ = key;
/// ```
#[derive(Clone)]
pub struct CacheKeyFn(Arc<dyn Fn(&CacheSubject<'_>) -> String + Send + Sync>);

impl CacheKeyFn {
    /// Identifies sources by `name`.
    pub fn new(name: impl Fn(&CacheSubject<'_>) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(name))
    }

    /// The text that identifies `subject`.
    pub fn name(&self, subject: &CacheSubject<'_>) -> String {
        (self.0)(subject)
    }
}

impl fmt::Debug for CacheKeyFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheKeyFn")
    }
}
