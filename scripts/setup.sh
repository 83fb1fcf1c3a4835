#!/bin/sh
# Checks for what the build and the tests need beside Rust, and installs what is missing:
# ffmpeg and ffprobe with libx264, typefaces for captions, and a C compiler; called with the word `python`, Python 3 with
# its venv module too, with `browser` Chromium and its driver, with `promtool` the checker of Prometheus. Quiet and
# instant when all is there.
set -eu

have() { command -v "$1" >/dev/null 2>&1; }

have_ffmpeg() {
    have ffmpeg && have ffprobe || return 1
    # Not `| grep -q`: a reader that leaves early makes ffmpeg complain.
    case $(ffmpeg -hide_banner -encoders 2>/dev/null) in
        *libx264*) return 0 ;;
        *) return 1 ;;
    esac
}

# The C library's headers count too: a compiler alone cannot build the crates that hold C code.
have_cc() {
    have cc || return 1
    printf '#include <stdlib.h>\n#include <string.h>\n' | cc -x c -fsyntax-only - >/dev/null 2>&1
}

# Captions are drawn with the system's typefaces: one with the Latin, Arabic and Hebrew letters, one with
# the Chinese, Japanese and Korean ones. Without them such captions are left out, so nothing fails.
have_font() {
    for folder in /usr/share/fonts /usr/local/share/fonts /System/Library/Fonts /Library/Fonts; do
        [ -d "$folder" ] || continue
        [ -z "$(find "$folder" -iname "$1" -print 2>/dev/null | head -n 1)" ] || return 0
    done
    return 1
}
have_fonts() {
    case $(uname) in Darwin) return 0 ;; esac
    have_font 'DejaVuSans.ttf' && { have_font '*CJK*' || have_font 'DroidSansFallback*'; }
}

# ensurepip: Debian's python3 has the module venv and not what it needs.
wanted_too=${1:-}
have_python() {
    [ "$wanted_too" != python ] || python3 -c 'import ensurepip, venv' 2>/dev/null
}

have_browser() {
    [ "$wanted_too" != browser ] || { { have chromium || have chromium-browser; } && have chromedriver; }
}

# Optional: tests that use it do without where it cannot be had.
have_promtool() {
    [ "$wanted_too" != promtool ] || have promtool
}

# Names of what is missing, in words for people.
missing() {
    have_ffmpeg || printf ' ffmpeg (with ffprobe and the libx264 encoder),'
    have_cc || printf ' a C compiler (cc) with its headers,'
    have_fonts || printf ' typefaces for captions (DejaVu, Noto CJK),'
    have_python || printf ' Python 3 with its venv module,'
    have_browser || printf ' Chromium with chromedriver,'
    have_promtool || printf ' promtool of Prometheus,'
}

die() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# Run a command with the rights to install software; may_install has said that they can be had.
may_install() { [ "$(id -u)" -eq 0 ] || have sudo; }
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Through env: sudo clears the environment. apt's hundreds of lines are kept back; errors are not.
apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" </dev/null >/dev/null; }

install_with_apt() {
    set --
    have_ffmpeg || set -- "$@" ffmpeg
    have_cc || set -- "$@" gcc libc6-dev
    have_fonts || set -- "$@" fonts-dejavu-core fonts-noto-cjk
    have_python || set -- "$@" python3 python3-venv
    have_browser || set -- "$@" chromium chromium-driver
    have_promtool || set -- "$@" prometheus
    # Package lists may be absent (a fresh container) or old: then fetch them and try again.
    apt install -y --no-install-recommends "$@" 2>/dev/null && return 0
    printf 'setup: fetching package lists\n'
    apt update && apt install -y --no-install-recommends "$@"
}

install_with_dnf() {
    have_cc || as_root dnf install -y gcc glibc-devel
    have_fonts || as_root dnf install -y dejavu-sans-fonts google-noto-sans-cjk-fonts
    have_python || as_root dnf install -y python3
    have_browser || as_root dnf install -y chromium chromedriver
    have_ffmpeg && return 0
    # Fedora's own ffmpeg-free has no libx264; the full one comes from RPM Fusion.
    as_root dnf install -y --allowerasing ffmpeg
}

install_with_apk() {
    have_cc || as_root apk add --no-cache gcc musl-dev
    have_fonts || as_root apk add --no-cache font-dejavu font-noto-cjk
    have_python || as_root apk add --no-cache python3
    have_browser || as_root apk add --no-cache chromium chromium-chromedriver
    have_ffmpeg || as_root apk add --no-cache ffmpeg
}

install_with_pacman() {
    have_cc || as_root pacman -Sy --noconfirm --needed gcc
    have_fonts || as_root pacman -Sy --noconfirm --needed ttf-dejavu noto-fonts-cjk
    have_python || as_root pacman -Sy --noconfirm --needed python
    have_browser || as_root pacman -Sy --noconfirm --needed chromium
    have_ffmpeg || as_root pacman -Sy --noconfirm --needed ffmpeg
}

install_with_brew() {
    have_ffmpeg || brew install ffmpeg
    have_python || brew install python
    have_browser || brew install --cask chromium chromedriver
    have_cc || die "missing: a C compiler. Run xcode-select --install and start again."
}

have cargo || die "missing: Rust. Install it from https://rustup.rs and start again."

wanted=$(missing)
[ -n "$wanted" ] || exit 0

manager=none
for name in apt-get dnf apk pacman brew; do
    if have "$name"; then
        manager=$name
        break
    fi
done
case $manager in
    none) die "missing:${wanted%,}. Install them with the system's package manager and start again." ;;
    brew) ;;
    *) may_install || die "missing:${wanted%,}. Install them as root (or install sudo) and start again." ;;
esac

printf 'setup: installing%s with %s; this takes a minute or two\n' "${wanted%,}" "$manager"
case $manager in
    apt-get) install_with_apt ;;
    *) "install_with_$manager" ;;
esac || printf 'setup: %s reported an error\n' "$manager" >&2

wanted=$(missing)
[ -z "$wanted" ] || die "still missing:${wanted%,}. Install them with the system's package manager and start again."
