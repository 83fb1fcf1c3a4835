//! `outcomes`: exactly one row per request row.

use serde::{Deserialize, Serialize};

use super::column::table;

table! {
    /// How a request ended: with clips, or with one error code.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Outcome {
        /// The request.
        pub request_id: String,
        /// Number of the row in its file, counted from 1.
        pub row: i64,
        /// The source as the request names it; NULL if it names none.
        pub source_url: Option<String>,
        /// The source's id; NULL if it could not be opened.
        pub source_id: Option<String>,
        /// `ok` or `failed`.
        pub status: String,
        /// Stable code (see `ErrorCode`); NULL when all went well.
        pub error_code: Option<String>,
        /// What happened and what to do; NULL when all went well.
        pub error_message: Option<String>,
        /// Tries that the analysis of the source or its rendering took, whichever took more; 0 for a
        /// rejected row.
        pub attempts: i64,
        /// Seconds spent analysing the source and rendering it, shared with the other requests of the source.
        pub elapsed: f64,
        /// Windows considered.
        pub candidates: i64,
        /// Clips; at least 1 if and only if `status` is `ok`.
        pub clips: i64,
        /// Variants made of them.
        pub variants: i64,
        /// The trace of the source's media work, in hexadecimal; NULL where none is kept.
        pub trace_id: Option<String>,
    }
}
