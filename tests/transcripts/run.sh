#!/bin/sh
# Transcribes speech in music with a real model (Whisper tiny.en through whisper-ctranslate2) and compares what is heard with
# what was said. Run it as `make transcripts`.
set -eu
cd "$(dirname "$0")/../.."

. scripts/python.sh
build_clipflow
use_python tests/transcripts/requirements.txt

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" tests/transcripts/check.py "$clipflow" "$work"
