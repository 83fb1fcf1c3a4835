//! Polars: the tables as LazyFrames and the kernels as expressions give what SQL gives.

mod crossing;

use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int8Array, RecordBatch, StringArray,
    TimestampSecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int32Type, Schema};
use clipflow::model::Candidate;
use clipflow::model::table::{TABLES, Table};
use clipflow::query::polars::{
    clip_title, cues_in, difference_interval, hashtags, json_text, keyphrases,
    min_detectable_effect, no_candidate_message, per_source, polars_error, same_language,
    scan_dataset, scan_table, select_clips, source_location, stable_id, to_frame, to_record_batch,
    two_proportion_z, validate_request, without_signature,
};
use clipflow::query::results::register_dataset;
use clipflow::query::{SessionOptions, session};
use clipflow::store::Dataset;
use clipflow::{ClipflowExprs, ErrorCode};
use datafusion::prelude::SessionContext;
use parquet::arrow::ArrowWriter;
use polars::prelude::*;

use super::support::{clipflow, show, stderr};

/// The answer of a query over the results in `root`, and over `extra` as the table `given`.
fn sql(root: Option<&Path>, extra: Option<RecordBatch>, statement: &str) -> RecordBatch {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SessionOptions { base: "/videos".into(), ..SessionOptions::default() };
        let ctx: SessionContext = session(&options, None).unwrap();
        if let Some(root) = root {
            register_dataset(&ctx, &Dataset::open(root).unwrap()).await.unwrap();
        }
        if let Some(batch) = extra {
            ctx.register_batch("given", batch).unwrap();
        }
        let frame = ctx.sql(statement).await.unwrap();
        let schema = Arc::new(frame.schema().as_arrow().clone());
        concat_batches(&schema, &frame.collect().await.unwrap()).unwrap()
    })
}

/// Each table of `root` read by Polars and by SQL; how many rows each has.
fn compare_tables(root: &Path) -> Vec<(&'static str, usize)> {
    let tables = scan_dataset(root).unwrap();
    assert_eq!(tables.len(), TABLES.len());
    let rows = |table: &Table| {
        let order: Vec<String> = table.key.iter().map(|k| format!("\"{k}\"")).collect();
        let wanted = sql(
            Some(root),
            None,
            &format!("SELECT * FROM {} ORDER BY {}", table.name, order.join(", ")),
        );
        let options = SortMultipleOptions::default();
        let frame = tables[table.name].clone().sort(table.key.to_vec(), options).collect().unwrap();
        let names: Vec<&str> = frame.get_column_names().iter().map(|n| n.as_str()).collect();
        let columns: Vec<&str> =
            wanted.schema_ref().fields().iter().map(|f| f.name().as_str()).collect();
        assert_eq!(names, columns, "{}", table.name);
        assert_eq!(
            to_record_batch(&frame, Some(wanted.schema_ref())).unwrap(),
            wanted,
            "{}",
            table.name
        );
        (table.name, wanted.num_rows())
    };
    TABLES.iter().map(rows).collect()
}

fn run(folder: &Path, requests: &str, code: i32) {
    let output = clipflow(folder, &["run", requests, "--out", "out"]);
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
}

#[test]
fn every_table_is_what_sql_reads() {
    let rows = compare_tables(&super::variants::finished().join("out"));
    // There is no detector of faces.
    let is_filled = |(name, rows): &(&str, usize)| (*rows > 0) == (*name != "faces");
    assert!(rows.iter().all(is_filled), "{rows:?}");
}

