#!/bin/sh
# Makes .venv: this project, editable, with everything it needs in exact versions.
# The stack follows from the machine: TFX 1.21 where glibc is 2.39 or newer and Python 3.11 to 3.13,
# TFX 1.16 where glibc is 2.28 or newer and Python 3.10 or 3.11. PYTHON=... is tried first.
# .venv/.ready is written last: without it, .venv is a torso of an interrupted run and is made anew.
set -eu
cd "$(dirname "$0")/.."

# One install at a time: a second run waits here for the first.
exec 9<install/venv.sh
if command -v flock >/dev/null; then flock 9; fi

# A venv holds absolute paths, so it is good for this folder only.
versions=$({ pwd -P; cat install/lock-*.txt; } | sha256sum)
package=$(cat setup.cfg pyproject.toml | sha256sum)
ready=
if [ -x .venv/bin/python ] && [ -f .venv/.ready ]; then ready=$(cat .venv/.ready); fi
if [ "$ready" = "$versions $package" ]; then exit 0; fi

fail() {
  echo "unweave: $*" >&2
  exit 1
}

# Prints the stack and the interpreter (exit 0), what the machine lacks (3), or why this Python will not do (4).
# Any Python can read it, even 2.7.
probe='
import os, platform, sys
def answer(status, text):
    sys.stdout.write(text)
    sys.exit(status)
python = sys.version_info[:2]
if python < (3, 10):
    answer(4, "Python %d.%d" % python)
try:
    glibc = os.confstr("CS_GNU_LIBC_VERSION").split()[1]
except (AttributeError, IndexError, OSError, ValueError):
    answer(3, "this machine has no glibc (it may use musl), and the wheels of TFX need glibc 2.28 or newer")
if platform.machine() != "x86_64":
    answer(3, "this machine is %s, and ML Metadata is packaged for x86_64 only" % platform.machine())
libc = tuple(map(int, glibc.split(".")[:2]))
if libc >= (2, 39) and (3, 11) <= python <= (3, 13):
    stack = "tfx121"
elif libc >= (2, 28) and (3, 10) <= python <= (3, 11):
    stack = "tfx116"
else:
    answer(4, "Python %d.%d with glibc %s" % (python + (glibc,)))
try:
    import ensurepip, venv
except ImportError:
    answer(3, "Python %d.%d lacks the venv module: apt-get install python3-venv (or python%d.%d-venv)" % (python * 2))
if python == (3, 10):
    import shutil, sysconfig  # the one Python for which pyfarmhash has no wheel
    header = os.path.join(sysconfig.get_path("include"), "Python.h")
    if not (os.path.exists(header) and (shutil.which("c++") or shutil.which("g++"))):
        answer(3, "Python 3.10 needs a C++ compiler and its headers, to build pyfarmhash: "
                  "apt-get install g++ python3-dev, or take Python 3.11")
answer(0, stack + " " + getattr(sys, "_base_executable", sys.executable))
'

choose_python() {
  lacking='' unfit=''
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.10; do
    status=0
    answer=$("$candidate" -c "$probe" 2>/dev/null) || status=$?
    case $status in
      0) stack=${answer%% *} python=${answer#* }; return ;;
      3) lacking=${lacking:-$answer} ;;
      4) unfit=${unfit:-$answer} ;;
    esac
  done
  fail "${lacking:-no suitable Python: needed is 3.11 to 3.13 with glibc 2.39 or newer, or 3.10 or 3.11 with an older glibc (2.28 at least); found ${unfit:-none}}"
}

# The locks name every package, so pip resolves nothing. That lets in two things that declarations
# forbid and runs allow: TFX 1.16 on Python 3.11, and a pyfarmhash that has wheels (no compiler).
pip_install() {
  .venv/bin/python -m pip install -qq --disable-pip-version-check --no-input \
    --no-deps --ignore-requires-python "$@" || fail "the install failed (see above); run it again to start afresh"
}

case $ready in
  "$versions "*)
    echo "unweave: setup.cfg or pyproject.toml changed, updating .venv"
    rm .venv/.ready
    ;;
  *)
    choose_python
    echo "unweave: installing into .venv for $("$python" -V), versions of install/lock-$stack.txt (2 to 3 minutes)"
    rm -f .venv/.ready
    rm -rf .venv
    "$python" -m venv .venv || fail "$python cannot make a venv (see above)"
    pip_install -r "install/lock-$stack.txt"
    ;;
esac
pip_install -e .
echo "$versions $package" >.venv/.ready.part
mv .venv/.ready.part .venv/.ready
