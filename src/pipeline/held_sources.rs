//! Sources that the results hold already: a new request reuses their analysis.
//!
//! Those that were analysed with the same settings and programs, whose file is still the same, and whose sound
//! track is the one that is wanted now.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion::prelude::{SessionContext, col, lit};
use futures::{StreamExt, stream};
use serde::Deserialize;

use super::session::RunSession;
use super::source_state::VALIDATORS_AT_A_TIME;
use super::statements::{self, Statements};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::{sidecar_state, source_identity};
use crate::kernels::sound_wish::SoundWish;
use crate::query::results::register_dataset;
use crate::query::{self, query_error, sql};
use crate::telemetry::catalogue;

/// A source that requests want, and how many.
#[derive(Debug, Clone, Deserialize)]
struct WantedSource {
    location: String,
    sound: Option<String>,
    requests: i64,
}

/// A source of the results at the place of one that is wanted.
#[derive(Debug, Clone, Deserialize)]
struct HeldSource {
    location: String,
    source_id: String,
    validator: Option<String>,
    audio_tracks: Option<i64>,
    audio_track: Option<i64>,
    audio_language: Option<String>,
    audio_choice: Option<String>,
}

impl HeldSource {
    /// Its validator, without its sound track.
    fn file(&self) -> Option<&str> {
        let all = self.validator.as_deref()?;
        let Some((file, last)) = all.rsplit_once('+') else { return Some(all) };
        let is_track = last == "mix" || last.starts_with("track") && last.len() > 5;
        Some(if is_track { file } else { all })
    }

    /// Whether its sound is what is wanted: of one track it always is, unless another is named.
    fn sounds_as(&self, wish: &SoundWish) -> bool {
        let choice = self.audio_choice.as_deref();
        match (self.audio_tracks.unwrap_or(0), wish) {
            (1, SoundWish::Track(number)) => *number == 1,
            (0, SoundWish::Track(_)) => false,
            (0 | 1, SoundWish::Language { named: true, .. }) => false,
            (0 | 1, _) => true,
            (_, SoundWish::Any) => choice == Some("first"),
            (_, SoundWish::Mix) => choice == Some("mix"),
            (_, SoundWish::Language { code, .. }) => {
                choice == Some("language") && self.audio_language.as_ref() == Some(code)
            }
            (_, SoundWish::Track(number)) => {
                let same = i64::try_from(*number).ok() == self.audio_track;
                choice == Some("asked") && same
            }
        }
    }
}

/// Register the analyses that the results hold for requests of this run as the tables `reused` and `reused_sources`;
/// returns how many there are. Without any, nothing is registered.
///
/// # Errors
/// `store.*` if what was found cannot be read.
pub(super) async fn register(session: &RunSession) -> Result<u64> {
    let alike = alike(session).await;
    if alike.is_empty() {
        return Ok(0);
    }
    let wanted: Vec<WantedSource> = session.statements.rows(sql::WANTED_SOURCES).await?;
    let ctx = query::session(&query::SessionOptions::default(), None)?;
    register_dataset(&ctx, &session.dataset.only(&alike)).await?;
    let places: Vec<_> = wanted.iter().map(|wanted| lit(wanted.location.as_str())).collect();
    let columns = HELD_COLUMNS.map(col).to_vec();
    let frame = ctx.table("sources").await.map_err(query_error)?;
    let frame = frame.filter(col("location").in_list(places, false)).map_err(query_error)?;
    let held: Vec<HeldSource> =
        query::rows::rows(frame.select(columns).map_err(query_error)?).await?;
    let found = matching(session, wanted, &held).await?;
    if found.is_empty() {
        return Ok(0);
    }
    let count = found.len() as u64;
    let batch = batch(&found)?;
    ctx.register_batch("reused_sources", batch.clone()).map_err(query_error)?;
    write(session, &ctx, &found).await?;
    let own = &session.statements.ctx;
    own.register_batch("reused_sources", batch).map_err(query_error)?;
    statements::register(own, "reused", &session.statements.file("reused")).await?;
    session.monitor.telemetry.metrics.add(&catalogue::REUSED_ANALYSES, &[], count as f64);
    Ok(count)
}

/// The columns of [`HeldSource`].
const HELD_COLUMNS: [&str; 7] = [
    "location",
    "source_id",
    "validator",
    "audio_tracks",
    "audio_track",
    "audio_language",
    "audio_choice",
];

/// The commits whose sources were analysed as this run does it, and whose files are whole.
async fn alike(session: &RunSession) -> Vec<u64> {
    let (mut alike, dataset) = (vec![], &session.dataset);
    for shard in dataset.shards() {
        let mut is_whole = shard.analysis == session.writer.analysis();
        for table in ["sources", "signals", "shots", "cues"] {
            // What is lost is analysed again.
            is_whole = is_whole && dataset.check(table, shard).await.is_ok();
        }
        if is_whole && shard.tables.get("sources").is_some_and(|entry| entry.rows > 0) {
            alike.push(shard.number);
        }
    }
    alike
}

