#!/usr/bin/env bash
# Measures speed and size against the targets of the design and prints each as reached or missed.
# Never a test: figures depend on the machine and on what else it does. Needs bash, GNU time for the
# memory, and go for the benchmarks inside the packages. BENCH_QUICK=1 leaves those out.
set -euo pipefail
cd "$(dirname "$0")/.."
rows=${1:-100000}
records=${BENCH_RECORDS:-1000000} # for validate alone; takes 4 GB of the disk for a while
bench=$PWD/testdata
sluice=$PWD/sluice
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# row WHAT VALUE UNIT COMPARISON TARGET
row() {
  local verdict=missed
  awk -v a="$2" -v b="$5" "BEGIN { exit !(a $4 b) }" && verdict=reached
  printf '%-62s %12s %-10s target %s %-9s %s\n' "$1" "$2" "$3" "$4" "$5" "$verdict"
}
calc() { awk "BEGIN { printf \"%.${2:-0}f\", $1 }"; }
now() { echo "$EPOCHREALTIME"; }
# timed COMMAND…: sets seconds, and memory in MB and cpu in seconds where GNU time is there
gnu_time=
! /usr/bin/time -f %M true 2>/dev/null || gnu_time=yes
timed() {
  local begin end
  begin=$(now)
  if [ -n "$gnu_time" ]; then
    /usr/bin/time -f '%M %U %S' -o "$work/memory" "$@" >"$work/out" 2>&1
    memory=$(tail -1 "$work/memory" | awk '{ printf "%.0f", $1 / 1024 }')
    cpu=$(tail -1 "$work/memory" | awk '{ printf "%.2f", $2 + $3 }')
  else
    "$@" >"$work/out" 2>&1
    memory=
    cpu=
  fi
  end=$(now)
  seconds=$(calc "$end - $begin" 3)
}

best=9999
for _ in $(seq 10); do
  begin=$EPOCHREALTIME
  "$sluice" version >/dev/null
  end=$EPOCHREALTIME
  best=$(calc "$end - $begin < $best ? $end - $begin : $best" 4)
done
row "sluice version, best of 10" "$(calc "$best * 1000" 1)" ms '<=' 20
row "binary" "$(calc "$(wc -c <"$sluice") / 1e6" 1)" MB '<=' 40

