#!/bin/sh
# The main job, end to end, on a video made on the spot: requests in, clips and tables out.
# Run it as `make demo`; what it writes lies under demo/. With CLIPFLOW=PROGRAM that one is run and none is built.
set -eu
cd "$(dirname "$0")/.."
started=$(date +%s)

bold=''
plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi
heading() { printf '\n%s== %s%s\n' "$bold" "$1" "$plain"; }
say() { printf '%s\n' "$@"; }

# Show a command as it is typed, then run it.
clipflow() {
    printf '%s$ clipflow' "$bold"
    for word in "$@"; do
        case $word in
            *[!A-Za-z0-9_./=-]*) printf ' "%s"' "$(printf '%s' "$word" | sed 's/"/\\"/g')" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    printf '%s\n' "$plain"
    "$binary" "$@"
}

# The same for a command that must end with exit code $1.
clipflow_exits() {
    expected=$1
    shift
    code=0
    clipflow "$@" || code=$?
    [ "$code" -eq "$expected" ] || {
        say "demo: expected exit code $expected, got $code" >&2
        exit 1
    }
}

query() { clipflow sql demo/results "$1"; }

heading "1. Build clipflow"
built=$(mktemp)
trap 'rm -f "$built"' EXIT
binary=${CLIPFLOW:-}
if [ -z "$binary" ]; then
    # Cargo itself knows where the program ends up; its progress goes to standard error.
    cargo build --locked --bin clipflow --message-format=json-render-diagnostics >"$built"
    binary=$(sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$built" | tail -n 1)
fi
[ -x "$binary" ] || {
    say "demo: cargo names no program it has built" >&2
    exit 1
}
binary=${binary#"$PWD"/}
say "clipflow below is $binary"

heading "2. A video: 80 seconds, 12 scenes, speech, drums, subtitles in English and Spanish"
scripts/make_demo_video.sh demo

heading "3. A table of requests: one a row; 'campaign' is a column of our own; two rows are wrong on purpose"
cat >demo/requests.csv <<'END'
request_id,source_url,language,min_clip_length,max_clip_length,max_clips,campaign
teaser,demo.mp4,en,6,12,2,spring
short,demo.mp4,en,3,6,3,spring
trailer,demo.mp4,en,25,40,1,launch
resumen,demo.mp4,es,8,20,2,launch
defaults,demo.mp4,,,,,newsletter
lost,missing.mp4,en,6,12,2,spring
swapped,demo.mp4,en,30,10,2,launch
END
say "demo/requests.csv:"
cat demo/requests.csv

heading "4. Check the rows, without touching a video"
clipflow_exits 3 validate demo/requests.csv
say "(exit code 3: a row is invalid. That missing.mp4 is missing shows when it is opened.)"

heading "5. What would it cost?"
clipflow run demo/requests.csv --out demo/results --explain

heading "6. Run: analyse the video once, choose clips for every request, cut them"
clipflow_exits 3 run demo/requests.csv --out demo/results
say "(exit code 3: done, but rows failed: the two that are wrong on purpose. The others are not affected.)"

heading "7. Each request has exactly one outcome"
query 'SELECT "row", request_id, campaign, status, candidates, clips, error_code
  FROM outcomes ORDER BY "row"'
say "" "and each failure says what to do:"
clipflow sql demo/results "SELECT request_id, error_message FROM outcomes WHERE status = 'failed'" --format csv

heading "8. The shots that were found, beside what the video was made of"
{
    say "-- Scenes as they were made, shots as they were found, and what was measured in them."
    say "WITH made(at, transition, scene) AS (VALUES"
    sed -e 1d -e "s/\([^,]*\),\([^,]*\),\(.*\)/    (\1, '\2', '\3'),/" demo/scenes.csv | sed '$s/,$//'
    cat <<'END'
), measured AS (
    SELECT s.start, s.transition, avg(x.motion) AS motion, avg(x.loudness) AS loudness, avg(x.onset) AS onset
    FROM shots s JOIN signals x ON x.source_id = s.source_id AND x.t >= s.start AND x.t < s."end"
    GROUP BY s.start, s.transition
)
SELECT m.scene, m.at AS made_at, round(s.start, 2) AS found_at, m.transition AS made, s.transition AS found,
    round(s.motion, 3) AS motion, round(s.loudness, 1) AS lufs, round(s.onset, 2) AS onset
FROM made m FULL JOIN measured s ON abs(s.start - m.at) < 0.6
ORDER BY coalesce(m.at, s.start), s.start
END
} >demo/scenes.sql
clipflow sql demo/results -f demo/scenes.sql
say "(A fade or dissolve has no exact frame: it is given at its middle. LUFS: loudness, higher is louder.)"

heading "9. The chosen clips, and what speaks for them"
query "SELECT request_id, rank, start, \"end\", round(score, 2) AS score,
    start_kind || ' to ' || end_kind AS bounds, strengths
  FROM why WHERE chosen ORDER BY request_id, rank"
say "(rank: place among all windows considered; bounds: what the clip begins and ends at; strengths: 0.50 is usual.)"

heading "10. Why not another? The best windows for 'teaser', with the reason why they lost"
query "SELECT rank, start, \"end\", round(score, 3) AS score, chosen,
    coalesce(reason, '') AS reason
  FROM why WHERE request_id = 'teaser' AND rank <= 10 ORDER BY rank"
say "(teaser asks for 2 clips: of all pairs that do not overlap, the one with the highest total score wins.)"

heading "11. The files, measured after writing"
query "SELECT request_id, uri, start, duration, frames, round(bytes / 1e6, 2) AS mb,
    substr(hook_text, 1, 26) AS hook_text
  FROM clip_files ORDER BY request_id, clip_rank"
say "(A clip that two requests chose is cut once: they share the file.)"

heading "12. Viral variants: the best clip in three versions, each shaped for its platform"
cat >demo/viral.csv <<'END'
request_id,source_url,language,min_clip_length,max_clip_length,max_clips,campaign,experiment_id
viral,demo.mp4,en,10,20,1,spring,hooks
END
clipflow run demo/viral.csv --out demo/results --variants 3 --platforms tiktok,x,feed \
    --audience '{"age":"18-35","interests":["drums","fractals"]}' --variants-only
query "SELECT rank, platform, layout, width, height, round(duration, 2) AS seconds, caption_style, round(viral_score, 3) AS score, uri
  FROM variant_files WHERE request_id = 'viral' ORDER BY rank"
say "" "What speaks for each, and against it:"
query "SELECT rank, platform, strengths, weaknesses FROM why_variants WHERE request_id = 'viral' ORDER BY rank"
say "" "And their texts, from the clip's own captions:"
query "SELECT rank, title_style, title, array_to_string(hashtags, ' ') AS hashtags FROM variants WHERE request_id = 'viral' ORDER BY rank"

heading "13. The shots of any video, without requests"
clipflow shots demo/demo.mp4 --format csv

best=$("$binary" sql demo/results --format csv \
    "SELECT uri FROM clip_files WHERE request_id = 'teaser' ORDER BY clip_rank LIMIT 1" | tail -n 1)

heading "Done in $(($(date +%s) - started)) s. Where things are"
cat <<END
video      demo/demo.mp4
requests   demo/requests.csv
clips      demo/results/media/    e.g. demo/results/$best, the best for 'teaser'
variants   the same folder; their texts and scores in the table variants
tables     demo/results/*/*.parquet

Try next:
  $binary sql demo/results "SELECT t, motion, loudness, speech FROM signals ORDER BY t LIMIT 20"
  $binary run YOUR_REQUESTS.csv --out YOUR_RESULTS
Again: \`make demo\` does only what is not done yet; \`make clean-demo\` starts afresh.
END
