#!/bin/sh
# Runs the notebooks over what `make demo` wrote, and keeps their outputs in them. Run it as `make notebooks`.
set -eu
cd "$(dirname "$0")/.."

# The program that the tests run too: no third build of the query engine.
. scripts/python.sh
build_clipflow
use_python notebooks/requirements.txt

is_done() { "$clipflow" sql demo/results "SELECT request_id FROM variant_files" --format csv 2>/dev/null | grep -q viral; }
is_done || CLIPFLOW=$clipflow sh scripts/demo.sh
# Variants that are planned and not rendered, and events of theirs: a file that is there is left as it is.
if [ ! -s demo/events.parquet ]; then
    cp notebooks/posted.csv demo/posted.csv
    "$clipflow" run demo/posted.csv --out demo/posted --variants 6 --plan-only --quiet
    "$clipflow" sql demo/posted -f notebooks/events.sql --format parquet -o demo/events.parquet
fi
# The cookbook over the same events; what each recipe answers is tested elsewhere.
for recipe in sql/analytics/recipes/*.sql; do
    "$clipflow" sql demo/posted --events demo/events.parquet -f "$recipe" --format csv >/dev/null
done

CLIPFLOW=$clipflow "$python" notebooks/run.py
