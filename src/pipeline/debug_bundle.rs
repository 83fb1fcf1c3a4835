//! What is known of one request, as a ZIP file for a bug report.

use std::io::Write;

use datafusion::common::ScalarValue;
use datafusion::prelude::{DataFrame, SessionContext};
use rawzip::ZipArchiveWriter;
use serde::Deserialize;

use super::monitor::read_rows;
use super::{Requests, RunConfig, explain};
use crate::cancel::CancelToken;
use crate::config::SETTINGS;
use crate::error::{Error, ErrorCode, Result};
use crate::location::redacted;
use crate::media::{MediaCommand, MediaLimits};
use crate::query::output::{OutputFormat, write_stream};
use crate::query::results::register_dataset;
use crate::query::rows::rows;
use crate::query::{query_error, session, sql};
use crate::store::DatasetRoot;
use crate::telemetry::scrub;

/// A ZIP file and what is in it.
#[derive(Debug, Clone)]
pub struct DebugBundle {
    /// The content of the file.
    pub zip: Vec<u8>,
    /// The names of the files in it.
    pub files: Vec<String>,
}

/// The tables of results that tell of a request, each with its condition.
const TABLES: &[(&str, &str)] = &[
    ("requests", "request_id = $request_id"),
    ("outcomes", "request_id = $request_id"),
    ("sources", "source_id IN (SELECT source_id FROM outcomes WHERE request_id = $request_id)"),
    ("candidates", "request_id = $request_id"),
    ("clips", "request_id = $request_id"),
    ("variants", "request_id = $request_id"),
    ("renditions", "request_id = $request_id"),
];

const README: &str = "Debug bundle of clipflow: what is known of one request.

requests.json .. renditions.json  its rows in the tables of the results
processes.json                    rows of media work on its source, with ffmpeg's commands and last words; kept for
                                  rows that failed, and for all rows of runs with debug on
plan.txt                          what a run of this request would do and cost
run_stats.json                    what the last run measured
settings.toml, versions.json      settings, programs and versions

Signatures and passwords in URLs are removed. File names, titles and captions are not: look through it before you
share it.
";

/// Collect what the results of `config` say of a request.
///
/// # Errors
/// `store.read` if there are no results, `config.invalid` if they have no such request.
pub async fn debug_bundle(config: &RunConfig, request_id: &str) -> Result<DebugBundle> {
    let root = config.place(&config.resilience())?;
    let dataset = root.existing().await?;
    let ctx = session(&config.session_options(), None)?;
    register_dataset(&ctx, &dataset).await?;
    let location = location(&ctx, request_id).await?;
    let mut bundle = BundleWriter::new();
    bundle.add("README.txt", README)?;
    for (table, condition) in TABLES {
        let query = format!("SELECT * FROM {table} WHERE {condition}");
        let frame = of_request(&ctx, &query, request_id).await?;
        bundle.add(&format!("{table}.json"), &json_rows(frame).await?)?;
    }
    bundle.add("processes.json", &processes(&root, location.as_deref()))?;
    let frame =
        of_request(&ctx, "SELECT * FROM requests WHERE request_id = $request_id", request_id);
    bundle.add("plan.txt", &plan(config, frame.await?).await)?;
    let stats = ctx.sql(sql::stats::LAST).await.map_err(query_error)?;
    bundle.add("run_stats.json", &json_rows(stats).await?)?;
    bundle.add("settings.toml", &settings(config))?;
    bundle.add("versions.json", &versions(config).await)?;
    bundle.finish()
}

/// The source of the request.
async fn location(ctx: &SessionContext, request_id: &str) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Source {
        location: Option<String>,
    }
    let query = "SELECT location FROM requests WHERE request_id = $request_id";
    let found: Vec<Source> = rows(of_request(ctx, query, request_id).await?).await?;
    let missing = || {
        let message = format!(
            "the results have no request {request_id}; SELECT request_id FROM requests lists them"
        );
        Error::new(ErrorCode::ConfigInvalid, message)
    };
    found.into_iter().next().map(|source| source.location).ok_or_else(missing)
}

