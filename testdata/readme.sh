#!/usr/bin/env bash
# Runs the shell blocks of README.md, docs/first-bundle.md, docs/roster.md and docs/changeover.md, each page in one scratch copy of the examples,
# with the binary on the PATH. Those of README.md are run twice, and in two other orders. A block opened with ```sh exit=3 must end with 3,
# any other with 0; a block opened with ```sh setup is what a reader does with the clone itself and is not run here.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
scratch=$(mktemp -d)
trap 'cat "$scratch"/page.*/*.pid 2>/dev/null | xargs -r kill 2>/dev/null || true; jobs -p | xargs -r kill 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$scratch"' EXIT
mkdir "$scratch/bin"
cp sluice "$scratch/bin/"
export PATH="$scratch/bin:$PATH" NO_COLOR=1

# run_page PAGE ORDER…: each order is one pass over all blocks, in the same folder: sort, or shuffle, or reverse
run_page() {
  local page=$1 here ran=0 order block want status
  shift
  here=$(mktemp -d "$scratch/page.XXXX")
  cp -r "$root/examples" "$root/bundles" "$here/"
  mkdir "$here/testdata"
  cp -r "$root/testdata/changeover" "$here/testdata/"
  rm -rf "$here"/examples/{runs,state} # what a reader who ran the blocks here left
  awk -v dir="$here" '
    /^```sh/ && !inside { inside = 1; n++; want = 0; skip = ($0 ~ /setup/)
                          if (match($0, /exit=[0-9]+/)) want = substr($0, RSTART + 5, RLENGTH - 5)
                          file = sprintf("%s/block%02d.sh", dir, n)
                          if (!skip) { print "# want " want > file }
                          next }
    /^```/ && inside    { inside = 0; if (!skip) close(file); next }
    inside && !skip     { print > file }' "$root/$page"
  cd "$here"
  for order in "$@"; do
    for block in $(printf '%s\n' block*.sh | "$order"); do
      want=$(sed -n '1s/# want //p' "$block")
      printf -- '-- %s: %s (must end with %s)\n' "$page" "$block" "$want"
      status=0
      bash -eu "$block" >"$block.out" 2>&1 </dev/null || status=$?
      if [ "$status" != "$want" ]; then
        cat "$block.out"
        echo "$page: $block ended with $status, not $want"
        exit 1
      fi
      ran=$((ran + 1))
    done
  done
  [ "$ran" -gt 0 ] || { echo "$page has no shell block to run"; exit 1; }
  echo "the blocks of $page did what they say: $ran"
}

reverse() { sort -r; }
shuffle() { awk -v seed="$RANDOM" 'BEGIN { srand(seed) } { print rand(), $0 }' | sort | cut -d' ' -f2; } # what ran is printed

run_page README.md sort sort # a reader may run them again
run_page README.md reverse shuffle # and in any order
run_page docs/first-bundle.md sort
run_page docs/roster.md sort sort
run_page docs/changeover.md sort
if (echo >/dev/tcp/127.0.0.1/8765) 2>/dev/null; then
  echo "README.md: a block left its process behind: port 8765 is still open"
  exit 1
fi
