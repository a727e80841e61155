#!/usr/bin/env bash
# tools/check_install.sh BUILD: installs into a temporary prefix and builds and runs examples/ against the package.
set -euo pipefail
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$1" --prefix "$prefix/usr" > /dev/null
cmake -G Ninja -S examples -B "$prefix/example" -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix/usr" > "$prefix/log" ||
  { cat "$prefix/log"; exit 1; }
cmake --build "$prefix/example"
"$prefix/example/quantize_matrix"
"$prefix/usr/bin/hallmark" version
"$prefix/usr/bin/hallmark" manual | cmp - "$prefix/usr/share/man/man1/hallmark.1"
"$prefix/usr/bin/hallmark" completion | cmp - "$prefix/usr/share/bash-completion/completions/hallmark"
[ ! -x "$1/checker/hallmark-check" ] || [ -x "$prefix/usr/bin/hallmark-check" ]
(cd "$prefix/usr/share/hallmark" && "$prefix/usr/bin/hallmark" smt | tail -n 1)
