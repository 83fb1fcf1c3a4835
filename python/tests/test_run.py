"""Runs, validation, tables and errors."""

from __future__ import annotations

import json
import pickle
import threading
import time
from pathlib import Path
from typing import Any

import clipflow
import duckdb
import pandas
import polars
import pyarrow
import pytest
from clipflow import _clipflow

REQUEST = {"source_url": "talk.mp4", "min_clip_length": 4, "max_clip_length": 9, "max_clips": 2}
LOST = {"source_url": "missing.mp4"}


def rows(*more: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**REQUEST, "campaign": "spring"}, *more]


def test_a_run_gives_tables_that_every_library_reads(work: Path) -> None:
    results = clipflow.run(rows(LOST), "out", progress=False)
    summary = results.summary
    assert summary is not None
    assert (summary.rows, summary.answered, summary.failed, summary.clips) == (2, 1, 1, 2)
    assert summary.failures[0]["error_code"] == "source.not_found"
    assert not summary.is_complete and "2 requests" in summary.text

    clips = results.clips
    assert "clip_id" in clips.columns and "lazy" in repr(clips)
    ids = clips.to_arrow()["clip_id"].to_pylist()
    assert sorted(ids) == sorted(polars.DataFrame(clips)["clip_id"]) == sorted(clips.to_pandas()["clip_id"])
    assert sorted(pyarrow.table(clips)["clip_id"].to_pylist()) == sorted(ids)
    stream = pyarrow.RecordBatchReader.from_stream(clips)
    assert duckdb.sql("SELECT count(*) FROM stream").fetchall() == [(2,)]
    assert len(clips) == 2 and len(clips.collect()) == 2 and clips.to_dicts()[0].keys() == set(clips.columns)

    failed = results.sql("SELECT error_code, campaign FROM outcomes WHERE status = 'failed'").to_dicts()
    assert failed == [{"error_code": "source.not_found", "campaign": None}]
    for name in ("requests", "outcomes", "sources", "signals", "shots", "cues", "candidates", "renditions", "posts"):
        assert len(getattr(results, name)) > 0, name
    assert {"clips", "why"} <= set(results.tables)
    for file in results.renditions.to_dicts():
        assert (work / "out" / file["uri"]).stat().st_size == file["bytes"]


def test_opened_results_are_the_same(work: Path) -> None:
    made = clipflow.run(rows(), "out", plan_only=True, variants=2, platforms=["tiktok", "x"], progress=False)
    opened = clipflow.open("out")
    assert opened.summary is None
    assert opened.variants.to_polars().equals(made.variants.to_polars())
    count = clipflow.sql("out", "SELECT count(*) AS n FROM variants").to_dicts()
    assert count == [{"n": 4}]
    (work / "campaigns.csv").write_text("campaign,budget\nspring,100\n")
    joined = clipflow.open("out", tables={"campaigns": "campaigns.csv"}).sql(
        "SELECT c.budget FROM outcomes o JOIN campaigns c ON o.campaign = c.campaign"
    )
    assert joined.to_dicts() == [{"budget": 100}]
    assert joined.explain()


@pytest.mark.parametrize(
    "make",
    [
        lambda rows: rows,
        lambda rows: [clipflow.VideoClipRequest(**{k: v for k, v in rows[0].items() if k != "campaign"})],
        lambda rows: tuple(rows),
        lambda rows: iter(rows),
        lambda rows: rows[0],
        pyarrow.Table.from_pylist,
        lambda rows: pyarrow.Table.from_pylist(rows).to_reader(),
        lambda rows: polars.DataFrame(rows),
        lambda rows: polars.DataFrame(rows).lazy(),
        lambda rows: pandas.DataFrame(rows),
        lambda rows: duckdb.from_arrow(pyarrow.Table.from_pylist(rows)),
    ],
    ids=["dicts", "requests", "tuple", "iterator", "dict", "pyarrow", "reader", "polars", "lazy", "pandas", "duckdb"],
)
def test_requests_come_in_any_form(work: Path, make: Any) -> None:
    results = clipflow.run(make(rows()), "out", plan_only=True, progress=False)
    assert results.summary is not None and results.summary.clips == 2


def test_requests_come_from_files(work: Path) -> None:
    (work / "requests.ndjson").write_text("\n".join(json.dumps(row) for row in rows()))
    for path in ["requests.ndjson", work / "requests.ndjson"]:
        checked = clipflow.validate(path)
        assert (checked.rows, checked.valid, checked.invalid) == (1, 1, 0)


def test_validation_has_a_verdict_for_every_row() -> None:
    wrong = {"source_url": "a.mp4", "min_clip_length": 30, "max_clip_length": 10}
    checked = clipflow.validate([REQUEST, wrong, {"source_url": None}])
    codes = [row["error_code"] for row in checked.table.to_dicts()]
    assert codes == [None, "invalid_request.bad_length", "invalid_request.missing_url"]
    assert (checked.rows, checked.invalid) == (3, 2)


