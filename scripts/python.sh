# Read by the scripts that need Python packages, from the project's folder: the program, and a virtual environment
# in the target folder with the pinned packages of a file.

target=${CARGO_TARGET_DIR:-target}

# Sets $clipflow to the program with all features, built if need be.
build_clipflow() {
    log=$(mktemp)
    cargo build --all-features --locked --bin clipflow --message-format=json-render-diagnostics >"$log"
    clipflow=$(sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$log" | tail -n 1)
    rm -f "$log"
    [ -x "$clipflow" ] || {
        printf 'cargo names no program it has built\n' >&2
        exit 1
    }
}

# Sets $python to one that has the packages of the file $1; installs what is missing or has another version.
use_python() {
    environment=$target/python/$(basename "$(dirname "$1")")
    python=$environment/bin/python
    if ! cmp -s "$1" "$environment/installed.txt"; then
        rm -rf "$environment"
        python3 -m venv "$environment"
        "$python" -m pip install --quiet --disable-pip-version-check --no-input -r "$1"
        cp "$1" "$environment/installed.txt"
    fi
}
