//! `clipflow mcp`, spoken to line by line as a client does.

mod client;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::support::gated::{Gate, files};
use super::support::show;
use super::support::waiting::until;
use client::{Client, code_of};

/// A folder of its own with the programme of [`show`] and its results.
fn finished() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["show.mp4", "notes.mp4", "requests.csv"] {
        fs::copy(show::finished().join(name), folder.path().join(name)).unwrap();
    }
    copy(&show::finished().join("out"), &folder.path().join("out"));
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(fs::copy(path, target).unwrap()),
        }
    }
}

#[test]
fn an_agent_reads_what_there_is_and_how_to_use_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = Client::start(folder.path(), &[]);
    let about = client.hello(None);
    assert_eq!(about["serverInfo"]["name"], "clipflow");
    assert!(about["instructions"].as_str().unwrap().contains("seconds"), "{about}");
    let tools = client.ask("tools/list", json!({}))["tools"].clone();
    let names: Vec<&str> =
        tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["validate", "explain", "run", "sql", "stats", "report"]);
    for tool in tools.as_array().unwrap() {
        let name = &tool["name"];
        assert!(tool["description"].as_str().unwrap().len() > 60, "{name}");
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{name}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
        for (argument, schema) in tool["inputSchema"]["properties"].as_object().unwrap() {
            let said = schema["description"].as_str().unwrap_or_default();
            assert!(said.len() > 20, "{name}.{argument}: {said}");
        }
        let reads = ["validate", "explain", "sql", "stats"].contains(&name.as_str().unwrap());
        assert_eq!(tool["annotations"]["readOnlyHint"], reads, "{name}");
    }
    let row = &tools[0]["inputSchema"]["$defs"]["RequestRow"]["properties"];
    for length in ["min_clip_length", "max_clip_length", "start", "end"] {
        assert!(row[length]["description"].as_str().unwrap().contains("seconds"), "{length}");
    }
    let error = client.ask_in_vain("tools/call", json!({ "name": "rm", "arguments": {} }));
    assert_eq!(error["code"], -32602, "{error}");
    client.end();
}

#[test]
fn each_tool_does_what_its_command_does() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("short.mp4"), show::short()).unwrap();
    let mut client = Client::start(folder.path(), &["--workers", "1"]);
    client.hello(None);
    let requests = json!([
        { "source_url": "short.mp4", "request_id": "a", "min_clip_length": 2, "max_clip_length": 4, "max_clips": 1, "campaign": "spring" },
        { "source_url": "short.mp4", "request_id": "b", "min_clip_length": 9, "max_clip_length": 4 },
    ]);
    let checked = client.call("validate", json!({ "requests": requests }));
    assert_eq!((&checked["requests"], &checked["invalid"]), (&json!(2), &json!(1)), "{checked}");
    assert_eq!(checked["errors"][0]["error_code"], "invalid_request.bad_length");
    assert_eq!(checked["errors"][0]["row"], 2);

    let run = json!({ "requests": requests, "results": "out" });
    let cost = client.call("explain", run.clone());
    assert_eq!((&cost["sources"], &cost["rejected"]), (&json!(1), &json!(1)), "{cost}");
    assert!((cost["decode_seconds"].as_f64().unwrap() - 6.0).abs() < 0.2, "{cost}");
    assert!(!folder.path().join("out").exists(), "explaining writes nothing");

    let (done, told) = client.call_with_progress("run", run.clone());
    assert_eq!((&done["answered"], &done["failed"]), (&json!(1), &json!(1)), "{done}");
    assert_eq!(done["failures"][0]["error_code"], "invalid_request.bad_length");
    assert_eq!(done["files"], 1);
    assert!(done["summary"].as_str().unwrap().starts_with("2 requests: 1 answered"), "{done}");
    let posts = Path::new(done["posts"].as_str().unwrap());
    assert!(posts.join("posts.csv").is_file(), "{done}");
    let progress: Vec<f64> = told.iter().map(|p| p["progress"].as_f64().unwrap()).collect();
    assert!(!progress.is_empty() && progress.is_sorted_by(|a, b| a < b), "{told:?}");
    assert!(told.iter().all(|p| p["message"].as_str().unwrap().contains(": ")), "{told:?}");
    let again = client.call("run", run);
    assert_eq!(again["reused"], true, "{again}");

    let query = "SELECT request_id, status, campaign, error_code FROM outcomes ORDER BY request_id";
    let rows = client.call("sql", json!({ "results": "out", "query": query }));
    assert_eq!(
        rows["rows"],
        json!([
            { "request_id": "a", "status": "ok", "campaign": "spring", "error_code": null },
            { "request_id": "b", "status": "failed", "campaign": null, "error_code": "invalid_request.bad_length" },
        ])
    );
    assert_eq!(rows["columns"][0], json!({ "name": "request_id", "type": "Utf8" }));
    assert_eq!(rows["has_more"], false);
    let query = "SELECT t, motion FROM signals ORDER BY t";
    let first = client.call("sql", json!({ "results": "out", "query": query, "max_rows": 3 }));
    assert_eq!(first["rows"].as_array().unwrap().len(), 3);
    assert_eq!(first["has_more"], true);

    let stats = client.call("stats", json!({ "results": "out" }));
    assert!(stats["rows"].as_array().unwrap().len() > 10, "{stats}");
    let report = client.call("report", json!({ "results": "out" }));
    let page = fs::read_to_string(report["page"].as_str().unwrap()).unwrap();
    assert_eq!(page.len() as u64, report["bytes"].as_u64().unwrap());
    assert_eq!(report["clips"], 1);
    client.end();
}

