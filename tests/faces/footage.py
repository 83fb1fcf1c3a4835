"""Footage whose faces are known: a free portrait on moving, textured backgrounds, with a mouth that moves, beside things
that move more than it does."""

import math
import subprocess

import numpy
from PIL import Image, ImageDraw

WIDE, HIGH, RATE = 1280, 720, 25
# The head in scikit-image's astronaut.png (NASA, public domain), and in it the face from brow to chin and its mouth.
HEAD = (145, 5, 310, 195)
FACE = (180, 70, 275, 182)
MOUTH = (225, 147)
# What is said, and how many seconds of silence follow.
SENTENCES = [
    "The river moved the sand away from under the stones",
    "We measured the water every morning and wrote it in a book",
    "Nobody expected that the bridge would stand for another winter",
    "Then the ice came down the valley and everything changed",
    "So they built it again a mile above the old place",
]


class Portrait:
    """The head, in one size, with the mouth open or shut."""

    def __init__(self, path, size, mirrored=False):
        self.size, self.mirrored = size, mirrored
        picture = Image.open(path).convert("RGB")
        wide, high = (HEAD[2] - HEAD[0]) * size, (HEAD[3] - HEAD[1]) * size
        mask = Image.new("L", (int(wide), int(high)), 0)
        ImageDraw.Draw(mask).ellipse((2, 0, wide - 2, high * 1.05), fill=255)
        self.mask = mask
        self.heads = []
        for opening in range(6):
            open_mouth = picture.copy()
            if opening:
                box = (MOUTH[0] - 13, MOUTH[1] - opening, MOUTH[0] + 13, MOUTH[1] + 2 * opening)
                ImageDraw.Draw(open_mouth).ellipse(box, fill=(60, 20, 20))
            head = open_mouth.crop(HEAD).resize(mask.size, Image.Resampling.LANCZOS)
            self.heads.append(head.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else head)
        if mirrored:
            self.mask = mask.transpose(Image.Transpose.FLIP_LEFT_RIGHT)

    def draw(self, onto, x, y, opening=0):
        """Draws it with the middle of the face at x, y; returns the face's box."""
        left, top = (FACE[0] + FACE[2]) / 2 - HEAD[0], (FACE[1] + FACE[3]) / 2 - HEAD[1]
        if self.mirrored:
            left = HEAD[2] - HEAD[0] - left
        onto.paste(self.heads[opening], (int(x - left * self.size), int(y - top * self.size)), self.mask)
        wide, high = (FACE[2] - FACE[0]) * self.size, (FACE[3] - FACE[1]) * self.size
        return (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)


def background(seed):
    """A texture that can be scrolled."""
    random = numpy.random.default_rng(seed)
    small = random.integers(60, 200, (HIGH // 20, WIDE // 20, 3), dtype=numpy.uint8)
    large = Image.fromarray(small).resize((WIDE, HIGH), Image.Resampling.BICUBIC)
    grain = random.integers(-12, 12, (HIGH, WIDE, 1))
    return numpy.clip(numpy.asarray(large, dtype=numpy.int16) + grain, 0, 255).astype(numpy.uint8)


def distract(picture, t):
    """Things that move more than a face: a bright bar that spins and a ball that jumps, in the left quarter."""
    draw = ImageDraw.Draw(picture)
    x, y = 190, 420
    dx, dy = 130 * math.cos(7 * t), 130 * math.sin(7 * t)
    draw.line((x - dx, y - dy, x + dx, y + dy), fill=(255, 240, 40), width=34)
    bounce = 140 + 110 * abs(math.sin(5 * t))
    draw.ellipse((90 + 60 * math.sin(3 * t), bounce, 150 + 60 * math.sin(3 * t), bounce + 60), fill=(255, 30, 30))


def opening_at(t, seed):
    """How far a mouth that speaks is open: syllables at four or five a second."""
    wave = math.sin(2 * math.pi * 4.3 * t + seed) + 0.7 * math.sin(2 * math.pi * 2.7 * t + 2 * seed)
    return int(max(0, min(5, round(2.2 + 2 * wave))))


def speech(folder, count):
    """A file of so many sentences with pauses; when each begins and ends."""
    args, filters, times, at = [], [], [], 0.6
    for n in range(count):
        path, voice = folder / f"say-{n}.wav", "slt" if n % 2 == 0 else "kal"
        said = SENTENCES[n % len(SENTENCES)]
        run("-f", "lavfi", "-i", f"flite=voice={voice}:text='{said}'", "-ar", "48000", path)
        probe = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path]
        seconds = float(subprocess.run(probe, check=True, capture_output=True, text=True).stdout)
        args += ["-i", path]
        filters.append(f"[{n}:a]adelay={int(at * 1000)}[s{n}]")
        times.append((at, at + seconds))
        at = times[-1][1] + 0.7
    mix = "".join(f"[s{n}]" for n in range(count))
    graph = ";".join(filters) + f";{mix}amix=inputs={count}:normalize=0,apad=pad_dur=1[a]"
    sound = folder / "speech.wav"
    run(*args, "-filter_complex", graph, "-map", "[a]", sound)
    return sound, times, at


def run(*args):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, args)], check=True)


def film(folder, name, picture_at, sound, seconds):
    """Writes NAME.mp4 of the pictures; returns the boxes of each frame."""
    silent = folder / f"{name}-silent.mp4"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDE}x{HIGH}",
               "-r", str(RATE), "-i", "-", "-c:v", "libx264", "-preset", "veryfast", "-crf", "21",
               "-pix_fmt", "yuv420p", "-g", "100", str(silent)]
    encoder = subprocess.Popen(command, stdin=subprocess.PIPE)
    boxes = []
    for frame in range(int(seconds * RATE)):
        picture, found = picture_at(frame / RATE)
        encoder.stdin.write(picture.tobytes())
        boxes.append(found)
    encoder.stdin.close()
    assert encoder.wait() == 0
    run("-i", silent, "-i", sound, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-shortest",
        folder / f"{name}.mp4")
    silent.unlink()
    return boxes
