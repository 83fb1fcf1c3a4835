//! Stable ids: hashes of the values that they identify.

/// Number of hexadecimal digits of an id: 64 bits.
///
/// The probability of a collision among a million ids is about 3 in 100 million.
pub const ID_DIGITS: usize = 16;

/// The id of a tuple of values: the first 64 bits of their BLAKE3 hash.
///
/// Each value is preceded by its length, so `("ab", "c")` and `("a", "bc")` differ, and NULL differs from
/// the empty string.
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
