//! Contact sheets: stills of many files in one picture, each with its name.

use std::path::{Path, PathBuf};

use super::support::Result;
use super::support::video::ffmpeg;

/// Pixels around a still.
const MARGIN: u32 = 4;

/// A frame of a file.
#[derive(Debug, Clone)]
pub struct Still {
    /// The file.
    pub file: PathBuf,
    /// Seconds from its start.
    pub at: f64,
    /// What stands on it: letters, digits, spaces and `_`, nothing else.
    pub label: String,
}

/// Stills side by side, and how high they are at the most.
pub type Row = (u32, Vec<Still>);

/// Writes `rows` of stills of at most that width as PNG or, with that quality (2 is best), as JPEG.
///
/// # Errors
/// If ffmpeg fails.
pub fn sheet(to: &Path, rows: &[Row], width: u32, quality: u32) -> Result<()> {
    let stills: Vec<&Still> = rows.iter().flat_map(|row| &row.1).collect();
    let heights = rows.iter().flat_map(|(height, stills)| stills.iter().map(move |_| *height));
    let wide = width + 2 * MARGIN;
    let mut graph = String::new();
    for ((number, still), height) in stills.iter().enumerate().zip(heights) {
        let high = height + 2 * MARGIN;
        let label = match still.label.as_str() {
            "" => String::new(),
            label => format!(
                ",drawtext=text='{}':x=8:y=8:fontsize=13:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=3",
                label.replace(|c: char| !(c.is_ascii_alphanumeric() || c == ' '), " ")
            ),
        };
        graph += &format!(
            "[{number}:v]trim=end_frame=1,setpts=0,\
             scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=area,\
             pad={wide}:{high}:(ow-iw)/2:(oh-ih)/2:color=0x9aa0a6,setsar=1,format=yuv420p{label}[s{number}];"
        );
    }
    let (mut places, mut top) = (Vec::new(), 0);
    for (height, stills) in rows {
        places.extend((0..stills.len()).map(|column| format!("{}_{top}", column as u32 * wide)));
        top += height + 2 * MARGIN;
    }
    let labels: String = (0..stills.len()).map(|number| format!("[s{number}]")).collect();
    graph += &format!(
        "{labels}xstack=inputs={}:layout={}:fill=0x9aa0a6,format={}",
        stills.len(),
        places.join("|"),
        if to.extension().is_some_and(|kind| kind == "png") { "rgb24" } else { "yuvj420p" },
    );
    ffmpeg(|command| {
        for still in &stills {
            command.args(["-threads", "1", "-ss", &format!("{:.3}", still.at), "-i"]);
            command.arg(&still.file);
        }
        command.args(["-filter_complex", &graph, "-frames:v", "1", "-update", "1"]);
        command.args(["-q:v", &quality.to_string(), "-f", "image2"]).arg(to);
    })
}
