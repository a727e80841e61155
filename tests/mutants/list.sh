# shellcheck shell=bash disable=SC2034
# Reads lists of planted faults (mutants.txt says their form); sourced by the scripts beside it.

# each_mutant LIST COMMAND: runs COMMAND for every block, with name, file, tests, from and to set.
each_mutant() {
  local key value
  while IFS= read -r value; do
    key=${value%% *} value=${value#* }
    case $key in
      mutant) name=$value tests='' ;;
      file) file=$value ;;
      tests) tests=$value ;;
      from) from=${value#"${value%%[! ]*}"} ;;
      to) to=${value#"${value%%[! ]*}"} && "$2" ;;
    esac
  done < <(grep -v -E '^(#|$)' "$1")
}

# digest_of TREE: of the block at hand and of the file that it changes, as they are in TREE.
digest_of() {
  { printf '%s\n' "$name" "$file" "$tests" "$from" "$to"; cat "$1/$file"; } | sha256sum | cut -c 1-16
}
