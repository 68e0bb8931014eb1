# shellcheck shell=sh disable=SC2034 # who reads this file has set top, and uses what is set here
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later

# What the commands of this project have in common: ./run, and the scripts beside what they drive. Who reads this file sets
# 'top', the folder of the project, and 'set -eu' before.

private=
display_process=
watcher=tests/examples/libferry-watcher.so

# Debian has servers such as nats-server, and 'ip', in a folder that an ordinary user does not look into. Programs of GLib
# want to know that text is UTF-8, and a bare machine has no locale set.
export PATH="$PATH:/usr/sbin:/sbin"
[ -n "${LC_ALL:-}${LC_CTYPE:-}${LANG:-}" ] || export LANG=C.UTF-8

# Who starts this may ignore SIGPIPE, as service managers do, and a shell cannot take that back. A writer whose reader has
# seen enough, such as 'grep -q', would complain then instead of ending.
if sh -c 'kill -s PIPE $$' 2>/dev/null && env --default-signal=PIPE true 2>/dev/null; then
  exec env --default-signal=PIPE sh "$0" "$@"
fi

# A shell's own printf would complain of a reader that has gone.
say ()
{
  env printf '%s\n' "$*"
}

fail ()
{
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# The first comment of a command, below the licence.
help ()
{
  sed -n '5,/^$/s/^# \{0,1\}//p' "$0"
}

# What that says of one of several words that a command may begin with. Fails where it is none.
help_of () # word
{
  help | awk -v word="$1" '/^[^ ]/ { shown = $2 == word } shown { print; found = 1 } END { exit !found }'
}

case ${1:-} in
  help | --help | -h)
    help
    exit
    ;;
esac

version_of_tree ()
{
  sed -n "s/^  version: '\(.*\)',$/\1/p" "$top/meson.build"
}

make_private ()
{
  [ -n "$private" ] || private=$(mktemp -d "${TMPDIR:-/tmp}/ferry-run.XXXXXX") ||
    fail 'it takes a folder for files that are gone afterwards: set TMPDIR to one that may be written.'
}

# A line for what is done. What the command prints is shown where it fails, or where a compiler warns, not dpkg or debhelper.
# Ninja shows its progress on a terminal.
step () # text command...
{
  say "$1"
  shift
  if [ "$1" = ninja ] && [ -t 1 ]; then
    "$@"
    return
  fi
  make_private
  result=0
  "$@" >"$private/step.log" 2>&1 || result=$?
  if [ "$result" -ne 0 ] || grep -vE '^d(h|pkg)[a-z_-]*: ' "$private/step.log" | grep -q ' warning: '; then
    show_end "$private/step.log" >&2
  fi
  return "$result"
}

# An installation without a network prints hundreds of lines, and the last ones say why. All are in a file then.
show_end () # log
{
  grep -vE '^(\[[0-9]+/[0-9]+\] |ninja: Entering)' "$1" >"$1.told" || true
  tail -n 30 "$1.told"
  if [ "$(wc -l <"$1.told")" -gt 30 ]; then
    kept=$(mktemp "${TMPDIR:-/tmp}/ferry-log.XXXXXX")
    cat "$1" >"$kept"
    say "All $(wc -l <"$1") lines of it are in $kept."
  fi
}

clean_up ()
{
  if [ -n "$display_process" ]; then
    kill "$display_process" 2>/dev/null || true
    wait "$display_process" || true
  fi
  [ -z "$private" ] || rm -rf "$private"
}

# A subshell that has a display, or steps, of its own says so again.
clean_up_at_end ()
{
  trap clean_up EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 141' PIPE
  trap 'exit 143' TERM
}

clean_up_at_end

# ---- what the machine must have ----

