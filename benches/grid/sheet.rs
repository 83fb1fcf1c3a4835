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

/// Writes `rows` of stills, each scaled into `cell` (width and height), as PNG or, with that quality (2 is
/// best), as JPEG.
///
/// # Errors
/// If ffmpeg fails.
pub fn sheet(to: &Path, rows: &[Vec<Still>], cell: (u32, u32), quality: u32) -> Result<()> {
    let stills: Vec<&Still> = rows.iter().flatten().collect();
    let (wide, high) = (cell.0 + 2 * MARGIN, cell.1 + 2 * MARGIN);
    let mut graph = String::new();
    for (number, still) in stills.iter().enumerate() {
        let label = match still.label.as_str() {
            "" => String::new(),
            label => format!(
                ",drawtext=text='{}':x=8:y=8:fontsize=13:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=3",
                label.replace(|c: char| !(c.is_ascii_alphanumeric() || c == ' '), " ")
            ),
        };
        graph += &format!(
            "[{number}:v]trim=end_frame=1,setpts=0,\
             scale={}:{}:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=area,\
             pad={wide}:{high}:(ow-iw)/2:(oh-ih)/2:color=0x9aa0a6,setsar=1,format=yuv420p{label}[s{number}];",
            cell.0, cell.1
        );
    }
    let places = rows.iter().enumerate().flat_map(|(row, stills)| {
        let place = move |column| format!("{}_{}", column * wide, row as u32 * high);
        (0..stills.len() as u32).map(place)
    });
    let places: Vec<String> = places.collect();
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
