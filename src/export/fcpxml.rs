//! Final Cut Pro's XML, version 1.8: <https://developer.apple.com/documentation/professional-video-applications/fcpxml-reference>.

use std::collections::BTreeMap;
use std::io::Cursor;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::cuts::{Piece, Timeline};
use crate::error::{Error, ErrorCode, Result};

type Xml = Writer<Cursor<Vec<u8>>>;

/// One event with a project for each timeline.
pub(super) fn text(timelines: &[Timeline]) -> Result<String> {
    let fault = |e: std::io::Error| {
        Error::new(ErrorCode::Internal, format!("the timelines cannot be written ({e})"))
    };
    let mut xml = Writer::new_with_indent(Cursor::new(vec![]), b' ', 2);
    document(&mut xml, timelines).map_err(fault)?;
    let mut text = String::from_utf8(xml.into_inner().into_inner()).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("the timelines are no UTF-8 ({e})"))
    })?;
    text.push('\n');
    Ok(text)
}

/// Formats and files, each once, by the number that they are referred to by.
struct Resources<'a> {
    formats: BTreeMap<(String, i64, i64), usize>,
    assets: BTreeMap<&'a str, (usize, &'a Piece)>,
}

impl<'a> Resources<'a> {
    fn of(timelines: &'a [Timeline]) -> Self {
        let mut found = Self { formats: BTreeMap::new(), assets: BTreeMap::new() };
        for piece in timelines.iter().flat_map(|timeline| &timeline.pieces) {
            let next = found.formats.len() + found.assets.len() + 1;
            found.formats.entry(format_key(piece)).or_insert(next);
            let next = found.formats.len() + found.assets.len() + 1;
            found.assets.entry(&piece.location).or_insert((next, piece));
        }
        found
    }

    fn format(&self, piece: &Piece) -> String {
        format!("r{}", self.formats.get(&format_key(piece)).copied().unwrap_or_default())
    }

    fn asset(&self, piece: &Piece) -> String {
        let number = self.assets.get(piece.location.as_str()).map(|(number, _)| *number);
        format!("r{}", number.unwrap_or_default())
    }
}

fn format_key(piece: &Piece) -> (String, i64, i64) {
    (piece.rate.fraction(1), piece.width, piece.height)
}

fn start<'a>(name: &'a str, attributes: &[(&str, String)]) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for (key, value) in attributes {
        start.push_attribute((*key, value.as_str()));
    }
    start
}

fn open(xml: &mut Xml, name: &str, attributes: &[(&str, String)]) -> std::io::Result<()> {
    xml.write_event(Event::Start(start(name, attributes)))
}

fn empty(xml: &mut Xml, name: &str, attributes: &[(&str, String)]) -> std::io::Result<()> {
    xml.write_event(Event::Empty(start(name, attributes)))
}

fn close(xml: &mut Xml, names: &[&str]) -> std::io::Result<()> {
    names.iter().try_for_each(|name| xml.write_event(Event::End(BytesEnd::new(*name))))
}

fn document(xml: &mut Xml, timelines: &[Timeline]) -> std::io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.write_event(Event::DocType(BytesText::from_escaped("fcpxml")))?;
    open(xml, "fcpxml", &[("version", "1.8".to_owned())])?;
    let resources = Resources::of(timelines);
    open(xml, "resources", &[])?;
    for ((duration, width, height), number) in &resources.formats {
        let attributes = [
            ("id", format!("r{number}")),
            ("frameDuration", duration.clone()),
            ("width", width.to_string()),
            ("height", height.to_string()),
        ];
        empty(xml, "format", &attributes)?;
    }
    for (number, piece) in resources.assets.values() {
        asset(xml, *number, piece, &resources)?;
    }
    close(xml, &["resources"])?;
    open(xml, "library", &[])?;
    open(xml, "event", &[("name", "clipflow".to_owned())])?;
    for timeline in timelines {
        project(xml, timeline, &resources)?;
    }
    close(xml, &["event", "library", "fcpxml"])
}