async fn of_request(ctx: &SessionContext, query: &str, request_id: &str) -> Result<DataFrame> {
    let frame = ctx.sql(query).await.map_err(query_error)?;
    let value = vec![("request_id", ScalarValue::from(request_id))];
    frame.with_param_values(value).map_err(query_error)
}

async fn json_rows(frame: DataFrame) -> Result<String> {
    let stream = frame.execute_stream().await.map_err(query_error)?;
    let mut text = vec![];
    write_stream(stream, OutputFormat::Json, &mut text, usize::MAX).await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The records of media work on a source, a line each; newest run last.
fn processes(root: &DatasetRoot, location: Option<&str>) -> String {
    let (DatasetRoot::Folder(folder), Some(location)) = (root, location) else {
        return String::new();
    };
    let shown = redacted(location);
    let rows = read_rows(folder).into_iter().filter(|(_, row)| row.location == shown);
    let lines = rows.map(|(run_id, row)| {
        serde_json::json!({ "run_id": run_id, "row": row }).to_string() + "\n"
    });
    lines.collect()
}

/// What a run of the request would do. That it cannot be planned is worth knowing too.
async fn plan(config: &RunConfig, request: DataFrame) -> String {
    // What the run adds to a request is no part of it.
    let known = ["row", "location", "request_file"];
    let own = RunConfig {
        requests: match request.drop_columns(&known) {
            Ok(request) => Requests::from(request),
            Err(e) => {
                return format!("the request cannot be planned: {}\n", query_error(e).message());
            }
        },
        ..config.clone()
    };
    match explain(&own).await {
        Ok(explanation) => format!("{explanation}\n"),
        Err(e) => format!("the request cannot be planned: error[{}]: {}\n", e.code(), e.message()),
    }
}

fn settings(config: &RunConfig) -> String {
    let line = |setting: &crate::config::Setting| {
        let value = config.parallel.get(setting.name).unwrap_or_default();
        format!("{} = {}\n", setting.name, serde_json::Value::from(value))
    };
    SETTINGS.iter().map(line).collect()
}

async fn versions(config: &RunConfig) -> String {
    let tools = config.media_tools();
    let ffmpeg = tools.ok().map(|tools| {
        tokio::task::spawn_blocking(move || {
            let mut command = MediaCommand::ffmpeg(&tools, &MediaLimits::default());
            command.arg("-version");
            command.capture(&CancelToken::new(), 64 << 10).ok()
        })
    });
    let said = match ffmpeg {
        Some(ffmpeg) => ffmpeg.await.ok().flatten().map(|(text, _)| text),
        None => None,
    };
    let said = said.map(|text| String::from_utf8_lossy(&text).into_owned());
    let lines: Vec<&str> = said.as_deref().unwrap_or("not found").lines().take(3).collect();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let versions = serde_json::json!({
        "clipflow": env!("CARGO_PKG_VERSION"),
        "datafusion": datafusion::DATAFUSION_VERSION,
        "ffmpeg": lines,
        "system": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
        "cores": cores,
    });
    format!("{versions:#}\n")
}

/// Writes a ZIP file in memory.
struct BundleWriter {
    zip: ZipArchiveWriter<Vec<u8>>,
    files: Vec<String>,
}

impl BundleWriter {
    fn new() -> Self {
        Self { zip: ZipArchiveWriter::new(vec![]), files: vec![] }
    }

    /// Adds a file, without the secrets of URLs.
    fn add(&mut self, name: &str, text: &str) -> Result<()> {
        let (mut entry, config) = self.zip.new_file(name).start().map_err(cannot_pack)?;
        let mut writer = config.wrap(&mut entry);
        writer.write_all(scrub(text).as_bytes()).map_err(cannot_pack)?;
        let (_, descriptor) = writer.finish().map_err(cannot_pack)?;
        entry.finish(descriptor).map_err(cannot_pack)?;
        self.files.push(name.to_owned());
        Ok(())
    }

    fn finish(self) -> Result<DebugBundle> {
        let zip = self.zip.finish().map_err(cannot_pack)?;
        Ok(DebugBundle { zip, files: self.files })
    }
}

fn cannot_pack(cause: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Internal, format!("the files cannot be packed ({cause})"))
}
