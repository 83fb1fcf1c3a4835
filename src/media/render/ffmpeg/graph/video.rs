//! The picture graph of a pass: one decode for the log, the plain clips and the layouts.

use std::fmt::Write as _;

use super::shared::{SharedPictures, groups, shown};
use super::{FilterGraph, SCALER, effects, layout, segments, within};
use crate::media::probe::Hdr;
use crate::media::render::ffmpeg::captions::BurnedCaptions;
use crate::media::render::ffmpeg::inputs::InputNumbers;
use crate::media::render::output::Output;
use crate::media::render::shape::{EditShape, ShapePart};
use crate::media::render::source::RenderSource;
use crate::media::shape;
use crate::model::edit::{Edit, Segment};

/// The graph that copies one decode to the log and to the outputs `[v0]`, `[v1]`, ….
///
/// The outputs get upright, square, even and progressive pictures. The log is `[log]`, and that of a cold
/// open `[ahead]`. No filter before a clip's own trim depends on where the pass starts or ends, so the
/// picture does not either.
pub(crate) fn graph(
    source: &RenderSource,
    outputs: &[&Output],
    shapes: &[Option<EditShape>],
    captions: &[Option<BurnedCaptions>],
    inputs: InputNumbers,
) -> String {
    let mut graph = FilterGraph::default();
    let groups = groups(outputs);
    let wholes = SharedPictures::new(source, &groups, outputs, shapes);
    let plain = (0..outputs.len()).filter(|number| outputs[*number].edit.is_none());
    let ends =
        outputs.iter().zip(shapes).map(|(output, shape)| output.source_span(shape.as_ref()).1);
    decoded(&mut graph, source, 0, ends.fold(0.0, f64::max), ("log", "all"));
    let mut uses: Vec<String> = plain.clone().map(|number| format!("s{number}")).collect();
    uses.extend((0..groups.len()).map(|number| format!("g{number}")));
    uses.extend((0..wholes.len()).map(|number| format!("w{number}")));
    graph.split("all", "split", uses.len(), |n| uses[n].clone());
    for number in plain {
        let cut = cut(source, outputs[number]);
        graph.add(&[format!("s{number}")], &cut, &[format!("v{number}")]);
    }
    wholes.draw(&mut graph, source);
    let mut pieces: Vec<Vec<String>> = vec![Vec::new(); outputs.len()];
    for (number, members) in groups.iter().enumerate() {
        let members = members.iter().filter_map(|member| {
            let output = outputs[*member];
            Some((*member, output.edit.as_ref()?, shapes[*member].as_ref()?))
        });
        let members: Vec<_> = members.collect();
        let (from, whole) = (format!("g{number}"), wholes.of(number));
        let from = (from.as_str(), whole.as_deref());
        for (member, labels) in layouts(&mut graph, source, &members, from, false) {
            pieces[member] = labels;
        }
    }
    for (number, (output, shape)) in outputs.iter().zip(shapes).enumerate() {
        let (Some(edit), Some(shape)) = (&output.edit, shape) else { continue };
        if let (Some(input), Some(part)) = (inputs.ahead_video, shape.ahead()) {
            let label = format!("h{number}");
            decoded(&mut graph, source, input, part.extent().1, ("ahead", &label));
            let members = [(number, edit, shape)];
            for (_, labels) in layouts(&mut graph, source, &members, (&label, None), true) {
                pieces[number].splice(0..0, labels);
            }
        }
        let parts = std::mem::take(&mut pieces[number]);
        finish(&mut graph, edit, shape, (parts, captions[number].as_ref()), number);
    }
    graph.text()
}

/// The frames of `input` up to `end` (in seconds), as decoded and as pictures.
fn decoded(
    graph: &mut FilterGraph,
    source: &RenderSource,
    input: usize,
    end: f64,
    (list, pictures): (&str, &str),
) {
    let until = source.first_tick(end);
    let both = [format!("{list}s"), format!("{pictures}s")];
    let read = format!("settb=1/{},split", source.ticks);
    graph.add(&[format!("{input}:{}", source.video)], &read, &both);
    let [listed, shown] = both;
    // Both are trimmed here, which ends the decoding: a filter that only drops frames never signals
    // the end. The picture filters come before, because they may look a frame ahead.
    graph.add(&[listed], &format!("trim=end_pts={until}"), &[list.to_owned()]);
    let picture = format!("{},trim=end_pts={until}", picture(source));
    graph.add(&[shown], &picture, &[pictures.to_owned()]);
}

/// Filters that cut the frames of a plain clip.
fn cut(source: &RenderSource, span: &Output) -> String {
    let (from, until) = (source.shown_tick(span.start), source.first_tick(span.end));
    let (zero, near) = (source.tick(span.start), source.tolerance());
    if from < source.first_tick(span.start) {
        // What was on screen before is shown from the start.
        return format!("trim=start_pts={from}:end_pts={until},setpts='if(eq(N,0),0,PTS-{zero})'");
    }
    // A frame at the start has time 0. If a clip starts between two frames, its first frame is shown
    // from the start, and the others keep their times relative to the sound.
    format!(
        "trim=start_pts={from}:end_pts={until},\
         setpts='if(lte(STARTPTS-{zero},{near}),PTS-STARTPTS,if(eq(N,0),0,PTS-{zero}))'"
    )
}

