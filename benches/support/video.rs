//! Video made by ffmpeg's own sources: no footage is needed to measure.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Result, folder};

/// A video to be made.
#[derive(Debug, Clone, Copy)]
pub struct Video {
    /// Names the file and makes its pictures differ from those of other seeds.
    pub seed: u32,
    /// Duration.
    pub seconds: u32,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// Video bit rate in kbit/s.
    pub kilobits: u32,
}

impl Video {
    /// The file, made unless an earlier run did: H.264 (x264's default preset, so B-frames,
    /// several references and deblocking) at 25 fps and AAC in stereo. Ten-second scenes of
    /// zooming fractals, test pictures and gradients under film grain, so that a bit rate as of
    /// footage is used up and decoding costs what footage costs.
    ///
    /// # Errors
    /// If ffmpeg fails.
    pub fn file(&self) -> Result<PathBuf> {
        let Self { seed, seconds, size: (width, height), kilobits } = *self;
        let name = format!("v1-{seed}-{seconds}s-{width}x{height}-{kilobits}k.mp4");
        let path = folder()?.join(name);
        if !path.exists() {
            eprintln!("making {} …", path.display());
            let part = path.with_extension("part");
            ffmpeg(|c| {
                c.args(["-f", "lavfi", "-i", &self.picture(), "-f", "lavfi", "-i", &self.sound()]);
                c.args(["-t", &seconds.to_string(), "-c:v", "libx264", "-pix_fmt", "yuv420p"]);
                c.args([
                    "-b:v",
                    &format!("{kilobits}k"),
                    "-maxrate",
                    &format!("{}k", 2 * kilobits),
                ]);
                c.args(["-bufsize", &format!("{}k", 4 * kilobits), "-c:a", "aac", "-b:a", "128k"]);
                c.args(["-movflags", "+faststart", "-f", "mp4"]).arg(&part);
            })?;
            std::fs::rename(&part, &path)?;
        }
        Ok(path)
    }

    /// Ten-second scenes one after another, for as long as is wanted.
    fn picture(&self) -> String {
        let Self { seed, seconds, size: (width, height), .. } = *self;
        let scenes = seconds.div_ceil(10).max(1);
        let size = format!("{width}x{height}");
        let mut graph = String::new();
        for scene in 0..scenes {
            let number = seed * 31 + scene;
            let source = match number % 3 {
                // At half the size: this source is slow, and a fractal is detailed enough.
                0 => format!(
                    "mandelbrot=s={}x{}:r=25:maxiter=400:start_scale={},scale={size}:flags=bicubic",
                    width / 2,
                    height / 2,
                    3.0 / f64::from(1 + number % 7)
                ),
                1 => format!("testsrc2=s={size}:r=25,hue=h={}", number * 37 % 360),
                _ => format!("gradients=s={size}:r=25:n=6:speed=0.05:seed={number}"),
            };
            graph += &format!(
                "{source},noise=alls=10:allf=t:all_seed={number},format=yuv420p,setsar=1,\
                 trim=duration=10,setpts=PTS-STARTPTS[s{scene}];"
            );
        }
        let labels: String = (0..scenes).map(|s| format!("[s{s}]")).collect();
        format!("{graph}{labels}concat=n={scenes}")
    }

    /// A voice-like tone that comes and goes over noise.
    fn sound(&self) -> String {
        format!(
            "aevalsrc=exprs='0.3*sin(2*PI*(180+40*sin(t))*t)*gt(sin(t*1.3+{0}),-0.3)+0.03*(random(0)-0.5)\
             |0.3*sin(2*PI*(180+40*sin(t))*t)*gt(sin(t*1.3+{0}),-0.3)+0.03*(random(1)-0.5)':s=48000",
            self.seed
        )
    }
}

/// `source` over and over until it lasts `seconds`, without encoding again.
///
/// # Errors
/// If ffmpeg fails.
pub fn looped(source: &Path, seconds: u32) -> Result<PathBuf> {
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let path = folder()?.join(format!("{stem}-looped-{seconds}s.mp4"));
    if !path.exists() {
        eprintln!("making {} …", path.display());
        let part = path.with_extension("part");
        ffmpeg(|c| {
            c.args(["-stream_loop", "-1", "-i"]).arg(source);
            c.args(["-t", &seconds.to_string(), "-c", "copy", "-f", "mp4"]).arg(&part);
        })?;
        std::fs::rename(&part, &path)?;
    }
    Ok(path)
}

/// Seconds that the container says the file lasts.
///
/// # Errors
/// If ffprobe fails.
pub fn duration(path: &Path) -> Result<f64> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"])
        .arg(path)
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Runs ffmpeg with what `arguments` adds.
///
/// # Errors
/// If it cannot be started or fails.
pub fn ffmpeg(arguments: impl FnOnce(&mut Command)) -> Result<()> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]);
    arguments(&mut command);
    let status = command.stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("ffmpeg ended with {status}").into()) }
}