# Each line: a group of needs, how a need is seen, under which name, and the Debian package that brings it. A file may be a
# pattern, as may a package whose name has a version in it.
needs='
build    program  cc                                   gcc
build    file     /usr/include/stdio.h                 libc6-dev
build    program  pkg-config                           pkg-config
build    program  python3                              python3
build    program  meson                                meson
build    program  ninja                                ninja-build
build    program  msgfmt                               gettext
build    module   gio-unix-2.0                         libglib2.0-dev
build    module   gtk4                                 libgtk-4-dev
build    module   libseccomp                           libseccomp-dev
build    module   libdw                                libdw-dev
build    module   sqlite3                              libsqlite3-dev
window   file     /usr/share/fonts/truetype            fonts-dejavu-core
window   file     /usr/share/icons/Adwaita             adwaita-icon-theme
window   file     /usr/share/doc/librsvg2-common       librsvg2-common
virtual  program  Xvfb                                 xvfb
demo     module   libadwaita-1                         libadwaita-1-dev
tests    module   libadwaita-1                         libadwaita-1-dev
tests    program  spin                                 spin
tests    program  mold                                 mold
tests    program  bwrap                                bubblewrap
cluster  module   libnats                              libnats-dev
cluster  module   libcrypto                            libssl-dev
cluster  program  nats-server                          nats-server
tests    program  openssl                              openssl
tests    program  rsync                                rsync
tests    program  curl                                 curl
tests    program  wget                                 wget
tests    program  pv                                   pv
tests    program  xz                                   xz-utils
tests    program  help2man                             help2man
tests    program  zstd                                 zstd
tests    program  desktop-file-validate                desktop-file-utils
tests    file     /usr/share/i18n/locales/en_US        locales
tests    file     /usr/lib/python3/dist-packages/gi    python3-gi
tests    file     /usr/include/python3*/Python.h       libpython3-dev
tests    module   pygobject-3.0                        python-gi-dev
tests    file     /usr/lib/python3/dist-packages/numpy python3-numpy
tests    file     /usr/lib/python3/dist-packages/mypy python3-mypy
tests    file     /usr/lib/python3/dist-packages/traits python3-traits
tests    file     /usr/lib/python3/dist-packages/prometheus_client python3-prometheus-client
tests    file     /usr/lib/python3*/test/test_concurrent_futures* libpython3.*-testsuite
python   file     /usr/lib/python3/dist-packages/gi    python3-gi
python   file     /usr/include/python3*/Python.h       libpython3-dev
python   module   pygobject-3.0                        python-gi-dev
tests    file     /usr/lib/python3/dist-packages/pytest python3-pytest
tests    file     /usr/lib/python3/dist-packages/joblib python3-joblib
tests    program  dbus-run-session                     dbus-daemon
tests    file     /usr/share/dbus-1/services/org.a11y.Bus.service at-spi2-core
tests    file     /usr/lib/*/girepository-1.0/Atspi-2.0.typelib gir1.2-atspi-2.0
tests    program  gjs                                  gjs
tests    program  valac                                valac
bench    program  gearmand                             gearman-job-server
bench    module   gearmand                             libgearman-dev
bench    file     /usr/lib/python3/dist-packages/gi    python3-gi
bench    file     /usr/include/python3*/Python.h       libpython3-dev
bench    module   pygobject-3.0                        python-gi-dev
bench    file     /usr/lib/python3/dist-packages/joblib python3-joblib
bench    file     /usr/lib/python3/dist-packages/numpy python3-numpy
fuzz     program  clang                                clang
fuzz     file     /usr/share/doc/libclang-rt-dev       libclang-rt-dev
wheel    file     /usr/lib/python3/dist-packages/pip python3-pip
wheel    file     /usr/lib/python3*/ensurepip          python3-venv
wheel    file     /usr/lib/python3/dist-packages/cairo python3-cairo
wheel    program  readelf                              binutils
typelibs module   gobject-introspection-1.0            libgirepository1.0-dev
typelibs program  g-ir-scanner                         gobject-introspection
clone    program  git                                  git
files    program  python3                              python3
packages program  dpkg-buildpackage                    dpkg-dev
packages program  dh                                   debhelper
packages program  lintian                              lintian
docs     program  gi-docgen                            gi-docgen
abi      program  abidw                                abigail-tools
abi      program  xz                                   xz-utils
bare     program  debootstrap                          debootstrap
bare     program  unshare                              util-linux
cross    program  python3                              python3
cross    program  meson                                meson
cross    program  ninja                                ninja-build
cross    program  unshare                              util-linux
arm64    program  aarch64-linux-gnu-gcc                gcc-aarch64-linux-gnu
arm64    file     /usr/lib/aarch64-linux-gnu/pkgconfig/gio-unix-2.0.pc libglib2.0-dev:arm64
arm64    file     /usr/lib/aarch64-linux-gnu/pkgconfig/libseccomp.pc libseccomp-dev:arm64
i386     program  i686-linux-gnu-gcc                   gcc-i686-linux-gnu
i386     file     /usr/lib/i386-linux-gnu/pkgconfig/gio-unix-2.0.pc libglib2.0-dev:i386
i386     file     /usr/lib/i386-linux-gnu/pkgconfig/libseccomp.pc libseccomp-dev:i386
qemu-aarch64 program qemu-aarch64                      qemu-user
qemu-i386 program qemu-i386                            qemu-user
flatpak  program  flatpak                              flatpak
flatpak  program  flatpak-builder                      flatpak-builder
flatpak  program  dbus-run-session                     dbus-daemon
flatpak  program  bwrap                                bubblewrap
flatpak  file     /usr/lib/python3/dist-packages/gi    python3-gi
flatpak  file     /usr/lib/*/girepository-1.0/Adw-1.typelib gir1.2-adw-1
converter program ffmpeg                               ffmpeg
converter program 7zz                                  7zip
converter program jpegoptim                            jpegoptim
converter program optipng                              optipng
converter program pngquant                             pngquant
'

# Files are where Debian puts them, so only Debian is asked for files.
is_missing () # kind name
{
  # shellcheck disable=SC2086 # a file may be a pattern
  case $1 in
    program) ! command -v "$2" >/dev/null 2>&1 ;;
    module) ! pkg-config --exists "$2" 2>/dev/null ;;
    file) command -v apt-get >/dev/null 2>&1 && ! is_there $2 ;;
  esac
}

is_there () # file...
{
  [ -e "$1" ]
}

require () # group...
{
  names=
  packages=
  needed=
  while read -r group kind name package; do
    case " $* " in
      *" ${group:-none} "*) ;;
      *) continue ;;
    esac
    if is_missing "$kind" "$name"; then
      names="$names, $kind $name"
      packages="$packages $package"
      needed="$needed $kind:$name"
    fi
  done <<END
$needs
END
  [ -z "$packages" ] || install_packages
}

list_found ()
{
  while read -r group kind name package; do
    [ -z "$group" ] || is_missing "$kind" "$name" || printf '%s\n' "$name"
  done <<END
$needs
END
}

install_packages ()
{
  command -v apt-get >/dev/null 2>&1 ||
    fail "this machine lacks ${names#, }. $(tell_elsewhere), then run this again."
  install="DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends$packages"
  # Lists that are old name packages that are no longer there.
  if have_lists; then
    install="$install || { apt-get update && $install; }"
  else
    install="apt-get update && $install"
  fi
  if [ "$(id -u)" -ne 0 ]; then
    ask_for_root
  fi
  step "Installing:$packages" as_root "$install" </dev/null ||
    fail 'packages are missing, so nothing was built: see that this machine reaches its mirror, then run this again.'
}

# What installs it where there is no apt-get. The packages of most systems say which programs and pkg-config files they bring;
# those of Arch have names, of which cnats is of its users (AUR).
tell_elsewhere ()
{
  # shellcheck source=/dev/null # a system's, if any
  system=$(. "${FERRY_OS_RELEASE:-/etc/os-release}" 2>/dev/null && say " ${ID:-} ${ID_LIKE:-} ") || true
  case $system in
    *' fedora '* | *' rhel '*) install_with 'dnf install' /usr/bin/ "'pkgconfig(" ")'" ;;
    *' suse '* | *' opensuse'*) install_with 'zypper install' /usr/bin/ "'pkgconfig(" ")'" ;;
    *' arch '*) install_with 'pacman -S --needed' '' '' '' ;;
    *' alpine '*) printf 'Use a container of another system, as Ferry needs glibc' ;;
    *) printf 'Install it the way your system does' ;;
  esac
}

install_with () # command before-program before-module after-module
{
  printf 'As root, install it by: %s' "$1"
  for need in $needed; do
    name=${need#*:}
    case $2,$need in
      ,*) printf ' %s' "$(name_for_arch "$name")" ;;
      *,program:*) printf ' %s%s' "$2" "$name" ;;
      *) printf ' %s%s%s' "$3" "$name" "$4" ;;
    esac
  done
}

name_for_arch () # name
{
  case $1 in
    cc) say gcc ;;
    pkg-config) say pkgconf ;;
    python3) say python ;;
    msgfmt) say gettext ;;
    gio-unix-2.0) say glib2-devel ;;
    libdw) say libelf ;;
    libadwaita-1) say libadwaita ;;
    Xvfb) say xorg-server-xvfb ;;
    bwrap) say bubblewrap ;;
    libnats) say cnats ;;
    libcrypto) say openssl ;;
    desktop-file-validate) say desktop-file-utils ;;
    pygobject-3.0) say python-gobject ;;
    dbus-run-session) say dbus ;;
    valac) say vala ;;
    gobject-introspection-1.0 | g-ir-scanner) say gobject-introspection ;;
    *) say "$1" ;;
  esac
}

have_lists ()
{
  for list in /var/lib/apt/lists/*_Packages*; do
    [ ! -e "$list" ] || return 0
  done
  return 1
}

ask_for_root ()
{
  say "This machine lacks ${names#, }. One command installs it:"
  if ! command -v sudo >/dev/null 2>&1; then
    say "  su -c '$install'"
    fail 'run the command, which asks for the password of root, then this again.'
  fi
  say "  sudo sh -c '$install'"
  [ -t 0 ] || fail 'there is no terminal to ask on: run the command, then this again.'
  printf 'Run it now? [y/N] '
  read -r answer || answer=
  case $answer in
    y | Y | yes) ;;
    *) fail 'nothing was installed.' ;;
  esac
}

as_root () # command
{
  # shellcheck disable=SC2046 # a word or none
  $([ "$(id -u)" -eq 0 ] || echo sudo) sh -c "$1"
}

# ---- building ----

# What a command writes to, which is known before anything is installed for it.
require_folder () # folder
{
  [ -w "$top" ] || fail "$top may not be written: copy it, such as by 'cp -R $top ~/ferry', and run this there."
  [ -e "$top/$1" ] || return 0
  foreign=$(find "$top/$1" -maxdepth 2 ! -type l ! -writable -print -quit 2>/dev/null)
  [ -z "$foreign" ] ||
    fail "$foreign belongs to $(stat -c %U "$foreign"): have the folder removed, such as by 'sudo rm -rf $top/$1', then run" \
      'this again.'
}

# A folder that is a place where something is mounted stays, and is empty then.
remove_folder () # folder
{
  why=$(rm -rf "$1" 2>&1 | head -n 1)
  [ -z "$(ls -A "$1" 2>/dev/null)" ] || fail "$1 cannot be removed: ${why#rm: }. Have it removed, then run this again."
}

# JSON has its own ways to write a path.
configured_for () # folder
{
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["directories"]["source"])' \
    "$1/meson-info/meson-info.json" 2>/dev/null
}

configure () # folder option...
{
  require_folder "$1"
  folder=$top/$1
  shift
  if [ -e "$folder" ] && [ "$(configured_for "$folder")" != "$top" ]; then
    say "$folder was configured for another place, or not to the end: starting it afresh."
    remove_folder "$folder"
  fi
  # Meson looks for tools once, and one that came since changes what there is to build.
  found=$(list_found)
  if [ ! -f "$folder/build.ninja" ]; then
    step "Configuring $folder" meson setup "$folder" "$top" "$@" || return
  elif [ "$found" != "$(cat "$folder/seen-tools" 2>/dev/null)" ] || ninja -C "$folder" -n build.ninja | grep -q '^\['; then
    step "Configuring $folder anew" meson setup --reconfigure "$folder" "$top" || return
  fi
  say "$found" >"$folder/seen-tools"
}

# The build that most commands share. A server lets no warning pass.
configure_build () # option...
{
  configure build ${CI:+--werror} ${FERRY_BENCHMARKS:+"-Dbenchmarks=$FERRY_BENCHMARKS"} "$@"
}

compile () # folder target...
{
  folder=$top/$1
  shift
  plan=$(ninja -C "$folder" -n "$@" 2>&1 | tail -n 1)
  case $plan in
    *error:*) fail "$folder: ${plan#ninja: error: }; meson-logs/meson-log.txt there says what this machine lacks." ;;
    '['*) step "Building $(expr "$plan" : '.*/\([0-9]*\)\]') parts in $folder" ninja -C "$folder" "$@" ;;
  esac
}

