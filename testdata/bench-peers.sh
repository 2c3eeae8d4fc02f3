#!/usr/bin/env bash
# Runs sluice beside its peers, Earthmover 0.4.9 and Lightbeam 0.1.12, on the same made-up MAP Growth rows,
# and prints a table of seconds, peak memory and their ratios, which is also written as a file.
#
#   transform   earthmover run, with the mapping in testdata/bench-peers, beside sluice transform:
#               the same records, compared one by one as JSON
#   validate    lightbeam validate beside sluice validate, each against a sandbox of its own: the records that
#               sluice staged. First as Lightbeam does it unless told otherwise, without references and with
#               nothing cached; then with references, metadata and descriptors cached on both sides
#   send        lightbeam send beside sluice send, each to its sandbox, with the same concurrency
#
# Each is run once, one after the other. Where the two sides did not do the same, the table says UNEQUAL.
# Seconds are those of the whole process, memory is its peak; the sandbox is a process of its own and in neither.
# sluice also writes where each record came from, verdicts, a ledger and reports, and syncs them to the disk.
#
#   make bench-peers                1,000 and 10,000 rows
#   BENCH_FULL=1 make bench-peers   100,000 rows too; Lightbeam's references alone take many minutes
#   BENCH_SIZES="60 500"            other numbers of rows
#   BENCH_OUT=FILE                  where the table goes (dist/bench-peers.md)
#   BENCH_CACHE=FOLDER              where the peers are installed, once (~/.cache/sluice-bench-peers)
#   testdata/bench-peers.sh changeover   compares nothing: writes the files of testdata/changeover again
#   PYTHON=python3.12               the Python to install them with: 3.11 to 3.13
#
# Needs bash 5, Python with venv, a package index for the first run, and GNU time for the memory. Never a test:
# figures depend on the machine and on what else it does.
set -euo pipefail
cd "$(dirname "$0")/.."
project=$PWD
sluice=$project/sluice
here=$project/testdata/bench-peers
tables=$project/bundles/nwea-map-growth/tables
python=${PYTHON:-python3}
cache=${BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sluice-bench-peers}
out=$(realpath -m "${BENCH_OUT:-dist/bench-peers.md}")
sizes=${BENCH_SIZES:-1000 10000${BENCH_FULL:+ 100000}}
concurrency=8
unset NAMESPACE SCORES GOAL_SCORES LEVELS DECLARED_LEVELS DECLARED_GOAL_LEVELS PERIODS # Earthmover prefers the environment to its
unset SCHOOL_YEAR ROWS TABLES OUT IDENTIFIER                                            # parameters, whatever its help says
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 BENCH_SECRET=sandbox-secret
[ -x "$sluice" ] || { echo "there is no sluice here; run make build" >&2; exit 1; }

