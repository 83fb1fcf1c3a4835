#!/bin/sh
# Opens reports in headless Chromium: they play, filter, go by keys, and run no text of a user. Run it as
# `make report-check`; with SHOTS=FOLDER it keeps pictures of the pages there.
set -eu
cd "$(dirname "$0")/../.."

chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
driver=$(command -v chromedriver || true)
if [ -z "$chromium" ] || [ -z "$driver" ]; then
    printf 'report-check: skipped, as Chromium or its driver cannot be installed here\n'
    exit 0
fi

. scripts/python.sh
build_clipflow
use_python tests/report/requirements.txt

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sh tests/report/results.sh "$clipflow" "$work"
"$python" tests/report/check.py "$chromium" "$driver" "$work"