fn asset(
    xml: &mut Xml,
    number: usize,
    piece: &Piece,
    resources: &Resources<'_>,
) -> std::io::Result<()> {
    let mut attributes = vec![
        ("id", format!("r{number}")),
        ("name", piece.file_name().to_owned()),
        ("src", piece.url()),
        ("start", "0s".to_owned()),
        ("duration", piece.rate.fraction(piece.source_frames)),
        ("hasVideo", "1".to_owned()),
        ("format", resources.format(piece)),
    ];
    if let Some(channels) = piece.channels {
        attributes.push(("hasAudio", "1".to_owned()));
        attributes.push(("audioSources", "1".to_owned()));
        attributes.push(("audioChannels", channels.to_string()));
        attributes.push(("audioRate", piece.sample_rate.unwrap_or(48_000).to_string()));
    }
    empty(xml, "asset", &attributes)
}

fn project(xml: &mut Xml, timeline: &Timeline, resources: &Resources<'_>) -> std::io::Result<()> {
    let Some(first) = timeline.pieces.first() else { return Ok(()) };
    open(xml, "project", &[("name", timeline.name.clone())])?;
    // Lengths are frames of the sequence, whose rate is that of its first source.
    let rate = first.rate;
    let length = |piece: &Piece| match piece.rate == rate {
        true => piece.played(),
        false => rate.frames(piece.played() as f64 / piece.rate.fps()).max(1),
    };
    let whole: i64 = timeline.pieces.iter().map(length).sum();
    let attributes = [
        ("format", resources.format(first)),
        ("duration", rate.fraction(whole)),
        ("tcStart", "0s".to_owned()),
        ("tcFormat", "NDF".to_owned()),
    ];
    open(xml, "sequence", &attributes)?;
    open(xml, "spine", &[])?;
    let mut at = 0;
    for piece in &timeline.pieces {
        let frames = length(piece);
        let place = (rate.fraction(at), rate.fraction(frames));
        clip(xml, piece, &resources.asset(piece), place)?;
        at += frames;
    }
    close(xml, &["spine", "sequence", "project"])
}

fn clip(
    xml: &mut Xml,
    piece: &Piece,
    asset: &str,
    (offset, duration): (String, String),
) -> std::io::Result<()> {
    let frames = |n: i64| piece.rate.fraction(n);
    let attributes = [
        ("name", piece.name.clone()),
        ("ref", asset.to_owned()),
        ("offset", offset),
        ("start", frames(piece.from)),
        ("duration", duration.clone()),
        ("tcFormat", "NDF".to_owned()),
    ];
    open(xml, "asset-clip", &attributes)?;
    open(xml, "note", &[])?;
    xml.write_event(Event::Text(BytesText::new(&piece.remark())))?;
    close(xml, &["note"])?;
    if piece.is_retimed() {
        open(xml, "timeMap", &[])?;
        let points = [(frames(piece.from), frames(piece.from)), {
            (frames(piece.from + piece.played()), frames(piece.until))
        }];
        for (time, value) in points {
            let attributes = [("time", time), ("value", value), ("interp", "linear".to_owned())];
            empty(xml, "timept", &attributes)?;
        }
        close(xml, &["timeMap"])?;
    }
    let one = frames(1);
    let marker = |xml: &mut Xml, from: i64, value: &str, note: &str| {
        let attributes = [
            ("start", frames(from)),
            ("duration", one.clone()),
            ("value", value.to_owned()),
            ("note", note.to_owned()),
        ];
        empty(xml, "marker", &attributes)
    };
    marker(xml, piece.from, &format!("score {:.3}", piece.score), &piece.remark())?;
    for line in &piece.lines {
        marker(xml, line.from, &line.text, "caption")?;
    }
    close(xml, &["asset-clip"])
}
