//! The picture of a pass: one decode, copied to the log, to each plain clip and to each layout.

use std::fmt::Write as _;

use super::{Graph, SCALER, effects, layout, segments, within};
use crate::media::render::Output;
use crate::media::render::captions::Captions;
use crate::media::render::command::Inputs;
use crate::media::render::shape::{Part, Shape};
use crate::media::render::source::Source;
use crate::model::edit::{Edit, Layout, Segment};

/// One decode, copied to the log and, upright, square, even and progressive, to each output, which
/// ends in `[v0]`, `[v1]`, … The log is `[log]`, and that of a reading ahead `[ahead]`.
///
/// Nothing before a clip's own trim knows where the pass begins or ends, so that a picture does
/// not depend on it.
pub(in crate::media::render) fn graph(
    source: &Source,
    outputs: &[&Output],
    shapes: &[Option<Shape>],
    captions: &[Option<Captions>],
    inputs: Inputs,
) -> String {
    let ticks = source.ticks;
    let ends = outputs.iter().zip(shapes).map(|(output, shape)| output.read(shape.as_ref()).1);
    let last = ends.map(|end| source.first_tick(end)).max().unwrap_or(0);
    let groups = groups(outputs);
    let plain = (0..outputs.len()).filter(|number| outputs[*number].edit.is_none());
    // `write!` to a String cannot fail.
    let mut text = format!("[0:{}]settb=1/{ticks},split[list][all]", source.video);
    // Both end here, and with them the decoding: a filter that only leaves frames out never says
    // that it wants no more. The picture is made before, since it may look a frame ahead.
    let _ = write!(text, ";[list]trim=end_pts={last}[log]");
    let _ = write!(text, ";[all]{},trim=end_pts={last}", picture(source));
    let _ = write!(text, ",split={}", plain.clone().count() + groups.len());
    for number in plain.clone() {
        let _ = write!(text, "[s{number}]");
    }
    for number in 0..groups.len() {
        let _ = write!(text, "[g{number}]");
    }
    for number in plain {
        let _ = write!(text, ";{}", cut(source, outputs[number], number));
    }
    let mut graph = Graph::default();
    let mut pieces: Vec<Vec<String>> = vec![Vec::new(); outputs.len()];
    for (number, members) in groups.iter().enumerate() {
        let members = members.iter().filter_map(|member| {
            let output = outputs[*member];
            Some((*member, output.edit.as_ref()?, shapes[*member].as_ref()?))
        });
        let members: Vec<_> = members.collect();
        for (member, labels) in layouts(&mut graph, source, &members, &format!("g{number}"), false)
        {
            pieces[member] = labels;
        }
    }
    for (number, (output, shape)) in outputs.iter().zip(shapes).enumerate() {
        let (Some(edit), Some(shape)) = (&output.edit, shape) else { continue };
        if let (Some(input), Some(part)) = (inputs.ahead_video, shape.ahead()) {
            let label = format!("h{number}");
            let until = source.first_tick(part.extent().1);
            let both = ["listahead", "allahead"].map(str::to_owned);
            let read = format!("settb=1/{ticks},split");
            graph.add(&[format!("{input}:{}", source.video)], &read, &both);
            let [list, all] = both;
            graph.add(&[list], &format!("trim=end_pts={until}"), &["ahead".to_owned()]);
            let read = format!("{},trim=end_pts={until}", picture(source));
            graph.add(&[all], &read, std::slice::from_ref(&label));
            for (_, labels) in layouts(&mut graph, source, &[(number, edit, shape)], &label, true) {
                pieces[number].splice(0..0, labels);
            }
        }
        let parts = std::mem::take(&mut pieces[number]);
        finish(&mut graph, edit, shape, (parts, captions[number].as_ref()), number);
    }
    for statement in graph.0 {
        let _ = write!(text, ";{statement}");
    }
    text
}

/// A plain clip.
fn cut(source: &Source, span: &Output, number: usize) -> String {
    let (from, until) = (source.first_tick(span.start), source.first_tick(span.end));
    let (zero, near) = (source.tick(span.start), source.tolerance());
    // A frame at the start is time 0. Where a clip begins between two frames, its first frame
    // stands from the start, and the others keep their distance to it and to the sound.
    format!(
        "[s{number}]trim=start_pts={from}:end_pts={until},\
         setpts='if(lte(STARTPTS-{zero},{near}),PTS-STARTPTS,if(eq(N,0),0,PTS-{zero}))'[v{number}]"
    )
}

