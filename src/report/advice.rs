//! What to do about failures, by error code.

use super::rows::FailureGroup;
use crate::error::ErrorCode;

/// Puts the meaning of its code and what to do about it beside each group.
pub(super) fn explained(mut groups: Vec<FailureGroup>) -> Vec<FailureGroup> {
    for group in &mut groups {
        let code = group.code.as_deref().and_then(ErrorCode::parse);
        group.meaning = code.map(ErrorCode::meaning);
        group.advice = code.map_or(UNKNOWN, advice);
    }
    groups
}

const UNKNOWN: &str =
    "The message says what to do; this version of clipflow does not know the code.";

fn advice(code: ErrorCode) -> &'static str {
    use ErrorCode as C;
    match code {
        C::InvalidRequestMissingUrl => "Fill in source_url for these rows.",
        C::InvalidRequestBadUrl => "Correct source_url: a path, a URL or a YouTube address.",
        C::InvalidRequestDuplicateId => "Give each row an id of its own, or leave request_id out.",
        C::InvalidRequestBadLength
        | C::InvalidRequestBadSpan
        | C::InvalidRequestBadMaxClips
        | C::InvalidRequestBadValue
        | C::InvalidRequestBadLanguage => "Correct the value that the message names.",
        C::SourceNotFound => "Check that the file or page still exists under this name.",
        C::SourceForbidden => {
            "Allow the folder with --allow-root, or give read access to the source."
        }
        C::SourceUnreachable => {
            "Check the network and the host name, then run these requests again."
        }
        C::SourceThrottled => {
            "Wait, or lower the requests per host, then run these requests again."
        }
        C::SourceChanged => "Run again when the source is no longer being written.",
        C::SourceTooLarge => "Raise the limit on the size of sources, or use a smaller copy.",
        C::SourceTruncated => "Fetch or copy the source again: its end is missing.",
        C::SourceUnsupported => "Convert the source to MP4, MOV, MKV or WebM.",
        C::SourceBlocked => "Use a source whose address is public.",
        C::MediaNoVideo => "Choose a source with a picture.",
        C::MediaCorrupt => "Copy or encode the source again: it cannot be decoded.",
        C::MediaTimeout | C::Timeout => "Raise the timeout, or use a shorter or smaller source.",
        C::MediaCrashed | C::WorkerCrashed => "Run again; if it repeats, encode the source again.",
        C::MediaLimits => "Use a smaller copy of the source, or raise the limit that is named.",
        C::SelectionNoCandidate => "Ask for shorter clips, or widen the span that is allowed.",
        C::SelectionOutside => "Correct start and end: the source is shorter.",
        C::RenderFailed | C::RenderMismatch => {
            "Render again with another format or quality (clipflow render)."
        }
        C::StoreWrite => "Free space on the disk, then run these requests again.",
        C::StoreRead => "Restore the file that is named, or run its requests again.",
        C::SetupMissingProgram => "Install the program that the message names.",
        C::Cancelled => "Run again: the run was stopped before these rows were done.",
        C::WorkPanicked => "Correct the program that added this work.",
        C::Internal => "Report this with the message: it is a fault of clipflow.",
        _ => "The message says what to do.",
    }
}
