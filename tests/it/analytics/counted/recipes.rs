//! Recipes count as `performance` does, by the same words.

use std::fs;
use std::path::Path;

use clipflow::query::events;

use super::super::{context, lines};
use super::{by, folder};

async fn recipe(folder: &Path, events: &str, name: &str) -> Vec<String> {
    let ctx = context(2, 8);
    events::register(&ctx, &folder.join(events).into()).await.unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/analytics/recipes");
    lines(&ctx, &fs::read_to_string(root.join(format!("{name}.sql"))).unwrap()).await
}

#[tokio::test]
async fn decay_compares_with_the_day_before_and_not_with_the_row_before() {
    let files = folder(&[
        (
            "gap.csv",
            "variant_id,platform,day,views,shares,likes\na,x,2026-05-01,100,1,1\na,x,2026-05-03,50,1,1\na,x,2026-05-04,20,1,1\n",
        ),
        (
            "null.csv",
            "variant_id,day,views\na,2026-05-03,50\na,2026-05-01,100\na,2026-05-02,\na,2026-05-04,0\na,2026-05-05,7\n",
        ),
    ]);
    assert_eq!(
        recipe(files.path(), "gap.csv", "06_decay").await,
        ["a,2026-05-01,100,", "a,2026-05-03,50,", "a,2026-05-04,20,0.4"]
    );
    assert_eq!(
        recipe(files.path(), "null.csv", "06_decay").await,
        [
            "a,2026-05-01,100,",
            "a,2026-05-02,,",
            "a,2026-05-03,50,",
            "a,2026-05-04,0,0.0",
            "a,2026-05-05,7,"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn velocity_is_that_of_performance() {
    let views = "variant_id,event,ts\na,view,2026-05-01T00:00:00\na,view,2026-05-01T00:00:01\n\
         a,view,2026-05-01T00:00:02\na,view,2026-05-01T00:00:03\nb,view,2026-05-20T00:00:00\n";
    let files = folder(&[
        ("two.csv", views),
        ("stray.csv", &format!("{views}a,view,2099-01-01T00:00:00\na,view,\nb,like,2026-05-21\n")),
    ]);
    for file in ["two.csv", "stray.csv"] {
        let of = by(files.path(), file, "velocity", "variant_id");
        for line in recipe(files.path(), file, "05_velocity").await {
            let cells: Vec<&str> = line.split(',').collect();
            let rounded =
                of[cells[0]].map_or(String::new(), |v| ((v * 1e3).round() / 1e3).to_string());
            assert_eq!(cells[2], rounded, "{file}: {line}");
        }
    }
    assert_eq!(
        recipe(files.path(), "two.csv", "05_velocity").await,
        ["a,4,0.009,0.5", "b,1,,0.5"],
        "4 views in the 456 hours until the newest event"
    );
}

#[tokio::test]
async fn a_variant_whose_last_figures_are_missing_is_not_dead() {
    let mut text = "variant_id,day,views\n".to_owned();
    for day in 1..=9 {
        let late = day > 6;
        text += &format!("gone,2026-05-{day:02},{}\n", if late { "1" } else { "100" });
        text += &format!("withdrawn,2026-05-{day:02},{}\n", if late { "" } else { "100" });
        text += &format!("alive,2026-05-{day:02},100\n");
    }
    let files = folder(&[("e.csv", &text)]);
    assert_eq!(
        recipe(files.path(), "e.csv", "07_dead").await,
        ["gone,2026-05-09,603,300,3"],
        "a missing figure is not 0"
    );
}
