#!/bin/sh
# Makes what a release consists of, in the folder dist/:
#   clipflow-VERSION-ARCH.tar.gz   the stripped program, completions, man pages, licences
#   clipflow_VERSION_ARCH.deb      the same as a Debian package, where dpkg-deb is installed
#   SHA256SUMS
# CLIPFLOW_DIST_BINARY names a program that is built already; without it a release build is made.
# CLIPFLOW_DIST_DIR is another folder than dist/.
set -eu

cd "$(dirname "$0")/.."
say() { printf 'dist: %s\n' "$*"; }
die() { printf 'dist: %s\n' "$*" >&2; exit 1; }

out=${CLIPFLOW_DIST_DIR:-dist}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
[ -n "$version" ] || die "no version in Cargo.toml"
machine=$(uname -m)
# Without the trailing newline, or a difference of seconds would make another archive.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}

binary=${CLIPFLOW_DIST_BINARY:-}
if [ -z "$binary" ]; then
    cargo build --release --locked --bin clipflow
    binary=${CARGO_TARGET_DIR:-target}/release/clipflow
fi
# The program warns of variables of its own that are no settings.
unset CLIPFLOW_DIST_BINARY CLIPFLOW_DIST_DIR
[ -x "$binary" ] || die "no program at $binary; set CLIPFLOW_DIST_BINARY to one"

name=clipflow-$version-$machine
tree=$out/$name
rm -rf "$tree"
mkdir -p "$tree/bin" "$tree/man" "$tree/completions"
cp "$binary" "$tree/bin/clipflow"
strip "$tree/bin/clipflow" 2>/dev/null || say "strip is not installed: the program keeps its symbols"
chmod 755 "$tree/bin/clipflow"

# What is said of the command comes from the command.
program=$tree/bin/clipflow
"$program" completions bash > "$tree/completions/clipflow"
"$program" completions zsh > "$tree/completions/_clipflow"
"$program" completions fish > "$tree/completions/clipflow.fish"
"$program" man "$tree/man"
cp LICENSE README.md CHANGELOG.md "$tree/"
sh scripts/licences.sh > "$tree/THIRD-PARTY-LICENCES.txt"

# Reproducible: names in order, one time, no owner.
archive=$out/$name.tar.gz
tar --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner -C "$out" -cf - "$name" \
    | gzip -9n > "$archive"
say "$archive"

debian() {
    arch=$(dpkg --print-architecture)
    root=$out/debian
    rm -rf "$root"
    mkdir -p "$root/DEBIAN" "$root/usr/bin" "$root/usr/share/man/man1" "$root/usr/share/doc/clipflow" \
        "$root/usr/share/bash-completion/completions" "$root/usr/share/zsh/vendor-completions" \
        "$root/usr/share/fish/vendor_completions.d"
    cp "$program" "$root/usr/bin/clipflow"
    for page in "$tree"/man/*.1; do
        gzip -9nc "$page" > "$root/usr/share/man/man1/$(basename "$page").gz"
    done
    cp "$tree/completions/clipflow" "$root/usr/share/bash-completion/completions/"
    cp "$tree/completions/_clipflow" "$root/usr/share/zsh/vendor-completions/"
    cp "$tree/completions/clipflow.fish" "$root/usr/share/fish/vendor_completions.d/"
    cp LICENSE "$root/usr/share/doc/clipflow/copyright"
    gzip -9nc "$tree/THIRD-PARTY-LICENCES.txt" > "$root/usr/share/doc/clipflow/THIRD-PARTY-LICENCES.txt.gz"
    gzip -9nc CHANGELOG.md > "$root/usr/share/doc/clipflow/changelog.gz"
    find "$root" -type d -exec chmod 755 {} +
    find "$root" -type f -exec chmod 644 {} +
    chmod 755 "$root/usr/bin/clipflow"
    find "$root" -exec touch -h -d "@$epoch" {} +
    cat > "$root/DEBIAN/control" <<CONTROL
Package: clipflow
Version: $version
Architecture: $arch
Maintainer: The clipflow authors <clipflow@localhost>
Installed-Size: $(du -ks "$root/usr" | cut -f 1)
Depends: libc6, libgcc-s1, ca-certificates, ffmpeg
Recommends: fonts-dejavu-core, fonts-noto-cjk
Suggests: yt-dlp
Section: video
Priority: optional
Description: clips and variants from tables of video clip requests
 Turns a table of video clip requests into clips, viral variants and answers:
 shots, loudness and captions of each source become tables, clips are chosen by
 queries over them, and everything is Parquet that SQL can ask.
CONTROL
    SOURCE_DATE_EPOCH=$epoch dpkg-deb --root-owner-group --build "$root" "$out/clipflow_${version}_$arch.deb" > /dev/null
    rm -rf "$root"
    say "$out/clipflow_${version}_$arch.deb"
}
if command -v dpkg-deb > /dev/null 2>&1; then
    debian
else
    say "dpkg-deb is not installed: no Debian package"
fi

rm -rf "$tree"
(cd "$out" && rm -f SHA256SUMS && sha256sum -- *.tar.gz *.deb 2>/dev/null > SHA256SUMS) || true
say "$out/SHA256SUMS"
