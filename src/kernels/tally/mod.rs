//! Counting events: for each group the events of each kind, the seconds watched and the distinct
//! viewers, exactly, in one pass.
//!
//! Rows are brought to fixed size ([`Record`]) and dealt to the parts of a tally by a hash of their
//! group, or of their viewer if groups are few. A part is small enough for the processor's caches and
//! is filled many records at a time. Parts have nothing in common, so that any number of threads fill
//! them, and any of them can be put aside on disk ([`Part::put_aside`]) and added up later.

mod counts;
mod intern;
mod keys;
mod pairs;
mod part;
mod record;
mod viewers;

pub use counts::Counts;
pub use intern::Interner;
pub(crate) use keys::is_blank;
pub use keys::{Codes, KeyColumn, MetViews};
pub use part::Part;
pub use record::{Record, marks};
pub use viewers::ViewerSets;

/// Which distinct viewers are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewerScope {
    /// None: viewers are not read.
    Ignored,
    /// Those with an event that leaves a [mark](marks), for the counts of marks alone.
    Marked,
    /// All.
    All,
}

/// How rows are dealt to parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DealBy {
    /// By group: each is in one part.
    Group,
    /// By viewer: groups are in many parts, whose figures add up, since no two share a viewer.
    Viewer,
}

/// Number of parts.
pub const PARTS: usize = 512;

/// Multiplies and folds: enough for keys that are already ids, cheap for those that are not.
#[inline]
pub(crate) fn mix(value: u64) -> u64 {
    let wide = u128::from(value ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93_u128;
    (wide as u64) ^ ((wide >> 64) as u64)
}

impl DealBy {
    /// The part of a record.
    #[inline]
    pub fn part(self, record: &Record) -> usize {
        let hash = match self {
            Self::Group => mix(record.key.wrapping_add(u64::from(record.rest) << 40)),
            Self::Viewer => mix(record.viewer ^ record.key.rotate_left(17)),
        };
        (hash >> 52) as usize % PARTS
    }
}
