"""`clipflow mcp`, by the official client, in both of its dialects: with and without a handshake."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError, StdioServerParameters

REQUEST = {"source_url": "talk.mp4", "min_clip_length": 4, "max_clip_length": 9, "max_clips": 2}
MODES = ["auto", "legacy"]


def serve(work: Path, mode: str, use: Callable[[Client], Awaitable[None]], *flags: str) -> None:
    """Starts the command of this checkout in a folder, and ends it after use."""
    command = os.environ["CLIPFLOW"]

    async def main() -> None:
        server = StdioServerParameters(command=command, args=["mcp", *flags], cwd=work)
        async with Client(server, mode=mode) as client:
            await use(client)

    asyncio.run(asyncio.wait_for(main(), timeout=300))


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured answer, which the client has checked against the tool's schema."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    assert isinstance(result.structured_content, dict)
    return result.structured_content


@pytest.mark.parametrize("mode", MODES)
def test_an_agent_cuts_clips_and_asks_about_them(work: Path, mode: str) -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async def use(client: Client) -> None:
        listed = await client.list_tools()
        names = [tool.name for tool in listed.tools]
        assert names == ["validate", "explain", "run", "sql", "stats", "report"]
        assert (await call(client, "validate", requests=[REQUEST]))["invalid"] == 0
        cost = await call(client, "explain", requests=[REQUEST], results="out")
        assert cost["decode_seconds"] == pytest.approx(30, abs=1)
        arguments = {"requests": [REQUEST], "results": "out"}
        result = await client.call_tool("run", arguments, progress_callback=on_progress)
        done = result.structured_content
        assert isinstance(done, dict) and done["answered"] == 1 and done["clips"] == 2, result
        progress = [step[0] for step in told]
        assert progress and progress == sorted(set(progress))

        query = 'SELECT start, "end" FROM clips ORDER BY start'
        answer = await call(client, "sql", results="out", query=query)
        assert [column["type"] for column in answer["columns"]] == ["Float64", "Float64"]
        assert all(4 <= row["end"] - row["start"] <= 9 for row in answer["rows"])
        assert (await call(client, "stats", results="out"))["rows"]
        assert Path((await call(client, "report", results="out"))["page"]).is_file()

        resources = (await client.list_resources()).resources
        media = next(r for r in resources if str(r.name).startswith("media/"))
        contents = (await client.read_resource(str(media.uri))).contents[0]
        data = base64.b64decode(contents.blob)
        assert data == (work / "out" / str(media.name)).read_bytes()

    serve(work, mode, use)


@pytest.mark.parametrize("mode", MODES)
def test_errors_have_codes_and_paths_outside_are_refused(work: Path, mode: str) -> None:
    async def use(client: Client) -> None:
        result = await client.call_tool("sql", {"results": "/etc", "query": "SELECT 1"})
        assert result.is_error and result.content[0].text.startswith("error[source.forbidden]: ")
        with pytest.raises(MCPError, match="source.forbidden"):
            await client.read_resource("clipflow://table/clips?results=/etc")
        result = await client.call_tool("run", {"results": "out", "surprise": 1})
        assert result.is_error and "surprise" in result.content[0].text

    serve(work, mode, use, "--root", ".")


@pytest.mark.parametrize("mode", MODES)
def test_a_cancelled_run_stops_and_goes_on_later(work: Path, mode: str) -> None:
    requests = []
    for number in range(4):
        (work / f"{number}.mp4").hardlink_to(work / "talk.mp4")
        requests.append({**REQUEST, "source_url": f"{number}.mp4"})
    arguments = {"requests": requests, "results": "out"}

    async def use(client: Client) -> None:
        started = asyncio.Event()

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            if progress > 0:
                started.set()

        run = asyncio.create_task(client.call_tool("run", arguments, progress_callback=on_progress))
        await started.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        # Runs follow each other: this one starts once the other has ended.
        done = await call(client, "run", **arguments)
        assert done["answered"] == 4 and not done["reused"], done

    serve(work, mode, use, "--workers", "1")
