//! The SQL files of runs and views, compiled in.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::source_lists;
use crate::error::{Error, ErrorCode, Result};

/// A statement of the run.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Name of the table it makes.
    pub name: &'static str,
    /// The statement.
    pub sql: &'static str,
    /// Whether rows hold a whole source, so that a batch must be small.
    pub wide: bool,
}

macro_rules! step {
    ($name:literal) => {
        Step {
            name: $name,
            sql: include_str!(concat!("../../sql/run/", $name, ".sql")),
            wide: false,
        }
    };
    ($name:literal, wide) => {
        Step {
            name: $name,
            sql: include_str!(concat!("../../sql/run/", $name, ".sql")),
            wide: true,
        }
    };
}

/// Checks the requests of the request file.
pub const CHECKED: Step = step!("checked");

/// The step [`CHECKED`] for the caller, without what only a run needs.
pub fn verdicts() -> Step {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        let without = "track_error, sound, timecodes) REPLACE (";
        // Only the source says what a time is that counts frames.
        let times = ["start", "\"end\"", "within_start", "within_end"]
            .map(|name| format!("CASE WHEN timecodes IS NULL THEN {name} END AS {name},"));
        let selected = format!("{without}{}", times.concat());
        CHECKED.sql.replacen("track_error) REPLACE (", &selected, 1)
    });
    Step { sql: &SQL, ..CHECKED }
}

/// The requests whose times count frames, by source.
pub const FRAME_TIMES: &str = include_str!("../../sql/wanted/frame_times.sql");

/// The checked requests with these times in seconds.
pub const TIMED_REQUESTS: &str = include_str!("../../sql/wanted/timed_requests.sql");

/// The distinct sources of the valid requests.
pub const WANTED_SOURCES: &str = include_str!("../../sql/wanted/wanted_sources.sql");

/// The analyses that results hold of some of them.
pub const REUSED: Step = step!("reused", wide);

/// The step `analysis` where results hold some of the sources.
pub const ANALYSIS_REUSED: Step =
    Step { name: "analysis", sql: include_str!("../../sql/run/analysis_reused.sql"), wide: true };

/// The sound tracks that are wanted of sources of which several are.
pub const SEVERAL_WISHES: &str = include_str!("../../sql/wanted/several_wishes.sql");

/// The checked requests, where those that want the same track in other words have the same.
pub const SETTLED_WISHES: &str = include_str!("../../sql/wanted/settled_wishes.sql");

/// Chooses clips for checked requests, in order. Each step reads the tables of earlier steps.
pub const CHOOSE: &[Step] = &[
    step!("requests"),
    step!("analysis"),
    step!("sources", wide),
    step!("signals", wide),
    step!("shots", wide),
    step!("cues", wide),
    step!("candidates", wide),
    step!("selected"),
];

/// The sources that are to be transcribed, and their transcripts: after the step `analysis` where a transcriber is named.
pub const UNTRANSCRIBED: Step = step!("untranscribed", wide);

/// See [`UNTRANSCRIBED`].
pub const TRANSCRIBED: Step = step!("transcribed", wide);

/// The table `analysis` with transcripts: `analysed`, as the step made it, with what [`TRANSCRIBED`] adds.
pub fn with_transcripts() -> String {
    source_lists::with_transcripts()
}

/// The faces of each source of results as a list.
pub fn face_lists() -> String {
    source_lists::of_faces()
}

/// Finds the windows of each request by work of an embedding program, in place of the kernel.
pub const CONSIDERED: Step = step!("considered", wide);

/// The step `candidates` after [`CONSIDERED`].
pub const CANDIDATES_CONSIDERED: Step = Step {
    name: "candidates",
    sql: include_str!("../../sql/run/candidates_considered.sql"),
    wide: true,
};

/// The table `unconsidered`: requests that the work of [`CONSIDERED`] failed on.
pub const UNCONSIDERED: &str =
    "SELECT request_id, error_code, error_message FROM considered WHERE error_code IS NOT NULL";

