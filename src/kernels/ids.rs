//! Stable ids: hashes of what they stand for.

/// Number of hexadecimal digits of an id: 64 bits, a collision among a million ids has a chance of
/// about 3 in 100 million.
pub const ID_DIGITS: usize = 16;

/// The id of a tuple of values: the first 64 bits of the BLAKE3 hash of the values, each preceded by
/// its length (so that `("ab", "c")` and `("a", "bc")` differ; a NULL is not an empty text).
///
/// ```
/// let id = clipflow::kernels::ids::stable_id([Some("a"), None]);
/// assert_eq!(id.len(), 16);
/// assert_ne!(id, clipflow::kernels::ids::stable_id([Some("a"), Some("")]));
/// ```
pub fn stable_id<'a>(parts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        match part {
            Some(text) => {
                hasher.update(&(text.len() as u64 + 1).to_le_bytes());
                hasher.update(text.as_bytes());
            }
            None => {
                hasher.update(&0u64.to_le_bytes());
            }
        }
    }
    let mut hex = hasher.finalize().to_hex().to_string();
    hex.truncate(ID_DIGITS);
    hex
}
