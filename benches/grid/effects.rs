//! Every effect and join: before, during and after.

use clipflow::model::Platforms;
use clipflow::model::edit::{Edit, Effect, EffectKind, JOIN_SECONDS, Join, Segment};

use super::Footage;
use super::sheet::{Row, Still, sheet};
use super::support::Result;

/// Renders each of them and writes `effects.png`: a row each.
///
/// # Errors
/// If one cannot be rendered.
pub fn look(footage: &Footage) -> Result<()> {
    let (start, end) = footage.span;
    let middle = 0.5 * (start + end);
    let platform = Platforms::built_in()?.named(&["feed"])?[0];
    let size = platform.sizes.last().copied().unwrap_or((540, 540));
    let segment = |start, end, speed| Segment { start, end, speed };
    let fps = footage.analysis.info.fps.min(platform.max_fps);
    let plain = Edit::plain(size, fps, [segment(start, end, 1.0)]);
    let (length, half) = (end - start, middle - start);
    let effect = |kind: EffectKind| {
        let timed = matches!(kind, EffectKind::ZoomPunch | EffectKind::Glitch);
        let effect = Effect { kind, at: timed.then_some(middle), strength: 0.6 };
        let times = match kind {
            EffectKind::FadeIn => [0.04, 0.3, half],
            EffectKind::FadeOut => [half, length - 0.35, length - 0.1],
            _ => [half - 0.2, half + 0.1, half + 0.8],
        };
        (kind.to_string(), Edit { effects: vec![effect], ..plain.clone() }, times)
    };
    let mut all: Vec<(String, Edit, [f64; 3])> =
        vec![("plain".into(), plain.clone(), [half - 0.2, half + 0.1, half + 0.8])];
    all.extend(EffectKind::ALL.iter().copied().map(effect));
    let quarter = 0.25 * (end - start);
    for join in [Join::Dissolve, Join::Slide] {
        let segments = vec![segment(end - quarter, end, 1.0), segment(start, end, 1.0)];
        let at = quarter - JOIN_SECONDS;
        let times = [at - 0.1, at + 0.5 * JOIN_SECONDS, quarter + 0.1];
        all.push((join.to_string(), Edit { segments, join, ..plain.clone() }, times));
    }
    let third = length / 3.0;
    let ramp = [(0.0, 1.0), (1.0, 1.12), (2.0, 1.25)]
        .map(|(n, speed)| segment(start + n * third, start + (n + 1.0) * third, speed));
    let ramp = Edit { segments: ramp.to_vec(), ..plain };
    let seen = ramp.duration();
    all.push(("ramp".into(), ramp, [0.1 * seen, 0.5 * seen, 0.9 * seen]));
    let edits: Vec<(String, Edit)> =
        all.iter().map(|(name, edit, _)| (name.clone(), edit.clone())).collect();
    footage.render(&edits)?;
    let row = |(name, _, times): &(String, Edit, [f64; 3])| {
        let still = |at: &f64| Still {
            file: footage.file(name),
            at: *at,
            label: format!("{name} {} ms", (at * 1000.0).round()),
        };
        times.iter().map(still).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<Still>> = all.iter().map(row).collect();
    // Two effects side by side.
    let pairs: Vec<Row> = rows.chunks(2).map(|pair| (260, pair.concat())).collect();
    sheet(&footage.folder.join("effects.png"), &pairs, 260, 3)
}
