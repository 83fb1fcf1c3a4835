//! Tables of the user's own beside results and events, and the prompt of `clipflow sql`.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::support::{clipflow, csv_rows, stderr, stdout};

const CAMPAIGNS: &str = "request_id,campaign,budget,since,code_id
a,spring,10,2026-05-01,007
b,summer,2.5,2026-06-01,008
";

/// A folder with a table of campaigns; results are elsewhere.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("campaigns.csv"), CAMPAIGNS).unwrap();
    folder
}

fn results() -> String {
    super::variants::finished().join("out").to_string_lossy().into_owned()
}

fn sql(folder: &Path, tables: &[&str], query: &str) -> Output {
    let flags: Vec<&str> = tables.iter().flat_map(|table| ["--table", table]).collect();
    let results = results();
    clipflow(folder, &[&["sql", &results, query, "--format", "csv"], &flags[..]].concat())
}

#[test]
fn a_table_is_joined_whatever_kind_of_file_it_is() {
    let folder = folder();
    let path = folder.path();
    let query = "SELECT r.request_id, c.campaign, c.budget * 2 AS twice, c.since + INTERVAL '1 day' AS next, code_id
         FROM requests r JOIN Campaigns c ON c.request_id = r.request_id ORDER BY 1";
    let known = ["a,spring,20.0,2026-05-02,007", "b,summer,5.0,2026-06-02,008"];
    let ask = |file: &str| csv_rows(query, &sql(path, &[&format!("campaigns={file}")], query));
    let dated = |rows: Vec<String>| -> Vec<String> {
        rows.into_iter().map(|row| row.replace("T00:00:00", "")).collect()
    };
    assert_eq!(dated(ask("campaigns.csv")), known);
    for file in ["campaigns.parquet", "campaigns.ndjson"] {
        let written = clipflow(
            path,
            &["sql", &results(), "SELECT * FROM c", "--table", "c=campaigns.csv", "-o", file],
        );
        assert!(written.status.success(), "{}", stderr(&written));
    }
    assert_eq!(dated(ask("campaigns.parquet")), known);
    // JSON has no days: text is cast as it is compared.
    let json = sql(path, &["c=campaigns.ndjson"], "SELECT campaign, budget * 2 FROM c ORDER BY 1");
    assert_eq!(csv_rows("", &json), ["spring,20.0", "summer,5.0"]);
    // Arrow IPC, as a file and as a stream.
    let parquet = File::open(path.join("campaigns.parquet")).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(parquet, 10);
    let batch = reader.unwrap().next().unwrap().unwrap();
    let schema = batch.schema();
    let mut file = arrow::ipc::writer::FileWriter::try_new(
        File::create(path.join("file.arrow")).unwrap(),
        &schema,
    )
    .unwrap();
    file.write(&batch).unwrap();
    file.finish().unwrap();
    let mut stream = arrow::ipc::writer::StreamWriter::try_new(
        File::create(path.join("stream.arrow")).unwrap(),
        &schema,
    )
    .unwrap();
    stream.write(&batch).unwrap();
    stream.finish().unwrap();
    assert_eq!(dated(ask("file.arrow")), known);
    assert_eq!(dated(ask("stream.arrow")), known);
    // A folder, whose files have their columns in another order.
    fs::create_dir(path.join("parts")).unwrap();
    for (name, text) in [
        ("1.csv", "campaign,request_id,budget,since,code_id\nspring,a,10,2026-05-01,007\n"),
        ("2.csv", "request_id,code_id,since,budget,campaign\nb,008,2026-06-01,2.5,summer\n"),
    ] {
        fs::write(path.join("parts").join(name), text).unwrap();
    }
    assert_eq!(dated(ask("parts")), known);
}

