"""Timelines of `clipflow export`, read back by OpenTimelineIO and its adapters: every cut at its frame.

    python timelines.py CLIPFLOW FOLDER
"""

import csv
import fractions
import io
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import opentimelineio as otio

CLIPFLOW, WORK = sys.argv[1], pathlib.Path(sys.argv[2])
RATES = {"film": "24000/1001", "pal": "25", "ntsc": "30000/1001", "varying": "30"}


def video(name: str, rate: str) -> pathlib.Path:
    path = WORK / f"{name}.mp4"
    # Frames are dropped unevenly, as screen recorders do.
    drop = ["-vf", "select='not(between(mod(n,7),1,3))'", "-fps_mode", "vfr"] if name == "varying" else []
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=s=320x180:r={rate}:d=9",
         "-f", "lavfi", "-i", "sine=f=300:d=9", *drop, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", path],
        check=True,
    )
    return path


def export(results: pathlib.Path, to: str, *more: str) -> str:
    command = [CLIPFLOW, "export", results, "--to", to, *more]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout


def rows(results: pathlib.Path, *more: str) -> list[dict]:
    return list(csv.DictReader(io.StringIO(export(results, "csv", *more))))


def clips(found) -> list:
    timelines = found if isinstance(found, otio.schema.SerializableCollection) else [found]
    return [clip for timeline in timelines for clip in timeline.video_tracks()[0].find_clips()]


def check(name: str, results: pathlib.Path) -> int:
    wanted = rows(results)
    assert wanted, name
    # OpenTimelineIO's own form, and Final Cut's.
    own = clips(otio.adapters.read_from_string(export(results, "otio"), "otio_json"))
    text = export(results, "fcpxml")
    assert list(otio.adapters.read_from_string(text, "fcpx_xml").find_clips()), "its adapter reads it"
    # The adapter rounds to whole rates: the fractions are read here.
    final_cut = [clip.attrib for clip in xml.etree.ElementTree.fromstring(text).iter("asset-clip")]
    rate = float(wanted[0]["rate"])
    edl = clips(otio.adapters.read_from_string(export(results, "edl"), "cmx_3600", rate=round(rate)))
    assert len(own) == len(edl) == len(wanted), (name, len(own), len(edl), len(wanted))
    for row, clip, event in zip(wanted, own, edl):
        first, last = int(row["in_frame"]), int(row["out_frame"])
        span = clip.source_range
        assert (span.start_time.value, span.duration.value) == (first, last - first), (name, row)
        assert abs(span.start_time.rate - rate) < 1e-2, (name, span)
        assert clip.media_reference.target_url.startswith("file:///"), clip.media_reference
        assert clip.markers and clip.markers[0].name.startswith("score "), clip.markers
        assert event.source_range.start_time.to_frames() == first, (name, row, event.source_range)
        assert event.source_range.duration.to_frames() == last - first, (name, row, event.source_range)
        if name != "varying":
            # The cut is the clip's own frame.
            exact = float(fractions.Fraction(RATES[name]))
            assert abs(first / exact - float(row["start"])) < 1e-3, row
            assert abs(last / exact - float(row["end"])) < 1e-3, row
    exact_rate = fractions.Fraction(24 if name == "varying" else RATES[name])
    for row, clip in zip(wanted, final_cut, strict=True):
        first, frames = (fractions.Fraction(clip[key].rstrip("s")) * exact_rate for key in ("start", "duration"))
        assert (first, frames) == (int(row["in_frame"]), int(row["out_frame"]) - int(row["in_frame"])), (name, row, clip)
    chapters = export(results, "chapters").splitlines()
    assert len(chapters) >= len(wanted) and chapters[0].startswith("0:0"), chapters
    # Variants have their pieces and speeds.
    pieces = rows(results, "--variants")
    found = clips(otio.adapters.read_from_string(export(results, "otio", "--variants"), "otio_json"))
    assert len(found) == len(pieces), (name, len(found), len(pieces))
    for row, clip in zip(pieces, found):
        speeds = [effect.time_scalar for effect in clip.effects]
        assert speeds == ([] if float(row["speed"]) == 1 else [float(row["speed"])]), (row, speeds)
    return len(wanted)


total = 0
for name, rate in RATES.items():
    results = WORK / f"{name}-out"
    source = video(name, rate)
    (WORK / f"{name}.srt").write_text("1\n00:00:01,000 --> 00:00:04,000\nA <title> & a \"quote\".\n")
    subprocess.run(
        [CLIPFLOW, "run", source, "--out", results, "--min", "2", "--max", "4", "--variants", "2", "--plan-only", "--quiet"],
        check=True, stderr=subprocess.DEVNULL,
    )
    total += check(name, results)
print(f"timelines: {total} clips of {len(RATES)} sources come back at their frames from OpenTimelineIO, Final Cut's XML and EDL")
