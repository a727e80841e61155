#!/usr/bin/env bash
# tools/check_python.sh BUILD: the Python package as a user gets it, `pip install` into a fresh virtual environment
# without network, and its tests there against the tool of the same build folder.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

/usr/bin/python3 -m venv --system-site-packages "$work/venv"  # Debian's numpy, torch and pytest
HALLMARK_BUILD=$build "$work/venv/bin/pip" install --quiet --no-index --disable-pip-version-check ./python
HALLMARK_TOOL=$build/hallmark "$work/venv/bin/python" -m pytest python/tests --basetemp "$work/tests"
