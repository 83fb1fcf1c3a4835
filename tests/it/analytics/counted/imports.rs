//! Exports of platforms: rows of sums, shares and decimals, and what is no figure.

use std::fs;
use std::path::Path;
use std::process::Output;

use clipflow::query::events;
use serde_json::Value;

use super::super::super::support::try_rows;
use super::super::context;
use super::{answer, clipflow, folder, stderr, stdout};

fn import(folder: &Path, from: &str, export: &str, more: &[&str]) -> Output {
    fs::write(folder.join("export.csv"), export).unwrap();
    let _ = fs::remove_file(folder.join("events.parquet"));
    let args = ["import-events", "export.csv", "--from", from, "-o", "events.parquet"];
    clipflow(folder, &[&args[..], more].concat())
}

/// The sums of `metrics` of an export.
fn figures(from: &str, export: &str, more: &[&str], metrics: &str) -> Value {
    let files = folder(&[("map.csv", "content_id,variant_id\nv1,a\nv2,b\n")]);
    let output = import(files.path(), from, export, more);
    assert!(output.status.success(), "{export}: {}", stderr(&output));
    answer(files.path(), "events.parquet", &[metrics]).0.remove(0)
}

fn refused(from: &str, export: &str, more: &[&str]) -> String {
    let files = folder(&[("map.csv", "content_id,variant_id\nv1,a\n")]);
    let output = import(files.path(), from, export, more);
    assert_eq!(output.status.code(), Some(2), "{export}: {}", stdout(&output));
    assert!(!files.path().join("events.parquet").exists());
    stderr(&output)
}

#[test]
fn rows_of_sums_are_dropped_wherever_they_stand() {
    let days = ["2026-05-01,\"1,000\",3.5,a", "2026-05-02,\"2,000\",7.0,a"];
    for total in
        ["Total", "total", " TOTAL ", "Totals:", "Grand total", "Gesamt", "Total (28 days)"]
    {
        for at in 0..=days.len() {
            let mut rows = days.map(str::to_owned).to_vec();
            rows.insert(at, format!("{total},\"3,000\",10.5,a"));
            let export = format!("Date,Views,Watch time (hours),variant_id\n{}\n", rows.join("\n"));
            let row = figures("youtube", &export, &[], "views,watch_seconds");
            assert_eq!(row["views"], Value::from(3000), "{total}, row {at}");
            assert_eq!(row["watch_seconds"], Value::from(10.5 * 3600.0));
        }
    }
    // By content, with a stated day; and a table whose only words are titles.
    let export = "Content,Video title,Views\nv1,One,1000\nTotal,,3000\nv2,Total,2000\n";
    let more = ["--map", "map.csv", "--day", "2026-05-01"];
    assert_eq!(figures("youtube", export, &more, "views")["views"], Value::from(3000));
    let export = "Video title,Views\nv:00000000000000aa,1000\nTotal,1000\n";
    assert_eq!(figures("youtube", export, &more[2..], "views")["views"], Value::from(1000));
    let output = {
        let files = folder(&[]);
        import(files.path(), "youtube", "Date,Views,variant_id\nTotal,1,a\n2026-05-01,1,a\n", &[])
    };
    assert!(stderr(&output).contains("1 rows are sums of the others"), "{}", stderr(&output));
}

/// An export of 1000 views a row, with those shares and times.
fn shares(header: &str, cells: &[&str], times: &[&str]) -> String {
    let mut export = format!("Video ID,Date,Video views,{header},Average watch time,Likes\n");
    for (i, cell) in cells.iter().enumerate() {
        let time = times.get(i).unwrap_or(&"1");
        export += &format!("v1,2026-05-{:02},1000,\"{cell}\",\"{time}\",-\n", i + 1);
    }
    export
}

#[test]
fn shares_and_per_cents_are_told_apart() {
    let map = ["--map", "map.csv"];
    let header = "Full video watched rate";
    for (header, cells, ended) in [
        (header, &["0.352"][..], 352),
        (header, &["35.2%"], 352),
        (header, &["35,2 %"], 352),
        (header, &["35.2"], 352),
        (header, &["0,352"], 352),
        (header, &["0.352", "35.2%"], 704),
        (header, &["35.2", "35.2%", "100"], 1704),
        (header, &["1", "0.5"], 1500),
        (header, &["0"], 0),
        ("Full video watched rate (%)", &["0.5"], 5),
        ("Watched full video", &["0.8%"], 8),
    ] {
        let row = figures("tiktok", &shares(header, cells, &[]), &map, "views_100,likes");
        assert_eq!(row["views_100"], Value::from(ended), "{header}: {cells:?}");
        assert_eq!(row["likes"], Value::Null, "a dash is no 0");
    }
    for (cells, what) in [
        (&["0.352", "35.2"][..], "fraction or a per cent"),
        (&["352%"], "no number"),
        (&["120"], "no number"),
        (&["a third"], "no number"),
        (&["-0.1"], "no number"),
    ] {
        let said = refused("tiktok", &shares(header, cells, &[]), &map);
        assert!(said.contains(what) && said.contains(header), "{cells:?}: {said}");
    }
}