#[test]
fn errors_are_codes_and_sentences_that_name_arguments() {
    let folder = finished();
    let mut client = Client::start(folder.path(), &[]);
    client.hello(None);
    let cases = [
        (
            "sql",
            json!({ "results": "out", "query": "SELECT nonsense FROM clips" }),
            "query.invalid",
            "nonsense",
        ),
        ("sql", json!({ "results": "out", "query": "DROP TABLE clips" }), "query.invalid", ""),
        ("sql", json!({ "results": "out", "query": "COPY clips TO 'x.csv'" }), "query.invalid", ""),
        (
            "sql",
            json!({ "results": "out", "query": "SELECT 1; SELECT 2" }),
            "config.invalid",
            "give one",
        ),
        (
            "sql",
            json!({ "results": "out", "query": "SELECT 1", "max_rows": 5000 }),
            "config.invalid",
            "max_rows",
        ),
        ("sql", json!({ "results": "none", "query": "SELECT 1" }), "store.read", "no results"),
        ("sql", json!({ "results": "out", "query": 7 }), "config.invalid", "query"),
        (
            "sql",
            json!({ "results": "out", "query": "SELECT 1", "limit": 7 }),
            "config.invalid",
            "limit",
        ),
        ("run", json!({ "results": "new" }), "config.invalid", "requests_file"),
        ("run", json!({ "requests": [], "results": "new" }), "config.invalid", "empty"),
        (
            "run",
            json!({ "requests_file": "requests.csv", "results": "new", "max_clips": 0 }),
            "config.invalid",
            "max_clips is 0",
        ),
        (
            "run",
            json!({ "requests_file": "requests.csv", "results": "new", "size": "full" }),
            "config.invalid",
            "variants is 0",
        ),
        ("validate", json!({ "requests_file": "no.csv" }), "input.unreadable", "no.csv"),
        ("report", json!({ "results": "out", "page": "page.txt" }), "config.invalid", ".html"),
    ];
    for (tool, arguments, code, part) in cases {
        let result = client.call_raw(tool, &arguments);
        assert_eq!(result["isError"], true, "{tool} {arguments}: {result}");
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with(&format!("error[{code}]: ")), "{arguments}: {text}");
        assert!(text.contains(part), "{arguments}: {text}");
        assert_eq!(code_of(&result), code);
    }
    assert!(!folder.path().join("new").exists());
    client.end();
}