#[test]
fn a_name_that_is_taken_and_a_file_that_is_none_are_errors() {
    let folder = folder();
    let said = |tables: &[&str]| {
        let output = sql(folder.path(), tables, "SELECT 1");
        assert_eq!(output.status.code(), Some(2), "{tables:?}");
        stderr(&output)
    };
    for name in ["clips", "Posts", "events", "platforms"] {
        let text = said(&[&format!("{name}=campaigns.csv")]);
        let name = name.to_lowercase();
        assert!(text.contains("--table"), "{text}");
        assert!(text.contains(&format!("names {name}, which is a table or view")), "{text}");
    }
    let text = said(&["c=campaigns.csv", "c=campaigns.csv"]);
    assert!(text.contains("--table names c, which is there already"), "{text}");
    let text = said(&["campaigns.csv"]);
    assert!(text.contains("such as campaigns=campaigns.csv"), "{text}");
    let text = said(&["c=missing.csv"]);
    assert!(text.contains("missing.csv") && text.contains("no such file or folder"), "{text}");
}

#[test]
fn metrics_are_grouped_by_columns_of_the_users_tables() {
    let folder = folder();
    let path = folder.path();
    let events = "variant_id,platform,day,views,likes\nv1,tiktok,2026-05-01,10,1\nv2,tiktok,2026-05-01,20,4\nv3,x,2026-05-01,5,0\n";
    fs::write(path.join("events.csv"), events).unwrap();
    fs::write(
        path.join("posted.csv"),
        "variant_id,person,platform,test\nv1,Ann,A,t1\nv2,Ann,A,t1\n",
    )
    .unwrap();
    let ask = |by: &str, more: &[&str]| {
        let args = [
            "performance",
            "--events",
            "events.csv",
            "--metrics",
            "views",
            "--by",
            by,
            "--format",
            "csv",
        ];
        clipflow(path, &[&args[..], more].concat())
    };
    let cells = |output: &Output| -> Vec<String> {
        let rows = csv_rows("performance", output);
        rows.iter().map(|row| row.split(',').take(3).collect::<Vec<_>>().join(",")).collect()
    };
    let by_person = ask("person", &["--table", "posted=posted.csv"]);
    assert_eq!(cells(&by_person), ["Ann,2,30", ",1,5"]);
    assert!(stderr(&by_person).contains("is named posted_platform here"), "{}", stderr(&by_person));
    // Joined with the results by a key of theirs.
    let variants = csv_rows("", &sql(path, &[], "SELECT variant_id, request_id FROM variants"));
    let mut lines = "variant_id,day,views,likes\n".to_owned();
    for variant in &variants {
        lines += &format!("{},2026-05-01,3,1\n", variant.split(',').next().unwrap());
    }
    fs::write(path.join("events.csv"), lines).unwrap();
    let by_campaign = ask("campaign", &[&results(), "--table", "campaigns=campaigns.csv"]);
    assert_eq!(cells(&by_campaign), ["spring,6,18", "summer,3,9"]);
    // A table of which variant is in which experiment stands for a column of the events.
    let first = |n: usize| variants[n].split(',').next().unwrap();
    let tests = format!("variant_id,experiment_id\n{},e\n{},e\n", first(0), first(1));
    fs::write(path.join("tests.csv"), tests).unwrap();
    let compared = clipflow(
        path,
        &[
            "experiment",
            "--events",
            "events.csv",
            "--metric",
            "engagement_rate",
            "--table",
            "tests=tests.csv",
            "--format",
            "csv",
        ],
    );
    assert_eq!(csv_rows("experiment", &compared).len(), 2, "{}", stderr(&compared));
    // What could not be joined, or would count twice.
    fs::write(path.join("twice.csv"), "request_id,team\na,x\na,y\n").unwrap();
    let twice = ask("team", &[&results(), "--table", "teams=twice.csv"]);
    assert!(stderr(&twice).contains("the request_id a twice"), "{}", stderr(&twice));
    let keyless = ask("team", &["--table", "teams=twice.csv"]);
    assert!(stderr(&keyless).contains("no column variant_id"), "{}", stderr(&keyless));
}

