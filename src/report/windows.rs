//! The windows that were considered, by request, with the scores of the best taken apart.

use std::collections::HashMap;

use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

use super::data::{FeatureText, Windows};
use super::limits::EXPLAINED_WINDOWS;
use super::rows::WindowLine;
use crate::error::Result;
use crate::kernels::select::{FEATURES, OwnedColumns, PreparedSource, SelectionFeature, Weights};
use crate::model::{Cue, Shot, Signal};
use crate::query::query_error;
use crate::query::rows::{stored, text_column};

/// Largest difference between a score and the sum of its parts that rounding and the choice of captions
/// explain.
const TOLERANCE: f64 = 0.02;

/// The features that a score is made of, with the built-in weights.
pub(super) fn features() -> Vec<FeatureText> {
    let text = |feature: &SelectionFeature| FeatureText {
        name: feature.name,
        description: feature.description(),
        weight: feature.weight,
    };
    FEATURES.iter().map(text).collect()
}

/// A row of `windows` a request, whose lines are in order of request and rank; those worth explaining stay
/// beside them.
pub(super) fn grouped(lines: Vec<WindowLine>) -> (Vec<Windows>, Vec<Explained>) {
    let (mut all, mut explained): (Vec<Windows>, Vec<Explained>) = (vec![], vec![]);
    for line in lines {
        if all.last().is_none_or(|last| last.request != line.request || last.source != line.source)
        {
            let (request, source) = (line.request.clone(), line.source.clone());
            all.push(Windows { request, source, adds_up: true, ..Windows::default() });
        }
        let group = all.len() - 1;
        let Some(windows) = all.last_mut() else { continue };
        let place = windows.add(&line);
        if line.chosen || line.rank <= EXPLAINED_WINDOWS {
            explained.push(Explained { group, place, line });
        }
    }
    (all, explained)
}

/// A window whose score is taken apart.
#[derive(Debug, Clone)]
pub(super) struct Explained {
    /// Place of its request's windows among all.
    group: usize,
    /// Its place among them.
    place: usize,
    line: WindowLine,
}

impl Windows {
    fn add(&mut self, line: &WindowLine) -> usize {
        let place = self.start.len();
        self.start.push(line.start);
        self.end.push(line.end);
        self.score.push(line.score);
        self.rank.push(line.rank);
        self.kinds.push(format!("{} {}", line.start_kind, line.end_kind));
        self.strengths.push(line.strengths.clone());
        if line.chosen {
            self.chosen.push(place);
        }
        let reason = line.reason.as_ref().map_or(-1, |reason| {
            let known = self.reasons.iter().rposition(|known| known == reason);
            known.unwrap_or_else(|| {
                self.reasons.push(reason.clone());
                self.reasons.len() - 1
            }) as i32
        });
        self.reason.push(reason);
        place
    }
}

/// Take the scores of `explained` apart by measuring their sources again from `signals`, `shots` and `cues`.
///
/// # Errors
/// `store.read` for tables that cannot be read.
pub(super) async fn explain(
    ctx: &SessionContext,
    windows: &mut [Windows],
    explained: Vec<Explained>,
) -> Result<()> {
    let mut by_source: HashMap<String, Vec<Explained>> = HashMap::new();
    for window in explained {
        by_source.entry(window.line.source.clone()).or_default().push(window);
    }
    let shots = by_source_id::<Shot>(ctx, "shots", &by_source).await?;
    let cues = by_source_id::<Cue>(ctx, "cues", &by_source).await?;
    let mut measure = |source: &str, signals: &[Signal]| {
        let Some(of_source) = by_source.get(source).filter(|_| !signals.is_empty()) else { return };
        let shots = shots.get(source).map_or(&[][..], Vec::as_slice);
        let cues = cues.get(source).map_or(&[][..], Vec::as_slice);
        let prepared = PreparedSource::new(&OwnedColumns::new(signals, shots, cues).columns());
        for window in of_source {
            let parts = parts(&prepared, &window.line);
            if let Some(of_request) = windows.get_mut(window.group) {
                let differs = (sum(&parts) - window.line.score).abs() > TOLERANCE;
                of_request.adds_up &= !differs;
                of_request.parts.push((window.place, thousandths(&parts)));
            }
        }
    };
    // The signals of one source at a time are held in memory.
    let all = ctx.sql("SELECT * FROM signals ORDER BY source_id, t").await.map_err(query_error)?;
    let mut stream = all.execute_stream().await.map_err(query_error)?;
    let mut current: (String, Vec<Signal>) = Default::default();
    while let Some(batch) = stream.try_next().await.map_err(query_error)? {
        let sources = text_column(&batch, "source_id")?;
        for (source, signal) in sources.iter().flatten().zip(stored::<Signal>(&[batch])?) {
            if current.0 != source {
                measure(&current.0, &current.1);
                current = (source.to_owned(), vec![]);
            }
            current.1.push(signal);
        }
    }
    measure(&current.0, &current.1);
    Ok(())
}

/// The rows of `table` by source, as far as its windows are explained.
async fn by_source_id<T: serde::de::DeserializeOwned>(
    ctx: &SessionContext,
    table: &str,
    wanted: &HashMap<String, Vec<Explained>>,
) -> Result<HashMap<String, Vec<T>>> {
    let statement = format!("SELECT * FROM {table} ORDER BY source_id, start");
    let frame = ctx.sql(&statement).await.map_err(query_error)?;
    let mut stream = frame.execute_stream().await.map_err(query_error)?;
    let mut found: HashMap<String, Vec<T>> = HashMap::new();
    while let Some(batch) = stream.try_next().await.map_err(query_error)? {
        let sources = text_column(&batch, "source_id")?;
        for (source, row) in sources.iter().flatten().zip(stored::<T>(&[batch])?) {
            if wanted.contains_key(source) {
                found.entry(source.to_owned()).or_default().push(row);
            }
        }
    }
    Ok(found)
}

/// The value of each of [`FEATURES`] in [0, 1]; `None` for those that the source does not have.
fn parts(source: &PreparedSource, line: &WindowLine) -> Vec<Option<f64>> {
    let mut of_signals = source.signal_parts(line.start, line.end).into_iter();
    let value = |feature: &SelectionFeature| match feature.name {
        _ if feature.is_of_signals() => of_signals.next().flatten(),
        "hook" => Some(line.hook),
        "start" => Some(line.start_quality),
        "end" => Some(line.end_quality),
        "length" => Some(line.length_fit),
        _ => None,
    };
    FEATURES.iter().map(value).collect()
}

/// The weighted mean of the parts, with the built-in weights.
fn sum(parts: &[Option<f64>]) -> f64 {
    let weights = Weights::default();
    let (mut sum, mut weight) = (0.0, 0.0);
    for (feature, part) in FEATURES.iter().zip(parts) {
        if let Some(part) = part {
            sum += weights.of(feature) * part;
            weight += weights.of(feature);
        }
    }
    if weight > 0.0 { sum / weight } else { 0.0 }
}

fn thousandths(parts: &[Option<f64>]) -> Vec<Option<i32>> {
    parts.iter().map(|part| part.map(|part| (part * 1000.0).round() as i32)).collect()
}
