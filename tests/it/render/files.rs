//! The files that a rendering leaves: kept, replaced, measured, and none of what failed.

use std::path::Path;
use std::sync::Mutex;

use clipflow::cancel::CancelToken;
use clipflow::error::{ErrorCode, Result};
use clipflow::media::render::{RenderSettings, render};
use clipflow::model::Rendition;

use super::{Footage, LONG_GOP};
use crate::support::counter::make;

#[test]
fn a_clip_has_the_same_bytes_whatever_is_rendered_beside_it() {
    let footage = Footage::new(|folder| make(folder, "a.mkv", 400, LONG_GOP)).read();
    let spans = footage.spans(&[(6.0, 8.0), (7.0, 9.0), (8.0, 10.0), (12.0, 14.0)]);
    let hash = |result: Result<Rendition>| result.expect("a clip").blake3;
    let together: Vec<_> = footage.render(&spans).into_iter().map(hash).collect();
    footage.clear();
    let again: Vec<_> = footage.render(&spans).into_iter().map(hash).collect();
    assert_eq!(together, again);
    footage.clear();
    let single = RenderSettings { max_outputs: 1, ..RenderSettings::default() };
    let alone: Vec<_> = footage.render_with(&spans, &single).into_iter().map(hash).collect();
    assert_eq!(together, alone);
}

/// Which file it is and when it was written.
fn identity(path: &Path) -> (u64, i64, i64) {
    use std::os::unix::fs::MetadataExt;
    let facts = std::fs::metadata(path).expect("a clip");
    (facts.ino(), facts.mtime(), facts.mtime_nsec())
}

#[test]
fn a_file_that_is_there_is_kept_and_measured() {
    let footage = Footage::new(|folder| make(folder, "a.mp4", 250, LONG_GOP)).read();
    let spans = footage.on_frames(&[(1.0, 2.0), (3.0, 4.2)]);
    let first: Vec<_> = footage.render(&spans).into_iter().map(Result::unwrap).collect();
    let files: Vec<_> = spans.iter().map(|span| identity(&span.path)).collect();
    let other = RenderSettings { crf: 35, ..RenderSettings::default() };
    let again: Vec<_> =
        footage.render_with(&spans, &other).into_iter().map(Result::unwrap).collect();
    assert_eq!(first, again);
    assert_eq!(files, spans.iter().map(|span| identity(&span.path)).collect::<Vec<_>>());

    // One is kept and one is missing: done is what is there, then the rest.
    std::fs::remove_file(&spans[1].path).unwrap();
    let said = Mutex::new(Vec::new());
    let (tools, cancel) = (&footage.tools, CancelToken::new());
    let say = |share| said.lock().unwrap().push(share);
    let settings = RenderSettings::default();
    let results = render(tools, &footage.path, &footage.probe, &spans, &settings, &cancel, &say);
    footage.check(&spans[1], &results[1]);
    assert_eq!(identity(&spans[0].path), files[0]);
    let said = said.into_inner().unwrap();
    assert!((said[0] - 1.0 / 2.2).abs() < 0.01 && said.last() == Some(&1.0), "{said:?}");
    assert_eq!(footage.outputs(), ["r0.mp4", "r1.mp4"]);
}

#[test]
fn a_damaged_file_is_replaced_by_a_good_one() {
    let footage = Footage::new(|folder| make(folder, "a.mp4", 250, LONG_GOP)).read();
    let spans = footage.on_frames(&[(1.0, 3.0), (3.0, 5.0), (5.0, 7.0), (7.0, 9.0)]);
    let first: Vec<_> = footage.render(&spans).into_iter().map(Result::unwrap).collect();
    let good = identity(&spans[3].path);
    let bytes = std::fs::read(&spans[0].path).unwrap();
    // Half of it, nothing, and another clip's whole file of another length.
    std::fs::write(&spans[0].path, &bytes[..bytes.len() / 2]).unwrap();
    std::fs::write(&spans[1].path, "").unwrap();
    let mut short = footage.on_frames(&[(1.0, 1.4)]);
    short[0].path = footage.folder.path().join("short.mp4");
    assert!(footage.render(&short)[0].is_ok());
    std::fs::copy(&short[0].path, &spans[2].path).unwrap();
    let again = footage.render(&spans);
    for (span, result) in spans.iter().zip(&again) {
        footage.check(span, result);
    }
    let again: Vec<_> = again.into_iter().map(Result::unwrap).collect();
    assert_eq!(first, again);
    assert_eq!(identity(&spans[3].path), good);
    assert_eq!(footage.outputs(), ["r0.mp4", "r1.mp4", "r2.mp4", "r3.mp4"]);
}

