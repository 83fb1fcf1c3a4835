//! Divides the outputs of a source into passes that share one decode.

use crate::media::probe::Probe;
use crate::media::render::output::{Output, extent};
use crate::media::render::settings::RenderSettings;
use crate::media::render::shape::is_cold_open;
use crate::media::render::source::RenderSource;
use crate::model::Edit;
use crate::model::edit::Join;

/// One ffmpeg process: where it starts reading, and the outputs it writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// Where reading starts, in seconds on the clips' clock; `None` reads from the first packet.
    pub seek: Option<f64>,
    /// Indices into the outputs, by start.
    pub spans: Vec<usize>,
}

/// CPU seconds for decoding one pixel of H.264. Measured: 60 s of 720p30 in 1.96 CPU seconds.
const DECODE_PER_PIXEL: f64 = 1.2e-9;
/// CPU seconds for starting ffmpeg and opening the source twice. Measured: 0.05–0.09.
const STARTUP: f64 = 0.08;
/// Mean distance from a seek's target back to its keyframe, in seconds: half of x264's default
/// GOP of 250 frames at 25 a second.
const HALF_GOP: f64 = 5.0;

/// Divides `spans` into passes within the limits of the settings and of the memory.
///
/// Each span is in exactly one pass. Encoding costs the same however the clips are grouped, so only
/// decoding is optimised. The cost of a pass is its start-up, the distance from the preceding keyframe
/// to its first clip, and everything from its first start to its last end, gaps included. Among the
/// divisions that keep the clips in the order of their starts, dynamic programming finds the cheapest
/// in O(n × outputs).
///
/// An encoder holds memory as long as its process lives, even after its clip is finished: on 720p30,
/// preset `veryfast`, one thread each, 1, 2, 4 and 8 outputs took 170, 244, 391 and 687 MB, whether the
/// clips overlapped or followed one another. Therefore the outputs of a pass are bounded.
///
/// CPU seconds saved by sharing, verification included: eight neighbours of 15 s at 360p25 with a GOP
/// of 250 cost 8.3 one by one (94 MB), 7.5 in fours (189 MB), 7.4 together (317 MB); eight of 5 s at
/// 720p30, two starting each second, cost 9.2 one by one (194 MB) and 8.0 in fours (496 MB), with two
/// encoder threads each, which take more memory. Encoding is the larger part. With the defaults (one
/// encoder thread each) up to seven outputs share a process at 720p (estimated 655 MB), two at 1080p
/// (estimated 461 MB); 4K is rendered alone (estimated 917 MB).
///
/// Concurrent passes share the memory: one that does not fit beside another is divided when its slot
/// becomes free (see `queue`).
pub fn plan_passes(probe: &Probe, spans: &[Output], settings: &RenderSettings) -> Vec<Pass> {
    let source = RenderSource::new(probe, settings.max_pixels);
    divide(&source, spans, settings)
}

/// [`plan_passes`] for a source whose facts are already extracted.
pub(crate) fn divide(
    source: &RenderSource,
    spans: &[Output],
    settings: &RenderSettings,
) -> Vec<Pass> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    let read: Vec<(f64, f64)> = spans.iter().map(|s| extent(std::iter::once(s))).collect();
    order.sort_by(|a, b| {
        let (x, y) = (&read[*a], &read[*b]);
        x.0.total_cmp(&y.0).then(x.1.total_cmp(&y.1)).then(a.cmp(b))
    });
    let most = settings.max_outputs.max(1);
    let MemoryNeeds { base, each: needs } = MemoryNeeds::new(source, spans, settings);
    let room = settings.memory_bytes.saturating_sub(base);
    // Outputs that cannot share are planned apart, so that they do not separate those that can. A cold
    // open does not share: its second input would wait for the outputs of the others.
    let shares = |span: &usize| {
        needs[*span] <= room && !spans[*span].edit.as_ref().is_some_and(is_cold_open)
    };
    let (order, alone): (Vec<usize>, Vec<usize>) = order.into_iter().partition(shares);
    let fixed = fixed_cost(source);
    // best[n]: the cheapest way to render the first n spans, and where its last pass begins.
    let mut best: Vec<(f64, usize)> = vec![(0.0, 0)];
    for until in 1..=order.len() {
        let mut cheapest = (f64::INFINITY, until - 1);
        let (mut last_end, mut used) = (f64::NEG_INFINITY, 0_u64);
        for from in (until.saturating_sub(most)..until).rev() {
            let (start, end) = read[order[from]];
            used = used.saturating_add(needs[order[from]]);
            if used > room {
                break;
            }
            last_end = last_end.max(end);
            let cost = best[from].0 + fixed + (last_end - start).max(0.0);
            // NaN compares as not cheaper, so such a span stays alone.
            if cost < cheapest.0 {
                cheapest = (cost, from);
            }
        }
        best.push(cheapest);
    }
    let mut passes = Vec::new();
    let mut until = order.len();
    while until > 0 {
        let from = best[until].1;
        let members = order[from..until].to_vec();
        passes.push(Pass { seek: source.seek(read[members[0]].0, 0), spans: members });
        until = from;
    }
    passes.reverse();
    // An output that exceeds the memory is still tried, alone.
    passes.extend(
        alone
            .into_iter()
            .map(|span| Pass { seek: source.seek(read[span].0, 0), spans: vec![span] }),
    );
    passes
}