/// Filters that make the picture what a clip holds.
pub(in crate::media::render) fn picture(source: &Source) -> String {
    let (wide, high) = source.scaled;
    // First of all, for behind it the size is the same for good.
    let mut filters = format!("scale={wide}:{high}:flags={SCALER}");
    if source.rgb {
        filters.push_str(":out_color_matrix=bt709");
    }
    if !source.plain {
        filters.push_str(":out_range=tv");
    }
    filters.push_str(",format=yuv420p");
    // Frame for frame, and only those that the decoder marks as interlaced; it halves the clock.
    filters.push_str(",bwdif=mode=send_frame:parity=auto:deint=interlaced");
    let _ = write!(filters, ",settb=1/{}", source.ticks);
    if (wide, high) != (source.width, source.height) {
        let _ = write!(filters, ",crop={}:{}:0:0", source.width, source.height);
    }
    filters.push_str(",setsar=1");
    filters
}

/// Outputs that share a scaled picture, since it is the same in all of them.
fn groups(outputs: &[&Output]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(&Edit, Vec<usize>)> = Vec::new();
    for (number, output) in outputs.iter().enumerate() {
        let Some(edit) = &output.edit else { continue };
        match groups.iter_mut().find(|(other, _)| same_picture(other, edit)) {
            Some((_, members)) => members.push(number),
            None => groups.push((edit, vec![number])),
        }
    }
    groups.into_iter().map(|(_, members)| members).collect()
}

fn same_picture(a: &Edit, b: &Edit) -> bool {
    let size = (a.width, a.height, a.layout) == (b.width, b.height, b.layout);
    let corner = a.layout != Layout::PictureInPicture || a.safe_zone == b.safe_zone;
    let path = a.layout == Layout::Fit || a.reframe == b.reframe;
    size && corner && path
}

/// Lays out `from` once for all `members` and plays their parts; the labels of each one's parts.
fn layouts(
    graph: &mut Graph,
    source: &Source,
    members: &[(usize, &Edit, &Shape)],
    from: &str,
    ahead: bool,
) -> Vec<(usize, Vec<String>)> {
    let Some((_, edit, _)) = members.first() else { return Vec::new() };
    let shown = |shape: &Shape| -> Vec<Segment> {
        let parts = shape.parts.iter().filter(|part| part.ahead == ahead);
        parts.flat_map(|part| part.segments.clone()).collect()
    };
    let all: Vec<Segment> = members.iter().flat_map(|(_, _, shape)| shown(shape)).collect();
    let (used, drawn) = (format!("{from}u"), format!("{from}d"));
    // Only what somebody shows is scaled.
    graph.add(
        &[from.into()],
        &format!("select='{}'", within(source, &all)),
        std::slice::from_ref(&used),
    );
    layout::draw(graph, source, edit, &used, &drawn);
    let copies = graph.split(&drawn, "split", members.len(), |n| format!("{from}m{n}"));
    let each = |((number, edit, shape), copy): (&(usize, &Edit, &Shape), String)| {
        let mut label = copy;
        if members.len() > 1 {
            let own = format!("{label}s");
            let select = format!("select='{}'", within(source, &shown(shape)));
            graph.add(&[label], &select, std::slice::from_ref(&own));
            label = own;
        }
        let label = effects::apply(graph, source, edit, label);
        let parts: Vec<&Part> = shape.parts.iter().filter(|part| part.ahead == ahead).collect();
        let copies = graph.split(&label, "split", parts.len(), |n| format!("{label}p{n}"));
        let mut ends = Vec::with_capacity(parts.len());
        for (part, copy) in parts.iter().zip(&copies) {
            let to = format!("{copy}e");
            segments::play(graph, source, shape, part, copy, &to);
            ends.push(to);
        }
        (*number, ends)
    };
    members.iter().zip(copies).map(each).collect()
}

/// Joins the parts, on the output's clock, with its fades.
fn finish(
    graph: &mut Graph,
    edit: &Edit,
    shape: &Shape,
    (parts, captions): (Vec<String>, Option<&Captions>),
    number: usize,
) {
    let whole = segments::join(graph, edit, shape, parts);
    let clock = shape.clock;
    let mut filters = vec![format!("settb=1/{},setpts=N*{}", clock.ticks, clock.step())];
    // Above them, so that they go with the picture when it fades.
    filters.extend(captions.map(Captions::filter));
    filters.extend(effects::fades(edit, shape, "fade"));
    filters.push("format=yuv420p,setsar=1".into());
    graph.add(&[whole], &filters.join(","), &[format!("v{number}")]);
}
