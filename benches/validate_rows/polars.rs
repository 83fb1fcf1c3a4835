//! The rules as one Polars query.

use std::fs::File;
use std::path::Path;

use polars::prelude::*;

use crate::support::Result;

/// Reads `requests`, judges every row and writes it with its verdict to `verdicts`.
///
/// # Errors
/// Polars' own.
pub fn validate(requests: &Path, verdicts: &Path, base: &Path) -> Result<()> {
    let path = requests.to_string_lossy();
    let scan = LazyFrame::scan_parquet(PlRefPath::from(path.as_ref()), ScanArgsParquet::default())?;
    let blank_is_null = |name| {
        let text = col(name).str().strip_chars(lit(NULL));
        when(text.clone().neq(lit(""))).then(text).otherwise(lit(NULL)).alias(name)
    };
    let (min, max) = (col("min_clip_length"), col("max_clip_length"));
    let filled = scan.with_row_index("row", Some(1)).with_columns([
        blank_is_null("request_id"),
        blank_is_null("source_url"),
        blank_is_null("language").fill_null(lit("en")).alias("language"),
        when(min.clone().is_not_null())
            .then(min.clone())
            .otherwise(when(max.clone().lt(lit(15.0))).then(max.clone()).otherwise(lit(15.0)))
            .alias("min_clip_length"),
        when(max.clone().is_not_null())
            .then(max)
            .otherwise(when(min.clone().gt(lit(60.0))).then(min).otherwise(lit(60.0)))
            .alias("max_clip_length"),
        col("max_clips").fill_null(lit(3)),
    ]);
    let verdict = verdict()?;
    let url = col("source_url");
    let judged = filled
        .with_columns([verdict.0.alias("error_code"), verdict.1.alias("error_message")])
        .with_columns([
            when(col("error_code").is_null().and(col("max_clips").gt(lit(100))))
                .then(lit(100))
                .otherwise(col("max_clips"))
                .alias("max_clips"),
            when(has(&url, "://", true))
                .then(url.clone())
                .otherwise(lit(format!("{}/", base.display())) + url)
                .alias("location"),
        ]);
    let mut rows = judged.collect()?;
    let file = File::create(verdicts)?;
    ParquetWriter::new(&file).with_compression(ParquetCompression::Zstd(None)).finish(&mut rows)?;
    Ok(file.sync_all()?)
}

/// The code and the sentence of each row.
fn verdict() -> PolarsResult<(Expr, Expr)> {
    let (mut codes, mut messages) =
        (lit(NULL).cast(DataType::String), lit(NULL).cast(DataType::String));
    // The first rule that is broken counts: it stands outermost.
    for (broken, code, message) in rules()?.into_iter().rev() {
        codes = when(broken.clone()).then(lit(format!("invalid_request.{code}"))).otherwise(codes);
        messages = when(broken).then(message).otherwise(messages);
    }
    Ok((codes, messages))
}

/// What breaks a rule, its code and its sentence.
fn rules() -> PolarsResult<Vec<(Expr, &'static str, Expr)>> {
    let (url, language, id) = (col("source_url"), col("language"), col("request_id"));
    let (min, max, clips) = (col("min_clip_length"), col("max_clip_length"), col("max_clips"));
    let text = |e: &Expr| e.clone().cast(DataType::String);
    let matches = |e: &Expr, pattern| has(e, pattern, false);
    let too_long = url.clone().str().len_bytes().gt(lit(8192));
    let no_host =
        has(&url, "://", true).and(matches(&url, r"^\s*[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]").not());
    let bad_url = too_long
        .or(matches(&url, r"[\x00-\x1f\x7f]"))
        .or(no_host)
        .or(matches(&url, r"(?i)^\s*(about|blob|data|javascript|mailto|tel):"));
    Ok(vec![
        (
            url.clone().is_null(),
            "missing_url",
            lit("source_url is empty; name the video by a path or URL"),
        ),
        (
            bad_url,
            "bad_url",
            lit("source_url \"")
                + url
                + lit("\" names no video; give a path or a URL such as https://host/video.mp4"),
        ),
        (
            min.clone().is_finite().not().or(min.clone().lt(lit(0.5))),
            "bad_length",
            lit("min_clip_length is ") + text(&min) + lit(" s; make it at least 0.5 s"),
        ),
        (
            max.clone().is_finite().not().or(max.clone().gt(lit(600.0))),
            "bad_length",
            lit("max_clip_length is ") + text(&max) + lit(" s; make it at most 600 s"),
        ),
        (
            min.clone().gt(max.clone()),
            "bad_length",
            lit("max_clip_length is ")
                + text(&max)
                + lit(" s but min_clip_length is ")
                + text(&min)
                + lit(" s; make the maximum at least the minimum"),
        ),
        (
            clips.clone().lt(lit(1)).or(clips.clone().gt(lit(100))),
            "bad_max_clips",
            lit("max_clips is ") + text(&clips) + lit("; make it a number from 1 to 100"),
        ),
        (
            matches(&language, r"(?i)^[a-z]{2,3}([-_][a-z0-9]{2,8})*$").not(),
            "bad_language",
            lit("language is \"")
                + language
                + lit("\"; give an ISO 639 or BCP 47 tag such as en, eng or pt-BR"),
        ),
        (
            col("row").min().over([id.clone()])?.lt(col("row")),
            "duplicate_id",
            lit("request_id ") + id + lit(" stands in an earlier row too; give each row its own"),
        ),
    ])
}

/// Whether a text holds a pattern. (`contains` would need one more feature of Polars.)
fn has(text: &Expr, pattern: &str, literal: bool) -> Expr {
    text.clone().str().count_matches(lit(pattern), literal).gt(lit(0))
}
