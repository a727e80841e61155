#!/usr/bin/env bash
# tools/check_tsan.sh: the tests that use threads under ThreadSanitizer: clang's OpenMP runtime, whose order of events Archer shows to
# ThreadSanitizer (g++'s runtime gives false races). First both are seen to work: a race is reported, and ordered threads are not.
set -euo pipefail
build=build-tsan
tests="codec_lanes gram factor hard_inputs rtn recurrence guard loss_binary32 gptq views digests fixtures_production
       run_time_contracts certificate_observer exact_layers replay_forward replay_capture measure verify tool user"
export TSAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-14
# Libraries of packages (OpenMP's, OpenSSL, GMP) are not instrumented, and what they do is left out: so are tasks that libstdc++ starts.
teams="ignore_noninstrumented_modules=1 exitcode=66"
# With one thread of OpenMP nothing has to be left out, and tasks of std::async (src/pipeline/beside.hpp) are seen.
tasks() { env OMP_NUM_THREADS=1 OMP_TOOL=disabled TSAN_OPTIONS="exitcode=66" "$@"; }

mkdir -p "$build"
for program in race ordered task; do
  clang++-14 -std=c++20 -g -O1 -fopenmp -fsanitize=thread "tests/tsan/$program.cpp" -o "$build/$program"
done
seen() {  # NAME COMMAND: a planted race is reported
  if "${@:2}" > "$build/$1.log" 2>&1 || ! grep -q 'WARNING: ThreadSanitizer: data race' "$build/$1.log"; then
    echo "ThreadSanitizer does not see the race of tests/tsan/$1.cpp" >&2
    exit 1
  fi
}
seen race env TSAN_OPTIONS="$teams" "$build/race"
seen task tasks "$build/task"
TSAN_OPTIONS=$teams "$build/ordered" || { echo "false reports on tests/tsan/ordered.cpp: is libarcher there?" >&2; exit 1; }

# Here every source is compiled alone, so that one which lives of its neighbours' includes is found.
cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++-14 -DHALLMARK_TESTS=ON -DHALLMARK_UNITY=OFF \
  -DHALLMARK_SANITIZE=thread -DCMAKE_CXX_FLAGS_RELEASE="-O1 -gline-tables-only"
# shellcheck disable=SC2086
cmake --build "$build" -j "$(nproc)" --target $(printf 'test_%s ' $tests)
# A program under ThreadSanitizer starts by writing half a MiB into a file under TMPDIR or else TEST_TMPDIR, which the limits
# on the size of files in the test `tool` forbid; where it cannot make the file it goes on without. The tests find their folder by TMP.
export TMP="${TMPDIR:-/tmp}" TEST_TMPDIR=/nonexistent
unset TMPDIR
TSAN_OPTIONS=$teams ctest --test-dir "$build" --output-on-failure --no-tests=error -R "^($(echo $tests | tr -s ' ' '|'))\$"
tasks "$build/tests/cli/test_tool" --subcase-exclude='threads and block size do not change*'
tasks "$build/tests/cli/test_user"
