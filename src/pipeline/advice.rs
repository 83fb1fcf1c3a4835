//! What a person must know of the results beside the counts: what is missing in them or other than was asked for.

use serde::Deserialize;

use super::amounts::plural;
use super::session::RunSession;
use super::statements::Statements;
use crate::error::Result;
use crate::kernels::variants::{MAX_UPSCALE, VariantSize, upscale};
use crate::model::Platforms;
use crate::model::edit::{CaptionMode, Layout};
use crate::query::sql;

/// Variants of one platform, layout and size from sources of one size.
#[derive(Deserialize)]
struct Shape {
    platform: String,
    layout: String,
    width: i64,
    height: i64,
    source_width: i64,
    source_height: i64,
    variants: u64,
    without_captions: u64,
    without_texts: u64,
}

impl Shape {
    /// How much the source is enlarged.
    fn enlarged(&self) -> f64 {
        let layout = Layout::parse(&self.layout).unwrap_or(Layout::Fit);
        upscale(layout, (self.source_width, self.source_height), (self.width, self.height))
    }

    /// Whether it is smaller than the platform's largest size.
    fn is_reduced(&self) -> bool {
        let platform = Platforms::built_in().ok().and_then(|all| all.find(&self.platform));
        let largest = platform.and_then(|platform| platform.sizes.first());
        largest.is_some_and(|(width, _)| self.width < *width)
    }
}

/// The sentences about the tables of a session.
pub(super) async fn read(session: &RunSession) -> Result<Vec<String>> {
    let RunSession { config, statements, .. } = session;
    let mut sentences = vec![];
    sentences.extend(mapped_platforms(statements, config.variants.count).await?);
    sentences.extend(about_sources(statements).await?);
    let has_transcriber = config.transcription()?.is_some();
    sentences.extend(without_captions(statements, has_transcriber).await?);
    if config.variants.count == 0 {
        return Ok(sentences);
    }
    if config.faces()?.is_none() {
        sentences.extend(without_faces(statements).await?);
    }
    let shapes: Vec<Shape> = statements.rows(sql::summary::ABOUT_VARIANTS).await?;
    sentences.extend(not_burned(&shapes, config.variants.captions));
    sentences.extend(without_texts(&shapes));
    sentences.extend(sizes(&shapes, config.variants.size));
    Ok(sentences)
}

/// Names of platforms that stand for others.
async fn mapped_platforms(statements: &Statements, variants: u32) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Asked {
        platforms: Option<String>,
    }
    if variants == 0 {
        return Ok(None);
    }
    let asked: Vec<Asked> = statements.rows(sql::summary::ASKED_PLATFORMS).await?;
    let known = Platforms::built_in()?;
    let mut mapped: Vec<String> = vec![];
    for name in
        asked.iter().filter_map(|asked| asked.platforms.as_deref()).flat_map(|p| p.split(','))
    {
        let name = name.trim().to_lowercase();
        let found = known.find(&name).filter(|platform| platform.name != name);
        let says = found.map(|platform| format!("{name} is {}", platform.name));
        mapped.extend(says.filter(|says| !mapped.contains(says)));
    }
    Ok((!mapped.is_empty()).then(|| {
        format!(
            "of the platforms asked for {} here; there are {}",
            mapped.join(" and "),
            known.names()
        )
    }))
}

/// Tracks that were passed over, channels that cancel each other, encodings that were guessed.
async fn about_sources(statements: &Statements) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Found {
        about: String,
        sources: u64,
        location: String,
    }
    let found: Vec<Found> = statements.rows(sql::summary::ABOUT_SOURCES).await?;
    let sentence = |Found { about, sources, location }: Found| match sources {
        1 => format!("{}: {about}", file_name(&location)),
        n => format!("{}, e.g. {}: {about}", plural(n, "source"), file_name(&location)),
    };
    Ok(found.into_iter().map(sentence).collect())
}

