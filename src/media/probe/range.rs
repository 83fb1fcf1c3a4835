//! The colours of a source of high dynamic range, to be kept in clips.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::Hdr;
use crate::error::Result;
use crate::media::ffprobe::{FfprobeRun, ProbeOutput, ProbeStream, ratio};
use crate::media::sniff::Demuxer;

/// Transfer, primaries, matrix and mastering metadata, by ffmpeg's names.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptRange {
    /// `arib-std-b67` or `smpte2084`.
    pub transfer: String,
    /// Such as `bt2020`.
    pub primaries: String,
    /// Such as `bt2020nc`.
    pub matrix: String,
    /// The display that the source was mastered on (SMPTE ST 2086); `None` if it does not say.
    pub mastering: Option<Mastering>,
    /// Highest light of a pixel and of a frame on average, in cd/m² (CTA-861.3); `None` if it does not say.
    pub light: Option<(u32, u32)>,
}

/// The display of mastering: chromaticities as fractions, luminance in cd/m².
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mastering {
    /// Red, green, blue and white, each as x and y.
    pub points: [(f64, f64); 4],
    /// Lowest and highest luminance.
    pub luminance: (f64, f64),
}

impl KeptRange {
    /// The colours that a stream states; `None` if they are not of high dynamic range.
    pub(super) fn of(stream: &ProbeStream) -> Option<Self> {
        let transfer = stream.color_transfer.clone()?;
        Hdr::of_transfer(&transfer)?;
        let stated = |name: &Option<String>, otherwise: &str| {
            let known = name.as_deref().filter(|name| !["", "unknown", "reserved"].contains(name));
            known.unwrap_or(otherwise).to_owned()
        };
        Some(Self {
            transfer,
            primaries: stated(&stream.color_primaries, "bt2020"),
            matrix: stated(&stream.color_space, "bt2020nc"),
            mastering: None,
            light: None,
        })
    }

    /// Adds what the first frame says of its mastering.
    ///
    /// # Errors
    /// `cancelled`, and those of a program that cannot be started. A frame that cannot be decoded says nothing.
    pub(super) fn add_mastering(
        &mut self,
        run: &FfprobeRun<'_>,
        source: (Demuxer, &Path),
        stream: usize,
    ) -> Result<()> {
        let stream = stream.to_string();
        let options = ["-select_streams", &stream, "-read_intervals", "%+#1", "-show_frames"];
        let entries = ["-show_entries", "frame=pts:frame_side_data"];
        let json = match run.json(source, &[&options[..], &entries].concat()) {
            Ok(json) => json,
            Err(_) => return run.cancel.check(),
        };
        let output: ProbeOutput = serde_json::from_slice(&json).unwrap_or_default();
        for data in output.frames.iter().flat_map(|frame| &frame.side_data_list) {
            self.mastering = self.mastering.or_else(|| mastering(data));
            self.light = self.light.or_else(|| light(data));
        }
        Ok(())
    }

    /// These colours as parameters of x265, each after a colon.
    pub(crate) fn x265(&self) -> String {
        let Self { transfer, primaries, matrix, .. } = self;
        let mut text = format!(
            ":colorprim={primaries}:transfer={transfer}:colormatrix={matrix}:range=limited"
        );
        if let Some(Mastering { points: [red, green, blue, white], luminance }) = &self.mastering {
            let point = |(x, y): &(f64, f64)| format!("({:.0},{:.0})", x * 50_000.0, y * 50_000.0);
            text += &format!(
                ":master-display=G{}B{}R{}WP{}L({:.0},{:.0})",
                point(green),
                point(blue),
                point(red),
                point(white),
                luminance.1 * 10_000.0,
                luminance.0 * 10_000.0
            );
        }
        if let Some((pixel, frame)) = self.light {
            text += &format!(":max-cll={pixel},{frame}");
        }
        // With repeated headers every part of the file says it.
        text + if transfer == "smpte2084" {
            ":hdr10=1:repeat-headers=1"
        } else {
            ":repeat-headers=1"
        }
    }

    /// The mastering metadata as parameters of SVT-AV1, each after a colon.
    pub(crate) fn svt_av1(&self) -> String {
        let mut text = ":enable-hdr=1".to_owned();
        if let Some(Mastering { points: [red, green, blue, white], luminance }) = &self.mastering {
            let point = |(x, y): &(f64, f64)| format!("({x:.4},{y:.4})");
            text += &format!(
                ":mastering-display=G{}B{}R{}WP{}L({:.4},{:.4})",
                point(green),
                point(blue),
                point(red),
                point(white),
                luminance.1,
                luminance.0
            );
        }
        if let Some((pixel, frame)) = self.light {
            text += &format!(":content-light={pixel},{frame}");
        }
        text
    }
}

/// The metadata of a frame as the display of mastering, if it is that.
fn mastering(data: &BTreeMap<String, Value>) -> Option<Mastering> {
    let number = |name: &str| {
        let text = data.get(name)?.as_str()?;
        // No light at all is a luminance too.
        if text.starts_with("0/") { Some(0.0) } else { ratio(Some(text), '/') }
    };
    let point = |name: &str| Some((number(&format!("{name}_x"))?, number(&format!("{name}_y"))?));
    Some(Mastering {
        points: [point("red")?, point("green")?, point("blue")?, point("white_point")?],
        luminance: (number("min_luminance")?, number("max_luminance")?),
    })
}

fn light(data: &BTreeMap<String, Value>) -> Option<(u32, u32)> {
    let number = |name: &str| u32::try_from(data.get(name)?.as_u64()?).ok();
    Some((number("max_content")?, number("max_average")?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn mastering_is_read_from_frames_and_written_for_encoders() {
        let json = r#"{"side_data_type":"Mastering display metadata","red_x":"34000/50000","red_y":"16000/50000",
            "green_x":"13250/50000","green_y":"34500/50000","blue_x":"7500/50000","blue_y":"3000/50000",
            "white_point_x":"15635/50000","white_point_y":"16450/50000","min_luminance":"50/10000",
            "max_luminance":"10000000/10000"}"#;
        let data: BTreeMap<String, Value> = serde_json::from_str(json).unwrap();
        let kept = KeptRange {
            transfer: "smpte2084".into(),
            primaries: "bt2020".into(),
            matrix: "bt2020nc".into(),
            mastering: mastering(&data),
            light: Some((1000, 400)),
        };
        let text = kept.x265();
        let want =
            "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)";
        assert!(text.contains(want) && text.contains(":max-cll=1000,400:hdr10=1"), "{text}");
        assert!(kept.svt_av1().contains("R(0.6800,0.3200)"), "{}", kept.svt_av1());
        assert_eq!(mastering(&BTreeMap::new()), None);
    }
}
