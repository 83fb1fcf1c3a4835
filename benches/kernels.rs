//! The kernels alone: selection, validation, shots and picture signals, ids, texts.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Schema};
use clipflow::kernels::ids::stable_id;
use clipflow::kernels::score::ScoreModels;
use clipflow::kernels::select::{
    OwnedColumns, PreparedSource, SelectParams, Weights, select_clips,
};
use clipflow::kernels::text::{Line, Script, TextInput, TitleStyle, keyphrases};
use clipflow::kernels::validate::{RequestColumns, validate};
use clipflow::kernels::variants::{ClipFacts, Scorer, clip_brief, make_variants, platforms_for};
use clipflow::kernels::visual::{FRAME_BYTES, HEIGHT, VisualAnalyzer, WIDTH};
use clipflow::model::TextLimits;
use clipflow::model::edit::CaptionMode;
use clipflow::model::{AudienceProfile, Cue, Shot, Signal, Transition};
use clipflow::query::{SessionOptions, session};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Seconds of the source that clips are selected from.
const HOUR: f64 = 3600.0;
/// Rows that are validated at a time.
const ROWS: usize = 100_000;
/// Frames that are looked at at a time.
const FRAMES: usize = 500;

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A source in which everything varies: four signals a second, shots of four seconds on average,
/// a cue every two or three seconds.
fn source(duration: f64) -> (Vec<Signal>, Vec<Shot>, Vec<Cue>) {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let signals = (0..(duration * 4.0) as usize)
        .map(|i| Signal {
            t: i as f64 / 4.0,
            shot_score: random.unit(),
            motion: random.unit() * 0.2,
            luma: random.unit(),
            chroma: random.unit() * 0.3,
            saliency_x: 0.5,
            saliency_y: 0.5,
            loudness: Some(-50.0 + 40.0 * random.unit()),
            onset: Some(random.unit()),
            speech: Some(random.unit()),
            silence: Some(if random.unit() < 0.15 { random.unit() } else { 0.0 }),
            caption_density: random.unit() * 20.0,
        })
        .collect();
    let (mut shots, mut cues) = (vec![], vec![]);
    let mut start = 0.0;
    while start < duration {
        let end = (start + 0.1 + random.unit() * 8.0).min(duration);
        shots.push(Shot {
            shot_id: shots.len() as i64,
            start,
            end,
            area: None,
            transition: Transition::Cut,
            score: random.unit(),
            first_frame: (start * 25.0) as i64,
            last_frame: (end * 25.0) as i64 - 1,
        });
        start = end;
    }
    let mut start = random.unit() * 3.0;
    while start < duration {
        let end = start + 0.5 + random.unit() * 3.0;
        let text = if random.unit() < 0.5 { "A sentence ends here." } else { "and it goes on" };
        cues.push(Cue {
            cue_id: cues.len() as i64,
            start,
            end,
            text: text.to_owned(),
            language: None,
            origin: "sidecar".to_owned(),
            words: None,
        });
        start = end + random.unit() * 2.0;
    }
    (signals, shots, cues)
}

