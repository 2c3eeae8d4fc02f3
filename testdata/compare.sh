#!/usr/bin/env bash
# compare.sh OLD NEW [ROWS] holds two sluice binaries against each other: whatever they stage, judge,
# reject and report for every script, fixture and example, and for ROWS (20000) sampled rows of every
# bundle, must be the same bytes. For a change that is meant to change nothing. Ends with 1 and the
# differences if there are any. Times, ids and paths of the temporary folders are left out.
set -euo pipefail
cd "$(dirname "$0")/.."
project=$PWD
old=$(realpath "$1") new=$(realpath "$2") rows=${3:-20000}
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

# examples SLUICE: runs every example, every case of a bundle's fixtures, and samples, in the current folder.
examples() {
  local sluice=$1 bundle name case file layout sample args
  run() { # NAME BUNDLE ARGS…
    local status=0
    "$sluice" transform "$2" --run "$1" "${@:3}" >"$1.out" 2>&1 || status=$?
    echo "exit $status" >>"$1.out"
    [ ! -d "$1" ] || "$sluice" validate "$1" --offline >/dev/null 2>&1 || true
  }
  for name in map-growth awkward; do
    run "example-$name" nwea-map-growth -i "results=$project/examples/$name/results.csv" -p school_year=2026
  done
  run example-overlay nwea-map-growth -i "results=$project/examples/awkward/results.csv" -p school_year=2026 \
    --tenant sandbox --config "$project/examples/awkward/sluice.yaml"
  for bundle in "$project"/bundles/*/ "$project"/testdata/bundles/*/; do
    bundle=${bundle%/}
    name=$(basename "$bundle")
    "$sluice" bundle test "$bundle" --json >"fixtures-$name.out" 2>&1 || true
    "$sluice" bundle lint "$bundle" >"lint-$name.out" 2>&1 || true
    for case in "$bundle"/fixtures/*/; do # inputs are NAME.csv, or NAME#n.csv where there are several
      [ -d "$case" ] || continue
      args=()
      for file in "$case"*.csv "$case"*.tsv "$case"*.txt; do
        [ ! -f "$file" ] || args+=(-i "$(basename "${file%.*}" | cut -d'#' -f1)=$file")
      done
      if [ -f "$case/params.yaml" ]; then
        while read -r param; do args+=(-p "$param"); done < <(sed -En "s/^([a-z_]+): *[\"']?([^\"']*)[\"']?$/\1=\2/p" "$case/params.yaml")
      fi
      run "case-$name-$(basename "$case")" "$bundle" "${args[@]}"
    done
    for layout in "" ela math; do
      sample=sample-$name-$layout
      "$sluice" bundle sample "$bundle" ${layout:+--layout "$layout"} -p school_year=2026 --rows "$rows" --seed 7 -o "$sample.csv" -q 2>"$sample.out" || continue
      run "$sample" "$bundle" -i "results=$sample.csv" -p school_year=2026
    done
  done
}

# digests FOLDER: one line for each file that two binaries must agree on.
digests() (
  cd "$1"
  find . -type f \( -path '*/staged/*' -o -path '*/verdicts/*' -o -path '*/rejects/*' -o -path '*/problems/*' -o -path '*/errors/*' \
    -o -name unmapped.csv -o -name mappings.csv -o -name '*.out' -o -path './*.csv' \) -not -name '*.part' |
    LC_ALL=C sort | while read -r file; do
      printf '%s  %s\n' "$(sed -E "s#$1#WORK#g; s#go-test-script[0-9]+#SCRIPTS#g; s#[0-9]{8}T[0-9]{6}\.[0-9]{3}Z#TIME#g; s#[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z#TIME#g; s#\"?correlationId\"?:\"[^\"]*\"##g" "$file" | sha256sum | cut -c1-16)" \
        "$(sed -E 's#go-test-script[0-9]+#SCRIPTS#; s#[0-9]{8}T[0-9]{6}\.[0-9]{3}Z#TIME#' <<<"$file")"
    done
)

for side in old new; do
  mkdir -p "$work/$side/bin" "$work/$side/scripts" "$work/$side/runs"
  ln -s "${!side}" "$work/$side/bin/sluice"
  echo "scripts and examples with ${!side}"
  TMPDIR=$work/$side/scripts go test ./cmd/sluice -count=1 -run TestScripts -testwork -binaries "$work/$side/bin" >"$work/$side.log" 2>&1 ||
    echo "    some lines of the scripts do not hold for this binary; their files are compared all the same"
  (cd "$work/$side/runs" && examples "${!side}")
  digests "$work/$side/scripts" >"$work/$side.digests"
  digests "$work/$side/runs" >>"$work/$side.digests"
done
printf '%d files of %s, %d of %s\n' "$(wc -l <"$work/old.digests")" "$1" "$(wc -l <"$work/new.digests")" "$2"
if diff "$work/old.digests" "$work/new.digests" >"$work/differences"; then
  echo "the same"
else
  head -60 "$work/differences"
  [ -z "${KEEP:-}" ] || { trap - EXIT; echo "kept in $work"; }
  exit 1
fi