build () # target...
{
  configure_build
  compile build "$@"
}

# Which tests of a build folder the arguments choose, or what they are made of: see tests/choose-tests.py.
choose () # kind folder suite argument...
{
  kind=$1
  folder=$2
  shift 2
  python3 "$top/tests/choose-tests.py" "$kind" "$top/$folder" "$@"
}

run_tests () # folder argument...
{
  folder=$top/$1
  shift
  meson test -C "$folder" --no-rebuild --print-errorlogs "$@"
}

# ---- displays ----

have_display ()
{
  [ -n "${DISPLAY:-}" ] || [ -n "${WAYLAND_DISPLAY:-}" ]
}

# A display of our own, under the first number that is free. Xvfb writes the number when it is ready; when it cannot
# start, the read ends with nothing.
start_display ()
{
  make_private
  mkdir -m 700 "$private/runtime"
  mkfifo "$private/number"
  # -noreset: else the server starts afresh when its last client leaves, and refuses the next one meanwhile.
  # The pointer stands in the middle, beside all windows: what happens does not depend on what it happens to be over.
  Xvfb -displayfd 3 -noreset -screen 0 2560x1920x24 -nolisten tcp 3>"$private/number" >"$private/xvfb.log" 2>&1 </dev/null &
  display_process=$!
  number=
  read -r number <"$private/number" || true
  if [ -z "$number" ]; then
    cat "$private/xvfb.log" >&2
    fail 'Xvfb did not start.'
  fi
  unset WAYLAND_DISPLAY
  export DISPLAY=":$number" XDG_RUNTIME_DIR="$private/runtime" DBUS_SESSION_BUS_ADDRESS=disabled: GDK_BACKEND=x11
  export GSETTINGS_BACKEND=memory GSK_RENDERER=cairo GTK_A11Y=none
}

