//! `clipflow score`: the variants of results, scored by another model.

use std::cmp::Ordering;

use arrow::array::RecordBatch;
use serde::Deserialize;

use crate::config::ParallelConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::score::ScoreModel;
use crate::kernels::variants::{FEATURE_NAMES, features_of, rescore};
use crate::location::Location;
use crate::model::{RescoredVariant, ScorePart};
use crate::query::results::register_dataset;
use crate::query::rows::stored;
use crate::query::{SessionOptions, query_error, session};
use crate::resilience::Resilience;
use crate::store::DatasetRoot;

/// A variant, as the results have it.
#[derive(Debug, Deserialize)]
struct Scored {
    variant_id: String,
    clip_id: String,
    platform: String,
    rank: i64,
    viral_score: f64,
    score_model: String,
    score_parts: Vec<ScorePart>,
}

/// The variants of `results` as `model` scores them, by clip and new rank. Their features are those
/// measured when they were made; the results stay as they are.
///
/// # Errors
/// `store.read` if there are no results, `config.invalid` if the model uses a feature that is not measured.
pub async fn score(
    results: &Location,
    model: &ScoreModel,
    parallel: &ParallelConfig,
) -> Result<RecordBatch> {
    let bound = model.bind(&FEATURE_NAMES)?;
    let dataset = DatasetRoot::new(results, &Resilience::new(parallel))?.existing().await?;
    let options = SessionOptions { parallel: parallel.clone(), ..SessionOptions::default() };
    let ctx = session(&options, None)?;
    register_dataset(&ctx, &dataset).await?;
    let statement =
        "SELECT variant_id, clip_id, platform, rank, viral_score, score_model, score_parts
        FROM variants ORDER BY clip_id, variant_id";
    let frame = ctx.sql(statement).await.map_err(query_error)?;
    let variants: Vec<Scored> = stored(&frame.collect().await.map_err(query_error)?)?;
    let rescored = variants.into_iter().map(|variant| {
        let (viral_score, score_parts) = rescore(&features_of(&variant.score_parts), &bound);
        RescoredVariant {
            variant_id: variant.variant_id,
            clip_id: variant.clip_id,
            platform: variant.platform,
            rank: 0,
            viral_score,
            score_model: model.label(),
            previous_rank: variant.rank,
            previous_score: variant.viral_score,
            previous_model: variant.score_model,
            strengths: strengths(&score_parts),
            score_parts,
        }
    });
    let mut rows: Vec<RescoredVariant> = rescored.collect();
    rank(&mut rows);
    let fields: Vec<_> = RescoredVariant::fields().into_iter().map(Into::into).collect();
    serde_arrow::to_record_batch(&fields, &rows).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("scores do not fit their columns: {e}"))
            .with_source(e)
    })
}

/// Order by clip and score, and number within the clip; of one score those that were better before first.
fn rank(rows: &mut [RescoredVariant]) {
    let by_score = |a: &RescoredVariant, b: &RescoredVariant| -> Ordering {
        let clip = a.clip_id.cmp(&b.clip_id);
        let score = b.viral_score.total_cmp(&a.viral_score);
        clip.then(score).then(a.previous_rank.cmp(&b.previous_rank))
    };
    rows.sort_by(by_score);
    for clip in rows.chunk_by_mut(|a, b| a.clip_id == b.clip_id) {
        for (rank, row) in (1..).zip(clip) {
            row.rank = rank;
        }
    }
}

/// The three parts that lift the score most.
fn strengths(parts: &[ScorePart]) -> String {
    let mut best: Vec<&ScorePart> = parts.iter().filter(|p| p.part >= 0.01).collect();
    best.sort_by(|a, b| b.part.total_cmp(&a.part));
    let word = |p: &&ScorePart| format!("{} +{:.2}", p.feature, p.part);
    best.iter().take(3).map(word).collect::<Vec<_>>().join(", ")
}
