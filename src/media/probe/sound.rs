//! Which of several audio streams is heard: recorders and dubbed films have silent ones, and several languages.

use std::io::Read;
use std::path::Path;

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::sound_wish::SoundWish;
use crate::media::ffprobe::{ProbeOutput, ProbeStream};
use crate::media::input::{ffmpeg_args, input_args};
use crate::media::process::MediaCommand;
use crate::media::sniff::Demuxer;
use crate::media::tools::{MediaLimits, MediaTools};

/// Peak that is sound: −60 dB full scale.
const AUDIBLE: u16 = 33;

/// Why an audio stream was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoundChoice {
    /// There is no other.
    Only,
    /// It was asked for by its number.
    Asked,
    /// It is in the language asked for.
    Language,
    /// All streams are mixed.
    Mix,
    /// It is the first that is not silent.
    First,
    /// It is the first that is not silent, because none is in the language that was named.
    Instead,
}

impl SoundChoice {
    /// Its name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Only => "only",
            Self::Asked => "asked",
            Self::Language => "language",
            Self::Mix => "mix",
            Self::First => "first",
            Self::Instead => "instead",
        }
    }
}

/// The audio streams that are heard.
#[derive(Debug, Default)]
pub(super) struct ChosenSound {
    /// Their numbers in the container: none, one, or all that are mixed.
    pub(super) streams: Vec<usize>,
    pub(super) choice: Option<SoundChoice>,
    /// What a user should know about the choice.
    pub(super) note: Option<String>,
    /// The numbers of all audio streams, in their order.
    pub(super) tracks: Vec<usize>,
}

/// Chooses among the audio streams of a container. `is_heard` says whether a stream is not silent; it is asked only
/// where there are several.
///
/// # Errors
/// `invalid_request.bad_value` for the number of a track that is not there, and those of `is_heard`.
pub(super) fn choose(
    output: &ProbeOutput,
    wish: &SoundWish,
    is_heard: &mut dyn FnMut(usize) -> Result<bool>,
) -> Result<ChosenSound> {
    let tracks = SoundTracks::of(output);
    if let SoundWish::Track(number) = wish {
        return Ok(tracks.chosen(vec![tracks.asked(*number)?], SoundChoice::Asked, None));
    }
    let missing = |code: &String| format!("there is no track in {code}; ");
    match (tracks.ranked.as_slice(), wish) {
        ([], _) => Ok(ChosenSound { tracks: tracks.all(), ..ChosenSound::default() }),
        ([only], _) => {
            let other = match wish {
                SoundWish::Language { code, named: true } => {
                    only.language().filter(|own| own != code).map(|_| missing(code))
                }
                _ => None,
            };
            let choice = if other.is_some() { SoundChoice::Instead } else { SoundChoice::Only };
            let note = other.map(|other| format!("{other}the only one was taken"));
            Ok(tracks.chosen(vec![only.index], choice, note))
        }
        (ranked, SoundWish::Mix) => {
            let mut streams: Vec<usize> = ranked.iter().map(|s| s.index).collect();
            streams.sort_unstable();
            Ok(tracks.chosen(streams, SoundChoice::Mix, None))
        }
        (ranked, SoundWish::Language { code, named }) => {
            let is_own = |s: &&&ProbeStream| s.language().as_ref() == Some(code);
            let own: Vec<usize> = ranked.iter().filter(is_own).map(|s| s.index).collect();
            match first_heard(&own, is_heard)? {
                Some(stream) => Ok(tracks.chosen(vec![stream], SoundChoice::Language, None)),
                None if *named => {
                    let found = tracks.first(&missing(code), is_heard)?;
                    Ok(ChosenSound { choice: Some(SoundChoice::Instead), ..found })
                }
                None => tracks.first("", is_heard),
            }
        }
        _ => tracks.first("", is_heard),
    }
}

/// The audio streams of a container.
struct SoundTracks<'a> {
    all: Vec<&'a ProbeStream>,
    /// Those that can be decoded, the one to be taken first.
    ranked: Vec<&'a ProbeStream>,
}

