//! Tables with bytes changed or cut off.

use std::fs;

use super::columns::{Columns, text, write_arrow, write_arrow_stream, write_parquet};
use crate::support::{clipflow, stderr};

/// The reader of Arrow panicked on some damaged files.
#[test]
fn damaged_tables_of_every_format_end_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let columns = || -> Columns {
        let urls: Vec<String> = (0..40).map(|n| format!("video-{n}.mp4")).collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        vec![("source_url", text(&urls)), ("topic", text(&["city"; 40]))]
    };
    write_parquet(&folder.path().join("r.parquet"), columns());
    write_arrow(&folder.path().join("r.arrow"), columns());
    write_arrow_stream(&folder.path().join("s.arrow"), columns());
    let mut rng = fastrand::Rng::with_seed(7);
    for name in ["r.parquet", "r.arrow", "s.arrow"] {
        let whole = fs::read(folder.path().join(name)).unwrap();
        let ending = name.split_once('.').unwrap().1;
        for n in 0..30 {
            let mut bytes = whole.clone();
            for _ in 0..=n % 4 {
                let at = rng.usize(..bytes.len());
                bytes[at] = rng.u8(..);
            }
            if n % 5 == 0 {
                bytes.truncate(rng.usize(1..bytes.len()));
            }
            let broken = format!("broken.{ending}");
            fs::write(folder.path().join(&broken), bytes).unwrap();
            let output = clipflow(folder.path(), &["validate", &broken]);
            let said = stderr(&output);
            match output.status.code() {
                Some(0 | 3) => {}
                Some(2) => assert!(said.contains(&broken), "{name} {n}: {said}"),
                code => panic!("{name} {n}: {code:?} {said}"),
            }
            assert!(!said.contains("panicked at"), "{name} {n}: {said}");
        }
    }
}
