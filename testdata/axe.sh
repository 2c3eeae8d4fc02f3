#!/usr/bin/env bash
# Makes runs of every kind with ./sluice and checks their pages, and the list of runs, in headless Chromium:
# with axe-core, by the keyboard, at twice the size of text, and on paper. Then it plants faults into a page
# and sees that they are found. Needs chromium and npm.
set -euo pipefail
cd "$(dirname "$0")/.."
project=$PWD
sluice=$PWD/sluice
bundle=$PWD/testdata/bundles/tiny
good=$PWD/testdata/tiny/good.csv
CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
export CHROMIUM
work=$(mktemp -d)
served=
trap '[ -z "$served" ] || kill "$served" 2>/dev/null || true; rm -rf "$work"' EXIT
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
# serve FLAG…: an emulator at $address until `unserve`.
serve() {
  "$sluice" sandbox --address 127.0.0.1:0 --state "$PWD/store" --reset "$@" >served.txt 2>&1 &
  served=$!
  for _ in $(seq 100); do
    address=$(grep -o 'http://127[0-9.:]*' served.txt | head -1 || true)
    [ -n "$address" ] && return
    sleep 0.1
  done
  cat served.txt
  exit 1
}
unserve() { kill "$served"; wait "$served" || true; served=; }
# settings NAME ADDRESS SECRET: a sluice.yaml with one tenant.
settings() {
  printf 'version: 1\ntenants:\n  %s: {api: {base_url: "%s", client_id: sandbox, client_secret: "${cmd:printf %s}", environment: sandbox}}\n' "$1" "$2" "$3" >"$1.yaml"
}

tr , ';' <"$good" >semicolons.csv
head -1 "$good" >many.csv
for i in $(seq 400); do echo "6000$((i % 90 + 10)),Ann,One,Reading,2026,2026-0$((i / 90 + 1))-10,3,201"; done >>many.csv
mkdir one two
cp "$good" one/results.csv
sed 's/2026-03/2026-04/' "$good" >two/results.csv
long='a name of a file & its "folder" that is much longer than anybody would call it, because nobody reads it #1 50% done'
cp "$good" "$long.csv"
tests=(-p school_year=2026)

expect 0 "$sluice" run "$bundle" -i results="$good" "${tests[@]}" -t sandbox --run done
expect 0 "$sluice" run "$bundle" -i results="$good" "${tests[@]}" -t sandbox --run unchanged
expect 3 "$sluice" run nwea-map-growth -i results="$awkward" "${tests[@]}" -t sandbox --run rejects
expect 5 "$sluice" transform "$bundle" -i results=semicolons.csv "${tests[@]}" --run drift
expect 5 "$sluice" transform "$bundle" -i results="$good" -p school_year=1999 --run nothing-left
expect 0 "$sluice" transform "$bundle" -i results="$good" "${tests[@]}" --run transformed
expect 0 "$sluice" transform "$bundle" -i results="$good" "${tests[@]}" --run judged
expect 0 "$sluice" validate judged --offline
expect 0 "$sluice" transform "$bundle" -i results=one/results.csv -i results=two/results.csv "${tests[@]}" --run several
expect 0 "$sluice" transform "$bundle" -i results="$long.csv" "${tests[@]}" --run "$long"

settings gone http://127.0.0.1:1 x
expect 0 "$sluice" transform "$bundle" -i results="$good" "${tests[@]}" -t gone --config gone.yaml --run unreached
expect 1 "$sluice" validate unreached -t gone --config gone.yaml

serve --read-only studentAssessments
settings refusing "$address" sandbox-secret
expect 3 "$sluice" run "$bundle" -i results="$good" "${tests[@]}" -t refusing --config refusing.yaml --run refused
settings wrong "$address" not-the-secret
expect 0 "$sluice" transform "$bundle" -i results="$good" "${tests[@]}" -t wrong --config wrong.yaml --run credential
expect 4 "$sluice" validate credential -t wrong --config wrong.yaml
unserve

serve
settings slow "$address" sandbox-secret
expect 0 "$sluice" transform "$bundle" -i results=many.csv "${tests[@]}" -t slow --config slow.yaml --run interrupted
expect 0 "$sluice" validate interrupted -t slow --config slow.yaml
unserve
"$sluice" sandbox --address "${address#http://}" --state "$PWD/store" --fault slow:0.2 >served.txt 2>&1 &
served=$!
sleep 1
"$sluice" send interrupted -t slow --config slow.yaml >out.txt 2>&1 &
sending=$!
sleep 5
cp -r interrupted killed # as a killed send leaves it
kill -INT "$sending"
wait "$sending" && { cat out.txt; echo "the send was not interrupted"; exit 1; }
unserve

# A run with all that a page can show, 200 kinds of problems and names without end: made up, since no file has them.
(cd "$project" && SLUICE_PAGES=$work go test -count=1 -run TestEverything ./pkg/report >/dev/null)

pages=()
for run in done unchanged rejects refused drift nothing-left credential unreached interrupted killed transformed judged several "$long" everything; do
  pages+=("$PWD/$run/report.html")
done
node check.mjs "${pages[@]}" "$PWD/runs/index.html"

# What the check is for must fail it.
plant() {
  sed "$2" rejects/report.html >rejects/planted.html
  cmp -s rejects/report.html rejects/planted.html && { echo "nothing was planted: $1"; exit 1; }
  node check.mjs "$PWD/rejects/planted.html" >out.txt && { cat out.txt; echo "not found: $1"; exit 1; }
  grep -q "$3" out.txt || { cat out.txt; echo "found as something else: $1"; exit 1; }
}
plant "pale text" 's/--soft:#525d6b/--soft:#b5bdc6/' color-contrast
plant "a wide table on paper" 's/<table class="records">/<table class="records" style="width:1200px">/' 'on paper'
plant "a wide page" 's/<h1>/<h1 style="width:2000px">/' 'wider than the screen'
if command -v pdftotext >/dev/null; then
  plant "an empty page" 's/<h2>Details/<div style="break-before:page"><\/div><h2 style="break-before:page">Details/' 'is empty'
fi
plant "folded on paper" 's/details::details-content/details::none/' 'not on paper'
plant "a link to nothing" 's/href="problems/href="no-problems/' 'no such file'
plant "no focus to be seen" 's/:focus-visible { outline:2px solid/* { outline:0 solid/' 'focus is not seen'
echo "planted faults were found"