impl<'a> SoundTracks<'a> {
    fn of(output: &'a ProbeOutput) -> Self {
        let all: Vec<&ProbeStream> = output.streams.iter().filter(|s| s.is("audio")).collect();
        let decodes = |s: &&&ProbeStream| s.is_known() && s.channels > 0 && s.rate() > 0;
        let mut ranked: Vec<&ProbeStream> = all.iter().filter(decodes).copied().collect();
        // Comments on a film and descriptions of its picture come last. Stable: of equals the first is first.
        let aside = |s: &ProbeStream| s.disposition.comment.max(s.disposition.visual_impaired);
        ranked.sort_by_key(|s| (aside(s), std::cmp::Reverse(s.disposition.default)));
        Self { all, ranked }
    }

    /// The numbers of all in the container.
    fn all(&self) -> Vec<usize> {
        self.all.iter().map(|s| s.index).collect()
    }

    fn chosen(
        &self,
        streams: Vec<usize>,
        choice: SoundChoice,
        note: Option<String>,
    ) -> ChosenSound {
        ChosenSound { streams, choice: Some(choice), note, tracks: self.all() }
    }

    /// The stream of the track of this number.
    fn asked(&self, number: usize) -> Result<usize> {
        let found = number.checked_sub(1).and_then(|at| self.all.get(at));
        let why = match (found, self.all.len()) {
            (Some(stream), _) if stream.is_known() && stream.channels > 0 => {
                return Ok(stream.index);
            }
            (Some(_), _) => "which cannot be decoded; name another".to_owned(),
            (None, 0) => "but the source has no sound; leave it out".to_owned(),
            (None, 1) => "but the source has one sound track; give 1".to_owned(),
            (None, n) => format!("but the source has {n} sound tracks; give a number up to {n}"),
        };
        let sentence = format!("audio_track is {number}, {why}");
        Err(Error::new(ErrorCode::InvalidRequestBadValue, sentence))
    }

    /// The first stream that is not silent, or the first; `before` begins the note.
    fn first(
        &self,
        before: &str,
        is_heard: &mut dyn FnMut(usize) -> Result<bool>,
    ) -> Result<ChosenSound> {
        let number = |index: usize| {
            self.all.iter().position(|track| track.index == index).map_or(0, |n| n + 1)
        };
        let streams: Vec<usize> = self.ranked.iter().map(|s| s.index).collect();
        let first = streams.first().copied().unwrap_or_default();
        let heard = first_heard(&streams, is_heard)?;
        let taken = heard.unwrap_or(first);
        let (all, at) = (self.all.len(), number(taken));
        let why = match heard {
            None => format!("all {all} tracks are silent and track {at} was taken"),
            Some(_) if taken == first && number(first) > 1 => {
                format!("track {at} of {all} was taken, which the file marks as its default")
            }
            Some(_) if taken == first => {
                format!("track {at} of {all} was taken, the first with sound")
            }
            Some(_) => {
                format!("track {} of {all} is silent and track {at} was taken", number(first))
            }
        };
        let note = format!("{before}{why} (audio_track names another)");
        Ok(self.chosen(vec![taken], SoundChoice::First, Some(note)))
    }
}

/// The first of `streams` that is not silent; none if all are.
fn first_heard(
    streams: &[usize],
    is_heard: &mut dyn FnMut(usize) -> Result<bool>,
) -> Result<Option<usize>> {
    for stream in streams {
        if is_heard(*stream)? {
            return Ok(Some(*stream));
        }
    }
    Ok(None)
}