#[test]
fn end_needs_no_quotes_and_unknown_tables_are_told_from_known_ones() {
    let folder = folder();
    let query = "SELECT start, end, CASE WHEN end > start THEN end - start END AS seconds FROM clips WHERE end > 0 ORDER BY end";
    let rows = csv_rows(query, &sql(folder.path(), &[], query));
    assert_eq!(rows.len(), 3);
    let unknown = sql(folder.path(), &["mine=campaigns.csv"], "SELECT * FROM clps");
    let text = stderr(&unknown);
    assert!(text.contains("the tables and views are") && text.contains(" mine,"), "{text}");
    let daily = "variant_id,day,views\nv,2026-05-01,1\n";
    fs::write(folder.path().join("days.csv"), daily).unwrap();
    let asked = clipflow(
        folder.path(),
        &["sql", &results(), "SELECT * FROM events", "--events", "days.csv"],
    );
    assert!(stderr(&asked).contains("daily aggregates, which are the table event_days"));
}

#[test]
fn without_a_query_and_a_terminal_the_ways_to_ask_are_told() {
    let folder = folder();
    let output = Command::new(env!("CARGO_BIN_EXE_clipflow"))
        .args(["sql", &results()])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("-f - reads standard input"), "{}", stderr(&output));
}

#[test]
fn at_a_terminal_statements_are_asked_for_until_the_user_ends_it() {
    let folder = folder();
    let pty = nix::pty::openpty(None, None).unwrap();
    let terminal = || Stdio::from(pty.slave.try_clone().unwrap());
    let mut child = Command::new(env!("CARGO_BIN_EXE_clipflow"))
        .args(["sql", &results(), "--table", "campaigns=campaigns.csv"])
        .current_dir(folder.path())
        .env("XDG_STATE_HOME", folder.path().join("state"))
        .env("TERM", "xterm")
        .stdin(terminal())
        .stdout(terminal())
        .stderr(terminal())
        .spawn()
        .unwrap();
    let mut master = File::from(pty.master);
    let mut input = master.try_clone().unwrap();
    drop(pty.slave);
    let reader = std::thread::spawn(move || {
        let (mut shown, mut buffer) = (vec![], [0; 4096]);
        // The other end closes with an error.
        while let Ok(read @ 1..) = master.read(&mut buffer) {
            shown.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8_lossy(&shown).into_owned()
    });
    let statement = "SELECT campaign\rFROM campai\t WHERE budget > 5;\r";
    for keys in ["SELECT nothing;\r", statement, "\\d campaigns\r", "\\q\r"] {
        // Keys that come before the prompt are echoed by the terminal, which does no harm.
        std::thread::sleep(Duration::from_millis(1500));
        input.write_all(keys.as_bytes()).unwrap();
    }
    let status = child.wait().unwrap();
    drop(input);
    let shown = reader.join().unwrap();
    assert!(status.success(), "{shown}");
    assert!(shown.contains("there is no column nothing"), "an error does not end it: {shown}");
    assert!(shown.contains("| spring   |") && !shown.contains("| summer   |"), "{shown}");
    assert!(shown.contains("| budget      | Float64"), "{shown}");
    let history = fs::read_to_string(folder.path().join("state/clipflow/sql_history")).unwrap();
    assert!(history.contains("FROM campaigns WHERE budget > 5;"), "{history}");
}

const EVENTS: &str = "variant_id,plays,hearts,country
v1,10,1,de
v2,many,2,fr
v3,5,1.5,de
v4,20,4,de
";

fn performance(folder: &Path, more: &[&str]) -> Output {
    let args = ["performance", "--events", "plays.csv", "--format", "csv", "--metrics"];
    clipflow(folder, &[&args[..], more].concat())
}

#[test]
fn columns_have_other_names_and_bad_cells_cost_a_row_or_the_command() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("plays.csv"), EVENTS).unwrap();
    let unmapped = performance(path, &["views"]);
    assert!(
        stderr(&unmapped).contains("set --columns, as in plays=views"),
        "{}",
        stderr(&unmapped)
    );
    let names = ["--columns", "plays=views,hearts=likes"];
    let ask = |more: &[&str]| performance(path, &[more, &names[..]].concat());
    let failed = ask(&["views"]);
    assert_eq!(failed.status.code(), Some(2));
    let text = stderr(&failed);
    assert!(text.contains("the column plays of row 2 in") && text.contains("\"many\""), "{text}");
    assert!(text.contains("set --bad-rows to skip"), "{text}");
    // Rows are left out alike whatever is asked.
    for (metrics, figure) in
        [("views", "30"), ("likes", "5"), ("engagement_rate", "0.16666666666666666")]
    {
        let skipped = ask(&[metrics, "--bad-rows", "skip"]);
        let rows = csv_rows(metrics, &skipped);
        assert!(rows[0].starts_with(&format!("2,{figure},")), "{metrics}: {rows:?}");
        let text = stderr(&skipped);
        assert!(text.contains("2 rows have a cell that does not fit"), "{text}");
        assert!(text.contains("the column plays of row 2 in"), "{text}");
        assert!(text.contains("the column hearts of row 3 in"), "{text}");
        assert!(text.contains("in no metric: country"), "{text}");
    }
    for (columns, why) in [
        ("plays=vews", "maps plays to vews, which is no column of events"),
        ("play=views", "have no column play; they have variant_id, plays"),
        ("plays=views,hearts=views", "have a column hearts too"),
        ("plays", "give names as in plays=views"),
    ] {
        let wrong = performance(path, &["views", "--columns", columns]);
        assert_eq!(wrong.status.code(), Some(2));
        assert!(stderr(&wrong).contains(why), "{}", stderr(&wrong));
    }
}