/// The last part of a path or URL.
fn file_name(location: &str) -> &str {
    let path = location.split(['?', '#']).next().unwrap_or(location);
    path.rsplit('/').next().unwrap_or(path)
}

async fn without_captions(
    statements: &Statements,
    has_transcriber: bool,
) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Source {
        location: String,
    }
    let sources: Vec<Source> = statements.rows(sql::summary::WITHOUT_CAPTIONS).await?;
    let Some(Source { location }) = sources.first() else { return Ok(None) };
    let name = file_name(location);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let (count, have, example) = match sources.len() {
        1 => ("1 source".to_owned(), "has", format!(" ({name})")),
        n => (plural(n as u64, "source"), "have", format!(", e.g. {name}")),
    };
    let or = match has_transcriber {
        true => "",
        false => ", or name a transcriber (--transcribe-command),",
    };
    let what = format!(
        "{count} {have} no captions{example}: put {stem}.srt or {stem}.vtt beside it{or} and run again, so that clips are chosen by what is said"
    );
    Ok(Some(what))
}

/// Windows that would frame faces if a detector were named.
async fn without_faces(statements: &Statements) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Framed {
        variants: u64,
    }
    let Framed { variants } = statements.row(sql::summary::FRAMED_VARIANTS).await?;
    let have = if variants == 1 { "has" } else { "have" };
    Ok((variants > 0).then(|| {
        format!(
            "{} {have} a window that follows what draws the eye: name a detector of faces (--face-model) to frame who speaks",
            plural(variants, "variant")
        )
    }))
}

fn not_burned(shapes: &[Shape], captions: Option<CaptionMode>) -> Option<String> {
    let all: u64 = shapes.iter().map(|shape| shape.variants).sum();
    let without: u64 = shapes.iter().map(|shape| shape.without_captions).sum();
    (captions == Some(CaptionMode::Burned) && without > 0).then(|| {
        let which = match without == all {
            true => "the variants have no".to_owned(),
            false => format!("{without} of {all} variants have no"),
        };
        format!(
            "{which} captions burned in, though that was asked for: nothing in the request's language is captioned there"
        )
    })
}

fn without_texts(shapes: &[Shape]) -> Option<String> {
    let without: u64 = shapes.iter().map(|shape| shape.without_texts).sum();
    let have = if without == 1 { "has" } else { "have" };
    (without > 0).then(|| {
        format!(
            "{} {have} no title, description and hashtags: there are neither captions nor a topic to write them from; say the request's topic",
            plural(without, "variant")
        )
    })
}

/// What sizes have to do with the source: enlarged because a size was asked for, or smaller because the source is.
fn sizes(shapes: &[Shape], asked: Option<VariantSize>) -> Option<String> {
    let count = |those: &[&Shape]| those.iter().map(|shape| shape.variants).sum::<u64>();
    if let Some(size) = asked {
        let soft: Vec<&Shape> =
            shapes.iter().filter(|shape| shape.enlarged() > MAX_UPSCALE).collect();
        let most = soft.iter().map(|shape| shape.enlarged()).fold(0.0, f64::max);
        return (!soft.is_empty()).then(|| {
            let n = count(&soft);
            let enlarge = if n == 1 { "enlarges its" } else { "enlarge their" };
            format!(
                "{} {enlarge} source up to {most:.1} times to be {size} and may look soft; leave size out for what the source is sharp enough for",
                plural(n, "variant")
            )
        });
    }
    let reduced: Vec<&Shape> = shapes.iter().filter(|shape| shape.is_reduced()).collect();
    let first = reduced.first()?;
    let n = count(&reduced);
    let (are, their) = if n == 1 { ("is", "its") } else { ("are", "their") };
    Some(format!(
        "{} {are} smaller than {their} platform's largest size, e.g. {}x{} for {} from {}x{}: the source is no sharper; set size (--size) to full, or to one such as 1080x1920, to enlarge it",
        plural(n, "variant"),
        first.width,
        first.height,
        first.platform,
        first.source_width,
        first.source_height
    ))
}