#[test]
fn nothing_outside_the_roots_is_read_or_written() {
    let folder = finished();
    let (all, root) = (folder.path().canonicalize().unwrap(), folder.path().join("root"));
    copy(&all.join("out"), &root.join("out"));
    for name in ["show.mp4", "requests.csv"] {
        fs::copy(all.join(name), root.join(name)).unwrap();
    }
    std::os::unix::fs::symlink(&all, root.join("link")).unwrap();
    let mut client = Client::start(&root, &["--root", "."]);
    client.hello(None);
    let outside = all.display().to_string();
    let query = "SELECT 1";
    let video = format!("{outside}/show.mp4");
    for (tool, arguments) in [
        ("sql", json!({ "results": format!("{outside}/out"), "query": query })),
        ("sql", json!({ "results": "../out", "query": query })),
        ("sql", json!({ "results": "link/out", "query": query })),
        ("sql", json!({ "results": "s3://bucket/out", "query": query })),
        ("sql", json!({ "results": "out", "query": query, "events": "../events.csv" })),
        ("sql", json!({ "results": "out", "query": query, "tables": { "t": "../requests.csv" } })),
        ("sql", json!({ "results": "out", "query": format!("SELECT * FROM shots('{video}')") })),
        ("sql", json!({ "results": "out", "query": "SELECT * FROM clips('../out')" })),
        ("stats", json!({ "results": "../out" })),
        ("report", json!({ "results": "out", "page": "../page.html" })),
        ("report", json!({ "results": "../out", "page": "page.html" })),
        ("run", json!({ "requests_file": "requests.csv", "results": "../new" })),
        ("run", json!({ "requests_file": "../requests.csv", "results": "new" })),
        ("validate", json!({ "requests_file": "/etc/passwd" })),
    ] {
        let result = client.call_raw(tool, &arguments);
        let text = result["content"][0]["text"].as_str().unwrap();
        assert_eq!(result["isError"], true, "{tool} {arguments}: {text}");
        assert_eq!(code_of(&result), "source.forbidden", "{arguments}: {text}");
        assert!(text.contains("--root"), "{arguments}: {text}");
    }
    // A source outside fails its request alone.
    let rows = json!([{ "source_url": video, "min_clip_length": 4, "max_clip_length": 9 }]);
    let done = client.call("run", json!({ "requests": rows, "results": "new" }));
    assert_eq!(done["failures"][0]["error_code"], "source.forbidden", "{done}");
    for uri in [
        format!("clipflow://table/clips?results={outside}/out"),
        "clipflow://file/../../requests.csv?results=out".to_owned(),
        "clipflow://file/%2e%2e/requests.csv?results=out".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let error = client.ask_in_vain("resources/read", json!({ "uri": uri }));
        assert!(error["message"].as_str().unwrap().starts_with("error["), "{uri}: {error}");
    }
    assert!(!all.join("page.html").exists() && !all.join("new").exists());
    client.end();
}

#[test]
fn the_roots_of_a_client_are_heeded_and_asked_for_again_when_they_change() {
    let folder = finished();
    let folder = folder.path().canonicalize().unwrap();
    fs::create_dir(folder.join("empty")).unwrap();
    let mut client = Client::start(&folder, &["--root", "."]);
    client.hello(Some(&[folder.join("empty")]));
    let query =
        json!({ "results": folder.join("out"), "query": "SELECT count(*) AS n FROM clips" });
    let refused = client.call_raw("sql", &query);
    assert_eq!(code_of(&refused), "source.forbidden", "{refused}");
    client.change_roots(&[folder.join("out")]);
    assert!(client.call("sql", query)["rows"][0]["n"].as_i64().unwrap() > 0);
    client.end();
}

#[test]
fn queries_that_would_take_all_memory_or_time_end_and_the_server_goes_on() {
    let folder = finished();
    let large = [
        ("SELECT length(repeat('a', 1000000000))", "--memory-limit"),
        ("SELECT cardinality(range(0, 1000000000))", "--memory-limit"),
        ("SELECT repeat('a', 20000000) AS a", "MB"),
    ]
    .map(|(sql, part)| (sql, "query.limits", part));
    let long = "SELECT count(*) FROM range(0, 100000000) a CROSS JOIN range(0, 100000000) b";
    for (flags, bombs) in [
        (["--memory-limit", "0.5"], &large[..]),
        (["--query-timeout", "3"], &[(long, "query.invalid", "--query-timeout")]),
    ] {
        let mut client = Client::start(folder.path(), &flags);
        client.hello(None);
        for (sql, code, part) in bombs {
            let result = client.call_raw("sql", &json!({ "results": "out", "query": sql }));
            assert_eq!(code_of(&result), *code, "{sql}: {result}");
            let text = result["content"][0]["text"].as_str().unwrap();
            assert!(text.contains(part), "{sql}: {text}");
        }
        let rows = client.call("sql", json!({ "results": "out", "query": "SELECT 1 AS one" }));
        assert_eq!(rows["rows"], json!([{ "one": 1 }]));
        client.end();
    }
}

