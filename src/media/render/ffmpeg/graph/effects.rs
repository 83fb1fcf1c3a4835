//! Picture effects and fades of an edit.

use super::{FilterGraph, sum};
use crate::media::render::shape::EditShape;
use crate::media::render::source::RenderSource;
use crate::model::edit::{Edit, Effect, EffectKind};

/// Seconds in which a zoom punch moves in, and in which it eases back.
const PUNCH: (f64, f64) = (0.08, 0.42);
/// Zoom of the strongest punch, as a share of the picture.
const PUNCH_ZOOM: f64 = 0.25;
/// Duration of a glitch, in seconds.
const GLITCH: f64 = 0.3;

/// Applies the effects other than fades to `from`, on the source's clock; returns the label.
pub(super) fn apply(
    graph: &mut FilterGraph,
    source: &RenderSource,
    edit: &Edit,
    from: String,
) -> String {
    let mut label = from;
    let still: Vec<String> = edit.effects.iter().filter_map(|e| filter(source, e)).collect();
    if !still.is_empty() {
        let to = format!("{label}k");
        graph.add(&[label], &still.join(","), std::slice::from_ref(&to));
        label = to;
    }
    punch(graph, source, edit, label)
}

fn filter(source: &RenderSource, effect: &Effect) -> Option<String> {
    let strength = strength(effect);
    Some(match effect.kind {
        EffectKind::Mirror => "hflip".into(),
        EffectKind::Grayscale => {
            let keep = 1.0 - strength;
            format!("lutyuv=u='128+(val-128)*{keep:.3}':v='128+(val-128)*{keep:.3}'")
        }
        EffectKind::Sepia => {
            let (keep, tint) = (1.0 - strength, 16.0 * strength);
            format!(
                "lutyuv=u='128+(val-128)*{keep:.3}-{tint:.2}':v='128+(val-128)*{keep:.3}+{tint:.2}'"
            )
        }
        EffectKind::Vignette => format!("vignette=angle={:.4}:dither=0", 0.9 * strength),
        EffectKind::Glitch => {
            let shift = (4.0 + 16.0 * strength).round();
            let when = match effect.at.filter(|at| at.is_finite()) {
                Some(at) => {
                    let at = source.start + at;
                    format!(":enable='between(t,{at:.4},{:.4})'", at + GLITCH)
                }
                None => String::new(),
            };
            format!(
                "chromashift=cbh=-{shift}:crh={shift}{when},\
                 noise=alls={:.0}:all_seed=1{when}",
                8.0 + 24.0 * strength
            )
        }
        EffectKind::FadeIn | EffectKind::FadeOut | EffectKind::ZoomPunch => return None,
    })
}

/// Overlays the enlarged picture on itself; computed only while a punch lasts.
fn punch(graph: &mut FilterGraph, source: &RenderSource, edit: &Edit, from: String) -> String {
    let punches: Vec<(f64, f64)> = edit
        .effects
        .iter()
        .filter(|effect| effect.kind == EffectKind::ZoomPunch)
        .filter_map(|effect| Some((source.start + effect.at?, strength(effect))))
        .filter(|(at, _)| at.is_finite())
        .collect();
    if punches.is_empty() {
        return from;
    }
    let (rise, fall) = PUNCH;
    let (mut zoom, mut when) = (Vec::new(), Vec::new());
    for (at, strength) in punches {
        let end = at + rise + fall;
        when.push(format!("between(t,{at:.4},{end:.4})"));
        zoom.push(format!(
            "between(t,{at:.4},{end:.4})*{:.4}*if(lt(t,{:.4}),(t-{at:.4})/{rise},({end:.4}-t)/{fall})",
            PUNCH_ZOOM * strength,
            at + rise
        ));
    }
    let zoom = format!("min({},{PUNCH_ZOOM})", sum(&zoom));
    let copies = graph.split(&from, "split", 2, |n| format!("{from}z{n}"));
    // Steps of four pixels keep the centre aligned with the chroma samples.
    let side = |whole: i64| format!("'{whole}+4*trunc({whole}*{zoom}/4)'");
    let (large, to) = (format!("{from}zl"), format!("{from}zo"));
    let scale =
        format!("scale=w={}:h={}:eval=frame:flags=bicubic", side(edit.width), side(edit.height));
    graph.add(&copies[1..], &scale, std::slice::from_ref(&large));
    let over =
        format!("overlay=x='(W-w)/2':y='(H-h)/2':format=yuv420:enable='{}',setsar=1", sum(&when));
    graph.add(&[copies[0].clone(), large], &over, std::slice::from_ref(&to));
    to
}

/// The fades on the variant's clock, with `filter` `fade` for picture or `afade` for sound.
pub(super) fn fades(edit: &Edit, shape: &EditShape, filter: &str) -> Vec<String> {
    let whole = shape.seconds();
    let fade = |effect: &Effect| {
        let length = (0.3 + 0.5 * strength(effect)).min(whole / 4.0);
        match effect.kind {
            EffectKind::FadeIn => Some(format!("{filter}=t=in:st=0:d={length:.4}")),
            EffectKind::FadeOut => {
                Some(format!("{filter}=t=out:st={:.4}:d={length:.4}", whole - length))
            }
            _ => None,
        }
    };
    edit.effects.iter().filter_map(fade).collect()
}

fn strength(effect: &Effect) -> f64 {
    if effect.strength.is_finite() { effect.strength.clamp(0.0, 1.0) } else { 1.0 }
}
