//! The pipeline over fake media: what is answered, what fails, what is done again and what is not.

use clipflow::config::BackendType;
use clipflow::pipeline::{self, RunConfig};

use super::support::{fake_media, query};

fn run(config: &RunConfig) -> clipflow::Result<clipflow::pipeline::RunSummary> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(pipeline::run(config))
}

#[test]
fn every_row_ends_as_clips_or_as_one_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    let mut sources = vec![];
    let names: Vec<String> = (0..200).map(|n| format!("s{n}.mp4")).collect();
    for (n, name) in names.iter().enumerate() {
        let says = match n % 50 {
            7 => "corrupt",
            21 => "panics",
            33 => "1",
            _ => "30",
        };
        sources.push((name.as_str(), says));
    }
    let requests = fake_media::sources(&path, &sources);
    for backend in [BackendType::Thread, BackendType::Joblib, BackendType::Async] {
        let out = path.join(format!("out-{backend:?}"));
        let mut config = fake_media::config(&requests, &out);
        config.parallel.backend = backend;
        config.variants.count = 2;
        let summary = run(&config).unwrap();
        assert_eq!((summary.rows, summary.answered, summary.failed()), (200, 188, 12));
        assert_eq!(summary.sources, 192);
        let link = path.join("out");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(&out, &link).unwrap();
        let codes = query(
            &path,
            "SELECT coalesce(error_code, 'ok'), count(*) FROM outcomes GROUP BY 1 ORDER BY 1",
        );
        assert_eq!(
            codes,
            ["media.corrupt,4", "ok,188", "selection.no_candidate,4", "work_panicked,4"]
        );
        let clips = query(&path, "SELECT count(*), count(DISTINCT clip_id) FROM clips");
        assert_eq!(clips, ["376,376"]);
        // Every file that a table names is there.
        for row in query(&path, "SELECT uri, bytes FROM renditions") {
            let (uri, bytes) = row.split_once(',').unwrap();
            assert_eq!(out.join(uri).metadata().unwrap().len().to_string(), bytes);
        }
    }
}

#[test]
fn what_is_done_is_not_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    let first: Vec<(&str, &str)> = vec![("a.mp4", "30"), ("b.mp4", "30"), ("c.mp4", "corrupt")];
    let requests = fake_media::sources(&path, &first);
    let config = fake_media::config(&requests, &path.join("out"));
    let summary = run(&config).unwrap();
    assert_eq!((summary.answered, summary.reused), (2, false));
    let (analysed, rendered) =
        (fake_media::calls("analyze", &path), fake_media::calls("render", &path));
    assert!(analysed.values().all(|n| *n == 1) && analysed.len() == 3, "{analysed:?}");
    assert!(rendered.values().all(|n| *n == 1) && rendered.len() == 2, "{rendered:?}");
    // The same again asks no source.
    let summary = run(&config).unwrap();
    assert!(summary.reused);
    assert_eq!(fake_media::calls("analyze", &path), analysed);
    assert_eq!(fake_media::calls("render", &path), rendered);
    // A failed row that is mended is answered, and the answered ones keep their ids.
    let ids = query(&path, "SELECT clip_id FROM clips ORDER BY 1");
    std::fs::write(path.join("c.mp4"), "30").unwrap();
    let letters = "SELECT source_url, request_id FROM dead_letters";
    assert_eq!(query(&path, letters).len(), 1);
    std::fs::write(
        path.join("requests.csv"),
        "request_id,source_url,min_clip_length,max_clip_length,max_clips\nc,c.mp4,3,5,2\n",
    )
    .unwrap();
    run(&fake_media::config(&requests, &path.join("out"))).unwrap();
    let after = query(&path, "SELECT clip_id FROM clips ORDER BY 1");
    assert_eq!(after.len(), ids.len() + 2);
    assert!(ids.iter().all(|id| after.contains(id)));
    assert_eq!(fake_media::calls("analyze", &path)["a.mp4"], 1);
    let codes = query(&path, "SELECT DISTINCT status FROM outcomes");
    assert_eq!(codes, ["ok"]);
}
