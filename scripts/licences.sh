#!/bin/sh
# Prints the licences of the crates that are linked into the program: a line for each crate, then every text of a
# licence once, with the crates that come with it. The features are those of a release, or of CLIPFLOW_DIST_FEATURES
# (such as --all-features).
set -eu

cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# shellcheck disable=SC2086
cargo tree --locked --edges normal --prefix none --format '{p}|{l}|{r}' ${CLIPFLOW_DIST_FEATURES:-} \
    | sed -n 's/ ([^)]*)//g; s/^\([^ ]*\) v\([^ |]*\)|\([^|]*\)|\(.*\)$/\1 \2|\3|\4/p' \
    | grep -v '^clipflow ' | sort -u > "$work/crates"
[ -s "$work/crates" ] || { echo "licences: cargo tree has named no crates" >&2; exit 1; }

# Where the sources of each crate are: NAME-VERSION in the path of its manifest.
cargo metadata --format-version 1 --locked ${CLIPFLOW_DIST_FEATURES:-} \
    | grep -o '"manifest_path":"[^"]*/Cargo.toml"' \
    | sed 's/^"manifest_path":"//; s/\/Cargo.toml"$//' | sort -u > "$work/folders"

printf 'The program clipflow is linked with these crates.\n\n'
while IFS='|' read -r crate licence repository; do
    printf '%s: %s%s\n' "$crate" "${licence:-see its text}" "${repository:+ ($repository)}"
done < "$work/crates"

mkdir "$work/texts"
while IFS='|' read -r crate _ _; do
    folder=$(grep "/$(printf '%s' "$crate" | tr ' ' '-' | sed 's/[.+]/\\&/g')\$" "$work/folders" | head -n 1)
    [ -n "$folder" ] || continue
    for file in "$folder"/LICEN[CS]E* "$folder"/COPYING* "$folder"/NOTICE* "$folder"/UNLICENSE*; do
        [ -f "$file" ] || continue
        sum=$(cksum < "$file" | tr ' ' '-')
        [ -f "$work/texts/$sum" ] || cp "$file" "$work/texts/$sum"
        printf '%s\n' "$crate" >> "$work/texts/$sum.crates"
    done
done < "$work/crates"

for names in "$work"/texts/*.crates; do
    printf '\n%s\n' '--------------------------------------------------------------------------------'
    sort -u "$names" | paste -sd , - | sed 's/,/, /g' | fold -s -w 80
    printf '%s\n\n' '--------------------------------------------------------------------------------'
    cat "${names%.crates}"
done

printf '\n%s\nuPlot, in the pages of clipflow report\n%s\n\n' '--------------------------------------------------------------------------------' \
    '--------------------------------------------------------------------------------'
cat src/report/page/uplot/LICENSE
