//! Numbers for texts: the same for the same text, whichever thread asks.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

const SHARDS: usize = 64;

/// Texts that were met, each with a number.
#[derive(Debug)]
pub struct Interner {
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
}

#[derive(Debug, Default)]
struct Shard {
    numbers: HashMap<Box<[u8]>, u32>,
    texts: Vec<Box<[u8]>>,
    bytes: usize,
}

impl Default for Interner {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { hasher: RandomState::new(), shards }
    }
}

impl Interner {
    /// The number of `text`.
    pub fn number(&self, text: &[u8]) -> u32 {
        let shard = self.hasher.hash_one(text) as usize % SHARDS;
        let Some(mutex) = self.shards.get(shard) else { return 0 };
        let mut inner = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = inner.numbers.get(text) {
            return *number;
        }
        let number = (inner.texts.len() * SHARDS + shard) as u32;
        inner.bytes += 2 * text.len() + 64;
        inner.numbers.insert(text.into(), number);
        inner.texts.push(text.into());
        number
    }

    /// The text of a number that [`Interner::number`] has given.
    pub fn text(&self, number: u32) -> Option<Box<[u8]>> {
        let mutex = self.shards.get(number as usize % SHARDS)?;
        let inner = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        inner.texts.get(number as usize / SHARDS).cloned()
    }

    /// Bytes of memory, about.
    pub fn size(&self) -> usize {
        let bytes = |m: &Mutex<Shard>| m.lock().unwrap_or_else(PoisonError::into_inner).bytes;
        self.shards.iter().map(bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_number() {
        let interner = Interner::default();
        let numbers: Vec<u32> =
            (0..1000).map(|i| interner.number(format!("text {i}").as_bytes())).collect();
        for (i, number) in numbers.iter().enumerate() {
            let text = format!("text {i}");
            assert_eq!(interner.number(text.as_bytes()), *number);
            assert_eq!(interner.text(*number).as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(interner.text(u32::MAX), None);
        assert!(interner.size() > 64_000);
    }
}
