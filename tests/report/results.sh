#!/bin/sh
# Makes results and their reports in the folder $2 with the program $1: `small` with files and events, whose texts are
# attacks, `large` with a thousand clips, and `failed` with none.
set -eu
clipflow=$1
work=$2
attack='</script><script>window.attacked=1</script><img src=x onerror=window.attacked=2>'
name="a 'b' <img src=x onerror=window.attacked=3> # 100% ü"

mkdir -p "$work/small" "$work/large" "$work/failed"
# Scenes that differ, and sound that comes and goes.
ffmpeg -v error -f lavfi -i "testsrc2=s=320x180:r=25:d=8" -f lavfi -i "mandelbrot=s=320x180:r=25" \
    -f lavfi -i "smptebars=s=320x180:r=25:d=8" -f lavfi -i "aevalsrc='0.4*sin(2*PI*440*t)*gt(mod(t,3),1)':s=48000:d=28" \
    -filter_complex "[1:v]trim=duration=12,setpts=PTS-STARTPTS[m];[0:v][m][2:v]concat=n=3:v=1:a=0,format=yuv420p[v]" \
    -map "[v]" -map 3:a -c:v libx264 -preset ultrafast -c:a aac "$work/show.mp4"

cp "$work/show.mp4" "$work/small/$name.mp4"
printf '1\n00:00:00,500 --> 00:00:04,000\n%s\n\n2\n00:00:09,000 --> 00:00:13,000\nHow long does it last, and why?\n\n3\n00:00:16,000 --> 00:00:20,000\nLonger than you think.\n' \
    "$attack" >"$work/small/$name.en.srt"
printf 'request_id,source_url,min_clip_length,max_clip_length,max_clips,topic,experiment_id\n"%s","%s.mp4",4,8,2,"%s",hooks\nlost,lost.mp4,4,8,1,,\n' \
    "$attack" "$name" '<b onmouseover=danger()>football</b>' >"$work/small/requests.csv"
cd "$work/small"
"$clipflow" run requests.csv --out out --variants 2 --quiet 2>/dev/null || [ $? -eq 3 ]
"$clipflow" sql out "SELECT variant_id, DATE '2026-05-01' AS day, 1000 AS impressions, 600 AS views,
    200 + 60 * row_number() OVER (ORDER BY variant_id) AS views_3s, 20 AS likes FROM variants" -o events.parquet
"$clipflow" report out --events events.parquet -o report.html

cd "$work/large"
n=0
while [ $n -lt 340 ]; do
    [ $n -ge 5 ] || cp "$work/show.mp4" "show$n.mp4"
    printf 'r%s,show%s.mp4,4,8,3\n' $n $((n % 5))
    n=$((n + 1))
done >rows.csv
{ printf 'request_id,source_url,min_clip_length,max_clip_length,max_clips\n' && cat rows.csv; } >requests.csv
"$clipflow" run requests.csv --out out --variants 2 --plan-only --quiet
"$clipflow" report out --stills 2 -o report.html

cd "$work/failed"
printf 'request_id,source_url\none,lost.mp4\n' >requests.csv
"$clipflow" run requests.csv --out out --quiet 2>/dev/null || [ $? -eq 3 ]
"$clipflow" report out -o report.html
