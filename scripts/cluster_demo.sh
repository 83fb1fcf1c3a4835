#!/bin/sh
# A cluster on this machine: a scheduler, two executors, and a run whose work they do. One executor is killed in the middle;
# the results are compared with those of one machine. Run it as `make cluster-demo`; what it writes lies under
# demo/cluster. With CLIPFLOW=PROGRAM that one is run (with the feature `distributed`) and none is built.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$@"; }
heading() { printf '\n== %s\n' "$1"; }

heading "1. Build clipflow with the feature distributed"
binary=${CLIPFLOW:-}
if [ -z "$binary" ]; then
    built=$(cargo build --locked --features distributed --bin clipflow --message-format=json-render-diagnostics)
    binary=$(printf '%s' "$built" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
fi
[ -x "$binary" ] || { say "cluster_demo: there is no program $binary" >&2; exit 1; }

work=demo/cluster
port=${PORT:-20050}
scheduler=df://127.0.0.1:$port
started=''
# Every process that was started here ends with the script.
stop() {
    for id in $started; do kill -9 "$id" 2>/dev/null || :; done
}
trap stop EXIT
trap 'exit 130' INT TERM
rm -rf "$work"
mkdir -p "$work"

heading "2. Six videos and a table of requests"
echo 'request_id,source_url,min_clip_length,max_clip_length,max_clips' >"$work/requests.csv"
for n in 1 2 3 4 5 6; do
    ffmpeg -v error -y -f lavfi -i "testsrc2=size=640x360:rate=25:duration=$((10 + n))" \
        -f lavfi -i "sine=frequency=$((200 * n)):duration=$((10 + n))" \
        -c:v libx264 -preset ultrafast -c:a aac "$work/talk$n.mp4"
    echo "r$n,talk$n.mp4,4,8,2" >>"$work/requests.csv"
done

heading "3. A scheduler and two executors on the loopback interface"
"$binary" scheduler --listen "127.0.0.1:$port" --executor-timeout 6 &
started="$started $!"
"$binary" executor --scheduler "$scheduler" --workers 1 &
first=$!
"$binary" executor --scheduler "$scheduler" --workers 1 &
started="$started $first $!"

heading "4. A run on the cluster; one executor is killed while it works"
"$binary" run "$work/requests.csv" --out "$work/results" --no-posts --backend dask --scheduler "$scheduler" &
run=$!
started="$started $run"
# Both are at work when there are two marks of attempts.
for _ in $(seq 600); do
    marks=$(ls "$work"/results/_staging/*/cluster/attempts 2>/dev/null | wc -l)
    [ "$marks" -lt 2 ] || break
    kill -0 "$run" 2>/dev/null || break
    sleep 0.1
done
[ "$marks" -ge 2 ] || { say "cluster_demo: the executors did not begin" >&2; exit 1; }
kill -9 "$first"
say "(killed one of two executors; its row moves to the other one)"
wait "$run"

heading "5. The same on one machine, to compare"
"$binary" run "$work/requests.csv" --out "$work/local" --no-posts --quiet
rows() {
    "$binary" sql "$work/$1" 'SELECT * EXCEPT (elapsed) FROM outcomes ORDER BY request_id' --format csv
    # Not bytes and hashes: on a busy machine ffmpeg's sound of two runs may differ in some bits, on one machine too.
    "$binary" sql "$work/$1" 'SELECT * EXCEPT (bytes, blake3) FROM renditions ORDER BY rendition_id' --format csv
    for file in "$work/$1"/media/* "$work/$1"/media/.clip-*; do
        [ -f "$file" ] || continue
        printf '%s ' "${file##*/}"
        ffmpeg -v error -i "$file" -map 0:v -c copy -f md5 -
    done
}
rows results >"$work/cluster.txt"
rows local >"$work/local.txt"
if cmp "$work/cluster.txt" "$work/local.txt"; then
    say "Nothing was lost, doubled or changed: the rows are the same, and so are the pictures of all files."
else
    say "cluster_demo: the results differ" >&2
    exit 1
fi
