//! Stills of the sources, for their timelines.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};

use super::data::{Stills, Timeline};
use super::rows::SourceLine;
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::media::thumbnail::still_at;
use crate::media::time_line::mended;
use crate::media::{Demuxer, MediaLimits, MediaTools, sniff};
use crate::source::{LocalFiles, Sources};

/// Most and fewest stills of a source.
const MOST_STILLS: usize = 16;
const FEWEST_STILLS: usize = 4;
/// Height of a still in pixels.
const HEIGHT: i64 = 72;
/// About the size of a still as Base64, in bytes.
const USUAL_BYTES: usize = 4 << 10;
/// Seconds for the stills of all sources; those of the others are left out.
const ALL_SECONDS: u64 = 90;
/// Sources that are read at a time.
const AT_A_TIME: usize = 2;

/// Adds stills to `timelines`, at most `bytes` in all. Sources are read as `render` reads them: local files
/// beneath `roots` that are as they were. Returns a sentence if some were left out.
pub(super) async fn add(
    timelines: &mut [Timeline],
    sources: &[SourceLine],
    roots: Vec<PathBuf>,
    bytes: usize,
) -> Option<String> {
    if bytes == 0 || sources.is_empty() {
        return None;
    }
    let tools = match MediaTools::find() {
        Ok(tools) => tools,
        Err(e) => return Some(format!("there are no stills: {}", e.message())),
    };
    let files = Sources::new(vec![Box::new(LocalFiles::new(roots))]);
    let each = (bytes / sources.len() / USUAL_BYTES).clamp(FEWEST_STILLS, MOST_STILLS);
    let until = Instant::now() + Duration::from_secs(ALL_SECONDS);
    let read = |source| of_source(source, &files, tools.clone(), each, until);
    // Made before they are streamed: closures over references keep a future from being `Send`.
    let reads: Vec<_> = sources.iter().map(read).collect();
    let mut made = stream::iter(reads).buffered(AT_A_TIME);
    let (mut used, mut left_out, mut place) = (0, 0, 0);
    while let Some(stills) = made.next().await {
        let timeline = timelines.get_mut(place)?;
        place += 1;
        match stills {
            Ok(Some(stills)) => {
                used += stills.jpeg.iter().map(String::len).sum::<usize>();
                timeline.stills = (used <= bytes).then_some(stills);
                left_out += usize::from(used > bytes);
            }
            Ok(None) => left_out += 1,
            Err(e) => timeline.no_stills = Some(e.message_with(flag)),
        }
        if used > bytes {
            left_out += sources.len() - place;
            break;
        }
    }
    (left_out > 0).then(|| {
        format!(
            "{left_out} of {} sources have no stills, which take at most {:.1} MB of the page and {ALL_SECONDS} s; --stills gives them more room",
            sources.len(),
            bytes as f64 / 1e6
        )
    })
}

/// The flag of the command for a setting that a message names.
fn flag(name: &str) -> String {
    match name {
        "allow_roots" => "--allow-root".to_owned(),
        name => name.to_owned(),
    }
}

/// The stills of one source; `None` when time is up.
async fn of_source(
    source: &SourceLine,
    files: &Sources,
    tools: MediaTools,
    count: usize,
    until: Instant,
) -> Result<Option<Stills>> {
    if Instant::now() > until {
        return Ok(None);
    }
    let file = files.open(&source.place).await.map_err(|e| e.framed("no stills: ", ""))?;
    // Behind a plus sign are the captions beside the file.
    if source.validator.split('+').next() != Some(&file.validator) {
        return Err(Error::new(
            ErrorCode::SourceChanged,
            "no stills: the source has changed since it was analysed",
        ));
    }
    let (path, seconds) = (file.path.clone(), source.duration);
    let width = (HEIGHT * source.width / source.height.max(1)).clamp(16, 4 * HEIGHT) & !1;
    let made = tokio::task::spawn_blocking(move || {
        let (demuxer, _) = sniff(&path)?;
        let mended = mended(demuxer, &path, &CancelToken::new())?;
        let path = mended.as_ref().map_or(path.as_path(), |mended| mended.path());
        made(&tools, (demuxer, path), (width, HEIGHT), moments(seconds, count), until)
    });
    made.await.map_err(|e| Error::new(ErrorCode::Internal, format!("no stills ({e})")))?
}

/// The middle of each of `count` equal stretches.
fn moments(seconds: f64, count: usize) -> Vec<f64> {
    (0..count).map(|i| seconds * (i as f64 + 0.5) / count as f64).collect()
}

fn made(
    tools: &MediaTools,
    (demuxer, path): (Demuxer, &std::path::Path),
    size: (i64, i64),
    moments: Vec<f64>,
    until: Instant,
) -> Result<Option<Stills>> {
    let limits = MediaLimits { timeout: Duration::from_secs(20), ..MediaLimits::default() };
    let mut stills = Stills::default();
    for at in moments {
        if Instant::now() > until {
            return Ok(None);
        }
        let jpeg = still_at(tools, &limits, (demuxer, path), at, size, &CancelToken::new());
        // Where the picture ends before the source, its last one stays.
        let jpeg = match (jpeg, stills.jpeg.last()) {
            (Ok(jpeg), _) => base64(&jpeg),
            (Err(_), Some(last)) => last.clone(),
            (Err(e), None) => return Err(e),
        };
        stills.jpeg.push(jpeg);
        stills.at.push(at);
    }
    Ok(Some(stills))
}

/// Base64 of RFC 4648, with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let is_padding = digit > chunk.len();
            let place = (group >> (18 - 6 * digit)) as usize & 63;
            text.push(if is_padding { '=' } else { char::from(DIGITS[place]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in pairs {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn stills_are_spread_over_the_source() {
        assert_eq!(moments(8.0, 4), [1.0, 3.0, 5.0, 7.0]);
    }
}