/// The same without such work.
pub const NONE_UNCONSIDERED: &str =
    "SELECT request_id, error_code, error_message FROM checked WHERE false";

/// Follows faces in the chosen clips: before [`SHAPE`] where a detector is named.
pub const TRACKED: Step = step!("tracked", wide);

/// Describes the chosen clips for a language model.
pub const DESCRIBED: Step = step!("described", wide);

/// Turns chosen clips into outputs to render, in order.
pub const SHAPE: &[Step] = &[step!("faces", wide), step!("shaped", wide), step!("outputs")];

/// Renders outputs to files.
pub const RENDERED: Step = step!("rendered", wide);

/// Turns rendered files into outcomes and the tables of results, in order.
pub const RENDER: &[Step] =
    &[step!("files"), step!("outcomes"), step!("clips"), step!("variants"), step!("renditions")];

/// The step that makes the table `name`.
///
/// # Errors
/// `internal` if no step makes it.
pub fn step(name: &str) -> Result<Step> {
    let found = CHOOSE.iter().chain(SHAPE).chain(RENDER).find(|step| step.name == name);
    found
        .copied()
        .ok_or_else(|| Error::new(ErrorCode::Internal, format!("there is no step {name}")))
}

macro_rules! queries {
    ($folder:literal: $($(#[$doc:meta])* $name:ident = $file:literal,)*) => {
        $($(#[$doc])* pub const $name: &str =
            include_str!(concat!("../../sql/", $folder, "/", $file, ".sql"));)*

        /// The names of the files.
        pub const FILES: &[&str] = &[$($file),*];
    };
}

/// Queries about a run, over its own tables.
pub mod summary {
    queries! { "summary":
        /// What was answered and made.
        TOTALS = "totals",
        /// Failed requests by code.
        FAILED_REQUESTS = "failed_requests",
        /// Clips without a file by code.
        FAILED_CLIPS = "failed_clips",
        /// Variants without a file by code.
        FAILED_VARIANTS = "failed_variants",
        /// Clips that fit no platform.
        WITHOUT_VARIANTS = "without_variants",
        /// What was found in sources that a person should know.
        ABOUT_SOURCES = "about_sources",
        /// Sources without captions.
        WITHOUT_CAPTIONS = "without_captions",
        /// Shapes of variants, and what they lack.
        ABOUT_VARIANTS = "about_variants",
        /// Variants with a window that moves.
        FRAMED_VARIANTS = "framed_variants",
        /// The names of platforms that are asked for.
        ASKED_PLATFORMS = "asked_platforms",
        /// The distinct error codes of requests and variants.
        ERROR_CODES = "error_codes",
        /// The media files that a dataset names.
        MEDIA_FILES = "media_files",
        /// The outputs still to be rendered.
        TO_RENDER = "to_render",
        /// The media files that were written.
        RENDERED_FILES = "rendered_files",
        /// The seconds of clips of one source at the most.
        CLIP_SECONDS = "clip_seconds",
    }
}

/// The rows that a run gives back to its caller.
pub mod rows {
    queries! { "rows":
        /// Requests and how they ended.
        OUTCOMES = "outcomes",
        /// Clips and their files.
        CLIPS = "clips",
        /// Variants and their files.
        VARIANTS = "variants",
    }
}

/// What editing programs get.
pub mod export {
    queries! { "export":
        /// Pieces of sources, of clips and of variants.
        CUTS = "cuts",
        /// The captions of clips.
        CAPTIONS = "captions",
    }
}

/// Queries of the report.
pub mod report {
    queries! { "report":
        /// What the results hold.
        TOTALS = "totals",
        /// What went wrong, by error code.
        FAILURES = "failures",
        /// Requests and how they ended.
        REQUESTS = "requests",
        /// Sources.
        SOURCES = "sources",
        /// Signals in buckets.
        SIGNALS = "signals",
        /// Shots.
        SHOTS = "shots",
        /// Caption lines.
        CUES = "cues",
        /// Windows that were considered.
        CANDIDATES = "candidates",
        /// Clips.
        CLIPS = "clips",
        /// Variants.
        VARIANTS = "variants",
        /// Media files.
        MEDIA = "files",
        /// Seconds of the last run.
        RUN_STATS = "run_stats",
    }
}

/// Queries about requests that are removed.
pub mod forget {
    queries! { "forget":
        /// Requests that left their request file.
        LEFT_OVER = "left_over",
        /// The table `doomed_sources`.
        DOOMED_SOURCES = "doomed_sources",
        /// The table `doomed_files`.
        DOOMED_FILES = "doomed_files",
        /// What would be removed.
        TOTALS = "totals",
    }
}

/// Queries about the requests that a run does again.
pub mod repeat {
    queries! { "repeat":
        /// The table `repeated`: requests that ended in an error.
        FAILED = "failed",
        /// The table `changed`: requests whose source is another one by now.
        CHANGED = "changed",
        /// The rows that the run does.
        CHECKED = "checked",
        /// Requests by source, and those without one that can be read.
        BY_SOURCE = "by_source",
        /// Requests that can no longer be answered, before anything is rendered.
        FAILED_BEFORE_RENDER = "failed_before_render",
    }
}

/// What runs measured.
pub mod stats {
    queries! { "stats":
        /// The last run.
        LAST = "last",
        /// The last run, for reading.
        LAST_SHOWN = "last_shown",
        /// All runs.
        ALL = "all",
        /// All runs, for reading.
        ALL_SHOWN = "all_shown",
    }
}

/// The tables that a run had, from its results.
pub mod from_results {
    queries! { "from_results":
        /// The table `analysis`.
        ANALYSIS = "analysis",
        /// The table `checked`.
        CHECKED = "checked",
    }
}

/// Statements of rendering variants that are in the results.
pub mod render {
    queries! { "render":
        /// The table `selected`.
        SELECTED = "selected",
        /// How many outputs have captions in a text track.
        SOFT_CAPTIONS = "soft_captions",
        /// What was asked for and rendered.
        TOTALS = "totals",
        /// Failed outputs by code.
        FAILURES = "failures",
        /// Each output and its file.
        FILES_ASKED = "files_asked",
        /// The new rows of `renditions`.
        RENDITIONS = "renditions",
        /// The new rows of `variants`.
        VARIANTS = "variants",
        /// The new rows of `clips`.
        CLIPS = "clips",
    }

    /// The views that the new rows are made of, in order.
    pub const VIEWS: &[(&str, &str)] = &[
        ("touched", include_str!("../../sql/render/touched.sql")),
        ("touched_sources", include_str!("../../sql/render/touched_sources.sql")),
        ("rendered_ids", include_str!("../../sql/render/rendered_ids.sql")),
        ("failed_variants", include_str!("../../sql/render/failed_variants.sql")),
    ];
}

macro_rules! view {
    ($name:literal) => {
        ($name, Cow::Borrowed(include_str!(concat!("../../sql/views/", $name, ".sql"))))
    };
}

/// The views over a dataset: name and statement. Those of `sql/views`, and one that is written from the
/// columns of the tables.
pub static VIEWS: LazyLock<Vec<(&str, Cow<'_, str>)>> = LazyLock::new(|| {
    vec![
        view!("dead_letters"),
        view!("failures"),
        view!("why"),
        view!("clip_files"),
        view!("why_variants"),
        view!("variant_files"),
        view!("variant_signals"),
        view!("shot_lengths"),
        view!("face_signals"),
        view!("chapters"),
        view!("replays"),
        view!("posts"),
        (source_lists::NAME, source_lists::statement().into()),
    ]
});
