//! Sources of which several sound tracks are wanted: what the same track answers is analysed once.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use serde::Deserialize;

use super::session::RunSession;
use super::statements;
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::exec::MediaRuntime;
use crate::kernels::sound_wish::SoundWish;
use crate::media::{self, MediaLimits, SoundChoice};
use crate::query::{query_error, sql};
use crate::store::cannot_write;

/// What is wanted of the sound of a source.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct WantedSound {
    location: String,
    sound: Option<String>,
}

/// Give requests of the table `checked` that want the same track of a source in other words the same words.
///
/// # Errors
/// Those of the statements, and `cancelled`. A source that cannot be read says so when it is analysed.
pub(super) async fn settle(session: &mut RunSession) -> Result<()> {
    let wanted: Vec<WantedSound> = session.statements.rows(sql::SEVERAL_WISHES).await?;
    if wanted.is_empty() {
        return Ok(());
    }
    let (runtime, config) = (&session.runtime, &session.config);
    let sources: Vec<Vec<WantedSound>> =
        wanted.chunk_by(|a, b| a.location == b.location).map(<[WantedSound]>::to_vec).collect();
    let mut rows = Vec::with_capacity(wanted.len());
    for wishes in sources {
        rows.extend(settled(runtime, (&config.analyze.limits, &config.stop), wishes).await?);
    }
    let ctx = &session.statements.ctx;
    ctx.register_batch("sound_tracks", batch(&rows)?).map_err(query_error)?;
    let frame = session.statements.query(sql::SETTLED_WISHES).await?;
    let written = session.statements.folder.join("checked-settled.parquet");
    statements::write(frame, "checked", written.clone()).await?;
    let target = session.statements.file("checked");
    std::fs::rename(&written, &target).map_err(|e| cannot_write(&target, e))?;
    session.statements.register("checked").await
}

/// The wishes of one source, each with the wish that stands for it.
async fn settled(
    runtime: &MediaRuntime,
    (limits, stop): (&MediaLimits, &CancelToken),
    wishes: Vec<WantedSound>,
) -> Result<Vec<(WantedSound, Option<String>)>> {
    let first = wishes.first().and_then(|wish| wish.sound.clone());
    let location = wishes.first().map(|wish| wish.location.clone()).unwrap_or_default();
    let Ok(copy) = runtime.sources.open(&location).await else {
        return Ok(wishes.into_iter().map(|wish| (wish, first.clone())).collect());
    };
    let (tools, limits, stop) = (runtime.tools.clone(), limits.clone(), stop.clone());
    let path: PathBuf = copy.path.clone();
    let probed = tokio::task::spawn_blocking(move || {
        let mut known: Vec<(Vec<usize>, Option<String>)> = vec![];
        let mut settled = Vec::with_capacity(wishes.len());
        for wish in wishes {
            let sound = SoundWish::of_cell(wish.sound.as_deref());
            let heard = match media::probe_for(&tools, &path, &limits, &sound, &stop) {
                // A named language that no track has is said of its own requests alone.
                Ok(probe) if probe.audio_choice == Some(SoundChoice::Instead) => {
                    let own = wish.sound.clone();
                    settled.push((wish, own));
                    continue;
                }
                Ok(probe) => tracks(&probe),
                Err(error) if error.code() == ErrorCode::Cancelled => return Err(error),
                // A track that is not there is the failure of its requests alone.
                Err(_) => {
                    let own = wish.sound.clone();
                    settled.push((wish, own));
                    continue;
                }
            };
            let found = known.iter().find(|(tracks, _)| *tracks == heard);
            let stands = found.map_or_else(|| wish.sound.clone(), |(_, stands)| stands.clone());
            if found.is_none() {
                known.push((heard, stands.clone()));
            }
            settled.push((wish, stands));
        }
        Ok(settled)
    });
    let settled = probed.await.map_err(|e| {
        Error::new(
            ErrorCode::Internal,
            format!("the sound tracks could not be told ({e}); report this"),
        )
    })?;
    drop(copy);
    settled
}

/// The streams that are heard.
fn tracks(probe: &media::Probe) -> Vec<usize> {
    match (&probe.audio, probe.audio_choice) {
        (Some(audio), Some(SoundChoice::Mix)) => audio.mixed.clone(),
        (Some(audio), _) => vec![audio.index],
        (None, _) => vec![],
    }
}

/// The table `sound_tracks`: each wish, and the one that stands for it.
fn batch(rows: &[(WantedSound, Option<String>)]) -> Result<RecordBatch> {
    let text = |cells: Vec<Option<String>>| Arc::new(StringArray::from(cells)) as ArrayRef;
    RecordBatch::try_from_iter_with_nullable([
        (
            "location",
            text(rows.iter().map(|(wish, _)| Some(wish.location.clone())).collect()),
            true,
        ),
        ("sound", text(rows.iter().map(|(wish, _)| wish.sound.clone()).collect()), true),
        ("chosen", text(rows.iter().map(|(_, chosen)| chosen.clone()).collect()), true),
    ])
    .map_err(|e| Error::new(ErrorCode::Internal, format!("the sound tracks are no table ({e})")))
}
