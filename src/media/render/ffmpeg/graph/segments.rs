//! Maps the source's clock to the variant's: segments at their speeds, and joined parts.

use super::{FilterGraph, piecewise, within};
use crate::media::render::shape::{EditShape, ShapePart};
use crate::media::render::source::RenderSource;
use crate::model::edit::{Edit, Join};

/// Plays `part` of `from` at the constant rate from time 0, in exactly its frames.
pub(super) fn play(
    graph: &mut FilterGraph,
    source: &RenderSource,
    shape: &EditShape,
    part: &ShapePart,
    from: &str,
    to: &str,
) {
    let (start, end) = part.extent();
    let (from_tick, until) = (source.shown_tick(start), source.first_tick(end));
    let mut filters = vec![format!("trim=start_pts={from_tick}:end_pts={until}")];
    if part.segments.len() > 1 {
        filters.push(format!("select='{}'", within(source, &part.segments)));
    }
    let clock = shape.clock;
    // The rate filter takes the last frame's own time for the end, and drops that frame, which may be the only
    // one: a copy comes after it, later than all that is shown. (A copy has the time of its frame where no rate
    // is known.)
    filters.push("tpad=stop=1:stop_mode=clone".into());
    let later = ((clock.seconds(part.frames) + 1.0) * source.ticks as f64).ceil();
    let seen = seen_at(source, part);
    filters.push(format!("setpts='if(lte(PTS,PREV_INPTS),PREV_OUTPTS+{later:.0},max(0,{seen}))'"));
    filters.push(format!("fps={}/{}:start_time=0", clock.num, clock.den));
    // The last frame is held until the end if the source has none there.
    filters.push("tpad=stop=-1:stop_mode=clone".into());
    filters.push(format!("trim=end_frame={},setpts=N", part.frames));
    graph.add(&[from.into()], &filters.join(","), &[to.into()]);
}

/// The variant time of a source frame, in ticks of the source: linear in each segment.
fn seen_at(source: &RenderSource, part: &ShapePart) -> String {
    let (mut seen, mut pieces) = (0.0, Vec::new());
    for segment in &part.segments {
        let begins = seen * source.ticks as f64;
        let (start, speed) = (source.tick(segment.start), segment.speed);
        // A picture that stands from before is seen from the start on.
        let line = format!("max({begins:.3},{begins:.3}+(PTS-{start})/{speed:.6})");
        pieces.push((source.first_tick(segment.end).to_string(), line));
        seen += segment.seen();
    }
    piecewise("PTS", &pieces)
}

/// Joins the pictures of all parts; returns the label.
pub(super) fn join(
    graph: &mut FilterGraph,
    edit: &Edit,
    shape: &EditShape,
    parts: Vec<String>,
) -> String {
    let Some(first) = parts.first().cloned() else { return String::new() };
    let kind = match edit.join {
        _ if parts.len() == 1 => return first,
        Join::Cut => {
            let to = format!("{first}j");
            graph.add(
                &parts,
                &format!("concat=n={}:v=1:a=0", parts.len()),
                std::slice::from_ref(&to),
            );
            return to;
        }
        Join::Dissolve => "fade",
        Join::Slide => "slideleft",
    };
    let length = shape.clock.seconds(shape.overlap);
    let (mut whole, mut frames) = (first, 0);
    for (next, before) in parts.into_iter().skip(1).zip(&shape.parts) {
        frames += before.frames - shape.overlap;
        let to = format!("{whole}j");
        let offset = shape.clock.seconds(frames);
        let filter = format!("xfade=transition={kind}:duration={length:.6}:offset={offset:.6}");
        graph.add(&[whole, next], &filter, std::slice::from_ref(&to));
        whole = to;
    }
    whole
}
