//! Documentation of table functions and relations.

use datafusion::logical_expr::{DocSection, Documentation};

use crate::query::arguments::section;

/// A table function or relation.
pub(in crate::query) struct TableDescription {
    pub(in crate::query) name: &'static str,
    /// Names and meanings of its arguments.
    arguments: &'static [(&'static str, &'static str)],
    /// How many of them are optional, from the end.
    optional: usize,
    section: DocSection,
    description: &'static str,
    example: &'static str,
}

impl TableDescription {
    pub(in crate::query) fn documentation(&self) -> Documentation {
        let syntax = self.syntax();
        let builder = Documentation::builder(self.section.clone(), self.description, syntax)
            .with_sql_example(self.example);
        let mut documentation = builder.build();
        let arguments = self.arguments.iter().map(|(n, d)| ((*n).to_owned(), (*d).to_owned()));
        documentation.arguments = Some(arguments.collect());
        documentation
    }

    fn syntax(&self) -> String {
        let names: Vec<&str> = self.arguments.iter().map(|(name, _)| *name).collect();
        let (required, optional) = names.split_at(names.len() - self.optional.min(names.len()));
        let mut syntax = format!("{}({}", self.name, required.join(", "));
        for name in optional {
            syntax += &format!("[, {name}]");
        }
        syntax + ")"
    }
}

const RESULTS: (&str, &str) = (
    "results",
    "Path or URL of a folder of results; relative paths start from clipflow.base (text)",
);
const TRACE: (&str, &str) = (
    "trace",
    "Path of a file of clipflow run --trace; relative paths start from clipflow.base (text)",
);
const VIDEO: (&str, &str) = (
    "video",
    "Path or URL of one video, which is analysed when the query runs, or of a folder of results (text)",
);
const EVENTS: (&str, &str) =
    ("events", "Path or URL of event files: a row an event, or a row a day and variant (text)");

const fn of_results(
    name: &'static str,
    description: &'static str,
    example: &'static str,
) -> TableDescription {
    let section = section::RESULTS;
    TableDescription { name, arguments: &[RESULTS], optional: 0, section, description, example }
}

const fn of_video(
    name: &'static str,
    description: &'static str,
    example: &'static str,
) -> TableDescription {
    let section = section::MEDIA;
    TableDescription { name, arguments: &[VIDEO], optional: 0, section, description, example }
}

