#!/usr/bin/env bash
# tools/check_trainer.sh BUILD: builds the trainer with the system's LibTorch and BUILD's library, trains the tiny recipe for some
# seconds and lets hallmark-train assert that the loss fell and that the C++ replay agrees with LibTorch on the checkpoint written.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --install "$1" --prefix build-trainer/hallmark > /dev/null
cmake -G Ninja -DCMAKE_BUILD_TYPE=Release -S trainer -B build-trainer -DCMAKE_PREFIX_PATH="$PWD/build-trainer/hallmark"
cmake --build build-trainer --target hallmark-train -j "${JOBS:-$(nproc)}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
build-trainer/hallmark-train --recipe trainer/recipe-tiny.json --seed 47 --output "$folder/tiny.safetensors" --check
