"""The code blocks of the guide, with the import line changed and a video of our own for the source.

``guide/*.py`` are the blocks. Each runs in a folder with ``talk.mp4``, among names that the guide takes for granted.
Differences are in ``docs/user/python.md``.
"""

from __future__ import annotations

import ast
import asyncio
import functools
import inspect
import logging
import re
import socket
import types
from pathlib import Path
from typing import Any

import clipflow
import pytest
from clipflow import BackendType, VideoClipProcessor, VideoClipRequest, VideoClipResponse, ViralVideoProcessor

GUIDE = Path(__file__).with_name("guide")
SHORT = {"min_clip_length": 2, "max_clip_length": 4, "max_clips": 1}


def requests(count: int = 3) -> list[VideoClipRequest]:
    return [VideoClipRequest(youtube_url="talk.mp4", request_id=f"r{n}", **SHORT) for n in range(count)]


def block(name: str) -> str:
    return (GUIDE / f"{name}.py").read_text()


def run(text: str, **given: Any) -> dict[str, Any]:
    """Run a block among the names that it takes for granted; ``await`` may stand at its top."""
    names: dict[str, Any] = {
        "requests": requests(),
        "VideoClipProcessor": VideoClipProcessor,
        "VideoClipResponse": VideoClipResponse,
        "VideoClipRequest": VideoClipRequest,
        "BackendType": BackendType,
        "create_high_performance_processor": clipflow.create_high_performance_processor,
        "logger": logging.getLogger("guide"),
        **given,
    }
    code = compile(text, "guide", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(types.FunctionType(code, names)())
    else:
        exec(code, names)
    return names


def processed(**settings: Any) -> tuple[VideoClipProcessor, list[VideoClipResponse]]:
    processor = clipflow.create_high_performance_processor(**settings)
    return processor, processor.process_batch_parallel(requests())


def viral() -> list[VideoClipResponse]:
    processor = clipflow.create_high_performance_viral_processor(size="180x320", captions="off")
    return processor.process_batch_parallel(requests(1), n_variants=2)


def all_of(responses: list[VideoClipResponse], count: int) -> None:
    assert len(responses) == count
    assert all(r.success and r.error is None and r.clips for r in responses), responses


def test_every_block_is_run() -> None:
    here = Path(__file__).read_text()
    names = {path.stem for path in GUIDE.glob("*.py")}
    assert len(names) == 22
    assert all(f'"{name}"' in here for name in names)


def test_basic_usage(work: Path) -> None:
    names = run(block("basic_usage"))
    all_of(names["results"], 100)
    assert Path(names["results"][0].clips[0].location).exists()


def test_viral_content(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Full size and captions take a debug build minutes.
    small = functools.partial(clipflow.create_high_performance_viral_processor, size="180x320", captions="off")
    monkeypatch.setattr(clipflow, "create_high_performance_viral_processor", small)
    names = run(block("viral_content_processing"), requests=requests(1))
    (response,) = names["viral_results"]
    assert response.success and 1 <= len(response.variants) <= 5
    best = response.variants[0]
    assert 0 <= best.viral_score <= 1 and best.reason and best.uri and Path(best.uri).exists()


def test_custom_configuration_uses_worker_processes(work: Path) -> None:
    processor = run(block("custom_parallel_configuration"))["processor"]
    all_of(processor.process_batch_parallel(requests()), 3)


def test_backends(work: Path) -> None:
    names = run(block("backend_selection"), processor=clipflow.create_high_performance_processor())
    all_of(names["results"], 3)


def test_batch_patterns(work: Path) -> None:
    text = block("batch_processing_patterns")
    # Ranges in words are no Python.
    text = "\n".join(line for line in text.splitlines() if " items" not in line)
    names = run(text, processor=clipflow.create_high_performance_processor(), large_dataset=requests(4))
    all_of(names["results"], 4)
    sizes = [len(chunk) for chunk in names["processor"].chunk_data(requests(5), chunk_size=2)]
    assert sizes == [2, 2, 1]


def test_memory_management_and_streams(work: Path) -> None:
    # The block yields, so that it is the body of a function.
    body = "\n".join(f"    {line}" for line in block("memory_management").splitlines())
    names = run(f"def stream(large_dataset):\n{body}\n")
    batches = list(names["stream"](requests(3)))
    rows = [row for batch in batches for row in batch.to_dicts()]
    assert [row["success"] for row in rows] == [True] * 3


def test_streams_read_as_they_go_on(work: Path) -> None:
    taken: list[int] = []

    def endless() -> Any:
        n = 0
        while True:
            taken.append(n)
            yield VideoClipRequest("talk.mp4", request_id=f"r{n}", **SHORT)
            n += 1

    processor = VideoClipProcessor(plan_only=True, chunk_size=2)
    stream = processor.stream_process(endless())
    first, second = next(stream), next(stream)
    assert len(first) == len(second) == 2 and len(taken) <= 8

    def broken() -> Any:
        yield VideoClipRequest("talk.mp4", **SHORT)
        raise OSError("the queue is gone")

    with pytest.raises(clipflow.ClipflowError, match="the queue is gone"):
        list(processor.stream_process(broken()))


def test_caching(work: Path) -> None:
    text = block("caching_strategies").replace("enable_caching=True", 'enable_caching=True, cache_dir="cache"')
    names = run(text)
    names["processor"].set_cache_key(names["custom_cache_key"])
    for _ in range(2):
        all_of(names["processor"].process_batch_parallel(requests(1)), 1)
    assert names["processor"].get_processing_stats().cache["stored"] == 1


def test_encoding(work: Path) -> None:
    _, results = processed()
    names = run(block("video_encoding_processor"), video_results=results)
    files = names["encoded_data"]
    assert len(files) == 3 and all(Path(f.uri).exists() and f.container == "mp4" for f in files)


def test_analytics(work: Path) -> None:
    results = viral()
    events = ["variant_id,platform,ts,event,viewer_id"]
    for variant in results[0].variants:
        for viewer in range(20):
            for event in ["impression", "view", *(["like", "share"] if viewer % 4 == 0 else [])]:
                events.append(f"{variant.variant_id},{variant.platform},2026-05-01T{viewer:02}:00:00,{event},u{viewer}")
    (work / "events.csv").write_text("\n".join(events) + "\n")
    names = run(block("viral_analytics_processor"), viral_results=results)
    rows = {row["variant_id"]: row for row in names["custom_metrics"].to_dicts()}
    assert rows.keys() == {variant.variant_id for variant in results[0].variants}
    assert all(row["audience_reach"] == 20 and row["engagement_rate"] > 0 for row in rows.values())
    assert len(names["performance_data"]) == len(rows)
    table = clipflow.performance("results", "events.csv", ["engagement_rate"], by="platform")
    assert len(table) == len({variant.platform for variant in results[0].variants})


def test_error_handling(work: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = run(block("robust_error_handling"))
    lost = VideoClipRequest(youtube_url="lost.mp4", request_id="lost")
    good, bad = names["processor"].process_batch_parallel([*requests(1), lost])
    assert good.success and not bad.success
    assert bad.request_id == "lost" and "source.not_found" in str(bad.error) and "lost.mp4" in caplog.text


def test_circuit_breaker(work: Path) -> None:
    all_of(run(block("circuit_breaker_pattern"))["processor"].process_batch_parallel(requests(1)), 1)


def test_metrics(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        agent.settimeout(10)
        url = f"udp://127.0.0.1:{agent.getsockname()[1]}"
        processor, _ = processed(datadog_url=url)
        names = run(block("performance_metrics"), processor=processor)
        assert agent.recv(65536).startswith(b"clipflow")
    assert (names["stats"].requests, names["stats"].answered) == (3, 3)
    assert re.search(r"^clipflow_\w+: \d", capsys.readouterr().out, re.M)
    assert "# TYPE clipflow_" in processor.export_metrics_to_prometheus()


def test_logging(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    processor = run(block("logging_and_tracing"))["processor"]
    lost = VideoClipRequest(youtube_url="lost.mp4")
    processor.process_batch_parallel([*requests(1), lost])
    assert "traceEvents" in processor.export_traces()
    heard: list[tuple[str, str, dict[str, Any]]] = []
    processor.set_logger(lambda level, message, **fields: heard.append((str(level), message, fields)))
    processor.process_batch_parallel([VideoClipRequest(youtube_url="lost2.mp4")])
    assert heard and all(fields["target"].startswith("clipflow") for _, _, fields in heard)
    capsys.readouterr()


def test_unit_testing(work: Path) -> None:
    run(block("unit_testing"), generate_test_requests=requests)["test_parallel_processing"]()


def test_performance_testing(work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"kernel_rows": [5, 10], "media_rows": [1, 2], "stream_rows": [100], "repeats": 1}
    short = functools.partial(clipflow.run_comprehensive_benchmark, parts=["memory"], sizes=sizes)
    monkeypatch.setattr(clipflow, "run_comprehensive_benchmark", short)
    names = run(block("performance_testing"))
    assert names["benchmark_results"].keys() == {"memory"} and "memory: [" in capsys.readouterr().out


def test_troubleshooting(work: Path) -> None:
    for name in ["memory_issues", "timeout_issues"]:
        processor = clipflow.create_high_performance_processor()
        names = run(block(name), processor=processor)
        if "results" not in names:
            names["results"] = names["processor"].process_batch_parallel(requests())
        all_of(names["results"], 3)
    processor, _ = processed()
    names = run(block("performance_issues"), processor=processor)
    all_of(names["results"], 3)
    assert names["stats"].batches == 1


def test_debug_mode(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = block("debug_mode").replace("# Get detailed logs", "processor.process_batch_parallel(requests)")
    names = run(text, requests=[VideoClipRequest(youtube_url="lost.mp4")])
    assert names["logs"] and re.search(r"^\d+\.\d+: \w", capsys.readouterr().out, re.M)


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("api_video_clip_processor", VideoClipProcessor),
        ("api_viral_video_processor", ViralVideoProcessor),
        ("api_parallel_config", clipflow.ParallelConfig),
    ],
)
def test_the_reference_names_what_is_there(name: str, owner: type) -> None:
    text = block(name)
    for method, arguments in re.findall(r"def (\w+)\((.*?)\)", text, re.S):
        own = inspect.signature(getattr(owner, method)).parameters
        assert [a.group(1) for a in re.finditer(r"(\w+)(?=:|,|\s*$)(?![^\[]*\])", arguments) if a.group(1) in own]
        assert inspect.iscoroutinefunction(getattr(owner, method)) == (f"async def {method}" in text)
        for argument in re.findall(r"^\s*(\w+)", arguments, re.M):
            assert argument in own, (method, argument)
    for field in re.findall(r"^    (\w+): \w+ =", text, re.M):
        assert field in inspect.signature(owner).parameters


def test_a_cancelled_task_stops_its_batch(work: Path) -> None:
    async def impatient() -> None:
        processor = VideoClipProcessor()
        many = [VideoClipRequest(f"talk.mp4#{n}", **SHORT) for n in range(3)]
        task = asyncio.create_task(processor.process_batch_async(many))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(impatient())


def test_variants_are_planned_from_tables(work: Path) -> None:
    processor = ViralVideoProcessor(platforms=["x"], variants=1, size="320x180", captions="off")
    responses = processor.process_batch_parallel(requests(2), n_variants=1)
    lists = processor.batch_generate_variants(responses)
    assert [len(variants) for variants in lists] == [1, 1]
    assert processor.validate_batch([*requests(1), VideoClipRequest("")]) == [True, False]