/// Functions over a folder of results or a video, then tables without arguments.
pub(in crate::query) const TABLE_FUNCTIONS: &[TableDescription] = &[
    of_results(
        "requests",
        "The requests of a folder of results, one row each, with the columns of the user's own.",
        "SELECT request_id, source_url FROM requests('results')",
    ),
    of_results(
        "outcomes",
        "How each request ended: its status, its error if there is one, its counts of clips and variants.",
        "SELECT status, count(*) FROM outcomes('results') GROUP BY status",
    ),
    of_results(
        "sources",
        "The distinct sources of a folder of results: size, duration, codecs, loudness.",
        "SELECT location, duration FROM sources('results')",
    ),
    of_video(
        "signals",
        "What is seen and heard in each quarter of a second of a video or of the sources of a folder of results.",
        "SELECT t, motion, loudness FROM signals('talk.mp4') ORDER BY motion DESC LIMIT 5",
    ),
    of_video(
        "shots",
        "The shots of a video or of the sources of a folder of results.",
        "SELECT shot_id, start, \"end\", transition FROM shots('talk.mp4')",
    ),
    of_video(
        "cues",
        "The caption lines of a video or of the sources of a folder of results.",
        "SELECT start, text FROM cues('talk.mp4') ORDER BY start",
    ),
    of_video(
        "transcript",
        "What is said in a video, by the transcriber that the settings name; of a folder of results, its caption lines.",
        "SELECT start, text FROM transcript('talk.mp4') ORDER BY start",
    ),
    of_video(
        "faces",
        "The faces in a video, from picture to picture, with who speaks, by the detector that the settings name; of a folder of results, those in its chosen clips.",
        "SELECT t, track, x, y, width, height, speaking FROM faces('talk.mp4') WHERE detected ORDER BY t",
    ),
    of_results(
        "candidates",
        "Every window considered for each request, with its features, its score and why it was rejected.",
        "SELECT start, \"end\", score, reason FROM candidates('results') ORDER BY score DESC",
    ),
    of_results(
        "clips",
        "The chosen clips: start, end, score, texts.",
        "SELECT request_id, clip_rank, start, \"end\", score FROM clips('results')",
    ),
    of_results(
        "variants",
        "The versions of each clip for platforms: size, layout, captions, texts, predicted metrics.",
        "SELECT platform, width, height, viral_score FROM variants('results')",
    ),
    of_results(
        "renditions",
        "The media files of a folder of results, as measured after writing.",
        "SELECT uri, duration, bytes FROM renditions('results')",
    ),
    of_results(
        "dead_letters",
        "The requests that failed, as a request file to run again.",
        "SELECT request_id, error_code FROM dead_letters('results')",
    ),
    of_results(
        "failures",
        "What went wrong: each error code with its number of requests and one example.",
        "SELECT error_code, requests, example FROM failures('results')",
    ),
    of_results(
        "why",
        "For each request the considered windows in order of score, with what speaks for and against them.",
        "SELECT start, \"end\", score, chosen, strengths, reason FROM why('results')",
    ),
    of_results(
        "clip_files",
        "Each clip with its media file and its source.",
        "SELECT clip_id, uri FROM clip_files('results')",
    ),
    of_results(
        "why_variants",
        "Each variant with the features that add most to its score and take most from it.",
        "SELECT * FROM why_variants('results') LIMIT 3",
    ),
    of_results(
        "variant_files",
        "Each variant with its media file, or why it has none.",
        "SELECT variant_id, platform, uri FROM variant_files('results')",
    ),
    of_results(
        "variant_signals",
        "The signals of each variant, at the seconds of its own clock.",
        "SELECT * FROM variant_signals('results') LIMIT 3",
    ),
    of_results(
        "posts",
        "Every rendered file in posting order, with its texts, score, source and span.",
        "SELECT post, platform, title, uri FROM posts('results') ORDER BY post",
    ),
    of_results(
        "shot_lengths",
        "How each source is cut: its number of shots and their lengths.",
        "SELECT source_id, shots, mean_length FROM shot_lengths('results')",
    ),
    of_results(
        "face_signals",
        "Faces in quarters of a second of the chosen clips: how many, how large the largest is, and where who speaks is.",
        "SELECT t, face_count, face_size, speaker_x FROM face_signals('results') ORDER BY source_id, t",
    ),
    of_results(
        "chapters",
        "The chapters of each source, of its container or the page it was fetched from.",
        "SELECT start, title FROM chapters('results') ORDER BY source_id, start",
    ),
    of_results(
        "replays",
        "Which parts of a source its page says are replayed most.",
        "SELECT start, value FROM replays('results') ORDER BY value DESC LIMIT 5",
    ),
    of_results(
        "source_lists",
        "Each source with its facts as a struct and its signals, shots, cues and faces as lists, as select_clips, clip_brief and framed_path take them.",
        "SELECT source_id, cardinality(signals), cardinality(shots) FROM source_lists('results')",
    ),
    of_results(
        "run_stats",
        "What each run measured: rows, failures, retries, times with quantiles, bytes, by stage, backend and host.",
        "SELECT metric, labels, value FROM run_stats('results') ORDER BY run_id, metric",
    ),
    TableDescription {
        name: "spans",
        arguments: &[TRACE],
        optional: 0,
        section: section::RESULTS,
        description: "The spans of a trace file: runs, stages, steps, rows, fetches and media processes.",
        example: "SELECT name, location, duration FROM spans('trace.json') ORDER BY duration DESC",
    },
    TableDescription {
        name: "platforms",
        arguments: &[],
        optional: 0,
        section: section::VARIANTS,
        description: "The platforms that variants are made for, with their sizes, lengths and limits.",
        example: "SELECT platform, max_seconds, sizes FROM platforms()",
    },
    TableDescription {
        name: "platform_metrics",
        arguments: &[],
        optional: 0,
        section: section::METRICS,
        description: "What each platform calls the figures of events.",
        example: "SELECT * FROM platform_metrics() LIMIT 5",
    },
];