#[test]
fn shards_with_different_columns_are_one_table_and_empty_tables_have_their_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("a.csv"), "request_id,source_url,team\na,none.mp4,red\n").unwrap();
    fs::write(path.join("b.csv"), "request_id,source_url,campaign\nb,none.mp4,spring\n").unwrap();
    run(path, "a.csv", 3);
    run(path, "b.csv", 3);
    let tables = scan_dataset(&path.join("out")).unwrap();
    for table in TABLES {
        let frame = tables[table.name].clone().collect().unwrap();
        let known = to_record_batch(&frame, Some(&table.schema())).unwrap();
        match table.name {
            // Each of the two runs has measured something.
            "run_stats" => assert!(known.num_rows() > 20),
            name => {
                assert_eq!(known.num_rows(), if table.carries_extra { 2 } else { 0 }, "{name}");
            }
        }
    }
    let outcomes = scan_table(&path.join("out"), "outcomes")
        .unwrap()
        .sort(["request_id"], SortMultipleOptions::default());
    let extra = outcomes.select([col("team"), col("campaign")]).collect().unwrap();
    assert_eq!(
        extra,
        df!["team" => [Some("red"), None], "campaign" => [None, Some("spring")]].unwrap()
    );
}

#[test]
fn columns_that_polars_lacks_are_widened() {
    let folder = tempfile::tempdir().unwrap();
    let names = DictionaryArray::<Int32Type>::from_iter([Some("red"), None, Some("red")]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("request_id", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
        ("source_url", Arc::new(StringArray::from(vec!["none.mp4"; 3]))),
        ("tier", Arc::new(Int8Array::from(vec![Some(-3), None, Some(7)]))),
        ("team", Arc::new(names)),
        ("asked", Arc::new(TimestampSecondArray::from(vec![Some(1_700_000_000), None, Some(-1)]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(folder.path().join("r.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    run(folder.path(), "r.parquet", 3);
    let rows = compare_tables(&folder.path().join("out"));
    assert_eq!(rows[..2], [("requests", 3), ("outcomes", 3)]);
    let requests = scan_table(&folder.path().join("out"), "requests").unwrap().collect().unwrap();
    assert_eq!(requests.column("tier").unwrap().i32().unwrap().to_vec(), [Some(-3), None, Some(7)]);
}

#[test]
fn a_folder_without_results_and_a_table_that_is_none_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(scan_dataset(folder.path()).err().unwrap().code(), ErrorCode::StoreRead);
    let error = scan_table(&show::finished().join("out"), "clip").err().unwrap();
    assert_eq!(error.code(), ErrorCode::QueryInvalid);
    assert!(error.message().contains("clips, variants, renditions"), "{error}");
    assert!(per_source(LazyFrame::default(), "clips").is_err());
    assert!(per_source(LazyFrame::default(), "candidates").is_err());
}

/// The windows of every valid request, chosen anew from the tables of the show.
fn candidates_again() -> LazyFrame {
    let tables = scan_dataset(&show::finished().join("out")).unwrap();
    let lists = |name| per_source(tables[name].clone(), name).unwrap();
    let on = || [col("source_id")];
    let sources = tables["sources"].clone().select([col("source_id"), col("location")]);
    let analysed = sources
        .join(lists("signals"), on(), on(), JoinArgs::new(JoinType::Left))
        .join(lists("shots"), on(), on(), JoinArgs::new(JoinType::Left))
        .join(lists("cues"), on(), on(), JoinArgs::new(JoinType::Left));
    let asked =
        ["source_url", "language", "min_clip_length", "max_clip_length", "max_clips"].map(col);
    let [url, language, min, max, clips] = asked;
    let verdict = validate_request(url, language.clone(), min.clone(), max.clone(), clips.clone());
    let windows =
        select_clips(col("signals"), col("shots"), cues_in(col("cues"), language), min, max, clips);
    let split = ExplodeOptions { empty_as_null: false, keep_nulls: false };
    tables["requests"]
        .clone()
        .filter(verdict.struct_().field_by_name("error_code").is_null())
        .join(analysed, [col("location")], [col("location")], JoinArgs::new(JoinType::Inner))
        .select([col("request_id"), col("source_id"), windows])
        .explode(polars::prelude::cols(["select_clips"]), split)
        .unnest(polars::prelude::cols(["select_clips"]), None)
        .sort(["request_id", "candidate_id"], SortMultipleOptions::default())
}

#[test]
fn select_clips_chooses_what_the_run_chose() {
    let statement = "SELECT * FROM candidates ORDER BY request_id, candidate_id";
    let wanted = sql(Some(&show::finished().join("out")), None, statement);
    assert!(wanted.num_rows() > 50 && wanted.num_columns() == Candidate::fields().len() + 2);
    for engine in [Engine::InMemory, Engine::Streaming] {
        let found = candidates_again().collect_with_engine(engine).unwrap().unwrap_single();
        assert_eq!(
            to_record_batch(&found, Some(wanted.schema_ref())).unwrap(),
            wanted,
            "{engine:?}"
        );
    }
}

/// Requests of which some are bad, in every way.
fn requests() -> DataFrame {
    df![
        "url" => [
            Some("a.mp4"), None, Some(" "), Some("ftp:/x"), Some("https://e.org/v"), Some("./b/../a.mp4"),
            Some("c.mp4"), Some("ümlaut \u{0}.mp4"), Some("d.mp4"), Some("e.mp4"), Some("ümlaut.mp4"),
        ],
        "language" => [
            Some("en"), Some("en"), None, Some("e"), Some("pt-BR"), None, Some("eng"), Some("deu"),
            Some("not a tag"), Some("en"), Some("DE"),
        ],
        "min" => [
            Some(15.0), None, Some(f64::NAN), Some(-1.0), Some(0.5), Some(30.0), Some(20.0),
            Some(f64::INFINITY), None, Some(f64::NAN), None,
        ],
        "max" => [
            Some(60), None, Some(60), Some(7), Some(9), Some(20), Some(700), Some(60), None, None, None,
        ],
        "clips" => [
            Some(3i64), None, Some(0), Some(101), Some(1), Some(2), Some(3), Some(-1), None, Some(1), Some(101),
        ],
    ]
    .unwrap()
}

#[test]
fn validate_request_says_what_sql_says() {
    let given = requests();
    let statement = "SELECT v['error_code'] AS error_code, v['error_message'] AS error_message
        FROM (SELECT validate_request(url, language, min, max, clips) AS v FROM given)";
    let wanted = sql(None, Some(to_record_batch(&given, None).unwrap()), statement);
    let codes: BTreeSet<&str> = wanted.column(0).as_string::<i32>().iter().flatten().collect();
    assert_eq!(
        (wanted.column(0).null_count(), codes.len()),
        (2, 5),
        "two are valid, five codes: {codes:?}"
    );
    let [url, language, min, max, clips] = ["url", "language", "min", "max", "clips"].map(col);
    let verdicts = given.lazy().select([validate_request(url, language, min, max, clips)]);
    let verdicts = verdicts.unnest(polars::prelude::cols(["validate_request"]), None);
    for engine in [Engine::InMemory, Engine::Streaming] {
        let found = verdicts.clone().collect_with_engine(engine).unwrap().unwrap_single();
        assert_eq!(
            to_record_batch(&found, Some(wanted.schema_ref())).unwrap(),
            wanted,
            "{engine:?}"
        );
    }
}

#[test]
fn the_other_functions_say_what_sql_says() {
    let statement = "SELECT stable_id(url, min, clips) AS id, stable_id(max, 'x') AS other,
            source_location(url) AS place, without_signature(url) AS shown, same_language(language, 'eng') AS english,
            json_text(named_struct('url', url, 'max', max)) AS json,
            no_candidate_message(min, 15, max) AS why
        FROM given";
    let given = requests();
    let wanted = sql(None, Some(to_record_batch(&given, None).unwrap()), statement);
    let found = given.lazy().select([
        stable_id(&[col("url"), col("min"), col("clips")]).alias("id"),
        stable_id(&[col("max"), lit("x")]).alias("other"),
        source_location(col("url"), Path::new("/videos")).alias("place"),
        without_signature(col("url")).alias("shown"),
        same_language(col("language"), lit("eng")).alias("english"),
        json_text(as_struct(vec![col("url"), col("max")])).alias("json"),
        no_candidate_message(col("min"), lit(15), col("max")).alias("why"),
    ]);
    assert_eq!(
        to_record_batch(&found.collect().unwrap(), Some(wanted.schema_ref())).unwrap(),
        wanted
    );
}

#[test]
fn texts_of_clips_are_what_sql_and_rust_make() {
    let said = [
        Some(
            "Solar panels are cheap.\nA solar panel pays for itself. How long does a battery last?",
        ),
        Some(
            "Los médicos usan inteligencia artificial. La inteligencia artificial lee radiografías.",
        ),
        None,
        Some("♪♪"),
        Some("人工知能は医療を変えます。人工知能は怖いですか？"),
    ];
    let given = df![
        "said" => said,
        "language" => [Some("en"), None, Some("en"), None, Some("ja")],
        "interests" => [Some("[\"battery\"]"), Some("{\"interests\":[\"medic\"]}"), None, Some(""), None],
        "most" => [Some(2i64), Some(3), None, None, Some(-1)],
    ]
    .unwrap();
    let statement = "SELECT keyphrases(said, language, most) AS phrases,
            hashtags(keyphrases(said, language, 9), interests, most) AS tags,
            clip_title(said, language, 30) AS title
        FROM given";
    let wanted = sql(None, Some(to_record_batch(&given, None).unwrap()), statement);
    let found = given.lazy().select([
        keyphrases(col("said"), col("language"), col("most")).alias("phrases"),
        hashtags(keyphrases(col("said"), col("language"), lit(9)), col("interests"), col("most"))
            .alias("tags"),
        clip_title(col("said"), col("language"), lit(30)).alias("title"),
    ]);
    for engine in [Engine::InMemory, Engine::Streaming] {
        let found = found.clone().collect_with_engine(engine).unwrap().unwrap_single();
        let found = to_record_batch(&found, Some(wanted.schema_ref())).unwrap();
        assert_eq!(found, wanted, "{engine:?}");
    }
    let phrases = wanted.column(0).as_list::<i32>();
    assert!(phrases.is_null(2) && phrases.value(3).is_empty() && phrases.value(4).is_empty());
    let own = clipflow::kernels::text::keyphrases(said[0].unwrap(), Some("en"), 2);
    let first = phrases.value(0);
    let texts = first.as_struct().column(0).as_string::<i32>();
    assert_eq!(
        texts.iter().flatten().collect::<Vec<_>>(),
        own.iter().map(|k| &k.text).collect::<Vec<_>>()
    );
    let titles: Vec<_> = wanted.column(2).as_string::<i32>().iter().collect();
    assert_eq!(
        titles[..4],
        [Some("Solar panels are cheap"), Some("La inteligencia artificial…"), None, None]
    );
    let of = |e: Expr| polars_error(requests().lazy().select([e]).collect().unwrap_err());
    let error = of(hashtags(col("url"), lit("[]"), lit(3)));
    assert_eq!(
        error.message(),
        "hashtags takes a list of texts, or of structs of text and weight as keyphrases, not Utf8; it is called as hashtags(keyphrases, interests, n)"
    );
    let phrases = || keyphrases(col("language"), lit(NULL), lit(3));
    assert_eq!(of(hashtags(phrases(), lit("tech"), lit(3))).code(), ErrorCode::QueryInvalid);
}

#[test]
fn literals_stand_for_every_row_and_frames_without_rows_stay_so() {
    let verdict = || validate_request(lit("a.mp4"), lit(NULL), lit(10), col("max"), lit(1));
    let code = || verdict().struct_().field_by_name("error_code");
    for rows in [0, 1, 3] {
        let found =
            requests().head(Some(rows)).lazy().select([code(), col("max")]).collect().unwrap();
        assert_eq!(found.shape(), (rows, 2));
        assert_eq!(found.schema().get("error_code"), Some(&DataType::String));
    }
    let found =
        requests().lazy().filter(code().is_not_null()).select([col("max")]).collect().unwrap();
    let bad = found.column("max").unwrap().i32().unwrap().to_vec();
    assert_eq!(bad, [Some(7), Some(9), Some(700)]);
    let alone = df!["a" => [1, 2]]
        .unwrap()
        .lazy()
        .select([same_language(lit("de"), lit("deu"))])
        .collect()
        .unwrap();
    assert_eq!(alone, df!["same_language" => [true]].unwrap());
}

#[test]
fn statistics_of_experiments_are_those_of_sql() {
    let counts = df!["k" => [Some(3.0), Some(0.0), None, Some(9.0)], "n" => [10.0, 0.0, 5.0, 8.0],
        "m" => [20.0, 7.0, 5.0, 30.0]]
    .unwrap();
    let pair = || [col("k"), col("n")];
    let other = || [lit(2), col("m")];
    let frame = counts
        .clone()
        .lazy()
        .select([
            ClipflowExprs::wilson(col("k"), col("n"), lit(0.9)),
            two_proportion_z(pair(), other()),
            difference_interval(pair(), other(), lit(0.9)),
            min_detectable_effect(lit(0.2), col("n"), col("m")),
            col("k").implode(true).alias("ks"),
            col("m").implode(true).alias("ms"),
            (col("k") / lit(16.0)).implode(true).alias("ps"),
        ])
        .with_columns([
            ClipflowExprs::holm(col("ps")),
            ClipflowExprs::thompson_split(col("ks"), col("ms"), lit(5)),
        ])
        .drop(cols(["ks", "ms", "ps"]))
        .collect()
        .unwrap();
    let given = to_record_batch(&counts, None).unwrap();
    let wanted = sql(
        None,
        Some(given),
        "WITH lists AS (SELECT array_agg(k) AS ks, array_agg(m) AS ms, array_agg(k / 16.0) AS ps FROM given)
         SELECT wilson(k, n, 0.9) AS wilson, two_proportion_z(k, n, 2, m) AS two_proportion_z,
            difference_interval(k, n, 2, m, 0.9) AS difference_interval,
            min_detectable_effect(0.2, n, m) AS min_detectable_effect,
            holm(ps) AS holm, thompson_split(ks, ms, 5) AS thompson_split
         FROM given CROSS JOIN lists",
    );
    let found = to_record_batch(&frame, Some(&wanted.schema())).unwrap();
    // As they are shown: what lies beneath a NULL struct is not shown.
    for (found, wanted) in found.columns().iter().zip(wanted.columns()) {
        for row in 0..wanted.len() {
            let shown = |c: &ArrayRef| arrow::util::display::array_value_to_string(c, row).unwrap();
            assert_eq!(shown(found), shown(wanted));
        }
    }
    assert!(wanted.column(0).is_null(1) && wanted.column(0).is_null(2));
    assert!(wanted.column(0).is_null(3) && wanted.column(0).is_valid(0));
}

#[test]
fn mistakes_come_back_as_typed_errors() {
    let of = |e: Expr| polars_error(requests().lazy().select([e]).collect().unwrap_err());
    let error = of(select_clips(col("min"), col("min"), col("min"), lit(1), lit(2), lit(1)));
    assert_eq!(
        (error.code(), error.message()),
        (
            ErrorCode::QueryInvalid,
            "select_clips takes a list of rows of signals as signals, not Float64; it is called as select_clips(signals, shots, cues, min, max, n[, weights])"
        )
    );
    assert_eq!(
        of(validate_request(col("max"), lit("en"), lit(1), lit(2), lit(3))).message(),
        "validate_request takes text as source_url, not Int32; it is called as validate_request(source_url, language, min, max, n)"
    );
    assert_eq!(of(col("nothing")).code(), ErrorCode::QueryInvalid);
    assert_eq!(of(stable_id(&[])).code(), ErrorCode::QueryInvalid);
}

#[test]
fn a_frame_makes_the_types_of_the_tables_again() {
    for table in TABLES {
        let schema: Arc<Schema> = table.schema();
        let empty = to_frame(&schema, &[]).unwrap();
        assert_eq!(to_record_batch(&empty, Some(&schema)).unwrap(), RecordBatch::new_empty(schema));
    }
}
