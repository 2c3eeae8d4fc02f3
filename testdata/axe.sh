#!/usr/bin/env bash
# Makes eight kinds of runs with ./sluice and checks their pages, and the list of runs, with axe-core in
# headless Chromium. Needs chromium and npm.
set -euo pipefail
cd "$(dirname "$0")/.."
sluice=$PWD/sluice
bundle=$PWD/testdata/bundles/tiny
good=$PWD/testdata/tiny/good.csv
CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
export CHROMIUM
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp testdata/axe/* "$work"
awkward=$PWD/examples/awkward/results.csv
cd "$work"
npm install --silent --no-audit --no-fund

# expect STATUS COMMAND…: a page of the wrong kind would prove nothing.
expect() {
  local want=$1 got=0
  shift
  "$@" >out.txt 2>&1 || got=$?
  [ "$got" = "$want" ] || { cat out.txt; echo "$*: exit status $got, want $want"; exit 1; }
}
tr , ';' <"$good" >semicolons.csv
printf 'version: 1\ntenants:\n  gone: {api: {base_url: "http://127.0.0.1:1", client_id: a, client_secret: "${cmd:printf x}"}}\n' >gone.yaml
expect 0 "$sluice" run "$bundle" -i results="$good" -p school_year=2026 -t sandbox --run done
expect 3 "$sluice" run nwea-map-growth -i results="$awkward" -p school_year=2026 -t sandbox --run partly
expect 5 "$sluice" transform "$bundle" -i results=semicolons.csv -p school_year=2026 --run drift
expect 5 "$sluice" transform "$bundle" -i results="$good" -p school_year=1999 --run nothing-left
expect 0 "$sluice" transform "$bundle" -i results="$good" -p school_year=2026 --run transformed
expect 0 "$sluice" transform "$bundle" -i results="$good" -p school_year=2026 --run judged
expect 0 "$sluice" validate judged --offline
expect 0 "$sluice" transform "$bundle" -i results="$good" -p school_year=2026 -t gone --config gone.yaml --run unreached
expect 1 "$sluice" validate unreached -t gone --config gone.yaml
expect 0 "$sluice" run "$bundle" -i results="$good" -p school_year=2026 -t sandbox --run again
node check.mjs "$PWD"/{done,partly,drift,nothing-left,transformed,judged,unreached,again}/report.html "$PWD/runs/index.html"
