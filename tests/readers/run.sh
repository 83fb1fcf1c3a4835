#!/bin/sh
# Reads the tables of a small run with DuckDB, pandas, Polars and pyarrow. Run it as `make readers`.
set -eu
cd "$(dirname "$0")/../.."

. scripts/python.sh
build_clipflow
use_python tests/readers/requirements.txt

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Cuts every 4 seconds and sound that comes and goes; captions are beside it.
ffmpeg -v error -f lavfi -i "testsrc2=s=320x180:r=25:d=8" -f lavfi -i "mandelbrot=s=320x180:r=25" \
    -f lavfi -i "aevalsrc='0.3*sin(2*PI*440*t)*gt(mod(t,3),1)':s=48000:d=16" \
    -filter_complex "[1:v]trim=duration=8,setpts=PTS-STARTPTS[m];[0:v][m]concat=n=2:v=1:a=0,format=yuv420p[v]" \
    -map "[v]" -map 2:a -c:v libx264 -preset ultrafast -c:a aac "$work/talk.mp4"
printf '1\n00:00:00,500 --> 00:00:04,000\nA solar panel lasts long.\n\n2\n00:00:09,000 --> 00:00:13,000\nHow long, and why?\n' \
    >"$work/talk.en.srt"
"$python" tests/readers/requests.py "$work"
# Two runs, the second without the first one's columns: readers meet files that differ. Code 3: a row fails on purpose.
"$clipflow" run "$work/first.parquet" --out "$work/out" --variants 2 --quiet 2>/dev/null || [ $? -eq 3 ]
"$clipflow" run "$work/second.csv" --out "$work/out" --quiet
"$python" tests/readers/read.py "$clipflow" "$work/out"
"$python" tests/readers/timelines.py "$clipflow" "$work"
