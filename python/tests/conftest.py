"""A video made on the spot, and a folder to work in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

CAPTIONS = """1
00:00:00,500 --> 00:00:05,000
A solar panel lasts for thirty years.

2
00:00:09,000 --> 00:00:14,000
How long does a battery last, and why?

3
00:00:20,000 --> 00:00:26,000
That is the end of our talk about energy.
"""


def make_video(path: Path, seconds: int = 30) -> Path:
    """Scenes that change every five seconds, with sound that comes and goes."""
    scenes = ["testsrc2", "mandelbrot", "smptebars", "rgbtestsrc", "testsrc", "yuvtestsrc"]
    count = -(-seconds // 5)
    inputs: list[str] = []
    for n in range(count):
        inputs += ["-f", "lavfi", "-t", "5", "-i", f"{scenes[n % len(scenes)]}=s=320x180:r=25"]
    inputs += ["-f", "lavfi", "-i", f"aevalsrc='0.4*sin(2*PI*440*t)*gt(mod(t,3),1)':s=48000:d={seconds}"]
    plain = "".join(f"[{n}:v]format=yuv420p,setsar=1[s{n}];" for n in range(count))
    joined = "".join(f"[s{n}]" for n in range(count)) + f"concat=n={count}:v=1:a=0[v]"
    encode = ["-map", "[v]", "-map", f"{count}:a", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"]
    command = ["ffmpeg", "-v", "error", "-y", *inputs, "-filter_complex", plain + joined, *encode, str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the video talk.mp4 and its captions."""
    folder = tmp_path_factory.mktemp("media")
    make_video(folder / "talk.mp4")
    (folder / "talk.en.srt").write_text(CAPTIONS)
    return folder


@pytest.fixture
def work(media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a new one with the video."""
    for file in media.iterdir():
        (tmp_path / file.name).hardlink_to(file)
    monkeypatch.chdir(tmp_path)
    return tmp_path
