#!/bin/sh
# Builds the wheel of the Python package into the target folder's `wheels`, installs it into a fresh virtual
# environment and runs the package's tests. Run it as `make python`.
#
# PROFILE=release builds what users install; the default is what the tests of the repository have built already, with
# the extension module alone to be compiled. TESTS=no builds only.
set -eu
cd "$(dirname "$0")/.."

. scripts/python.sh
use_python python/requirements.txt
tools=$(dirname "$python")

profile=${PROFILE:-dev}
# A wheel for tests is neither stripped with care nor packed: that takes longer than the tests do.
case $profile in
    dev) set -- --features dev --compression-method stored ;;
    *) set -- ;;
esac
rm -rf "$target/wheels"
mkdir -p "$target/wheels"
"$tools/maturin" build --manifest-path python/Cargo.toml --profile "$profile" --locked --strip \
    --auditwheel skip --interpreter "$python" --out "$target/wheels" "$@"
wheel=$(ls "$target"/wheels/clipflow-*.whl)
printf '%s, %s bytes\n' "$wheel" "$(wc -c <"$wheel")"
[ "${TESTS:-yes}" = yes ] || exit 0

# What a user gets: the wheel and nothing else.
fresh=$target/python/fresh
rm -rf "$fresh"
python3 -m venv "$fresh"
"$fresh/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-index "$wheel"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ffmpeg -v error -f lavfi -i "testsrc2=s=320x180:r=25:d=20" -f lavfi -i "sine=440:d=20" \
    -c:v libx264 -preset ultrafast -c:a aac "$work/talk.mp4"
script=$PWD/python/tests/five_lines.py
(cd "$work" && case $fresh in /*) "$fresh/bin/python" "$script" ;; *) "$OLDPWD/$fresh/bin/python" "$script" ;; esac)

"$python" -m pip install --quiet --disable-pip-version-check --no-input --no-index --no-deps --force-reinstall "$wheel"
"$python" -m mypy --config-file python/pyproject.toml -p clipflow
# The command, for the tests that talk to it.
build_clipflow
CLIPFLOW=$clipflow "$python" -m pytest -q python/tests