#[test]
fn tables_and_media_files_are_resources() {
    let folder = finished();
    let mut client = Client::start(folder.path(), &[]);
    client.hello(None);
    let listed = client.ask("resources/list", json!({}));
    let listed = listed["resources"].as_array().unwrap();
    let named = |name: &str| {
        let found = listed.iter().find(|r| r["name"].as_str().unwrap().starts_with(name));
        found.unwrap_or_else(|| panic!("{name}: {listed:?}")).clone()
    };
    let table = client.ask("resources/read", json!({ "uri": named("clips")["uri"] }));
    let text = table["contents"][0]["text"].as_str().unwrap();
    let table: Value = serde_json::from_str(text).unwrap();
    let score = |c: &&Value| c["name"] == "score";
    let score = table["columns"].as_array().unwrap().iter().find(score).unwrap().clone();
    assert_eq!(score["type"], "Float64");
    assert!(score["description"].as_str().unwrap().len() > 5, "{score}");
    assert!(!table["rows"].as_array().unwrap().is_empty());

    let file = named("media/");
    let read = client.ask("resources/read", json!({ "uri": file["uri"] }));
    let contents = &read["contents"][0];
    assert_eq!(contents["mimeType"], "video/mp4");
    let bytes = fs::read(folder.path().join("out").join(file["name"].as_str().unwrap())).unwrap();
    assert_eq!(file["size"].as_u64().unwrap(), bytes.len() as u64);
    let blob = contents["blob"].as_str().unwrap();
    assert_eq!(blob.len(), bytes.len().div_ceil(3) * 4);
    client.end();

    // Beyond the limit the sentence says where the file is.
    let large = folder.path().join("out").join(file["name"].as_str().unwrap());
    fs::OpenOptions::new().append(true).open(&large).unwrap().set_len(1_000_001).unwrap();
    let mut client = Client::start(folder.path(), &["--resource-limit", "1"]);
    client.hello(None);
    let error = client.ask_in_vain("resources/read", json!({ "uri": file["uri"] }));
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(file["name"].as_str().unwrap()), "{message}");
    assert!(message.contains("--resource-limit"), "{message}");
    client.end();
}

#[test]
fn a_run_that_is_cancelled_ends_its_processes_and_goes_on_next_time() {
    let folder = tempfile::tempdir().unwrap();
    show::make(&folder.path().join("show.mp4"));
    for name in ["a", "b", "c"] {
        fs::copy(folder.path().join("show.mp4"), folder.path().join(format!("{name}.mp4")))
            .unwrap();
    }
    let gate = Gate::new(folder.path());
    let rows: Vec<Value> = ["a", "b", "c"]
        .iter()
        .map(|name| json!({ "source_url": format!("{name}.mp4"), "min_clip_length": 4, "max_clip_length": 8, "max_clips": 1 }))
        .collect();
    let run = json!({ "requests": rows, "results": "out" });
    let ffmpeg = gate.folder.join("ffmpeg");
    let environment = [("CLIPFLOW_FFMPEG", ffmpeg.to_str().unwrap()), ("CLIPFLOW_SANDBOX", "off")];
    let flags = ["--workers", "1"];
    let mut client = Client::start_with(&gate.folder, &flags, &environment);
    client.hello(None);
    let id = client.send("tools/call", json!({ "name": "run", "arguments": run }));
    gate.up_to(2);
    client.notify("notifications/cancelled", json!({ "requestId": id, "reason": "enough" }));
    until("its processes have ended", || gate.processes() == 1);
    // The server answers others meanwhile, and nothing of the run is visible.
    let query = json!({ "results": "out", "query": "SELECT 1" });
    until("the run has ended", || {
        let result = client.call_raw("sql", &query);
        code_of(&result) == "store.read"
    });
    assert!(!files(&gate.folder.join("out/_resume")).is_empty());
    assert_eq!(gate.calls().len(), 2);
    gate.open("all");
    let done = client.call("run", run);
    assert_eq!(done["answered"], 3, "{done}");
    let analysed = gate.calls().iter().filter(|call| call.starts_with("analyze")).count();
    assert_eq!(analysed, 2, "what was analysed before is not analysed again");
    client.end();
}

#[test]
fn a_client_that_is_gone_leaves_no_process_behind() {
    for is_told in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.mp4"), show::short()).unwrap();
        let gate = Gate::new(folder.path());
        let ffmpeg = gate.folder.join("ffmpeg");
        let environment =
            [("CLIPFLOW_FFMPEG", ffmpeg.to_str().unwrap()), ("CLIPFLOW_SANDBOX", "off")];
        let mut client = Client::start_with(&gate.folder, &["--workers", "1"], &environment);
        client.hello(None);
        let rows = json!([{ "source_url": "a.mp4", "min_clip_length": 2, "max_clip_length": 4 }]);
        let run = json!({ "name": "run", "arguments": { "requests": rows, "results": "out" } });
        client.send("tools/call", run);
        gate.up_to(1);
        match is_told {
            true => client.terminate(),
            false => client.close(),
        }
        until("media processes end with it", || gate.processes() == 0);
        assert!(client.wait().success());
        let left = files(&gate.folder.join("out"));
        assert!(!left.iter().any(|f| f.starts_with("_commit")), "{left:?}");
    }
}