/// Functions over events, which the layer of analytics registers.
pub(in crate::query) const EVENT_FUNCTIONS: &[TableDescription] = &[
    TableDescription {
        name: "performance",
        arguments: &[
            EVENTS,
            ("metrics", "Names of metrics with commas between (text)"),
            (
                "by",
                "Names of columns to group by with commas between, of events or variants (text)",
            ),
            RESULTS,
        ],
        optional: 1,
        section: section::METRICS,
        description: "Metrics of events by columns of theirs and, with a folder of results, of variants: what `clipflow performance` prints.",
        example: "SELECT * FROM performance('events.csv', 'engagement_rate,audience_reach', 'platform')",
    },
    TableDescription {
        name: "experiment",
        arguments: &[
            EVENTS,
            ("metric", "Name of a metric (text)"),
            ("by", "What is compared: variant_id or a column of variants (text)"),
            RESULTS,
        ],
        optional: 1,
        section: section::EXPERIMENTS,
        description: "Which variant of each experiment is better, or which value of a column of variants: what `clipflow experiment` prints.",
        example: "SELECT * FROM experiment('events.csv', 'engagement_rate', 'platform')",
    },
];

/// Relations over a query: `rollup_events((SELECT …))`.
pub(in crate::query) const RELATIONS: &[TableDescription] = &[
    TableDescription {
        name: "rollup_events",
        arguments: &[(
            "query",
            "A query in parentheses with a column event and, where known, viewer_id and value; every other column is a key",
        )],
        optional: 0,
        section: section::EVENTS,
        description: "Raw events as counts, one row for each key: figures of each kind of event and exact distinct viewers.",
        example: "SELECT * FROM rollup_events((SELECT 'a' AS variant_id, 'view' AS event, 'u1' AS viewer_id))",
    },
    TableDescription {
        name: "analyze_media",
        arguments: &[("query", "A query in parentheses with a column location")],
        optional: 0,
        section: section::MEDIA,
        description: "The rows of a query with what the analysis of their videos gives: signals, shots and cues as lists, the source, and the error of a row that failed.",
        example: "SELECT cardinality(shots) FROM analyze_media((SELECT source_location('talk.mp4') AS location))",
    },
    TableDescription {
        name: "transcribe_media",
        arguments: &[(
            "query",
            "A query in parentheses with the columns location and language (NULL: found from the sound)",
        )],
        optional: 0,
        section: section::MEDIA,
        description: "The rows of a query with what is said in their videos: the transcript as a list of cues with the times of words. In sessions whose settings name a transcriber.",
        example: "SELECT location, transcript FROM transcribe_media((SELECT source_location('talk.mp4') AS location, 'en' AS language))",
    },
    TableDescription {
        name: "track_faces",
        arguments: &[(
            "query",
            "A query in parentheses with a column location and, where known, spans (a list of structs of start and end), signals and shots",
        )],
        optional: 0,
        section: section::MEDIA,
        description: "The rows of a query with the faces in their videos as a list, in the given spans or throughout. In sessions whose settings name a detector of faces (face_model).",
        example: "SELECT location, faces FROM track_faces((SELECT source_location('talk.mp4') AS location))",
    },
    TableDescription {
        name: "render_media",
        arguments: &[("query", "A query in parentheses with the columns of sql/run/outputs.sql")],
        optional: 0,
        section: section::MEDIA,
        description: "The rows of a query with the media files that are rendered for them; the query has the columns of sql/run/rendered.sql.",
        example: "SELECT location, files FROM render_media((SELECT location, info, outputs FROM planned))",
    },
];