#[test]
fn decimals_and_thousands_are_told_apart_or_refused() {
    let map = ["--map", "map.csv"];
    for (times, more, seconds) in [
        (&["5.5s", "5.5", "0:05"][..], &[][..], 16_000.0),
        (&["5,5s", "1.234,0"], &[], 1_239_500.0),
        (&["1.234", "5,5"], &[], 1_239_500.0),
        (&["1.234", "5.5"], &[], 6734.0),
        (&["1.234"], &["--decimal-sign", "comma"], 1_234_000.0),
        (&["1.234"], &["--decimal-sign", "point"], 1234.0),
    ] {
        let cells = vec!["50%"; times.len()];
        let export = shares("Full video watched rate", &cells, times);
        let row = figures("tiktok", &export, &[&map, more].concat(), "watch_seconds");
        let found = row["watch_seconds"].as_f64().unwrap();
        assert!((found - seconds).abs() < 1e-6, "{times:?}: {found}");
    }
    let said = refused("tiktok", &shares("Full video watched rate", &["50%"], &["1.234"]), &map);
    assert!(said.contains("--decimal-sign"), "{said}");
}

#[test]
fn what_is_no_figure_is_named() {
    let export = |views: &str| format!("Date,Views,variant_id\n2026-05-01,\"{views}\",a\n");
    for (views, what) in [
        ("99999999999999999999", "more than a count"),
        ("9,223,372,036,854,775,808", "more than a count"),
        ("1.2K", "no number"),
        ("-5", "no number"),
        ("12.5", "no number"),
        ("NaN", "no number"),
    ] {
        let said = refused("youtube", &export(views), &[]);
        assert!(said.contains(what) && said.contains("Views of row 1"), "{views}: {said}");
    }
    for day in ["2026-05-01 - 2026-05-28", "2026-13-01", "05/01/2026 to 05/28/2026"] {
        let export = format!("Date,Views,variant_id\n{day},1,a\n");
        for more in [&[][..], &["--day", "2026-05-02"]] {
            assert!(refused("youtube", &export, more).contains(day), "{day}");
        }
    }
    let lifetime = "Date,Views,variant_id\nLifetime,3,a\n";
    let row = figures("youtube", lifetime, &["--day", "2026-05-02"], "views");
    assert_eq!(row["views"], Value::from(3));
    let files = folder(&[("map.csv", "content_id,variant_id\nv1,a\nv1,b\n")]);
    let export = "Video ID,Date,Views\nv1,2026-05-01,3\n";
    let output = import(files.path(), "tiktok", export, &["--map", "map.csv"]);
    assert!(stderr(&output).contains("a content is of one variant"), "{}", stderr(&output));
}

#[tokio::test]
async fn reach_of_imports_is_not_summed() {
    let files = folder(&[]);
    let export = "Date,Views,Reach,variant_id\n2026-05-01,3,2,a\n2026-05-02,3,2,a\n";
    let output = import(files.path(), "instagram", export, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let ctx = context(2, 8);
    events::register(&ctx, &files.path().join("events.parquet").into()).await.unwrap();
    let error = try_rows(&ctx, "SELECT sum(audience_reach) FROM event_days").await.unwrap_err();
    assert!(error.message().contains("would count"), "{error}");
    // Of several rows it is not known; of one it is.
    let (rows, _) = answer(files.path(), "events.parquet", &["audience_reach,views"]);
    assert_eq!((&rows[0]["audience_reach"], &rows[0]["views"]), (&Value::Null, &Value::from(6)));
}

#[test]
fn exports_are_read_in_the_languages_of_their_platforms() {
    let german = "Inhalt,Videotitel,Videoveröffentlichungszeitpunkt,Aufrufe,Wiedergabezeit (Stunden),Impressionen,Klickrate der Impressionen (%)\n\
        Insgesamt,,,\"1.234.567\",\"12.345,6\",\"9.876.543\",\"4,5\"\n\
        abcdefghijk,\"Titel, v:0123456789abcdef\",\"5. Mai 2026\",\"1.234\",\"12,3\",\"98.765\",\"4,5\"\n";
    let row =
        figures("youtube", german, &["--day", "2026-05-05"], "views,watch_seconds,impressions");
    assert_eq!(row["views"], Value::from(1234));
    assert_eq!(row["impressions"], Value::from(98_765));
    assert!((row["watch_seconds"].as_f64().unwrap() - 12.3 * 3600.0).abs() < 1e-6);
    for (from, export, views, likes) in [
        (
            "youtube",
            "Date;Titre de la vidéo;Vues;J'aime\n4 mai 2026;v:0123456789abcdef;1 234;12\n",
            1234,
            12,
        ),
        (
            "youtube",
            "日付,動画のタイトル,視聴回数,高評価数\n2026年5月4日,v:0123456789abcdef,1234,12\n",
            1234,
            12,
        ),
        (
            "tiktok",
            "Fecha,Título del video,Visualizaciones,Me gusta\n4 de mayo de 2026,v:0123456789abcdef,1234,12\n",
            1234,
            12,
        ),
        (
            "instagram",
            "Datum,Beschreibung,Aufrufe,Gefällt mir\n04.05.2026,v:0123456789abcdef,1.234,12\n",
            1234,
            12,
        ),
        (
            "facebook",
            "Data,Titolo,Visualizzazioni,Reazioni\n2026-05-04,v:0123456789abcdef,1234,12\n",
            1234,
            12,
        ),
        (
            "linkedin",
            "Date,Post title,Views,Reactions\n05/04/2026,v:0123456789abcdef,1234,12\n",
            1234,
            12,
        ),
        (
            "x",
            "Data\tTexto do post\tVisualizações de vídeo\tCurtidas\n2026-05-04\tv:0123456789abcdef\t1234\t12\n",
            1234,
            12,
        ),
    ] {
        let row = figures(from, export, &[], "views,likes");
        assert_eq!(
            (&row["views"], &row["likes"]),
            (&Value::from(views), &Value::from(likes)),
            "{export}"
        );
    }
}