/// Whether the stream of this number in the container is not silent. One that cannot be decoded counts as heard: what
/// is wrong with it is told where it is read.
///
/// # Errors
/// `run.cancelled`, or that of a program that cannot be started.
pub(super) fn is_heard(
    (tools, limits): (&MediaTools, &MediaLimits),
    (demuxer, path): (Demuxer, &Path),
    stream: usize,
    cancel: &CancelToken,
) -> Result<bool> {
    let mut command = MediaCommand::ffmpeg(tools, limits);
    command.args(ffmpeg_args()).args(input_args(demuxer, path, limits, &["-vn", "-sn", "-dn"]));
    let (name, mut pipe) = command.output_pipe()?;
    let map = format!("0:{stream}");
    command.args(["-map", &map, "-ar", "8000", "-c:a", "pcm_s16le", "-f", "s16le", &name]);
    let child = command.start(cancel)?;
    let mut bytes = vec![0_u8; 1 << 14];
    let mut kept = 0;
    let mut read_any = false;
    loop {
        let free = bytes.get_mut(kept..).unwrap_or_default();
        let read = match pipe.read(free) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        read_any = true;
        let filled = kept + read;
        let (pairs, rest) = bytes.get(..filled).unwrap_or_default().as_chunks::<2>();
        if pairs.iter().any(|pair| i16::from_le_bytes(*pair).unsigned_abs() > AUDIBLE) {
            child.stop();
            drop(pipe);
            // It was stopped on purpose.
            child.wait()?;
            return Ok(true);
        }
        kept = rest.len();
        bytes.copy_within(filled - kept..filled, 0);
    }
    let finished = child.wait()?;
    cancel.check()?;
    Ok(!read_any || !finished.success())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Tracks of these languages and flags, of which the `heard` are not silent.
    fn chosen(tracks: &[(&str, &str)], wish: &str, heard: &[usize]) -> Result<ChosenSound> {
        let stream = |(n, (language, flag)): (usize, &(&str, &str))| {
            let flag = if flag.is_empty() { String::new() } else { format!("\"{flag}\":1") };
            format!(
                "{{\"index\":{},\"codec_type\":\"audio\",\"codec_name\":\"aac\",\"channels\":2,\
                 \"sample_rate\":\"48000\",\"tags\":{{\"language\":\"{language}\"}},\"disposition\":{{{flag}}}}}",
                n + 1
            )
        };
        let streams: Vec<String> = tracks.iter().enumerate().map(stream).collect();
        let json = format!("{{\"streams\":[{}]}}", streams.join(","));
        let output = serde_json::from_str(&json).unwrap();
        let wish = SoundWish::of_cell(Some(wish));
        choose(&output, &wish, &mut |stream| Ok(heard.contains(&stream)))
    }

    #[test]
    fn the_language_asked_for_goes_first_then_the_first_that_is_heard() {
        let film = [("eng", ""), ("spa", ""), ("fra", "default"), ("spa", "comment")];
        let all = &[1, 2, 3, 4];
        for (wish, heard, streams, choice) in [
            ("?es", &all[..], &[2][..], SoundChoice::Language),
            ("?es", &[1, 4], &[4], SoundChoice::Language),
            ("?de", all, &[3], SoundChoice::First),
            ("", all, &[3], SoundChoice::First),
            ("", &[2, 4], &[2], SoundChoice::First),
            ("", &[], &[3], SoundChoice::First),
            ("1", &[], &[1], SoundChoice::Asked),
            ("mix", all, all, SoundChoice::Mix),
        ] {
            let found = chosen(&film, wish, heard).unwrap();
            assert_eq!((&found.streams[..], found.choice), (streams, Some(choice)), "{wish}");
            assert_eq!(found.note.is_some(), choice == SoundChoice::First, "{wish}");
        }
        let note = chosen(&film, "de", &[2]).unwrap().note.unwrap();
        assert!(note.starts_with("there is no track in deu; track 3 of 4 is silent"), "{note}");
        let only = chosen(&film[..1], "?es", &[]).unwrap();
        assert_eq!((only.streams, only.note), (vec![1], None));
        let error = chosen(&film, "5", &[]).unwrap_err();
        assert!(error.message().contains("has 4 sound tracks; give a number up to 4"), "{error}");
    }
}
