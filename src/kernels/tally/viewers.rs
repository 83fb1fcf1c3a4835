//! Distinct viewers of numbered groups, with a form that other processes read.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::keys::class;
use super::pairs::{MAX_GROUPS, PairSet};
use super::{Codes, KeyColumn};

/// Marks that a viewer can have in a group.
pub const MARKS: usize = 3;

/// For each group its viewers, exactly, and for each mark those that have it.
#[derive(Debug)]
pub struct ViewerSets {
    keys: KeyColumn,
    pairs: PairSet,
    counts: Vec<[u64; MARKS + 1]>,
}

impl ViewerSets {
    /// Of viewers of that type.
    pub fn new(viewers: DataType) -> Self {
        Self { keys: KeyColumn::of_viewers(viewers), pairs: PairSet::default(), counts: vec![] }
    }

    /// Codes of viewers, for [`ViewerSets::add`].
    ///
    /// # Errors
    /// As [`KeyColumn::encode`].
    pub fn encode(&self, viewers: &ArrayRef) -> Result<Codes, ArrowError> {
        self.keys.encode(viewers)
    }

    /// See that there are `groups` groups.
    ///
    /// # Errors
    /// If they are more than can be numbered.
    pub fn resize(&mut self, groups: usize) -> Result<(), ArrowError> {
        if groups > MAX_GROUPS {
            let text = format!("distinct viewers of {groups} groups are more than {MAX_GROUPS}");
            return Err(ArrowError::ComputeError(text));
        }
        self.counts.resize(groups.max(self.counts.len()), [0; MARKS + 1]);
        Ok(())
    }

    /// Note the viewer at `row` of `codes` in `group`; NULL is no viewer.
    pub fn add(&mut self, group: usize, codes: &Codes, row: usize, marks: u32) {
        if let (Some(class), Some(value)) = (codes.classes.get(row), codes.values.get(row)) {
            self.insert(group, *class, *value, marks);
        }
    }

    fn insert(&mut self, group: usize, class: u8, value: u64, marks: u32) {
        let Some(counts) = self.counts.get_mut(group).filter(|_| class != class::NULL) else {
            return;
        };
        let change = self.pairs.insert(group as u32, class, value, marks);
        counts[0] += u64::from(change.is_new);
        for (count, grows) in counts.iter_mut().skip(1).zip(change.grown()) {
            *count += u64::from(grows);
        }
    }

    /// Viewers of each group, and those with each mark.
    pub fn counts(&self) -> &[[u64; MARKS + 1]] {
        &self.counts
    }

    /// The viewers of each group as bytes, which [`ViewerSets::merge`] of any process takes.
    pub fn to_bytes(&self) -> Vec<Vec<u8>> {
        let mut all = vec![vec![]; self.counts.len()];
        for (group, class, value, marks) in self.pairs.iter() {
            let Some(bytes) = all.get_mut(group as usize) else { continue };
            bytes.push(class | (marks as u8) << 4);
            match self.keys.text_of(class, value) {
                Some(text) => {
                    bytes.extend((text.len() as u64).to_le_bytes());
                    bytes.extend_from_slice(&text);
                }
                None => bytes.extend(value.to_le_bytes()),
            }
        }
        all
    }

    /// Add viewers to a group.
    ///
    /// # Errors
    /// If the bytes are not of [`ViewerSets::to_bytes`].
    pub fn merge(&mut self, group: usize, mut bytes: &[u8]) -> Result<(), ArrowError> {
        let broken = || ArrowError::ComputeError("a broken state of distinct viewers".to_owned());
        while let Some((head, rest)) = bytes.split_first() {
            let (number, rest) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
            let mut value = u64::from_le_bytes(*number);
            bytes = rest;
            if head & 0b11 == class::TEXT {
                let (text, rest) = bytes.split_at_checked(value as usize).ok_or_else(broken)?;
                value = self.keys.number_of(text);
                bytes = rest;
            }
            self.insert(group, head & 0b11, value, u32::from(head >> 4));
        }
        Ok(())
    }

    /// Forget the first `n` groups: those after them are numbered from 0.
    pub fn forget(&mut self, n: usize) {
        let kept = std::mem::take(&mut self.pairs);
        self.counts.drain(..n.min(self.counts.len()));
        for (group, class, value, marks) in kept.iter() {
            if let Some(group) = group.checked_sub(n as u32) {
                self.pairs.insert(group, class, value, marks);
            }
        }
    }

    /// Bytes of memory.
    pub fn size(&self) -> usize {
        self.pairs.size() + self.keys.size() + self.counts.capacity() * 8 * (MARKS + 1)
    }
}
