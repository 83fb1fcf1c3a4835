"""Frames generated footage with the real detector of faces, and checks windows against where the faces are.

The figures without a detector stand beside them: what draws the eye is followed then."""

import csv
import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path

from footage import HIGH, RATE, WIDE, Portrait, background, distract, film, opening_at, speech
from PIL import Image

CLIPFLOW, WEIGHTS, WORK = (Path(argument).resolve() for argument in sys.argv[1:4])
MODEL = next(WEIGHTS.rglob("centerface.onnx"))
PORTRAIT = next(WEIGHTS.rglob("astronaut.png"))


def clipflow(*args, fails=False):
    run = subprocess.run([CLIPFLOW, *map(str, args)], cwd=WORK, capture_output=True, text=True)
    assert (run.returncode != 0) == fails, run.stderr
    return run.stderr if fails else run.stdout


def rows(results, statement):
    return list(csv.DictReader(io.StringIO(clipflow("sql", results, statement, "--format", "csv"))))


def scrolled(texture, t, speed):
    shift = int(t * speed) % WIDE
    picture = Image.new("RGB", (WIDE, HIGH))
    picture.paste(Image.fromarray(texture), (-shift, 0))
    picture.paste(Image.fromarray(texture), (WIDE - shift, 0))
    return picture


def single(times):
    """A speaker on the right who sways a little, before a background that scrolls; things that move on the left."""
    head, texture = Portrait(PORTRAIT, 1.5), background(1)

    def picture_at(t):
        picture = scrolled(texture, t, 25)
        distract(picture, t)
        talks = any(start <= t < end for start, end in times)
        x, y = 930 + 16 * math.sin(1.3 * t), 330 + 8 * math.sin(0.9 * t)
        return picture, [head.draw(picture, x, y, opening_at(t, 1) if talks else 0)]

    return picture_at


def two(times):
    """Two far apart who speak in turn, the things that move between them."""
    left, right = Portrait(PORTRAIT, 1.25), Portrait(PORTRAIT, 1.2, mirrored=True)
    texture = background(2)

    def picture_at(t):
        picture = scrolled(texture, t, 0)
        turn = next((n % 2 for n, (start, end) in enumerate(times) if start <= t < end), None)
        one = left.draw(picture, 260 + 6 * math.sin(t), 330, opening_at(t, 1) if turn == 0 else 0)
        other = right.draw(picture, 1010 + 6 * math.cos(t), 350, opening_at(t, 2) if turn == 1 else 0)
        return picture, [one, other]

    return picture_at


def camera(times):
    """A camera that pans over a speaker and back, and cuts to another place later."""
    head, texture = Portrait(PORTRAIT, 1.4), background(3)
    half = 0.7 * times[-1][1]

    def picture_at(t):
        talks = any(start <= t < end for start, end in times)
        pan = 320 * math.sin(0.45 * t)
        picture = scrolled(texture, t, 0) if t < half else scrolled(texture[::-1, ::-1], t, 40)
        x = 620 + pan if t < half else 330
        distract(picture, t) if t < half else None
        return picture, [head.draw(picture, x, 340, opening_at(t, 1) if talks else 0)]

    return picture_at


def window_at(path, t):
    """The middle of the window, as a share of the width."""
    if not path:
        return 0.5
    after = next((n for n, anchor in enumerate(path) if anchor["t"] > t), len(path))
    if after == 0:
        return path[0]["x"]
    if after == len(path):
        return path[-1]["x"]
    a, b = path[after - 1], path[after]
    return a["x"] + (b["x"] - a["x"]) * (t - a["t"]) / (b["t"] - a["t"])