# Every command in the background is a process group of its own, so that its children end with it.
set -m
work=$(mktemp -d)
stop() {
  for pid in $(jobs -p); do kill -- "-$pid" || true; done 2>/dev/null
  wait 2>/dev/null || true
}
cleanup() {
  exec 2>/dev/null # bash names each job that it ends
  stop
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# install: the peers, in a virtual environment for this Python and these versions; done is written last.
install() {
  local why
  command -v "$python" >/dev/null || { echo "bench-peers needs Python 3.11 to 3.13, and there is no $python. Set PYTHON." >&2; exit 1; }
  "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
    { echo "bench-peers needs Python 3.11 to 3.13, and $python is $("$python" --version 2>&1). Set PYTHON." >&2; exit 1; }
  venv=$cache/$({ "$python" --version; cat "$here/requirements.txt"; } | cksum | cut -d' ' -f1)
  [ ! -e "$venv/done" ] || return 0
  echo "installing Earthmover and Lightbeam into $venv"
  mkdir -p "$cache"
  run_in_background "$work/install.log" bash -c '"$1" -m venv --clear "$2" && "$2/bin/pip" install --disable-pip-version-check --no-deps -r "$3"' \
    - "$python" "$venv" "$here/requirements.txt" || {
    why=$(grep -E '^ERROR|rror:' "$work/install.log" | tail -1)
    rm -rf "$venv"
    echo "the peers could not be installed, so nothing was compared: ${why:-$(tail -1 "$work/install.log")}" >&2
    echo "They come from a Python package index; pip must reach one." >&2
    exit 1
  }
  touch "$venv/done"
}

# run_in_background LOG COMMAND…: waits for it, so that a signal ends both.
run_in_background() {
  "${@:2}" >"$1" 2>&1 &
  wait $!
}

calc() { awk "BEGIN { printf \"%.${2:-0}f\", $1 }"; }
gnu_time=
! /usr/bin/time -f %M true 2>/dev/null || gnu_time=yes
# measure COMMAND…: sets seconds, and memory in MB where GNU time is there. A command that fails ends the script.
measure() {
  local begin=$EPOCHREALTIME status=0
  if [ -n "$gnu_time" ]; then
    run_in_background "$work/log" /usr/bin/time -f %M -o "$work/memory" "$@" || status=$?
  else
    run_in_background "$work/log" "$@" || status=$?
  fi
  seconds=$(calc "$EPOCHREALTIME - $begin" 2)
  [ "$status" = 0 ] || { tail -20 "$work/log" >&2; echo "$(basename "$1") ${*:2:1} ended with exit status $status" >&2; exit 1; }
  memory=
  [ -z "$gnu_time" ] || memory=$(calc "$(tail -1 "$work/memory") / 1024")
}

# sandbox FOLDER: serves an empty one there, and sets url.
sandbox() {
  "$sluice" sandbox --address 127.0.0.1:0 --state "$1" --standard 5.1 --reset >"$1.log" 2>&1 &
  for _ in $(seq 100); do
    url=$(sed -n 's/^ *base URL *//p' "$1.log")
    [ -z "$url" ] || return 0
    sleep 0.1
  done
  cat "$1.log" >&2
  echo "the sandbox did not start" >&2
  exit 1
}

line() { printf '%s\n' "$*" | tee -a "$work/table.md"; }
over() { if [ -n "$1" ] && [ -n "$2" ]; then calc "$1 / ($2 > 0 ? $2 : 0.01)" 1; else printf -; fi; }
# row WHAT WORK: the peer's figures are in peer_seconds and peer_memory.
row() {
  line "$(printf '| %6s | %-44s | %8s | %6s | %8s | %6s | %6s | %6s | %s |' "$rows" "$1" "$peer_seconds" "${peer_memory:--}" \
    "$seconds" "${memory:--}" "$(over "$peer_seconds" "$seconds")" "$(over "$peer_memory" "$memory")" "$2")"
}
peer() { measure "$@"; peer_seconds=$seconds peer_memory=$memory; }

# params ROWS OUT NAME=VALUE…: what Earthmover is given.
params() { "$python" "$here/records.py" params "$tables" SCHOOL_YEAR=2026 TABLES="$tables" ROWS="$1" OUT="$2" "${@:3}"; }

# changeover writes what Earthmover makes of 60 rows. Results are named as its public bundles name them: by the
# vendor's record id, or where that is blank by a digest. Few scores are enough, and keep the files small.
changeover() {
  local to=$project/testdata/changeover
  "$sluice" bundle sample nwea-map-growth --rows 60 --seed 60 -p school_year=2026 -o "$to/results.csv" -q
  measure "$venv/bin/earthmover" run -c "$here/earthmover.yaml" -p "$(params "$to/results.csv" "$work/changeover" \
    SCORES_OF=TestRITScore,TestStandardError,TestPercentile,AchievementQuintile,'Goal{n}RitScore' \
    "IDENTIFIER={{TestID if TestID else md5(Student_StateID ~ '_' ~ TestName ~ '_' ~ TermName ~ '_' ~ TestStartDate ~ '_' ~ TestStartTime)}}")"
  mv "$work"/changeover/*.jsonl "$to"
}

# one NUMBER: the rows of the table for so many rows.
one() {
  local rows=$1 dir=$work/$1 peers sluices resources staged judged before after
  mkdir -p "$dir/lightbeam"
  cd "$dir"
  "$sluice" bundle sample nwea-map-growth --rows "$rows" -p school_year=2026 -o rows.csv -q

  peer "$venv/bin/earthmover" run -c "$here/earthmover.yaml" \
    -p "$(params "$dir/rows.csv" "$dir/earthmover" "IDENTIFIER={{TestStartDate}}|{{TestStartTime}}|{{TestName}}")"
  sandbox "$dir/store-lightbeam"; peers=$url
  sandbox "$dir/store-sluice"; sluices=$url
  cat >sluice.yaml <<END
version: 1
tenants:
  bench:
    api: {base_url: "$sluices", client_id: sandbox, client_secret: "\${env:BENCH_SECRET}"}
    data_standard: "5.1"
    limits: {concurrency: $concurrency}
END
  measure "$sluice" transform nwea-map-growth -i results=rows.csv -p school_year=2026 --tenant bench --run r
  row "transform: earthmover run" "$("$python" "$here/records.py" compare earthmover r/staged)"

  mkdir data
  cp r/staged/*.jsonl data
  staged=$(cat data/*.jsonl | wc -l)
  cat >lightbeam.yaml <<END
data_dir: $dir/data/
state_dir: $dir/lightbeam/
edfi_api: {base_url: "$peers", version: 3, mode: shared_instance, client_id: sandbox, client_secret: "\${BENCH_SECRET}"}
connection: {pool_size: $concurrency, timeout: 60, num_retries: 10, backoff_factor: 1.5, retry_statuses: [429, 500, 501, 503, 504], verify_ssl: False}
END
  lightbeam() { peer "$venv/bin/lightbeam" "$1" -c lightbeam.yaml --results-file results.json "${@:2}"; }
  lightbeam validate
  measure "$sluice" validate r --tenant bench
  judged=$("$python" "$here/records.py" judged results.json r "$staged")
  row "validate, nothing cached: lightbeam validate" "UNEQUAL: Lightbeam checked no references; $judged"
  lightbeam validate --set validate.methods all
  measure "$sluice" validate r --tenant bench
  row "validate, cached: lightbeam, with references" "$("$python" "$here/records.py" judged results.json r "$staged")"

  resources=$(cd data && ls | sed 's/\.jsonl$//')
  count() { "$python" "$here/records.py" count "$peers" "$sluices" sandbox "$BENCH_SECRET" $resources; }
  before=$(count)
  lightbeam send
  measure "$sluice" send r --tenant bench
  after=$(count)
  row "send: lightbeam send" "$("$python" "$here/records.py" arrived "$staged" $before $after)"
  stop
  cd "$project"
  rm -rf "$dir"
}

install
[ "${1:-}" != changeover ] || { changeover; exit; }
line "# sluice beside its peers"
line
machine="$(uname -sm), $(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN) cores, load before $(uptime | sed 's/.*average[s]*: *//')"
line "$("$sluice" version | head -1), $(grep -E '^(earthmover|lightbeam)==' "$here/requirements.txt" | tr '\n' ' ')on $("$python" --version); $machine; $(date -u '+%Y-%m-%d %H:%M') UTC"
line
line "|   rows | step: the peer's command                     |   peer s |     MB | sluice s |     MB |    s × |   MB × | work |"
line "|-------:|----------------------------------------------|---------:|-------:|---------:|-------:|-------:|-------:|------|"
for size in $sizes; do one "$size"; done
line
line "s × and MB ×: the peer's figure divided by sluice's. Each was run once."
mkdir -p "$(dirname "$out")"
mv "$work/table.md" "$out"
echo "written to $out"