/// One row that holds all of `columns` as a list of structs.
fn list(columns: Vec<(&str, ArrayRef)>) -> Result<ListArray> {
    let structs = StructArray::try_from(columns)?;
    let item = Arc::new(Field::new_list_field(structs.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([structs.len()]);
    Ok(ListArray::try_new(item, offsets, Arc::new(structs), None)?)
}

fn floats<T>(rows: &[T], get: impl Fn(&T) -> Option<f64>) -> ArrayRef {
    Arc::new(rows.iter().map(get).collect::<Float64Array>())
}

/// The source as the columns `signals`, `shots` and `cues` of one row.
fn lists(signals: &[Signal], shots: &[Shot], cues: &[Cue]) -> Result<[ListArray; 3]> {
    let texts = StringArray::from_iter_values(cues.iter().map(|c| &c.text));
    Ok([
        list(vec![
            ("t", floats(signals, |s| Some(s.t))),
            ("motion", floats(signals, |s| Some(s.motion))),
            ("luma", floats(signals, |s| Some(s.luma))),
            ("chroma", floats(signals, |s| Some(s.chroma))),
            ("loudness", floats(signals, |s| s.loudness)),
            ("onset", floats(signals, |s| s.onset)),
            ("speech", floats(signals, |s| s.speech)),
            ("silence", floats(signals, |s| s.silence)),
            ("caption_density", floats(signals, |s| Some(s.caption_density))),
        ])?,
        list(vec![
            ("start", floats(shots, |s| Some(s.start))),
            ("end", floats(shots, |s| Some(s.end))),
            ("score", floats(shots, |s| Some(s.score))),
        ])?,
        list(vec![
            ("start", floats(cues, |c| Some(c.start))),
            ("end", floats(cues, |c| Some(c.end))),
            ("text", Arc::new(texts)),
        ])?,
    ])
}

/// A request for clips of 15 to 60 s of an hour; the bar is 50 ms.
fn selection(c: &mut Criterion) -> Result<()> {
    let mut group = c.benchmark_group("select, 1 h source, 15-60 s");
    let (signals, shots, cues) = source(HOUR);
    let owned = OwnedColumns::new(&signals, &shots, &cues);
    let (params, weights) = (SelectParams::default(), Weights::default());
    group.bench_function("prepare the source", |b| {
        b.iter(|| PreparedSource::new(&owned.columns()));
    });
    let prepared = PreparedSource::new(&owned.columns());
    let found = prepared.select(&params, &weights).map_err(|e| e.to_string())?;
    println!("{} windows are scored for a request", found.candidates.len());
    group.bench_function("select from a prepared source", |b| {
        b.iter(|| prepared.select(black_box(&params), &weights));
    });
    let columns = lists(&signals, &shots, &cues)?;
    let one = Float64Array::from(vec![params.min_clip_length]);
    let other = Float64Array::from(vec![params.max_clip_length]);
    let clips = Int64Array::from(vec![params.max_clips]);
    group.bench_function("kernel on Arrow lists", |b| {
        let [signals, shots, cues] = &columns;
        b.iter(|| select_clips(signals, shots, cues, &one, &other, &clips));
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let ctx = session(&SessionOptions::default(), None)?;
    let names = ["signals", "shots", "cues"];
    let fields: Vec<Field> = names
        .iter()
        .zip(&columns)
        .map(|(n, c)| Field::new(*n, c.data_type().clone(), true))
        .collect();
    let arrays = columns.iter().map(|c| Arc::new(c.clone()) as ArrayRef).collect();
    ctx.register_batch("one", RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)?;
    let sql = "SELECT count(*) FROM (SELECT unnest(select_clips(signals, shots, cues, 15, 60, 3)) AS c FROM one) WHERE c['chosen']";
    let query = || runtime.block_on(async { ctx.sql(sql).await?.collect().await });
    let chosen = query()?;
    let chosen = chosen
        .first()
        .map(|b| b.column(0).as_primitive::<arrow::datatypes::Int64Type>().values()[0]);
    if chosen != Some(params.max_clips) {
        return Err(format!("the query chose {chosen:?} clips").into());
    }
    group.bench_function("SQL with unnest, planning included", |b| b.iter(query));
    group.finish();
    Ok(())
}

/// 100,000 rows, of which a tenth is invalid.
fn validation(c: &mut Criterion) -> Result<()> {
    let urls = (0..ROWS).map(|i| match i % 50 {
        0 => None,
        1 => Some("ht!tp://host/a.mp4".to_owned()),
        _ => Some(format!("https://videos.example.org/channel-{}/{i}.mp4", i % 97)),
    });
    let urls: StringArray = urls.collect();
    let languages: StringArray =
        (0..ROWS).map(|i| if i % 50 == 2 { "english" } else { "pt-BR" }).map(Some).collect();
    let min: Float64Array =
        (0..ROWS).map(|i| Some(if i % 50 == 3 { 90.0 } else { 15.0 })).collect();
    let max: Float64Array = (0..ROWS).map(|_| Some(60.0)).collect();
    let clips: Int64Array = (0..ROWS).map(|i| Some(if i % 50 == 4 { 0 } else { 3 })).collect();
    let columns = RequestColumns {
        source_url: &urls,
        language: Some(&languages),
        min_clip_length: Some(&min),
        max_clip_length: Some(&max),
        max_clips: Some(&clips),
    };
    let invalid = ROWS - validate(&columns)?.error_code.null_count();
    if invalid != ROWS / 10 {
        return Err(format!("{invalid} of {ROWS} rows are invalid, not a tenth").into());
    }
    let mut group = c.benchmark_group("validate");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("100,000 rows, a tenth invalid", |b| b.iter(|| validate(&columns)));
    group.finish();
    Ok(())
}

/// Frames with a moving pattern and grain, and a cut every 60 frames.
fn pictures(c: &mut Criterion) {
    let mut random = Random(7);
    let frames: Vec<Vec<u8>> = (0..FRAMES)
        .map(|n| {
            let scene = n / 60;
            (0..FRAME_BYTES)
                .map(|i| {
                    let (x, y) = (i % WIDTH + n, i / WIDTH % HEIGHT);
                    let level = (x * (1 + scene % 5) / 3 + y * 2 + scene * 70) % 200;
                    (level as f64 + 16.0 + 6.0 * random.unit()) as u8
                })
                .collect()
        })
        .collect();
    let mut group = c.benchmark_group("visual");
    group.throughput(Throughput::Elements(FRAMES as u64));
    group.bench_function("500 frames, shots and signals", |b| {
        b.iter(|| {
            let mut analyzer = VisualAnalyzer::new(4.0);
            for (n, frame) in frames.iter().enumerate() {
                analyzer.push(n as f64 / 25.0, frame);
            }
            analyzer.finish(FRAMES as f64 / 25.0)
        });
    });
    group.finish();
}

fn ids(c: &mut Criterion) {
    let parts = ["https://videos.example.org/channel-12/4711.mp4", "en", "15", "60", "3"];
    let mut group = c.benchmark_group("stable_id");
    group.throughput(Throughput::Elements(1));
    group.bench_function("five texts", |b| b.iter(|| stable_id(black_box(parts).map(Some))));
    group.finish();
}

/// Criterion's functions return nothing: what cannot be set up is told and ends the program.
fn set_up(result: Result<()>) {
    if let Err(e) = result {
        eprintln!("cannot measure: {e}");
        std::process::exit(1);
    }
}

fn all(c: &mut Criterion) {
    set_up(selection(c));
    set_up(validation(c));
    pictures(c);
    ids(c);
    texts(c);
    set_up(variants(c));
}

/// Variants of a clip of half a minute, from a brief that is made.
fn variants(c: &mut Criterion) -> Result<()> {
    let (signals, shots, mut cues) = source(60.0);
    for (i, cue) in cues.iter_mut().enumerate() {
        cue.text =
            ["Solar panels store energy in a battery.", "How much energy does a house need?"]
                [i % 2]
                .into();
    }
    let facts = ClipFacts {
        start: 10.0,
        end: 40.0,
        language: Some("en"),
        topic: None,
        size: (1280, 720),
        fps: 25.0,
        lengths: (5.0, 60.0),
    };
    let audience = AudienceProfile::parse(r#"{"age":"18-35","interests":["energy","diy"]}"#)?;
    let platforms = platforms_for(&[], &audience)?;
    let scorer = Scorer::new(ScoreModels::built_in()?)?;
    let brief = clip_brief(&facts, &signals, &shots, &cues);
    let mut group = c.benchmark_group("variants of a clip");
    group.bench_function("its brief", |b| {
        b.iter(|| clip_brief(black_box(&facts), &signals, &shots, &cues));
    });
    for n in [5, 20] {
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(format!("{n} variants"), |b| {
            b.iter(|| {
                make_variants(
                    black_box(&brief),
                    n,
                    &audience,
                    &platforms,
                    Some(CaptionMode::Burned),
                    &scorer,
                )
            });
        });
    }
    group.finish();
    Ok(())
}

/// The texts of a clip with a minute of speech: 150 words in 30 caption lines.
fn texts(c: &mut Criterion) {
    let talk = [
        "So today I want to show you how a solar panel works",
        "and why the battery matters more than the panel itself.",
        "How much energy does a house need at night?",
        "Most of the cost is the inverter, not the roof.",
        "My neighbour built one from old laptop cells!",
    ];
    let said: Vec<&str> = talk.iter().copied().cycle().take(30).collect();
    let text = said.join("\n");
    let lines: Vec<Line<'_>> = (said.iter().zip(0..))
        .map(|(text, i)| Line { text, start: f64::from(i) * 2.0, end: f64::from(i) * 2.0 + 2.0 })
        .collect();
    let phrases = keyphrases(&text, Some("en"), 12);
    let interests = ["energy".to_owned(), "diy".to_owned()];
    let input = TextInput {
        lines: &lines,
        keyphrases: &phrases,
        language: Some("en"),
        interests: &interests,
        ..TextInput::default()
    };
    let mut group = c.benchmark_group("texts of a minute of speech");
    group.bench_function("keyphrases", |b| b.iter(|| keyphrases(black_box(&text), Some("en"), 12)));
    group.bench_function("script", |b| b.iter(|| Script::of(black_box(&input))));
    let script = Script::of(&input);
    group.throughput(Throughput::Elements(TitleStyle::ALL.len() as u64));
    group.bench_function("titles in four forms", |b| {
        b.iter(|| TitleStyle::ALL.map(|style| script.title(black_box(style), 70)));
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("all texts", |b| {
        b.iter(|| script.describe(black_box(&TextLimits::default()), TitleStyle::Statement));
    });
    group.finish();
}

criterion_group! {
    name = kernels;
    config = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .sample_size(20);
    targets = all
}

criterion_main!(kernels);