/// The wanted sources that are held, with their ids.
async fn matching(
    session: &RunSession,
    wanted: Vec<WantedSource>,
    held: &[HeldSource],
) -> Result<Vec<(WantedSource, String)>> {
    let work = session.config.analysis_work()?;
    let mut places: Vec<String> = wanted
        .iter()
        .filter(|wanted| held.iter().any(|held| held.location == wanted.location))
        .map(|wanted| wanted.location.clone())
        .collect();
    places.dedup();
    let now: HashMap<String, String> = stream::iter(places)
        .map(|location| {
            let work = &work;
            async move {
                // A source that cannot be asked, or only by a fetch, is analysed.
                let validator = session.runtime.sources.validator(&location).await.ok()??;
                let sidecars = sidecar_state(work, &location).await;
                let [_, now] = source_identity(&location, &validator, (&sidecars, None));
                Some((location, now))
            }
        })
        .buffer_unordered(VALIDATORS_AT_A_TIME)
        .filter_map(|known| async move { known })
        .collect()
        .await;
    let id = |wanted: &WantedSource| {
        let file = now.get(&wanted.location)?;
        let wish = SoundWish::of_cell(wanted.sound.as_deref());
        let same = |held: &&HeldSource| {
            held.location == wanted.location && held.file() == Some(file) && held.sounds_as(&wish)
        };
        held.iter().find(same).map(|held| held.source_id.clone())
    };
    Ok(wanted.into_iter().filter_map(|wanted| id(&wanted).map(|id| (wanted, id))).collect())
}

/// Writes the analyses as a step does.
async fn write(
    session: &RunSession,
    ctx: &SessionContext,
    found: &[(WantedSource, String)],
) -> Result<()> {
    let ids = || found.iter().map(|(_, id)| lit(id.as_str())).collect::<Vec<_>>();
    for (name, from) in [("held_sources", "sources"), ("held_lists", "source_lists")] {
        let frame = ctx.table(from).await.map_err(query_error)?;
        let frame = frame.filter(col("source_id").in_list(ids(), false)).map_err(query_error)?;
        ctx.register_table(name, frame.into_view()).map_err(query_error)?;
    }
    let tables = Statements { ctx: ctx.clone(), ..session.statements.clone() };
    let frame = tables.plan(&sql::REUSED).await?;
    statements::write(frame, "reused", session.statements.file("reused")).await.map(|_| ())
}

/// The table `reused_sources`.
fn batch(found: &[(WantedSource, String)]) -> Result<RecordBatch> {
    let text = |of: &dyn Fn(&(WantedSource, String)) -> Option<String>| {
        Arc::new(found.iter().map(of).collect::<StringArray>()) as ArrayRef
    };
    let requests = found.iter().map(|(wanted, _)| Some(wanted.requests));
    RecordBatch::try_from_iter_with_nullable([
        ("location", text(&|(wanted, _)| Some(wanted.location.clone())), true),
        ("sound", text(&|(wanted, _)| wanted.sound.clone()), true),
        ("requests", Arc::new(requests.collect::<Int64Array>()) as ArrayRef, true),
        ("source_id", text(&|(_, id)| Some(id.clone())), true),
    ])
    .map_err(|e| Error::new(ErrorCode::Internal, format!("what is held is no table ({e})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_source_is_reused_for_the_sound_that_it_has() {
        let held = |tracks: i64, choice: &str, track: Option<i64>| HeldSource {
            location: String::new(),
            source_id: String::new(),
            validator: Some("v+abc+track2".into()),
            audio_tracks: Some(tracks),
            audio_track: track,
            audio_language: Some("spa".into()),
            audio_choice: Some(choice.into()),
        };
        assert_eq!(held(2, "asked", None).file(), Some("v+abc"));
        let reuses = |held: HeldSource, wish: &str| held.sounds_as(&SoundWish::of_cell(Some(wish)));
        for (tracks, choice, track, wish, want) in [
            (1, "only", Some(1), "", true),
            (1, "only", Some(1), "?en", true),
            (1, "only", Some(1), "2", false),
            (2, "first", Some(2), "", true),
            (2, "first", Some(2), "?es", false),
            (2, "language", Some(2), "?es", true),
            (2, "language", Some(2), "?en", false),
            (2, "asked", Some(2), "2", true),
            (2, "asked", Some(2), "1", false),
            (2, "mix", None, "mix", true),
        ] {
            assert_eq!(reuses(held(tracks, choice, track), wish), want, "{choice} {wish}");
        }
    }
}
