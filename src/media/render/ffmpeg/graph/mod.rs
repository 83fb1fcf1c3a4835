//! Filtergraphs, built from typed values only; no user text ever enters one.

pub(crate) mod audio;
mod effects;
mod layout;
mod segments;
mod shared;
pub(crate) mod video;

use crate::media::render::source::RenderSource;
use crate::model::edit::Segment;

/// Scaler flags that make conversion exact and identical on every machine.
pub(crate) const SCALER: &str = "bicubic+accurate_rnd+full_chroma_int+bitexact";

/// Statements of a filtergraph, which are separated by `;`.
#[derive(Debug, Default)]
struct FilterGraph(Vec<String>);

impl FilterGraph {
    /// Adds `[from]filters[to]`.
    fn add(&mut self, from: &[String], filters: &str, to: &[String]) {
        let labels = |names: &[String]| names.iter().map(|n| format!("[{n}]")).collect::<String>();
        self.0.push(format!("{}{filters}{}", labels(from), labels(to)));
    }

    fn text(self) -> String {
        self.0.join(";")
    }

    /// Splits `from` into `count` copies, named by `name`.
    fn split(
        &mut self,
        from: &str,
        filter: &str,
        count: usize,
        name: impl Fn(usize) -> String,
    ) -> Vec<String> {
        let names: Vec<String> = (0..count).map(name).collect();
        self.add(&[from.to_owned()], &format!("{filter}={count}"), &names);
        names
    }
}

/// An expression of `pts` that is 1 in the frames of `segments` and 0 elsewhere.
fn within(source: &RenderSource, segments: &[Segment]) -> String {
    let mut spans: Vec<(i64, i64)> = segments
        .iter()
        .map(|segment| (source.shown_tick(segment.start), source.first_tick(segment.end)))
        .collect();
    spans.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (from, until) in spans {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => merged.push((from, until)),
        }
    }
    let terms = merged.iter().map(|(from, until)| format!("gte(pts,{from})*lt(pts,{until})"));
    sum(&terms.collect::<Vec<_>>())
}

/// A balanced tree of sums: ffmpeg rejects expressions nested deeper than a hundred levels.
fn sum(terms: &[String]) -> String {
    match terms {
        [] => "0".into(),
        [term] => term.clone(),
        _ => {
            let (left, right) = terms.split_at(terms.len() / 2);
            format!("({}+{})", sum(left), sum(right))
        }
    }
}

/// A piecewise expression as a balanced tree of `if(lt(variable,until),…)`.
///
/// Its value is that of the first piece whose `until` is above `variable`, or of the last piece.
fn piecewise(variable: &str, pieces: &[(String, String)]) -> String {
    match pieces {
        [] => "0".into(),
        [(_, expression)] => expression.clone(),
        _ => {
            let (left, right) = pieces.split_at(pieces.len() / 2);
            let until = left.last().map_or("0", |piece| piece.0.as_str());
            format!(
                "if(lt({variable},{until}),{},{})",
                piecewise(variable, left),
                piecewise(variable, right)
            )
        }
    }
}