/// Fixed cost of a pass, in seconds of the source that decode in the same CPU time.
pub(crate) fn fixed_cost(source: &RenderSource) -> f64 {
    let pixels = f64::from(source.coded_width) * f64::from(source.coded_height) * source.fps;
    let startup = STARTUP / (pixels * DECODE_PER_PIXEL).max(1e-4);
    startup + source.margin() + HALF_GOP
}

/// Estimated memory of passes, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MemoryNeeds {
    /// Of a process without outputs.
    pub(crate) base: u64,
    /// Of each output.
    pub(crate) each: Vec<u64>,
}

impl MemoryNeeds {
    pub(crate) fn new(source: &RenderSource, spans: &[Output], settings: &RenderSettings) -> Self {
        // ffmpeg and its libraries, and the decoder's pictures: references (H.264 level 4.1 allows 9
        // at 720p and 4 at 1080p) and those in flight. Measured at 720p: 72 MB, with 3 references;
        // 62 MB with one output of sound alone, which has no decoder of pictures.
        let decoder = if settings.encoding.has_picture() { 12 } else { 0 };
        // The filters of edits mostly hold pictures of one output at a time.
        let size = |edit: &Edit| picture(side(edit.width), side(edit.height));
        let edits = spans.iter().filter_map(|span| span.edit.as_ref()).map(size).max().unwrap_or(0);
        let edits = if decoder > 0 { edits.saturating_mul(4) } else { 0 };
        let base = ((64 << 20) + picture(source.coded_width, source.coded_height) * decoder)
            .saturating_add(edits);
        Self { base, each: spans.iter().map(|span| memory(source, settings, span)).collect() }
    }

    /// Estimated memory of a pass with these outputs.
    pub(crate) fn of(&self, pass: &[usize]) -> u64 {
        let each = |span: &usize| self.each.get(*span).copied().unwrap_or(0);
        pass.iter().map(each).fold(self.base, u64::saturating_add)
    }
}

/// Estimated memory of one output: its encoder and, for an edit, its filters.
///
/// Measured peaks of the process with one output and with two equal ones at 1080 × 1920, in MB, beside the
/// estimates:
///
/// | output | of 720p | estimated | of 1080p | estimated |
/// |---|---|---|---|---|
/// | plain clip, H.264 | 157, 237 | 165, 247 | 269, 431 | 283, 461 |
/// | edit, H.264: crop | 251, 413 | 281, 465 | 278, 441 | 301, 486 |
/// | edit: fit, split | 275, 258 | 281 | 301, 286 | 301 |
/// | edit with two dissolves (slides: 357, 385) | 357, 541 | 374, 652 | 386, 570 | 395, 673 |
/// | cold open | 284 | 314 | 338 | 376 |
/// | cold open, HEVC | 485 | 513 | 537 | 575 |
/// | edit, HEVC | 447, 800 | 480, 863 | 475, 825 | 501, 884 |
/// | edit, VP9 | 377, 665 | 433, 770 | 406, 694 | 454, 791 |
/// | edit, AV1 | 454, 812 | 526, 957 | 484, 838 | 547, 978 |
/// | edit, GIF | 128, 167 | 145, 195 | 156, 196 | 166, 215 |
/// | edit, WebP | 93, 97 | 114, 133 | 123, 127 | 135, 153 |
/// | edit at 720 × 1280 | 166 | 174 | 194 | 194 |
fn memory(source: &RenderSource, settings: &RenderSettings, output: &Output) -> u64 {
    if !settings.encoding.has_picture() {
        return 4 << 20;
    }
    // Each further encoder thread holds about 20 pictures more (measured: 26 MB at 720p).
    let threads = u64::from(settings.encoder_threads.max(1)) - 1;
    let encoder = |(width, height): (u32, u32)| {
        let size = settings.encoding.encoded((width.into(), height.into()));
        picture(side(size.0), side(size.1))
            * (settings.encoding.pictures().unwrap_or(settings.preset.pictures()) + 20 * threads)
            + (4 << 20)
    };
    let Some(edit) = &output.edit else { return encoder((source.width, source.height)) };
    let size = (side(edit.width), side(edit.height));
    // A transition buffers the frames of one part until those of the other arrive.
    let joined = if edit.join == Join::Cut { 0 } else { edit.fps.clamp(1.0, 240.0) as u64 };
    // A cold open has its own decoder.
    let ahead = if is_cold_open(edit) { 24 } else { 0 };
    let filters = picture(size.0, size.1).saturating_mul(2 + joined);
    encoder(size)
        .saturating_add(filters)
        .saturating_add(picture(source.coded_width, source.coded_height) * ahead)
}

