//! One event as a tally counts it.

use super::counts::OTHER;
use crate::model::event::EventKind;

/// One event, brought to fixed size.
#[derive(Debug, Clone, Copy)]
pub struct Record {
    /// Code of the group's first key.
    pub key: u64,
    /// Code of the viewer.
    pub viewer: u64,
    /// Number of the group's other keys.
    pub rest: u32,
    /// Kind, class of `key`, class of `viewer`.
    meta: u32,
}

impl Record {
    /// An event of the kind with that number ([`EventKind`]; any other number: an unknown kind).
    #[inline]
    pub fn new(key: (u8, u64), rest: u32, viewer: (u8, u64), kind: u8) -> Self {
        let kind = u32::from(kind).min(OTHER as u32);
        let meta = kind | (u32::from(key.0) << 8) | (u32::from(viewer.0) << 10);
        Self { key: key.1, viewer: viewer.1, rest, meta }
    }

    #[inline]
    pub(super) fn kind(&self) -> usize {
        (self.meta & 0xff) as usize
    }

    #[inline]
    pub(super) fn key_class(&self) -> u8 {
        (self.meta >> 8) as u8 & 0b11
    }

    #[inline]
    pub(super) fn viewer_class(&self) -> u8 {
        (self.meta >> 10) as u8 & 0b11
    }
}

/// The mark that an event of the kind with that number leaves on its viewer: viewed, completed, came by
/// referral.
#[inline]
pub fn marks(kind: usize) -> u32 {
    const VIEW: usize = EventKind::View as usize;
    const COMPLETION: usize = EventKind::View100 as usize;
    const REFERRAL: usize = EventKind::ReferralView as usize;
    match kind {
        VIEW => 0b001,
        COMPLETION => 0b010,
        REFERRAL => 0b100,
        _ => 0,
    }
}