#[test]
fn metrics_that_the_events_cannot_tell_are_named() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("plays.csv"), "variant_id,views\nv1,10\n").unwrap();
    let blank = performance(path, &["velocity,share_rate,views"]);
    assert!(blank.status.success(), "{}", stderr(&blank));
    let text = stderr(&blank);
    assert!(text.contains("velocity is blank: the events have no column day"), "{text}");
    assert!(text.contains("share_rate is blank: the events have no column shares"), "{text}");
    assert!(!text.contains("views is blank"), "{text}");
}

#[test]
fn exports_are_mapped_and_lose_bad_rows_if_asked_to() {
    let folder = folder();
    let path = folder.path();
    let export = "Clip,Tag,When,Total runs,Kudos\n1,00000000000000aa,2026-05-01,10,1\n2,00000000000000bb,2026-05-01,lots,1\n";
    fs::write(path.join("export.csv"), export).unwrap();
    let import = |more: &[&str]| {
        let columns = "Total runs=views,Kudos=likes,Tag=variant_id,When=day";
        let args = [
            "import-events",
            "export.csv",
            "--from",
            "instagram",
            "-o",
            "events.csv",
            "--columns",
            columns,
        ];
        clipflow(path, &[&args[..], more].concat())
    };
    let failed = import(&[]);
    assert_eq!(failed.status.code(), Some(2));
    let text = stderr(&failed);
    assert!(
        text.contains("Total runs of row 2 is \"lots\"") && text.contains("--bad-rows"),
        "{text}"
    );
    let skipped = import(&["--bad-rows", "skip"]);
    assert!(skipped.status.success(), "{}", stderr(&skipped));
    assert_eq!(stdout(&skipped), "1 rows of 1 variants\n");
    let text = stderr(&skipped);
    assert!(text.contains("1 rows have a cell that does not fit"), "{text}");
    assert!(text.contains("the platform of instagram is named reels"), "{text}");
    assert!(text.contains("ignored"), "{text}");
    let events = fs::read_to_string(path.join("events.csv")).unwrap();
    assert!(events.contains("00000000000000aa,reels,2026-05-01"), "{events}");
}
