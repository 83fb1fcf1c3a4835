//! A batch of typed requests through [`VideoClipProcessor`].
//!
//! `cargo run --example batch -- VIDEO [OUT]` cuts two clips of 5 to 15 s from VIDEO.

use clipflow::config::BackendType;
use clipflow::model::VideoClipRequest;
use clipflow::processors::VideoClipProcessor;

fn main() -> clipflow::Result<()> {
    let mut args = std::env::args().skip(1);
    let video = args.next().unwrap_or_else(|| "demo/demo.mp4".to_owned());
    let out = args.next().unwrap_or_else(|| "demo/batch".to_owned());
    let requests = vec![
        VideoClipRequest {
            min_clip_length: 5.0,
            max_clip_length: 15.0,
            max_clips: 2,
            ..VideoClipRequest::new(&video)
        },
        VideoClipRequest::new("no-such-video.mp4"),
    ];
    let processor = VideoClipProcessor::new(out);
    println!("valid: {:?}", processor.validate_batch(&requests)?);
    for response in processor.process_batch_parallel(&requests, BackendType::Auto)? {
        match (response.error_code, response.error) {
            (Some(code), Some(sentence)) => println!("failed [{code}]: {sentence}"),
            _ => response.clips.iter().for_each(|clip| {
                println!(
                    "{:.2}–{:.2} s, score {:.3}: {}",
                    clip.start,
                    clip.end,
                    clip.score,
                    clip.location.as_ref().map(ToString::to_string).unwrap_or_default()
                );
            }),
        }
    }
    Ok(())
}
