#!/usr/bin/env bash
# tools/check_neon.sh: the kernels and their tests for aarch64, run under qemu-user. The libraries for arm64 are fetched with an apt
# whose state lies in build-neon/ and are unpacked there: nothing of the machine's own set of packages or architectures changes.
set -euo pipefail
here=$PWD/build-neon
sysroot=$here/sysroot
packages="libhwy1 libhwy-dev libfmt9 libfmt-dev libssl3 libssl-dev libgmp10 libgmpxx4ldbl libgmp-dev
          libeigen3-dev nlohmann-json3-dev doctest-dev"

if [ ! -e "$sysroot/complete" ]; then
  rm -rf "$sysroot" "$here/apt"
  mkdir -p "$sysroot" "$here"/apt/{lists,cache/archives}/partial
  : > "$here/apt/status"
  apt_arm64=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User= -o Dir::State="$here/apt"
             -o Dir::State::status="$here/apt/status" -o Dir::Cache="$here/apt/cache")
  "${apt_arm64[@]}" -o APT::Update::Error-Mode=any update
  # shellcheck disable=SC2086
  (cd "$here/apt" && "${apt_arm64[@]}" download $packages)
  for package in "$here"/apt/*.deb; do dpkg-deb -x "$package" "$sysroot"; done
  touch "$sysroot/complete"
fi
cmake -G Ninja -S tests/neon -B build-neon -DSYSROOT="$sysroot" > build-neon/cmake.log || { cat build-neon/cmake.log; exit 1; }
cmake --build build-neon -j "$(nproc)"
ctest --test-dir build-neon --output-on-failure --no-tests=error -j "$(nproc)"
qemu-aarch64 -L /usr/aarch64-linux-gnu build-neon/test_simd | grep "SIMD target:"
