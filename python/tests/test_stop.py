"""Ctrl-C, and stopping from another thread."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import clipflow
import pytest
from conftest import make_video

PROGRAM = """
import sys, clipflow
def tell(event):
    if event["event"] == "row_started":
        print("started", flush=True)
try:
    clipflow.run([{"source_url": f"{n}.mp4"} for n in range(8)], "out", progress=tell)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(7)
"""


def children(pid: int) -> list[str]:
    listed = subprocess.run(["ps", "-o", "comm=", "--ppid", str(pid)], capture_output=True, text=True)
    return listed.stdout.split()


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with videos of ten minutes, which are analysed for longer than a test waits."""
    folder = tmp_path_factory.mktemp("long")
    minute = make_video(folder / "minute.mp4", 60)
    (folder / "list.txt").write_text(f"file '{minute}'\n" * 10)
    first = folder / "0.mp4"
    join = ["-f", "concat", "-safe", "0", "-i", str(folder / "list.txt"), "-c", "copy", str(first)]
    subprocess.run(["ffmpeg", "-v", "error", *join], check=True)
    for n in range(1, 8):
        (folder / f"{n}.mp4").write_bytes(first.read_bytes())
    return folder


def test_ctrl_c_ends_the_run_soon_and_leaves_no_process(long: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=long, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "started\n"
    time.sleep(0.5)
    os.kill(program.pid, signal.SIGINT)
    asked = time.monotonic()
    assert program.wait(timeout=20) == 7
    assert time.monotonic() - asked < 10
    assert program.stdout.read().endswith("interrupted\n")
    assert "ffmpeg" not in children(program.pid)
    assert not (long / "out" / "clips").exists(), "nothing is visible"


def test_another_thread_stops_a_run(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(long)
    stop = clipflow.Stop()
    threading.Timer(0.5, stop.cancel).start()
    with pytest.raises(clipflow.ClipflowError) as caught:
        clipflow.run([{"source_url": f"{n}.mp4"} for n in range(8)], "stopped", progress=False, stop=stop)
    assert caught.value.code == "cancelled"
