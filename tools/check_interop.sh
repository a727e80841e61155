#!/usr/bin/env bash
# tools/check_interop.sh BUILD: the files that we export in the hands of programs that we did not write. Their packages
# come from PyPI, of the versions and digests of tests/interop/requirements.txt, into a virtual environment of this run.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

/usr/bin/python3 -m venv --system-site-packages "$work/venv"  # Debian's numpy, torch and pytest
pip=("$work/venv/bin/pip" install --quiet --disable-pip-version-check --retries 2 --timeout 20
     --no-deps --only-binary :all: --require-hashes --requirement tests/interop/requirements.txt)
status=0
timeout "${PYPI_SECONDS:-600}" "${pip[@]}" > "$work/pip.log" 2>&1 || status=$?
if [ "$status" -ne 0 ]; then
  cat "$work/pip.log" >&2
  # pip has one status for all: a network that is not there is no failure, a package that is gone or altered is one.
  unreachable='connection broken by|timed out|Connection reset'
  if [ "$status" -ne 124 ] && { ! grep -q -E "$unreachable" "$work/pip.log" || grep -q HASHES "$work/pip.log"; }; then
    exit 1
  fi
  echo "NOT RUN: check-interop, because PyPI cannot be reached"
  exit 0
fi
HALLMARK_TOOL=$build/hallmark "$work/venv/bin/python" -m pytest -p no:cacheprovider tests/interop --basetemp "$work/tests"