/// Filters that convert the decoded picture to that of a clip.
pub(crate) fn picture(source: &RenderSource) -> String {
    let (wide, high) = source.scaled;
    // First, so that all later filters see one constant size.
    let mut filters = shape::scaled(source.stored, (wide, high), SCALER);
    if source.rgb {
        filters.push_str(":out_color_matrix=bt709");
    }
    if !source.plain {
        filters.push_str(":out_range=tv");
    }
    if let Some(hdr) = source.hdr {
        filters.push_str(&tone_mapped(hdr));
    }
    let pixels = if source.kept.is_some() { "yuv420p10le" } else { "yuv420p" };
    let _ = write!(filters, ",format={pixels}");
    let _ = write!(filters, ",{}", shape::padded((wide, high)));
    // One frame for one frame, and only frames that the decoder marks as interlaced; bwdif changes the
    // time base, which is restored.
    filters.push_str(",bwdif=mode=send_frame:parity=auto:deint=interlaced");
    let _ = write!(filters, ",settb=1/{}", source.ticks);
    if (wide, high) != (source.width, source.height) {
        let _ = write!(filters, ",crop={}:{}:0:0", source.width, source.height);
    }
    filters.push_str(",setsar=1");
    filters
}

/// Filters that make of a picture of high dynamic range one of BT.709: to linear light, the primaries, the curve of Hable
/// for what is brighter than white, and back.
fn tone_mapped(hdr: Hdr) -> String {
    let transfer = match hdr {
        Hdr::Hlg => "arib-std-b67",
        Hdr::Pq => "smpte2084",
    };
    format!(
        ",zscale=tin={transfer}:pin=bt2020:min=bt2020nc:rin=tv:t=linear:npl=100,format=gbrpf32le,\
         zscale=p=bt709,tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv"
    )
}

/// Lays out `from` once for all `members` and plays their parts; returns their labels.
///
/// `whole` is the label of the already scaled whole picture, if any.
fn layouts(
    graph: &mut FilterGraph,
    source: &RenderSource,
    members: &[(usize, &Edit, &EditShape)],
    (from, whole): (&str, Option<&str>),
    ahead: bool,
) -> Vec<(usize, Vec<String>)> {
    let Some((_, edit, _)) = members.first() else { return Vec::new() };
    let framed = source.framed(edit);
    let all: Vec<Segment> = members.iter().flat_map(|(_, _, shape)| shown(shape, ahead)).collect();
    let drawn = format!("{from}d");
    // Only frames that a member shows are scaled.
    let used = |graph: &mut FilterGraph, from: &str| {
        let to = format!("{from}u");
        let select = format!("select='{}'", within(source, &all));
        graph.add(&[from.to_owned()], &select, std::slice::from_ref(&to));
        to
    };
    let within_bars = |graph: &mut FilterGraph, from: String| match &framed {
        Some((_, cut)) => {
            let to = format!("{from}i");
            graph.add(&[from], cut, std::slice::from_ref(&to));
            to
        }
        None => from,
    };
    let whole = whole.map(|whole| used(graph, whole));
    let used = used(graph, from);
    let used = within_bars(graph, used);
    let seen = framed.as_ref().map_or(source, |(seen, _)| seen);
    layout::draw(graph, seen, edit, (&used, whole.as_deref()), &drawn);
    let copies = graph.split(&drawn, "split", members.len(), |n| format!("{from}m{n}"));
    let each = |((number, edit, shape), copy): (&(usize, &Edit, &EditShape), String)| {
        let mut label = copy;
        if members.len() > 1 {
            let own = format!("{label}s");
            let select = format!("select='{}'", within(source, &shown(shape, ahead)));
            graph.add(&[label], &select, std::slice::from_ref(&own));
            label = own;
        }
        let label = effects::apply(graph, source, edit, label);
        let parts: Vec<&ShapePart> =
            shape.parts.iter().filter(|part| part.ahead == ahead).collect();
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

/// Joins the parts of an output and adds its captions and fades, on its own clock.
fn finish(
    graph: &mut FilterGraph,
    edit: &Edit,
    shape: &EditShape,
    (parts, captions): (Vec<String>, Option<&BurnedCaptions>),
    number: usize,
) {
    let whole = segments::join(graph, edit, shape, parts);
    let clock = shape.clock;
    let mut filters = vec![format!("settb=1/{},setpts=N*{}", clock.ticks, clock.step())];
    // Before the fades, so that captions fade with the picture.
    filters.extend(captions.map(BurnedCaptions::filter));
    filters.extend(effects::fades(edit, shape, "fade"));
    filters.push("format=yuv420p,setsar=1".into());
    graph.add(&[whole], &filters.join(","), &[format!("v{number}")]);
}
