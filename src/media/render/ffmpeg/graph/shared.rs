//! Pictures that several layouts of a pass share, drawn once.

use super::{FilterGraph, layout, within};
use crate::media::render::output::Output;
use crate::media::render::shape::EditShape;
use crate::media::render::source::RenderSource;
use crate::model::edit::{Edit, Layout, Segment};

/// Groups of outputs whose laid-out picture is the same.
pub(super) fn groups(outputs: &[&Output]) -> Vec<Vec<usize>> {
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
    let size = (a.width, a.height, a.layout, a.area) == (b.width, b.height, b.layout, b.area);
    let corner = a.layout != Layout::PictureInPicture || a.safe_zone == b.safe_zone;
    let path = a.layout == Layout::Fit || a.reframe == b.reframe;
    size && corner && path
}

/// The segments of an output's cold open (`ahead`) or of the rest.
pub(super) fn shown(shape: &EditShape, ahead: bool) -> Vec<Segment> {
    let parts = shape.parts.iter().filter(|part| part.ahead == ahead);
    parts.flat_map(|part| part.segments.clone()).collect()
}

/// Whole source pictures that several layouts show at the same size, scaled once.
pub(super) struct SharedPictures(Vec<SharedPicture>);

struct SharedPicture {
    size: (u32, u32),
    /// The filter that cuts bars away.
    cut: Option<String>,
    /// The groups that show it.
    groups: Vec<usize>,
    /// The segments in which one of them shows it.
    shown: Vec<Segment>,
}

impl SharedPictures {
    pub(super) fn new(
        source: &RenderSource,
        groups: &[Vec<usize>],
        outputs: &[&Output],
        shapes: &[Option<EditShape>],
    ) -> Self {
        let mut wholes: Vec<SharedPicture> = Vec::new();
        for (number, members) in groups.iter().enumerate() {
            let edit = members.first().and_then(|first| outputs[*first].edit.as_ref());
            let framed = edit.and_then(|edit| source.framed(edit));
            let (seen, cut) = match &framed {
                Some((seen, cut)) => (seen, Some(cut.clone())),
                None => (source, None),
            };
            let Some(size) = edit.and_then(|edit| layout::whole(seen, edit)) else { continue };
            let shapes = members.iter().filter_map(|member| shapes[*member].as_ref());
            let shown = shapes.flat_map(|shape| shown(shape, false));
            match wholes.iter_mut().find(|whole| whole.size == size && whole.cut == cut) {
                Some(whole) => {
                    whole.groups.push(number);
                    whole.shown.extend(shown);
                }
                None => wholes.push(SharedPicture {
                    size,
                    cut,
                    groups: vec![number],
                    shown: shown.collect(),
                }),
            }
        }
        wholes.retain(|whole| whole.groups.len() > 1);
        Self(wholes)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Draws each of them from `[w0]`, `[w1]`, ….
    pub(super) fn draw(&self, graph: &mut FilterGraph, source: &RenderSource) {
        for (number, SharedPicture { size, cut, groups, shown }) in self.0.iter().enumerate() {
            let (from, drawn) = (format!("w{number}"), format!("w{number}d"));
            let cut = cut.as_ref().map_or_else(String::new, |cut| format!("{cut},"));
            let select = within(source, shown);
            let filters = format!("select='{select}',{cut}{}", layout::scaled(*size));
            graph.add(&[from], &filters, std::slice::from_ref(&drawn));
            graph.split(&drawn, "split", groups.len(), |n| Self::name(groups[n]));
        }
    }

    fn name(group: usize) -> String {
        format!("g{group}w")
    }

    /// Label of the picture that a group shows.
    pub(super) fn of(&self, group: usize) -> Option<String> {
        let shared = self.0.iter().any(|whole| whole.groups.contains(&group));
        shared.then(|| Self::name(group))
    }
}
