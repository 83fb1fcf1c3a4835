//! Command line arguments that open a source safely.
//!
//! ffmpeg never sees a URL and never guesses: one local file, one demuxer, listed decoders, and
//! limits on what a header may make it allocate. `-protocol_whitelist` alone does not contain it
//! (a playlist named `film.mp4` opens other files), the forced demuxer does.

use std::ffi::OsString;
use std::path::Path;

use super::sniff::Demuxer;
use super::tools::MediaLimits;

/// The allowed decoders, without old, rare and hardware ones, in which most faults are found.
const DECODERS: &[&str] = &[
    "h264,hevc,libdav1d,av1,vp8,vp9,libvpx,libvpx-vp9,mpeg1video,mpeg2video,mpegvideo,mpeg4",
    "msmpeg4v1,msmpeg4v2,msmpeg4,h263,h263p,flv,mjpeg,prores,dnxhd,dvvideo,theora,vp6,vp6f,vp6a",
    "wmv1,wmv2,wmv3,vc1,ffv1,huffyuv,ffvhuff,utvideo,rawvideo,v210,qtrle,cfhd,gif,png,bmp",
    "aac,aac_latm,ac3,eac3,mp1float,mp2float,mp3float,mp1,mp2,mp3,opus,libopus,vorbis,flac,alac",
    "dca,truehd,mlp,wavpack,wmav1,wmav2,wmapro,amrnb,amrwb,speex,libspeex,adpcm_ms,adpcm_ima_wav",
    "adpcm_ima_qt,adpcm_swf,nellymoser,gsm,gsm_ms,s302m,pcm_alaw,pcm_mulaw,pcm_u8,pcm_s8,pcm_s16le",
    "pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be",
    "pcm_bluray,pcm_dvd,mov_text,subrip,srt,ass,ssa,webvtt,text",
];

/// Largest picture in pixels: 8K (7680 × 4320).
pub const MAX_PIXELS: u64 = 33_177_600;
/// Largest number of streams in a source.
pub const MAX_STREAMS: u32 = 16;
/// Largest single allocation of ffmpeg's own allocator, in bytes.
const MAX_ALLOC: u64 = 256 << 20;

/// The arguments that start every ffmpeg call.
pub fn ffmpeg_args() -> Vec<OsString> {
    let mut args = strings(&["-nostdin", "-hide_banner", "-loglevel", "error"]);
    args.extend(["-max_alloc".into(), MAX_ALLOC.to_string().into()]);
    args
}

/// The arguments that start every ffprobe call.
pub fn ffprobe_args() -> Vec<OsString> {
    let mut args = strings(&["-hide_banner", "-loglevel", "error"]);
    args.extend(["-max_alloc".into(), MAX_ALLOC.to_string().into()]);
    args
}

/// The arguments that open the file `path` with exactly `demuxer`, ending in `-i file:PATH`.
///
/// They fit ffmpeg and ffprobe. `extra` (such as `-ss`) is placed among the input's options. `path` should
/// be absolute; a relative one is resolved against the current folder.
pub fn input_args(
    demuxer: Demuxer,
    path: &Path,
    limits: &MediaLimits,
    extra: &[&str],
) -> Vec<OsString> {
    let mut args = strings(&["-protocol_whitelist", "file,pipe"]);
    args.extend(strings(&["-format_whitelist", demuxer.as_str()]));
    args.extend(["-codec_whitelist".into(), DECODERS.join(",").into()]);
    args.extend(["-max_streams".into(), MAX_STREAMS.to_string().into()]);
    args.extend(["-max_pixels".into(), MAX_PIXELS.to_string().into()]);
    args.extend(strings(&["-probesize", "10485760", "-analyzeduration", "5000000"]));
    args.extend(["-threads".into(), limits.threads.to_string().into()]);
    args.extend(strings(extra));
    args.extend(strings(&["-f", demuxer.as_str(), "-i"]));
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut name = OsString::from("file:");
    name.push(path);
    args.push(name);
    args
}

fn strings(args: &[&str]) -> Vec<OsString> {
    args.iter().map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_is_a_file_name_and_nothing_else() {
        let limits = MediaLimits::default();
        for name in ["/a/concat:x|y.mp4", "/a/-y.mp4", "/a/http:b.mp4"] {
            let args = input_args(Demuxer::Mov, Path::new(name), &limits, &["-ss", "1"]);
            let last = args.last().map(|arg| arg.to_string_lossy().into_owned());
            assert_eq!(last, Some(format!("file:{name}")));
            let forced = args.windows(2).any(|pair| pair[0] == "-f" && pair[1] == "mov");
            assert!(forced, "{args:?}");
        }
        let args = input_args(Demuxer::Mov, Path::new("b.mp4"), &limits, &[]);
        let last = args.last().map(|arg| arg.to_string_lossy().into_owned()).unwrap_or_default();
        assert!(last.starts_with("file:/"), "{last}");
    }

    #[test]
    fn no_decoder_is_listed_twice() {
        let list = DECODERS.join(",");
        let mut seen = std::collections::HashSet::new();
        for name in list.split(',') {
            assert!(seen.insert(name), "{name} twice");
        }
    }
}