def test_an_audience_and_paths_are_plain_python(work: Path) -> None:
    request = {**REQUEST, "source_url": work / "talk.mp4", "audience_profile": {"age": "18-35", "platforms": ["x"]}}
    results = clipflow.run(
        [request, REQUEST], work / "out", variants=1, audience={"platforms": ["tiktok"]}, plan_only=True, progress=False
    )
    assert set(results.variants.to_polars()["platform"]) == {"x", "tiktok"}


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: clipflow.run("missing.csv", "out"), "input.unreadable"),
        (lambda: clipflow.run([REQUEST], "out", max_worker=3), "config.invalid"),
        (lambda: clipflow.run([REQUEST], "out", variants="many"), "config.invalid"),
        (lambda: clipflow.run([REQUEST], "out", variants=-1), "config.invalid"),
        (lambda: clipflow.run([REQUEST], "out", timeout=-1), "config.invalid"),
        (lambda: clipflow.run([REQUEST], "out", format="avi"), "config.invalid"),
        (lambda: clipflow.run([REQUEST], "out", backend=clipflow.BackendType.DASK), "config.invalid"),
        (lambda: clipflow.run([7], "out"), "input.unreadable"),
        (lambda: clipflow.run(7, "out"), "input.unreadable"),
        (lambda: clipflow.run([{"campaign": "spring"}], "out"), "input.column"),
        (lambda: clipflow.open("nowhere"), "store.read"),
        (lambda: clipflow.performance(None, "missing.csv"), "input.unreadable"),
        (lambda: clipflow.VideoClipProcessor(max_workers=-1), "config.invalid"),
    ],
)
def test_errors_have_a_code_and_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Any, code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(clipflow.ClipflowError) as caught:
        call()
    error = caught.value
    assert error.code == code, error
    assert error.code in clipflow.error_codes() and len(error.message) > 10
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, again.message, str(again)) == (error.code, error.message, str(error))


def test_sql_reads_and_does_not_write(work: Path) -> None:
    results = clipflow.run(rows(), "out", plan_only=True, progress=False)
    for statement in ["CREATE TABLE t AS SELECT 1", "SELEC 1", "SELECT * FROM clipz", "SELECT 1; SELECT 2", ""]:
        with pytest.raises(clipflow.ClipflowError) as caught:
            results.sql(statement)
        assert caught.value.code == "query.invalid", statement
    assert "clips" in clipflow.error_codes() or "the tables and views are" in str(
        pytest.raises(clipflow.ClipflowError, results.sql, "SELECT * FROM clipz").value
    )


def test_every_function_works_over_frames_of_ones_own(work: Path) -> None:
    talks = [{"talk": 1, "text": "A solar panel lasts for thirty years."}, {"talk": 2, "text": None}]
    statement = "SELECT talk, clip_title(text, 'en', 40) AS title FROM talks ORDER BY talk"
    frames = [pyarrow.Table.from_pylist(talks), polars.DataFrame(talks), polars.LazyFrame(talks), pandas.DataFrame(talks)]
    for frame in frames:
        titles = clipflow.query(statement, {"talks": frame}).to_dicts()
        assert titles[0]["title"].startswith("A solar panel") and titles[1]["title"] is None
    shots = clipflow.query("SELECT start FROM shots('talk.mp4') ORDER BY start", base=work)
    assert len(shots) >= 5
    with pytest.raises(clipflow.ClipflowError) as caught:
        clipflow.query("DROP TABLE talks", {"talks": frames[0]})
    assert caught.value.code == "query.invalid"


def test_progress_is_told_and_other_threads_run(work: Path) -> None:
    ticks, over = [0], threading.Event()

    def tick() -> None:
        while not over.is_set():
            ticks[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    events: list[dict[str, Any]] = []
    started = time.monotonic()
    clipflow.run(rows(), "out", progress=events.append)
    seconds = time.monotonic() - started
    over.set()
    thread.join()
    kinds = {event["event"] for event in events}
    assert {"stage_started", "row_started", "row_finished", "stage_finished"} <= kinds
    assert ticks[0] > seconds * 50, f"{ticks[0]} ticks in {seconds} s"


def test_an_exception_of_the_callback_stops_the_run(work: Path) -> None:
    def refuse(event: dict[str, Any]) -> None:
        raise ValueError(event["event"])

    with pytest.raises(ValueError, match="stage_started"):
        clipflow.run(rows(), "out", progress=refuse)
    assert clipflow.run(rows(), "out", progress=False).summary is not None


def test_a_bar_of_tqdm(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clipflow.run(rows(), "out", progress=True)
    assert "analyze" in capsys.readouterr().err


def test_files_are_rendered_again_in_another_format(work: Path) -> None:
    small: dict[str, Any] = {"size": "320x180", "captions": "off"}
    clipflow.run(rows(), "out", plan_only=True, variants=1, platforms="x", progress=False, **small)
    rendered = clipflow.render("out", "rank = 1", format="webm", progress=False)
    assert rendered.rendered == rendered.variants > 0 and not rendered.failures
    assert rendered.table is not None and set(rendered.table.to_polars()["container"]) == {"webm"}


def test_posts_have_names(work: Path) -> None:
    results = clipflow.run(rows(), "out", posts="{source}_{rank}", progress=False)
    assert results.summary is not None and results.summary.posts is not None
    assert (Path(results.summary.posts) / "talk_1.mp4").exists()


def test_settings_are_those_of_the_library() -> None:
    fields = set(clipflow.ParallelConfig.__dataclass_fields__) - {"use_uvloop", "use_numba"}
    assert fields == {name for name, _ in _clipflow.setting_names()}
    settings = clipflow.list_settings()
    assert {"variants", "platforms", "base"} <= set(settings) - fields and all(settings.values())
