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

# A wheel with its libraries: all of them are found inside, nothing speaks of the folder of the build, and it quantizes and verifies.
HALLMARK_BUILD=$build "$work/venv/bin/pip" wheel --quiet --no-index --no-deps --disable-pip-version-check ./python \
  --config-settings bundle=1 --wheel-dir "$work"
/usr/bin/python3 -m venv --system-site-packages "$work/other"  # Debian's numpy
"$work/other/bin/pip" install --quiet --no-index --disable-pip-version-check "$work"/hallmark-*-manylinux_2_36_*.whl
package=$(cd "$work" && "$work/other/bin/python" -c 'import hallmark, pathlib; print(pathlib.Path(hallmark.__file__).parent)')
[ "${package#"$work/other/"}" != "$package" ]
ldd "$package"/_native*.so > "$work/libraries"
outside=$(grep ' => ' "$work/libraries" | grep -v -F -e "$package/libs/" | grep -v -E '^\s*lib(c|m|gcc_s|stdc\+\+)\.so' || true)
[ -z "$outside" ] || { echo "the wheel takes libraries of the system: $outside" >&2; exit 1; }
grep -q -F "$package/libs/libgmp-hm.10" "$work/libraries"
! grep -q -F "$build" "$package"/_native*.so || { echo "the module knows the folder of its build" >&2; exit 1; }
cd "$work"
"$work/other/bin/python" - <<'PYTHON'
import numpy as np, hallmark
W, X = (np.random.default_rng(1).standard_normal(shape).astype(np.float32) for shape in ((8, 32), (100, 32)))
hallmark.save_weights("w.safetensors", {"w": W})
hallmark.save_calibration("c.safetensors", {"w": hallmark.Gram(32).add(X)})
hallmark.quantize_file("w.safetensors", "q.safetensors", "c.safetensors", bits=4)
assert hallmark.verify("q.safetensors", "w.safetensors", "c.safetensors", exact=True).loss_over_rtn["w"] <= 1
PYTHON
echo "check_python: the wheel $(basename "$work"/hallmark-*-manylinux_2_36_*.whl), $(stat -c %s "$work"/hallmark-*-manylinux_2_36_*.whl) bytes, has its libraries"
