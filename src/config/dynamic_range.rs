//! What becomes of high dynamic range.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::setting::{SettingKind, SettingValue};
use crate::error::{Error, ErrorCode, Result};

/// What becomes of high dynamic range in plain clips.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DynamicRange {
    /// It is tone-mapped to BT.709, which all players show.
    #[default]
    Sdr,
    /// It stays: 10 bits in HEVC or AV1, with the source's transfer, primaries, matrix and mastering metadata.
    Keep,
}

impl DynamicRange {
    /// All values.
    pub const ALL: &'static [Self] = &[Self::Sdr, Self::Keep];

    const NAMES: &'static [&'static str] = &["sdr", "keep"];

    /// The name of the value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sdr => "sdr",
            Self::Keep => "keep",
        }
    }

    /// Whether it is the default, which is left out of serialised settings.
    pub(crate) fn is_sdr(&self) -> bool {
        *self == Self::Sdr
    }
}

impl fmt::Display for DynamicRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DynamicRange {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let found = Self::ALL.iter().find(|range| text.eq_ignore_ascii_case(range.as_str()));
        found.copied().ok_or_else(|| {
            let names = Self::NAMES.join(", ");
            let message = format!("unknown hdr {text}; choose one of {names}");
            Error::new(ErrorCode::ConfigInvalid, message)
        })
    }
}

impl SettingValue for DynamicRange {
    const KIND: SettingKind = SettingKind::Choice(Self::NAMES);

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn text(&self) -> String {
        self.as_str().to_owned()
    }
}
