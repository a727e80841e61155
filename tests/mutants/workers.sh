# shellcheck shell=bash disable=SC2034,SC2154  # who sources this reads what it sets, and sets what it reads
# Workers that judge faults side by side, each in a copy of the tree of its own; sourced by the scripts beside it. They compile
# through one ccache: what one copy has compiled the others take, and so does a copy whose fault has been taken out again.
tree=$PWD work=$(mktemp -d)
processors=$(nproc)
declare -A running=()  # processes of workers
export OMP_WAIT_POLICY=passive  # a thread that spins takes the processor of another worker
export CCACHE_BASEDIR=/ CCACHE_NOHASHDIR=1
[ -n "${CMAKE_CXX_COMPILER_LAUNCHER:-}" ] || export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_DIR=$work/ccache

# end_process PID: with all that it started; stopped first, so that none of them starts another.
end_process() {
  local child
  kill -STOP "$1" 2> /dev/null || return 0
  for child in $(pgrep -P "$1"); do end_process "$child"; done
  kill -KILL "$1" 2> /dev/null || true
}
end_workers() {
  local process
  for process in "${!running[@]}"; do
    end_process "$process"
    wait "$process" 2> /dev/null || true
  done
  rm -rf "$work"
}
trap end_workers EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# side_by_side COUNT COMMAND: runs COMMAND with worker=1 .. COUNT at once. When one fails the run ends, and the others with it.
side_by_side() {
  local ended status
  for ((worker = 1; worker <= $1; worker++)); do
    set -m  # a group of its own: Ctrl-C is for this shell, which ends them, and no test inherits that SIGINT is ignored
    "$2" < /dev/null &
    set +m
    running[$!]=$worker
  done
  while [ ${#running[@]} -gt 0 ]; do
    status=0
    wait -n -p ended "${!running[@]}" || status=$?
    unset "running[$ended]"
    [ "$status" -eq 0 ] || exit 1
  done
}

# workers_for COUNT: how many workers judge so many faults: JOBS, or fewer, so that each has some, because a copy costs what some do.
workers_for() {
  local jobs=${JOBS:-$processors} most=$((($1 - 1) / 4 + 1))
  echo $((jobs < most ? jobs : most))
}
# share_processors WORKERS: what each of them compiles at once.
share_processors() { threads=$(((processors + $1 - 1) / $1)); }

# pack_tree: every copy is of the tree as it is now.
pack_tree() { git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from=- -f "$work/tree.tar"; }

# enter COPY UNITY: goes to this copy of the tree; where it is not there yet it is made, and configured with HALLMARK_UNITY so.
enter() {
  local copy=$work/$1
  export TMPDIR=$copy-tmp                # what a fault leaves there goes with the copy
  exec 8> "$work/turn" 9> "$work/asked"  # locks: see begin_asking
  if [ ! -d "$copy" ]; then
    mkdir "$copy" "$TMPDIR"
    tar -x -C "$copy" -f "$work/tree.tar"
    cd "$copy" || exit 1
    cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DHALLMARK_TESTS=ON "-DHALLMARK_UNITY=$2" > build.log || { cat build.log; exit 1; }
  else
    cd "$copy" || exit 1
  fi
}

# take NAME: true for one worker.
take() { mkdir "$work/taken-$1" 2> /dev/null; }

# Programs that measure the processors, or that kill others at a moment which follows the clock: beside another worker they could
# fail for its sake, and a fault would count as seen.
alone=" ledger_kill tool_kills tool_resume_kills tool_shared_cores "
# begin_asking PROGRAM..: waits until no program of those is asked; where one of them is meant, until no other worker asks.
begin_asking() {
  local how=-s program
  for program in "$@"; do [[ $alone != *" $program "* ]] || how=-x; done
  flock 8  # a queue: who waits to be alone is not overtaken
  flock "$how" 9
  flock -u 8
}
end_asking() { flock -u 9; }  # also where a process that a fault has left holds the file open
