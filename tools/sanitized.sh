# tools/sanitized.sh, read by check_sanitizers.sh and check_fuzz.sh: one build folder, $build, of the tests and of the fuzz targets under
# AddressSanitizer with LeakSanitizer and UndefinedBehaviorSanitizer. With clang, because it compiles in two thirds of g++'s processor time.
build=build-sanitize
# libomp loses memory of its own. A suppression hides every leak that has the name in any frame, and libomp stands below all that a
# parallel region does; so two frames are kept: what allocated, and who called it.
export ASAN_OPTIONS="malloc_context_size=2 ${ASAN_OPTIONS:-}"
export LSAN_OPTIONS="suppressions=$PWD/tests/asan/leaks_of_others.txt print_suppressions=0 ${LSAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1 ${UBSAN_OPTIONS:-}"
export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-14
export OMP_WAIT_POLICY=passive  # programs share the cores: libomp's threads would spin for 200 ms after each parallel region

# sanitized_build [TARGET...]
sanitized_build() {
  local uncounted=$PWD/$build/uncounted.txt
  mkdir -p "$build"
  # Branches that no fuzzer needs to see taken: of arithmetic, whose inputs the readers have judged before, and of tests. Counting them
  # is half of what a league's test takes. A file of a unity build has the name of its group.
  printf 'src:%s/*\n' "$PWD"/{src/replay,src/linalg,tests,"$build"/tests} > "$uncounted"
  printf 'src:%s/*/unity_%s_cxx.cxx\n' "$PWD/$build" replay "$PWD/$build" linalg >> "$uncounted"
  cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++-14 -DHALLMARK_TESTS=ON -DHALLMARK_FUZZ=ON \
    -DHALLMARK_SANITIZE=fuzzer-no-link,address,undefined \
    -DCMAKE_CXX_FLAGS_RELEASE="-O1 -gline-tables-only -fsanitize-coverage-ignorelist=$uncounted" > "$build.log" \
    || { cat "$build.log"; exit 1; }
  rm -f "$build.log"
  cmake --build "$build" -j "$(nproc)" ${1:+--target "$@"}
}