class Framing:
    """The crops of a source's variants: a path and its span each."""

    def __init__(self, results, source):
        self.crops = []
        for row in rows(results, f"""SELECT v.start, v."end", v.width, v.height, v.reframe, s.location FROM variants v
                JOIN sources s ON s.source_id = v.source_id WHERE v.layout = 'crop' ORDER BY v.start"""):
            if source in row["location"]:
                window = float(row["width"]) / float(row["height"]) * HIGH / WIDE
                path = json.loads(row["reframe"]) if row["reframe"] else []
                self.crops.append((float(row["start"]), float(row["end"]), window, path))
        assert self.crops, f"no crop of {source}"

    def frames(self):
        """Each frame that is shown with its window's edges in pixels."""
        for start, end, window, path in self.crops:
            for frame in range(math.ceil(start * RATE), int(end * RATE)):
                middle = window_at(path, frame / RATE)
                yield frame, (middle - window / 2) * WIDE, (middle + window / 2) * WIDE

    def whole(self, boxes, which=lambda t: 0, when=lambda t: True):
        """Share of frames in which a face is wholly in the window."""
        shown = [(n, left, right) for n, left, right in self.frames() if n < len(boxes) and when(n / RATE)]
        good = [n for n, left, right in shown
                if left <= boxes[n][which(n / RATE)][0] and boxes[n][which(n / RATE)][2] <= right]
        return len(good) / max(1, len(shown))

    def moves(self):
        """Moves a minute, and the largest step from one frame to the next outside of jumps, as a share of the width."""
        moves, step, seconds = 0, 0.0, 0.0
        for start, end, _, path in self.crops:
            seconds += end - start
            jumps = [a["t"] for a, b in zip(path, path[1:]) if a["t"] == b["t"]]
            xs = [(n / RATE, window_at(path, n / RATE)) for n in range(math.ceil(start * RATE), int(end * RATE))]
            still = True
            for (t, x), (after, y) in zip(xs, xs[1:]):
                if any(t < jump <= after for jump in jumps):
                    continue
                step = max(step, abs(y - x))
                moves += still and abs(y - x) > 5e-4
                still = abs(y - x) <= 5e-4
        return 60 * moves / seconds, step

    def rests_between(self, boxes):
        """Share of frames that show no face wholly."""
        shown = [(n, left, right) for n, left, right in self.frames() if n < len(boxes)]
        none = [n for n, left, right in shown if not any(left <= a and b <= right for a, _, b, _ in boxes[n])]
        return len(none) / max(1, len(shown))


sound, times, seconds = speech(WORK, 5)
scenes = {name: film(WORK, name, make(times), sound, seconds)
          for name, make in [("single", single), ("two", two), ("camera", camera)]}
(WORK / "requests.csv").write_text("source_url,start,end\n" + "".join(
    f"{name}.mp4,0,{seconds - 0.2:.2f}\n" for name in scenes))
run = ["run", "requests.csv", "--variants", "4", "--platforms", "tiktok,reels", "--plan-only"]
clipflow(*run, "--out", "with", "--face-model", MODEL)
clipflow(*run, "--out", "without")

turn = lambda t: next((n % 2 for n, (start, end) in enumerate(times) if start <= t < end), 0)
talking = lambda t: any(start <= t < end for start, end in times)
for results in ["without", "with"]:
    one, both, moved = (Framing(results, name) for name in ["single", "two", "camera"])
    figures = {
        "single: face wholly in the window": one.whole(scenes["single"]),
        "single: moves a minute": one.moves()[0],
        "single: largest step": one.moves()[1],
        "two: the speaker wholly in the window": both.whole(scenes["two"], turn, talking),
        "two: no face wholly in the window": both.rests_between(scenes["two"]),
        "two: largest step": both.moves()[1],
        "camera: face wholly in the window": moved.whole(scenes["camera"]),
        "camera: largest step": moved.moves()[1],
    }
    for name, figure in figures.items():
        print(f"{results:8} {name:40} {figure:.3f}")
assert figures["single: face wholly in the window"] >= 0.99, figures
assert figures["single: moves a minute"] <= 3, figures
assert figures["two: the speaker wholly in the window"] >= 0.90, figures
assert figures["two: no face wholly in the window"] <= 0.01, figures
assert figures["camera: face wholly in the window"] >= 0.99, figures
assert all(figures[f"{name}: largest step"] <= 0.02 for name in scenes), figures

faces = rows("with", "SELECT count(*) AS faces, count(DISTINCT source_id) AS sources FROM faces")
assert int(faces[0]["sources"]) == 3, faces
os.environ["CLIPFLOW_FACE_MODEL"] = str(MODEL)
seen = "SELECT count(DISTINCT track) AS tracks, max(speaking) AS speaking FROM faces('two.mp4')"
alone = clipflow("sql", "with", seen, "--format", "csv")
del os.environ["CLIPFLOW_FACE_MODEL"]
tracks, speaking = alone.splitlines()[1].split(",")
assert int(tracks) == 2 and float(speaking) > 0.5, alone

# A file that is no detector, or asks for more than it may, is refused with a sentence before any work.
whole = MODEL.read_bytes()
hostile = {"text": b"no model", "cut": whole[: len(whole) // 2], "empty": b"",
           "garbled": bytes(b ^ 255 if 2000 < n < 4000 else b for n, b in enumerate(whole)),
           "wide": whole.replace(bytes([10, 2, 8, 3, 10, 2, 8, 32]), bytes([10, 2, 8, 3, 10, 2, 8, 33]))[:-50]}
for name, content in hostile.items():
    path = WORK / f"{name}.onnx"
    path.write_bytes(content)
    told = clipflow(*run, "--out", f"hostile-{name}", "--face-model", path, fails=True)
    assert "config.invalid" in told or "--face-model" in told, told
    assert "panicked" not in told, told
