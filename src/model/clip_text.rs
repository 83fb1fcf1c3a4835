//! Texts of a clip as a language model or a person wrote them.

use serde::{Deserialize, Serialize};

use super::column::table;

table! {
    /// Texts that take the place of those made from the clip's own words.
    #[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
    pub struct WrittenTexts {
        /// Title; `None`: no text was written.
        pub title: Option<String>,
        /// First words.
        pub hook_text: Option<String>,
        /// Description.
        pub description: Option<String>,
        /// Hashtags with their `#`; empty: those of the clip's own words.
        pub hashtags: Vec<String>,
        /// Why they were not written though they were asked for, as a sentence.
        pub note: Option<String>,
    }
}
