//! Keyphrases: what a text is about, in its own words.

use serde::{Deserialize, Serialize};

use super::column::table;

table! {
    /// A word or short phrase of a text, and how much the text is about it.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Keyphrase {
        /// As the text spells it, white space put together.
        pub text: String,
        /// In (0, 1]; 1 for the strongest of the text.
        pub weight: f64,
    }
}