fn side(side: i64) -> u32 {
    u32::try_from(side).unwrap_or(u32::MAX >> 1)
}

/// Bytes of a picture in 8-bit 4:2:0.
fn picture(width: u32, height: u32) -> u64 {
    (u64::from(width) * u64::from(height)).saturating_mul(3) / 2
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::media::shape::StoredShape;
    use crate::media::sniff::Demuxer;
    use proptest::prelude::*;

    /// Largest number of plain clips in one process.
    fn outputs(source: &RenderSource, settings: &RenderSettings) -> usize {
        let needs = MemoryNeeds::new(source, &spans(&[(0.0, 1.0)]), settings);
        let room = settings.memory_bytes.saturating_sub(needs.base);
        let most = usize::try_from(room / needs.each[0]).unwrap_or(usize::MAX);
        most.clamp(1, settings.max_outputs.max(1))
    }

    fn source() -> RenderSource {
        RenderSource {
            demuxer: Demuxer::Mov,
            start: 0.0,
            video: 0,
            audio: None,
            mixed: Vec::new(),
            coded_width: 1280,
            coded_height: 720,
            scaled: (1280, 720),
            width: 1280,
            height: 720,
            stored: StoredShape { size: (1280, 720), sample_aspect: 1.0 },
            shown_width: 1280,
            turned: false,
            fps: 30.0,
            ticks: 30_000,
            plain: true,
            rgb: false,
            hdr: None,
            kept: None,
            copyable: false,
            fault: None,
            gap: 0.05,
            standing: Vec::new(),
        }
    }

    fn sized(width: u32, height: u32) -> RenderSource {
        let (coded_width, coded_height, scaled) = (width, height, (width, height));
        RenderSource { coded_width, coded_height, scaled, width, height, ..source() }
    }

    fn spans(times: &[(f64, f64)]) -> Vec<Output> {
        let span = |(start, length): &(f64, f64)| Output {
            rendition_id: String::new(),
            start: *start,
            end: start + length,
            path: "x".into(),
            edit: None,
            cues: Vec::new(),
        };
        times.iter().map(span).collect()
    }

    fn groups(times: &[(f64, f64)], settings: &RenderSettings) -> Vec<Vec<usize>> {
        let passes = divide(&source(), &spans(times), settings);
        passes.into_iter().map(|pass| pass.spans).collect()
    }

    #[test]
    fn neighbours_share_a_decode_and_far_clips_do_not() {
        let settings = RenderSettings::default();
        let times = [(600.0, 20.0), (10.0, 20.0), (30.0, 20.0), (15.0, 20.0), (1200.0, 20.0)];
        assert_eq!(groups(&times, &settings), [vec![1, 3, 2], vec![0], vec![4]]);
        assert_eq!(groups(&[], &settings), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn memory_bounds_the_outputs() {
        let settings = RenderSettings::default();
        assert_eq!(outputs(&source(), &settings), 7);
        let threads = RenderSettings { encoder_threads: 2, ..settings.clone() };
        assert_eq!(outputs(&source(), &threads), 5);
        let small = RenderSettings { memory_bytes: 1, ..settings.clone() };
        assert_eq!(outputs(&source(), &small), 1);
        let uhd = sized(3840, 2160);
        assert_eq!(outputs(&uhd, &settings), 1);
    }

    #[test]
    fn estimates_are_above_what_was_measured() {
        use crate::media::render::shape::tests::edit;
        use crate::media::render::{Encoding, Format, VideoCodec};
        let full = sized(1920, 1080);
        let cut: &[(f64, f64, f64)] = &[(5.0, 11.0, 1.0)];
        let cold: &[(f64, f64, f64)] = &[(8.0, 10.0, 1.0), (5.0, 11.0, 1.0)];
        let three: &[(f64, f64, f64)] = &[(5.0, 8.0, 1.0), (9.0, 11.0, 1.0), (12.0, 14.0, 1.0)];
        let of = |format, codec| Encoding { format, codec, ..Encoding::default() };
        let (h264, hevc) = (of(Format::Mp4, None), of(Format::Mp4, Some(VideoCodec::Hevc)));
        let (vp9, av1) = (of(Format::Webm, None), of(Format::Webm, Some(VideoCodec::Av1)));
        let (gif, webp) = (of(Format::Gif, None), of(Format::Webp, None));
        // One and two outputs of 720p, one and two of 1080p, in MB.
        for (encoding, segments, join, measured) in [
            (h264, cut, Join::Cut, [275, 413, 301, 441]),
            (h264, three, Join::Dissolve, [357, 541, 386, 570]),
            (h264, cold, Join::Cut, [284, 0, 338, 0]),
            (hevc, cold, Join::Cut, [485, 0, 537, 0]),
            (hevc, cut, Join::Cut, [447, 800, 475, 825]),
            (vp9, cut, Join::Cut, [377, 665, 406, 694]),
            (av1, cut, Join::Cut, [454, 812, 484, 838]),
            (gif, cut, Join::Cut, [128, 167, 156, 196]),
            (webp, cut, Join::Cut, [93, 97, 123, 127]),
            (of(Format::Mp3, None), cut, Join::Cut, [62, 0, 62, 0]),
        ] {
            let edit = Edit { width: 1080, height: 1920, fps: 30.0, ..edit(segments, join) };
            let settings = RenderSettings { encoding, ..RenderSettings::default() };
            let one = Output { edit: Some(edit), ..spans(&[(5.0, 6.0)]).remove(0) };
            let outputs = [one.clone(), one];
            for (number, measured) in measured.into_iter().enumerate().filter(|(_, m)| *m > 0) {
                let source = if number < 2 { &source() } else { &full };
                let pass: &[usize] = if number % 2 == 0 { &[0] } else { &[0, 1] };
                let estimate = MemoryNeeds::new(source, &outputs, &settings).of(pass) / 1_000_000;
                let most = measured * 5 / 4 + 40;
                let what = format!("{encoding:?} {join:?} {number}: {estimate} of {measured}");
                assert!((measured..=most).contains(&estimate), "{what}");
            }
        }
    }

    #[test]
    fn a_pass_begins_before_its_first_clip_or_at_the_first_packet() {
        let passes =
            divide(&source(), &spans(&[(0.5, 3.0), (700.0, 3.0)]), &RenderSettings::default());
        let seeks: Vec<_> = passes.iter().map(|pass| pass.seek).collect();
        assert_eq!(seeks, [None, Some(699.0)]);
    }

    /// The cheapest cost of all divisions in the order of starts.
    fn brute_force(sorted: &[(f64, f64)], most: usize) -> f64 {
        let mut best = f64::INFINITY;
        for cuts in 0..1_u32 << sorted.len().saturating_sub(1) {
            let (mut cost, mut from) = (0.0, 0);
            for until in 1..=sorted.len() {
                if until < sorted.len() && cuts >> (until - 1) & 1 == 0 {
                    continue;
                }
                cost += if until - from > most { f64::INFINITY } else { 0.0 };
                cost += cost_of(&sorted[from..until]);
                from = until;
            }
            best = best.min(cost);
        }
        best
    }

    fn cost_of(group: &[(f64, f64)]) -> f64 {
        let start = group.iter().map(|span| span.0).fold(f64::INFINITY, f64::min);
        let end = group.iter().map(|span| span.0 + span.1).fold(0.0, f64::max);
        fixed_cost(&source()) + end - start
    }

    proptest! {
        #[test]
        fn each_span_is_in_one_pass_and_none_is_too_large(
            times in proptest::collection::vec((0.0..300.0_f64, 0.1..60.0_f64), 0..60),
            max_outputs in 1_usize..10,
        ) {
            let settings = RenderSettings { max_outputs, ..RenderSettings::default() };
            let groups = groups(&times, &settings);
            let most = outputs(&source(), &settings);
            prop_assert!(groups.iter().all(|group| (1..=most).contains(&group.len())));
            let mut all: Vec<usize> = groups.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..times.len()).collect::<Vec<_>>());
        }

        #[test]
        fn no_other_division_is_cheaper(
            mut times in proptest::collection::vec((0.0..80.0_f64, 0.1..20.0_f64), 1..10),
            max_outputs in 1_usize..6,
        ) {
            times.sort_by(|a, b| a.partial_cmp(b).unwrap());
            let settings = RenderSettings { max_outputs, ..RenderSettings::default() };
            let groups = groups(&times, &settings);
            let cost = |group: &Vec<usize>| {
                cost_of(&group.iter().map(|member| times[*member]).collect::<Vec<_>>())
            };
            let cost: f64 = groups.iter().map(cost).sum();
            let best = brute_force(&times, outputs(&source(), &settings));
            prop_assert!((cost - best).abs() < 1e-6, "{} instead of {}", cost, best);
        }

        #[test]
        fn odd_numbers_break_nothing(times in proptest::collection::vec(any::<(f64, f64)>(), 0..20)) {
            let groups = groups(&times, &RenderSettings::default());
            prop_assert_eq!(groups.concat().len(), times.len());
        }
    }
}