#[test]
fn a_process_that_was_faster_keeps_its_file() {
    let footage = Footage::new(|folder| make(folder, "a.mp4", 250, LONG_GOP)).read();
    let spans = footage.on_frames(&[(1.0, 3.0)]);
    let mut theirs = spans.clone();
    theirs[0].path = footage.folder.path().join("theirs.mp4");
    let coarse = RenderSettings { crf: 35, ..RenderSettings::default() };
    let facts = footage.render_with(&theirs, &coarse).remove(0).expect("a clip");
    let file = identity(&theirs[0].path);
    // While ours is encoded, theirs gets its name.
    let appear = |_| drop(std::fs::hard_link(&theirs[0].path, &spans[0].path));
    let (settings, cancel) = (RenderSettings::default(), CancelToken::new());
    let ours =
        render(&footage.tools, &footage.path, &footage.probe, &spans, &settings, &cancel, &appear);
    assert_eq!(ours[0].as_ref().expect("a clip"), &facts);
    footage.check(&spans[0], &ours[0]);
    assert_eq!(identity(&spans[0].path), file);
    assert_eq!(footage.outputs(), ["r0.mp4"]);
}

#[test]
fn one_failing_clip_costs_no_other_and_leaves_nothing() {
    let footage = Footage::new(|folder| make(folder, "a.mp4", 150, LONG_GOP)).read();
    let mut spans = footage.spans(&[
        (1.0, 2.0),
        (2.0, 3.0),
        (5.0, 8.0),
        (3.0, 4.0),
        (3.0, 3.0),
        (20.0, 21.0),
        (4.0, 5.0),
    ]);
    // A folder stands where the second file should be; a file where the fourth's folder should be.
    std::fs::create_dir_all(spans[1].path.join("x")).unwrap();
    std::fs::write(footage.folder.path().join("file"), "x").unwrap();
    spans[3].path = footage.folder.path().join("file/r3.mp4");
    let results = footage.render(&spans);
    let code = |result: &Result<Rendition>| result.as_ref().err().map(|error| error.code());
    let codes: Vec<_> = results.iter().map(code).collect();
    let (store, mismatch) = (Some(ErrorCode::StoreWrite), Some(ErrorCode::RenderMismatch));
    let failed = Some(ErrorCode::RenderFailed);
    assert_eq!(codes, [None, store, mismatch, store, failed, mismatch, None]);
    footage.check(&spans[0], &results[0]);
    footage.check(&spans[6], &results[6]);
    assert_eq!(footage.outputs(), ["r0.mp4", "r1.mp4", "r6.mp4"]);
}

#[test]
fn a_source_that_was_cut_off_gives_no_short_clip() {
    let footage = Footage::new(|folder| {
        let options = [LONG_GOP, &["-movflags", "+faststart"]].concat();
        let path = make(folder, "a.mp4", 600, &options);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() * 6 / 10]).unwrap();
        path
    });
    let spans = footage.spans(&[(2.0, 4.0), (11.0, 20.0), (22.0, 23.0)]);
    let results = footage.render(&spans);
    assert_eq!(results[0].as_ref().expect("a clip").frames, 50);
    for result in &results[1..] {
        let code = result.as_ref().expect_err("no short clip").code();
        assert!(matches!(code, ErrorCode::RenderMismatch | ErrorCode::MediaCorrupt), "{code}");
    }
    assert_eq!(footage.outputs(), ["r0.mp4"]);
}

#[test]
fn progress_rises_and_a_cancelled_render_leaves_nothing() {
    let footage = Footage::new(|folder| make(folder, "a.mp4", 500, LONG_GOP));
    let spans = footage.spans(&[(1.0, 9.0), (12.0, 19.0)]);
    let said = Mutex::new(Vec::new());
    let run = |cancel: &CancelToken, progress: &dyn Fn(f64)| {
        let settings = RenderSettings::default();
        render(&footage.tools, &footage.path, &footage.probe, &spans, &settings, cancel, progress)
    };
    let results = run(&CancelToken::new(), &|share| said.lock().unwrap().push(share));
    assert!(results.iter().all(Result::is_ok));
    let said = said.into_inner().unwrap();
    assert!(said.windows(2).all(|pair| pair[0] <= pair[1]), "{said:?}");
    assert!(said.first().is_some_and(|share| *share < 0.1));
    assert_eq!(said.last(), Some(&1.0));
    std::fs::remove_dir_all(footage.folder.path().join("out")).unwrap();

    let cancel = CancelToken::new();
    let results = run(&cancel, &|share| {
        if share > 0.2 {
            cancel.cancel()
        }
    });
    for result in &results {
        let code = result.as_ref().expect_err("cancelled").code();
        assert_eq!(code, ErrorCode::Cancelled);
    }
    assert_eq!(footage.outputs(), [""; 0]);
}