cd "$work"
"$sluice" bundle sample nwea-map-growth --rows "$rows" -o rows.csv -q
timed "$sluice" transform nwea-map-growth -i results=rows.csv -p school_year=2026 --tenant sandbox --run r
first=$seconds
timed "$sluice" transform nwea-map-growth -i results=rows.csv -p school_year=2026 --tenant sandbox --run r
staged=$(cat r/staged/*.jsonl | wc -c)
sync
begin=$(now)
cat r/staged/*.jsonl | dd of=copy bs=1M conv=fsync 2>/dev/null
disk=$(calc "$staged / 1e6 / ($(now) - $begin)")
rm copy
floor=$(calc "0.8 * $disk * 1e6 * $rows / $staged")
floor=$(calc "$floor < 50000 ? $floor : 50000")
row "transform $rows MAP Growth rows, whole process, synced" "$(calc "$rows / $seconds")" rows/s '>=' "$floor"
printf '    (%s MB of JSON; this disk wrote %s MB/s synced; first run %s s, second %s s)\n' "$(calc "$staged / 1e6")" "$disk" "$first" "$seconds"
[ -z "$memory" ] || row "    peak memory" "$memory" MB '<=' "$(calc "200 + 40 * $rows / 1e6")"

"$sluice" bundle sample nwea-map-growth --rows 7 -o seven.csv -q
best=9999
for _ in 1 2 3 4 5; do
  begin=$EPOCHREALTIME
  "$sluice" transform nwea-map-growth -i results=seven.csv -p school_year=2026 --run seven >/dev/null 2>&1
  end=$EPOCHREALTIME
  best=$(calc "$end - $begin < $best ? $end - $begin : $best" 3)
done
row "transform 7 rows of 143 columns, whole process, best of 5" "$best" s '<=' 0.1

"$sluice" validate r --tenant sandbox -q
timed "$sluice" validate r --tenant sandbox
row "validate, warm cache, references at the target" "$(calc "$staged / 1e6 / $seconds")" MB/s '>=' 400
printf '    (%s records/s' "$(calc "$(cat r/staged/*.jsonl | wc -l) / $seconds")"
[ -z "$memory" ] || printf ', peak memory %s MB' "$memory"
echo ")"

timed "$sluice" send r --tenant sandbox
printf '%-62s %12s %-10s\n' "send to the built-in sandbox in the same process" "$(calc "$(cat r/staged/*.jsonl | wc -l) / $seconds")" records/s
[ -z "$memory" ] || printf '    (peak memory of both %s MB)\n' "$memory"
timed "$sluice" send r --tenant sandbox
printf '%-62s %12s %-10s\n' "send again, all unchanged" "$(calc "$(cat r/staged/*.jsonl | wc -l) / $seconds")" records/s

# validate alone, a tenth of the records and all of them, against a sandbox in a process of its own: results of 200,000
# students, each with six references of its own or in its lists.
(echo studentUniqueId; seq 700000 799999) >students.csv
printf 'version: 1\ntenants:\n  other:\n    api: {base_url: "http://127.0.0.1:18799", client_id: sandbox, client_secret: "${env:BENCH_SECRET}", environment: test}\n' >sluice.yaml
export BENCH_SECRET=sandbox-secret
"$sluice" sandbox --address 127.0.0.1:18799 --students students.csv --state other >/dev/null 2>&1 &
sandbox=$!
trap 'kill $sandbox; rm -rf "$work"' EXIT
sleep 3
tenth=
for n in $((records / 10)) "$records"; do
  "$bench"/bench-records.sh "$n" folder
  "$sluice" validate folder --tenant other -q
  staged=$(cat folder/*.jsonl | wc -c)
  rm -r folder
  timed "$sluice" validate latest --tenant other
  grep -q "records passed" "$work/out" || { cat "$work/out" >&2; exit 1; }
  rm -r runs
  [ "$n" = "$records" ] || { tenth=$cpu; continue; }
  row "validate $n records, all references at the target" "$(calc "$staged / 1e6 / $seconds")" MB/s '>=' 250
  if [ -n "$memory" ]; then
    row "    peak memory" "$memory" MB '<=' 400
    row "    CPU, against ten times that of a tenth of them" "$(calc "$cpu / (10 * $tenth)" 2)" ratio '<=' 1.1
    printf '    (%s MB of JSON, %s s of CPU: %s MB/s of one)\n' "$(calc "$staged / 1e6")" "$cpu" "$(calc "$staged / 1e6 / $cpu")"
  fi
done
kill "$sandbox"
trap 'rm -rf "$work"' EXIT
rm sluice.yaml

rm -rf r state
timed "$sluice" run nwea-map-growth -i results=rows.csv -p school_year=2026 --tenant sandbox --run whole
row "vendor file to loaded, $rows rows" "$seconds" s '<=' "$(calc "15 * $rows / 100000" 1)"

[ -z "${BENCH_QUICK:-}" ] || exit 0
cd - >/dev/null
# bench NAME FLAGS…: runs a benchmark, in whatever package it is
bench() {
  local file
  file=$(grep -rl --include='*_test.go' "^func Benchmark$1(" pkg) || { echo "there is no Benchmark$1" >&2; exit 1; }
  go test "./$(dirname "$file")" -run '^$' -bench "^Benchmark$1\$" "${@:2}" >"$work/bench" 2>&1 || { cat "$work/bench" >&2; exit 1; }
}
rate() { awk -v name="$1" -v unit="$2" '$1 ~ name { for (i = 2; i <= NF; i++) if ($i == unit && $(i-1) + 0 > best) best = $(i-1) + 0 } END { printf "%.0f", best }' "$work/bench"; }
bench Engine -benchtime 3x
row "transform engine alone, two workers, output discarded" "$(rate workers=2 rows/s)" rows/s '>=' 100000
bench Send -benchtime 3x
row "send / bare client with the same concurrency" "$(calc "$(rate Send/send records/s) / $(rate Send/bare records/s)" 2)" ratio '>=' 0.8
bench Decide -benchtime 3x -timeout 20m
row "ledger: deciding unchanged, 5M known keys" "$(rate known=5000000 records/s)" records/s '>=' 200000
