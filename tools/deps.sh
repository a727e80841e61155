#!/usr/bin/env bash
# tools/deps.sh SET...: sees that the Debian packages of the named sets are installed.
# Nothing missing: says nothing, asks for no rights. Something missing: prints the apt line and runs it, through sudo
# when not root; DEPS=skip prints the line and stops.
set -euo pipefail

packages_of() {
  case "$1" in
    build) echo g++ cmake ninja-build pkg-config libeigen3-dev libhwy-dev libfmt-dev nlohmann-json3-dev libssl-dev \
                libgmp-dev libmpfr-dev libcli11-dev libboost-math-dev libre2-dev \
                libzstd-dev liblzma-dev libbrotli-dev zlib1g-dev ;;  # zlib: parameter-golf keeps its int8 artifact in it
    text) echo perl-doc ;;
    test) echo doctest-dev ;;
    proofs) echo coq libcoq-flocq libcoq-coquelicot ;;
    extraction) echo ocaml-findlib libzarith-ocaml-dev ;;
    solvers) echo z3 cvc5 ;;
    bench) echo libbenchmark-dev libopenblas-dev ;;
    format) echo clang-format-14 ;;
    gate) echo ccache ;;  # planted faults too: what one copy of the tree compiled serves the others
    fuzz) echo clang-14 libclang-rt-14-dev ;;
    neon) echo g++-aarch64-linux-gnu qemu-user cmake ninja-build ;;
    sanitizers) echo clang-14 libclang-rt-14-dev llvm-14 libomp-14-dev ;;
    python) echo python3-dev python3-venv python3-pip python3-numpy python3-pytest python3-torch pybind11-dev ;;
    interop) echo python3-venv python3-pip python3-numpy python3-pytest python3-torch python3-tqdm python3-yaml python3-requests ;;
    mpi) echo libopenmpi-dev openmpi-bin openssh-client python3 ;;  # several processes of one run (HALLMARK_MPI); mpirun looks for ssh
    trainer) echo libtorch-dev ;;
    *) echo "tools/deps.sh: unknown set '$1'" >&2; exit 2 ;;
  esac
}

missing=()
for set in "$@"; do
  list=$(packages_of "$set")
  for package in $list; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=absent
    [ "$state" = installed ] || missing+=("$package")
  done
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=""
[ "$(id -u)" -eq 0 ] || as_root="sudo "
echo "missing packages; this installs them:"
echo "  ${as_root}apt-get install -y --no-install-recommends ${missing[*]}"
if [ "${DEPS:-}" = skip ]; then
  echo "DEPS=skip: nothing was installed" >&2
  exit 1
fi
${as_root}apt-get update -qq
${as_root}env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