# What a command with a window needs and builds; without a display, it has a virtual one then.
prepare_window () # what group target...
{
  require_folder build
  if have_display; then
    require build window "$2"
  else
    require build window virtual "$2"
  fi
  shown=$1
  shift 2
  build "$@"
  have_display || {
    say "There is no display: $shown runs on a virtual one."
    start_display
  }
}

# On a virtual display, a picture is taken of the window that a program opens.
watch () # picture program argument...
{
  shot=$top/$1.png
  shift
  result=0
  if [ -z "$display_process" ]; then
    "$@"
    return
  fi
  rm -f "$shot"
  LD_PRELOAD="$top/build/$watcher" FERRY_WATCHER_SHOT="$shot" "$@" || result=$?
  [ ! -s "$shot" ] || say "Screenshot: $shot" >&2
  return "$result"
}

# The demo works at its jobs for some seconds before its picture is taken, and ends in the middle of them.
watch_demo () # picture argument...
{
  picture=$1
  shift
  say "Running: ferry-demo $*"
  if [ -n "$display_process" ]; then
    # The user's own tasks are in no picture, and none of these is left in their file.
    rm -rf "$top/build/demo-state"
    export XDG_STATE_HOME="$top/build/demo-state"
  fi
  FERRY_WATCHER_SECONDS=${FERRY_WATCHER_SECONDS:-6} watch "$picture" "$top/build/demo-app/ferry-demo" "$@"
}
