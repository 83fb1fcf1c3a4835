//! Detection of hardware encoders, by a trial encode.

use super::{Encoding, Hardware, VideoCodec, refused};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::media::input::ffmpeg_args;
use crate::media::process::MediaCommand;
use crate::media::tools::{MediaLimits, MediaTools};

impl Hardware {
    /// The kinds of hardware, in the order of trial.
    const REAL: [Self; 3] = [Self::Nvenc, Self::Qsv, Self::Videotoolbox];

    /// Whether this kind of hardware has an encoder for `codec`.
    pub(crate) const fn encodes(self, codec: VideoCodec) -> bool {
        match self {
            Self::Off => false,
            Self::Auto => true,
            Self::Nvenc => matches!(codec, VideoCodec::H264 | VideoCodec::Hevc | VideoCodec::Av1),
            Self::Qsv => true,
            Self::Videotoolbox => matches!(codec, VideoCodec::H264 | VideoCodec::Hevc),
        }
    }

    /// The name of the encoder in ffmpeg.
    pub(crate) fn encoder(self, codec: VideoCodec) -> Option<String> {
        match self {
            Self::Off | Self::Auto => None,
            real => Some(format!("{codec}_{real}")),
        }
    }
}

impl Encoding {
    /// Resolves `hardware: auto`: returns the encoding with the hardware that works here.
    ///
    /// An encoder counts as present if it encodes a frame under the limits of rendering. The result is part
    /// of the files' ids.
    ///
    /// # Errors
    /// `config.invalid` if hardware that was requested by name does not work here, `cancelled`.
    pub fn decided(
        self,
        tools: &MediaTools,
        limits: &MediaLimits,
        cancel: &CancelToken,
    ) -> Result<Self> {
        self.check()?;
        let Some(codec) = self.video_codec() else {
            return Ok(Self { hardware: Hardware::Off, ..self });
        };
        match self.hardware {
            Hardware::Off => Ok(self),
            Hardware::Auto => {
                for hardware in Hardware::REAL.into_iter().filter(|h| h.encodes(codec)) {
                    match works(hardware, codec, tools, limits, cancel) {
                        Ok(()) => return Ok(Self { hardware, ..self }),
                        Err(error) if error.code() == ErrorCode::Cancelled => return Err(error),
                        Err(_) => {}
                    }
                }
                Ok(Self { hardware: Hardware::Off, ..self })
            }
            named => match works(named, codec, tools, limits, cancel) {
                Ok(()) => Ok(self),
                Err(error) if error.code() == ErrorCode::Cancelled => Err(error),
                Err(error) => Err(no_encoder(named, codec, error)),
            },
        }
    }
}

fn no_encoder(hardware: Hardware, codec: VideoCodec, cause: Error) -> Error {
    let message = format!(
        "{hardware} does not encode {codec} on this machine ({}); set hardware to off or auto",
        cause.message()
    );
    refused(message).about("hardware").with_source(cause)
}

/// Encodes one generated frame with the hardware encoder.
fn works(
    hardware: Hardware,
    codec: VideoCodec,
    tools: &MediaTools,
    limits: &MediaLimits,
    cancel: &CancelToken,
) -> Result<()> {
    let Some(encoder) = hardware.encoder(codec) else { return Ok(()) };
    let mut command = MediaCommand::ffmpeg(tools, limits);
    command.args(ffmpeg_args());
    command.args(["-f", "lavfi", "-i", "color=size=640x360:rate=25", "-frames:v", "1"]);
    command.args(["-pix_fmt", "yuv420p", "-c:v", &encoder, "-f", "null", "-"]);
    command.start(cancel)?.wait()?.check(ErrorCode::RenderFailed)
}
